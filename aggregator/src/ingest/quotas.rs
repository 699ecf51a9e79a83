//! Quotas of all reporters, as far as their collectors have used them since the aggregator started.
//!
//! The sessions of a reporter follow each other, and its quota is one. So it stands behind a plain
//! lock, which is held for some additions and never across a wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use phuxanh_core::{
    LocalityCode,
    delivery::quota::{Quota, Rules, UsedUp},
};
use tokio::time::Instant;

/// Shared by all streams.
#[derive(Debug, Clone)]
pub struct Quotas {
    rules: Rules,
    origin: Instant,
    spent: Arc<Mutex<BTreeMap<LocalityCode, Quota>>>,
}

impl Quotas {
    /// Quotas of which nothing is used.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, origin: Instant::now(), spent: Arc::default() }
    }

    /// Counts a record of a reporter, with the bytes of its payload.
    pub(super) fn spend(&self, reporter: LocalityCode, payload_bytes: u64) {
        let now = self.origin.elapsed();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.entry(reporter).or_default().spend(&self.rules, payload_bytes, now);
    }

    /// Tells the quota for which the reporter may add nothing now, if there is one.
    pub(super) fn used_up(&self, reporter: LocalityCode) -> Option<UsedUp> {
        let now = self.origin.elapsed();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.get_mut(&reporter)?.used_up(&self.rules, now)
    }
}
