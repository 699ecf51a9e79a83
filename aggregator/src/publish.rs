//! The publisher: folds what has been admitted and swaps the view.
//!
//! Owns every reporter's fold. Readers hold the view and never wait for it; a province that
//! changed is rolled up again at most once an interval, however much comes in.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode,
    delivery::{
        board,
        damage::Damaged,
        log::{Checkpoint, CheckpointHead, Committed, Event, Mark},
        retention::{self, Retention},
    },
    figures::{
        fold::{Changes, Fold, Record},
        rollup::ProvinceRollup,
        view::View,
    },
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tracing::error;

use crate::{checkpoint, store::redis::cache};

/// Intervals of the publisher.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Least time between two swaps of the view.
    pub interval: Duration,
    pub retention: Retention,
}

/// Where the publisher puts what it makes.
#[derive(Debug)]
pub struct Outlets {
    pub view: watch::Sender<Arc<View>>,
    /// Checkpoints that are due; one that is not taken is due again with the next record.
    pub kept: mpsc::Sender<(LocalityCode, Checkpoint)>,
    /// Asks for a reporter's fold as it is.
    pub folds: mpsc::Receiver<cache::Question>,
    /// Told of damaged records.
    pub mesh: mpsc::Sender<board::Event>,
    /// Told once, when all is folded that the store held at the start.
    pub ready: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct Reporter {
    fold: Fold,
    mark: Mark,
    /// Changes since the last swap; `None` where all may have changed.
    changes: Option<Changes>,
    /// True if anything was folded since the last swap, changes or not.
    moved: bool,
    /// The last checkpoint.
    kept: Option<CheckpointHead>,
    /// Records that were passed over since the fold was restored.
    damaged: Vec<Damaged>,
}

impl Reporter {
    fn new(checkpoint: Option<Checkpoint>) -> Result<Self, checkpoint::Error> {
        let Some(Checkpoint { mark, receipt, bytes }) = checkpoint else {
            return Ok(Self { moved: true, ..Self::default() });
        };
        let kept = Some(CheckpointHead { record_count: mark.record_count, receipt });
        let fold = checkpoint::decode(&bytes)?;
        Ok(Self { fold, mark, moved: true, kept, ..Self::default() })
    }

    fn apply(&mut self, mark: Mark, record: &Record) {
        let changes = self.fold.apply(record);
        if let Some(known) = &mut self.changes {
            known.extend(changes);
        }
        self.mark = mark;
        self.moved = true;
    }

    /// Passes over records that cannot be read, and names all that were.
    fn pass_over(&mut self, damaged: Damaged, mark: Mark) -> String {
        let count = mark.record_count.saturating_sub(self.mark.record_count);
        if count > 0 {
            self.fold.pass_over(count);
            self.mark = mark;
            self.moved = true;
        }
        if self.damaged.len() < DAMAGED_MAX && !self.damaged.contains(&damaged) {
            self.damaged.push(damaged);
        }
        self.damaged.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// The fold as a checkpoint; none of nothing.
    fn snapshot(&self) -> Option<Checkpoint> {
        let receipt = self.fold.position().receipt?;
        Some(Checkpoint { mark: self.mark.clone(), receipt, bytes: checkpoint::encode(&self.fold) })
    }

    /// The fold as a checkpoint, where one is due before the next record.
    fn due(&self, retention: &Retention, next: &Record) -> Option<Checkpoint> {
        let receipt = self.fold.position().receipt?;
        let folded = CheckpointHead { record_count: self.mark.record_count, receipt };
        let is_due = retention::is_due(retention, self.kept, folded, next.receipt);
        is_due.then(|| self.snapshot()).flatten()
    }
}

/// Damaged stretches of a reporter that are named.
const DAMAGED_MAX: usize = 8;

struct Publisher {
    config: Config,
    reporters: BTreeMap<LocalityCode, Reporter>,
    kept: mpsc::Sender<(LocalityCode, Checkpoint)>,
}

impl Publisher {
    fn restore(&mut self, reporter: LocalityCode, checkpoint: Option<Checkpoint>) -> bool {
        match Reporter::new(checkpoint) {
            Ok(restored) => {
                self.reporters.insert(reporter, restored);
                true
            }
            Err(error) => {
                error!(%reporter, %error, "a checkpoint cannot be read: the view is not complete");
                false
            }
        }
    }

