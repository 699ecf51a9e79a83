//! The shelf: a few recent views that walks over pages are on.
//!
//! A page that has a successor puts its view here, and the successor is answered from it, so that
//! a walk sees one version however often the view is swapped meanwhile. The shelf is bounded by
//! count and by the time since a view was last used. Most first pages have no second one, so that a
//! full shelf lets go of views that no walk has gone on from before it breaks a walk.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{Timestamp, figures::view::View};
use tokio::sync::watch;

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
    /// Whether a second page was answered from it.
    walked: bool,
}

impl Shelf {
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, kept: watch::Sender::default() }
    }

    /// Keeps the view of a page that another one may follow.
    pub(super) fn keep(&self, view: &Arc<View>, now: Timestamp) {
        let Rules { count_max, span } = self.rules;
        self.kept.send_modify(|kept| {
            kept.retain(|one| now.since(one.used) <= span);
            let known = kept.iter().position(|one| one.view.version() == view.version());
            let walked = known.is_some_and(|at| kept.remove(at).walked);
            if kept.len() >= count_max {
                let unwalked = kept.iter().position(|one| !one.walked);
                kept.remove(unwalked.unwrap_or(0));
            }
            kept.push(Kept { view: Arc::clone(view), used: now, walked });
        });
    }

    /// The view of a version for a page that goes on from it, if it is kept.
    pub(super) fn resume(&self, version: u64) -> Option<Arc<View>> {
        let mut found = None;
        self.kept.send_modify(|kept| {
            if let Some(one) = kept.iter_mut().find(|one| one.view.version_number() == version) {
                one.walked = true;
                found = Some(Arc::clone(&one.view));
            }
        });
        found
    }
}

#[cfg(test)]
mod tests;
