//! Place of one month's rollup, which is made when it is first asked for.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use super::period::PeriodRollup;

/// A month that has cells, and the months behind it that have none.
///
/// Snapshots of a province share it until something in it changes. It holds no figures until
/// somebody asks.
#[derive(Debug, Default)]
pub(super) struct Month {
    reported_count: u32,
    /// True if somebody has asked since the last sweep.
    is_asked: AtomicBool,
    rollup: OnceLock<Arc<PeriodRollup>>,
    /// The months behind it up to the next one that has cells.
    carried: OnceLock<Arc<PeriodRollup>>,
}

impl Month {
    pub(super) fn new(reported_count: u32) -> Self {
        Self { reported_count, ..Self::default() }
    }

    /// The month after a change, without figures. Whoever asked still counts.
    pub(super) fn changed(&self, reported_count: u32) -> Self {
        let is_asked = AtomicBool::new(self.is_asked.load(Relaxed));
        Self { is_asked, ..Self::new(reported_count) }
    }

    /// The month without figures, if it has any and nobody has asked for them since the last sweep.
    /// This begins the next one.
    pub(super) fn swept(&self) -> Option<Self> {
        let is_idle = !self.is_asked.swap(false, Relaxed);
        (is_idle && self.is_held()).then(|| Self::new(self.reported_count))
    }

    /// Communes in force that reported any value for exactly this month.
    pub(super) const fn reported_count(&self) -> u32 {
        self.reported_count
    }

    pub(super) fn is_held(&self) -> bool {
        self.rollup.get().is_some() || self.carried.get().is_some()
    }

    /// The rollup, if it is held.
    pub(super) fn rollup(&self) -> Option<&Arc<PeriodRollup>> {
        self.rollup.get()
    }

    /// The rollup of the months behind, if it is held.
    pub(super) fn carried(&self) -> Option<&Arc<PeriodRollup>> {
        self.carried.get()
    }

    /// Makes the rollup before anybody asks for it again.
    pub(super) fn renew(&self, make: impl FnOnce() -> PeriodRollup) {
        self.rollup.get_or_init(|| Arc::new(make()));
    }

    pub(super) fn ask(&self, make: impl FnOnce() -> PeriodRollup) -> Arc<PeriodRollup> {
        self.is_asked.store(true, Relaxed);
        Arc::clone(self.rollup.get_or_init(|| Arc::new(make())))
    }

    pub(super) fn ask_carried(&self, make: impl FnOnce() -> PeriodRollup) -> Arc<PeriodRollup> {
        self.is_asked.store(true, Relaxed);
        Arc::clone(self.carried.get_or_init(|| Arc::new(make())))
    }
}

/// Two are equal when what is told without asking is: the figures follow from the fold.
impl PartialEq for Month {
    fn eq(&self, other: &Self) -> bool {
        self.reported_count == other.reported_count
    }
}

impl Eq for Month {}

#[cfg(test)]
mod tests;
