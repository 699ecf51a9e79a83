//! The shelf: a few recent views that walks over pages are on.
//!
//! A page that has a successor puts its view here, and the successor is answered from it, so that
//! a walk sees one version however often the view is swapped meanwhile. The shelf is bounded by
//! count and by the time since a view was last used; whatever is on it was somebody's page.

use std::{sync::Arc, time::Duration};

use phuxanh_proto::model::Timestamp;
use tokio::sync::watch;

use crate::view::View;

/// How many views are kept, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub count_max: usize,
    /// Time since the last page.
    pub span: Duration,
}

/// The views, the one used last behind the others.
#[derive(Debug)]
pub struct Shelf {
    rules: Rules,
    kept: watch::Sender<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    view: Arc<View>,
    used: Timestamp,
}

impl Shelf {
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, kept: watch::Sender::default() }
    }

    /// Keeps a view that was used now, and lets go of those that were not used for long.
    pub(super) fn keep(&self, view: &Arc<View>, now: Timestamp) {
        let Rules { count_max, span } = self.rules;
        self.kept.send_modify(|kept| {
            let fresh = |one: &Kept| now.since(one.used) <= span;
            kept.retain(|one| fresh(one) && one.view.version() != view.version());
            kept.push(Kept { view: Arc::clone(view), used: now });
            let excess = kept.len().saturating_sub(count_max);
            kept.drain(..excess);
        });
    }

    /// The view of a version, if it is kept.
    pub(super) fn find(&self, version: u64) -> Option<Arc<View>> {
        let kept = self.kept.borrow();
        let found = kept.iter().find(|one| one.view.version_number() == version)?;
        Some(Arc::clone(&found.view))
    }
}

#[cfg(test)]
mod tests;