    fn apply(&mut self, committed: Committed) {
        let Committed { reporter: code, mark, record } = committed;
        let reporter = self.reporters.entry(code).or_default();
        if let Some(checkpoint) = reporter.due(&self.config.retention, &record) {
            let (record_count, receipt) = (checkpoint.mark.record_count, checkpoint.receipt);
            if self.kept.try_send((code, checkpoint)).is_ok() {
                reporter.kept = Some(CheckpointHead { record_count, receipt });
            }
        }
        reporter.apply(mark, &record);
    }

    /// The view with every reporter that moved rolled up again; none where none did.
    fn refresh(&mut self, view: &View) -> Option<View> {
        let changed: Vec<_> = self
            .reporters
            .iter_mut()
            .filter(|(_, reporter)| reporter.moved)
            .map(|(&code, reporter)| {
                reporter.moved = false;
                let changes = reporter.changes.replace(Changes::new());
                let previous = view.reporter(code).filter(|_| changes.is_some());
                Arc::new(ProvinceRollup::build(
                    code,
                    &reporter.fold,
                    view.catalogue(),
                    view.gazetteer(),
                    previous.map(AsRef::as_ref),
                    &changes.unwrap_or_default(),
                ))
            })
            .collect();
        (!changed.is_empty()).then(|| view.with(changed))
    }
}

/// Folds what the store tells until it ends, and keeps the view up to date once it is complete.
pub async fn run(config: Config, mut events: mpsc::Receiver<Event>, outlets: Outlets) {
    let Outlets { view, kept, mut folds, mesh, ready } = outlets;
    let mut publisher = Publisher { config, reporters: BTreeMap::new(), kept };
    let mut ready = Some(ready);
    let mut swap = Option::<Instant>::None;
    // A change that comes after a pause is shown at once.
    let mut earliest = Instant::now();
    loop {
        let due = async {
            match swap {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = events.recv() => {
                match next {
                    None => break,
                    Some(Event::Restored { reporter, checkpoint }) => {
                        if !publisher.restore(reporter, checkpoint) {
                            break;
                        }
                    }
                    Some(Event::Committed(committed)) => publisher.apply(*committed),
                    Some(Event::Damaged { damaged, mark, found: at }) => {
                        error!(%damaged, "damaged records: their values are not shown");
                        let reporter = damaged.reporter;
                        let passing = publisher.reporters.entry(reporter).or_default();
                        let detail = passing.pass_over(damaged, mark);
                        let event = board::Event::Damaged { reporter, detail, at };
                        if mesh.send(event).await.is_err() {
                            break;
                        }
                    }
                    Some(Event::CaughtUp) => {
                        publish(&mut publisher, &view);
                        if ready.take().is_some_and(|ready| ready.send(()).is_err()) {
                            // Nobody waits for the view: the daemon is ending.
                            break;
                        }
                    }
                }
                if ready.is_none() {
                    swap.get_or_insert(earliest);
                }
            }
            Some((reporter, reply)) = folds.recv() => {
                let snapshot = publisher.reporters.get(&reporter).and_then(Reporter::snapshot);
                // Where nobody waits for it any more, it is not needed.
                drop(reply.send(snapshot));
            }
            () = due => {
                swap = None;
                publish(&mut publisher, &view);
                earliest = Instant::now() + config.interval;
            }
        }
    }
}

fn publish(publisher: &mut Publisher, view: &watch::Sender<Arc<View>>) {
    let present = Arc::clone(&view.borrow());
    if let Some(next) = publisher.refresh(&present) {
        view.send_replace(Arc::new(next));
    }
}
