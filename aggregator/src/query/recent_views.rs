//! Recent views, kept for walks over pages.
//!
//! A page that another one may follow keeps its view here, and the next page is answered from it.
//! So a walk sees one version however often the view changes meanwhile. The views are bounded by
//! count and by the time since their last page. Most first pages have no second one: where there are
//! too many views, one that no walk has resumed goes first.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use phuxanh_core::{Timestamp, figures::view::View};

/// Number of views that are kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub count_max: usize,
    /// Time since the last page.
    pub span: Duration,
}

/// The views.
///
/// They stand behind a lock and not in a task of their own: each use is a search among a few
/// pointers, which never waits, and a page must hear at once whether its view is kept.
#[derive(Debug)]
pub struct RecentViews {
    rules: Rules,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    view: Arc<View>,
    used: Timestamp,
    /// A second page was answered from it.
    resumed: bool,
}

impl RecentViews {
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, kept: Mutex::default() }
    }

    /// Keeps the view of a page that another one may follow, behind all that were used before it.
    pub(super) fn keep(&self, view: &Arc<View>, now: Timestamp) {
        let Rules { count_max, span } = self.rules;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| now.since(one.used) <= span);
        let known = kept.iter().position(|one| one.view.version() == view.version());
        let resumed = known.is_some_and(|at| kept.remove(at).resumed);
        if kept.len() >= count_max {
            let first_page_only = kept.iter().position(|one| !one.resumed);
            kept.remove(first_page_only.unwrap_or(0));
        }
        kept.push(Kept { view: Arc::clone(view), used: now, resumed });
    }

    /// Returns the view of a version for the next page of a walk, if it is kept.
    pub(super) fn resume(&self, version: u64) -> Option<Arc<View>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter_mut().find(|one| one.view.version_number() == version)?;
        found.resumed = true;
        Some(Arc::clone(&found.view))
    }
}

#[cfg(test)]
mod tests;
