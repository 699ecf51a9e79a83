//! The publisher: folds what has been admitted and swaps the view.
//!
//! Owns every reporter's fold. Readers hold the view and never wait for it; a province that
//! changed is rolled up again at most once an interval, however much comes in.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use phuxanh_proto::{catalogue::Catalogue, gazetteer::Gazetteer, model::LocalityCode};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use crate::{
    checkpoint,
    fold::{Changes, Fold, Record},
    rollup::ProvinceRollup,
    store::{self, Committed, Embedded},
    view::View,
};

/// How often the publisher does its rounds.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Least time between two swaps of the view.
    pub interval: Duration,
    /// Records of a reporter between two checkpoints.
    pub checkpoint_every: u64,
}

/// Every reporter's fold, with what changed since the view was swapped.
#[derive(Debug, Default)]
pub struct Folds {
    reporters: BTreeMap<LocalityCode, Reporter>,
}

#[derive(Debug, Default)]
struct Reporter {
    fold: Fold,
    changes: Changes,
    /// Whether anything was folded since the last swap, changes or not.
    moved: bool,
    /// Records in the last checkpoint.
    kept: u64,
}

impl Folds {
    /// Folds what a store holds, from the checkpoints on.
    pub fn restore(store: &Embedded) -> Result<Self, store::Error> {
        let mut folds = Self::default();
        for (code, _) in store.cursors()? {
            let mut fold = match store.checkpoint(code)? {
                None => Fold::default(),
                Some(kept) => checkpoint::decode(&kept).map_err(|error| store::Error::Corrupt {
                    what: "checkpoint",
                    detail: error.to_string(),
                })?,
            };
            let kept = fold.position().record_count;
            for record in store.records_after(code, kept)? {
                fold.apply(&Record::read(&record?));
            }
            let reporter = Reporter { fold, kept, moved: true, ..Reporter::default() };
            folds.reporters.insert(code, reporter);
        }
        Ok(folds)
    }

    /// The view of all that is folded.
    #[must_use]
    pub fn view(&mut self, catalogue: Arc<Catalogue>, gazetteer: Arc<Gazetteer>) -> View {
        let view = View::empty(catalogue, gazetteer);
        self.refresh(&view).unwrap_or(view)
    }

    fn apply(&mut self, committed: &Committed) {
        let reporter = self.reporters.entry(committed.reporter).or_default();
        reporter.changes.extend(reporter.fold.apply(&committed.record));
        reporter.moved = true;
    }

    /// The view with every reporter that moved rolled up again; none where none did.
    fn refresh(&mut self, view: &View) -> Option<View> {
        let changed: Vec<_> = self
            .reporters
            .iter_mut()
            .filter(|(_, reporter)| reporter.moved)
            .map(|(&code, reporter)| {
                reporter.moved = false;
                let changes = std::mem::take(&mut reporter.changes);
                // A restored fold has no list of changes; without a previous snapshot none is needed.
                let previous = view
                    .reporter(code)
                    .filter(|previous| previous.position().record_count > 0)
                    .map(AsRef::as_ref);
                Arc::new(ProvinceRollup::build(
                    code,
                    &reporter.fold,
                    view.catalogue(),
                    view.gazetteer(),
                    previous,
                    &changes,
                ))
            })
            .collect();
        (!changed.is_empty()).then(|| view.with(changed))
    }

    /// Hands over the checkpoints that are due; one that is not taken is due again later.
    fn keep(&mut self, every: u64, store: &store::Keeper) {
        for (&code, reporter) in &mut self.reporters {
            let count = reporter.fold.position().record_count;
            if count - reporter.kept >= every
                && store.keep(code, checkpoint::encode(&reporter.fold))
            {
                reporter.kept = count;
            }
        }
    }
}

/// Folds what comes in until the store's writer ends, and keeps the view up to date.
pub async fn run(
    config: Config,
    mut folds: Folds,
    mut committed: mpsc::Receiver<Committed>,
    view: watch::Sender<Arc<View>>,
    store: store::Keeper,
) {
    let mut swap = Option::<Instant>::None;
    loop {
        let due = async {
            match swap {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = committed.recv() => match next {
                Some(next) => {
                    folds.apply(&next);
                    swap.get_or_insert_with(|| Instant::now() + config.interval);
                }
                None => break,
            },
            () = due => {
                swap = None;
                let present = Arc::clone(&view.borrow());
                if let Some(next) = folds.refresh(&present) {
                    view.send_replace(Arc::new(next));
                }
                folds.keep(config.checkpoint_every, &store);
            }
        }
    }
}
