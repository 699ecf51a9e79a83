//! The publisher: folds admitted records and swaps the view.
//!
//! It owns every reporter's fold. Readers hold the view and never wait for the publisher. A
//! province that changed is rolled up again at most once per interval, whatever the load. Months are
//! rolled up when they are first asked for; a sweep drops those that nobody asks for any more.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode, Timestamp,
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
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
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

/// Channels of the publisher.
#[derive(Debug)]
pub struct Outlets {
    pub view: watch::Sender<Arc<View>>,
    /// Checkpoints that are due. If the channel is full, the checkpoint is due again with the next
    /// record.
    pub kept: mpsc::Sender<(LocalityCode, Checkpoint)>,
    /// Requests for a reporter's current fold.
    pub folds: mpsc::Receiver<cache::Question>,
    /// Hears of damaged records.
    pub mesh: mpsc::Sender<board::Event>,
    /// Told once, when everything that the store held at the start is folded.
    pub ready: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct Reporter {
    fold: Fold,
    mark: Mark,
    /// Changes since the last swap; `None` if anything may have changed.
    changes: Option<Changes>,
    /// True if a record was folded since the last swap, even one that changed nothing.
    moved: bool,
    /// The last checkpoint.
    kept: Option<CheckpointHead>,
    /// Damage of the log that was found, in words.
    damage: Vec<String>,
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

    /// Skips unreadable records.
    fn pass_over(&mut self, mark: Mark) {
        let count = mark.record_count.saturating_sub(self.mark.record_count);
        if count > 0 {
            self.fold.pass_over(count);
            self.mark = mark;
            self.moved = true;
        }
    }

    /// Adds a damage to the list; returns the list.
    fn list(&mut self, damage: String) -> String {
        if self.damage.len() < DAMAGE_MAX && !self.damage.contains(&damage) {
            self.damage.push(damage);
        }
        self.damage.join("; ")
    }

    /// Current fold as a checkpoint; `None` if no record was folded.
    fn snapshot(&self) -> Option<Checkpoint> {
        let receipt = self.fold.position().receipt?;
        Some(Checkpoint { mark: self.mark.clone(), receipt, bytes: checkpoint::encode(&self.fold) })
    }

    /// Current fold as a checkpoint, if one is due before the next record.
    fn due(&self, retention: &Retention, next: &Record) -> Option<Checkpoint> {
        let receipt = self.fold.position().receipt?;
        let folded = CheckpointHead { record_count: self.mark.record_count, receipt };
        let is_due = retention::is_due(retention, self.kept, folded, next.receipt);
        is_due.then(|| self.snapshot()).flatten()
    }
}

/// Interval of the sweeps: a month's figures are kept for once to twice as long after the last
/// question.
const SWEEP_INTERVAL: Duration = Duration::from_mins(5);
/// Most damages of a reporter that are listed.
const DAMAGE_MAX: usize = 8;

struct Publisher {
    config: Config,
    reporters: BTreeMap<LocalityCode, Reporter>,
    kept: mpsc::Sender<(LocalityCode, Checkpoint)>,
}

impl Publisher {
    fn restore(&mut self, reporter: LocalityCode, checkpoint: Option<Checkpoint>) -> bool {
        match Reporter::new(checkpoint) {
            Ok(restored) => {
                let before = self.reporters.insert(reporter, restored);
                if let (Some(before), Some(now)) = (before, self.reporters.get_mut(&reporter)) {
                    now.damage = before.damage;
                }
                true
            }
            Err(error) => {
                error!(%reporter, %error, "cannot read a checkpoint: the publisher stops");
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

    fn pass_over(&mut self, damaged: &Damaged, mark: Mark, at: Timestamp) -> board::Event {
        self.reporters.entry(damaged.reporter).or_default().pass_over(mark);
        self.list(damaged.reporter, damaged.to_string(), at)
    }

    fn list(&mut self, reporter: LocalityCode, damage: String, at: Timestamp) -> board::Event {
        let detail = self.reporters.entry(reporter).or_default().list(damage);
        board::Event::Damaged { reporter, detail, at }
    }

    /// View in which every reporter with new records is rolled up again; `None` if there is none.
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

/// Folds the store's events until they end; keeps the view up to date once it is complete.
pub async fn run(config: Config, mut events: mpsc::Receiver<Event>, outlets: Outlets) {
    let Outlets { view, kept, mut folds, mesh, ready } = outlets;
    let mut publisher = Publisher { config, reporters: BTreeMap::new(), kept };
    let mut ready = Some(ready);
    let mut swap = Option::<Instant>::None;
    // The first change after a pause is shown at once.
    let mut earliest = Instant::now();
    let mut sweeps = interval_at(earliest + SWEEP_INTERVAL, SWEEP_INTERVAL);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                    Some(Event::Damaged { damaged, mark, found }) => {
                        error!(%damaged, "damaged records: their values are not shown");
                        let event = publisher.pass_over(&damaged, mark, found);
                        if mesh.send(event).await.is_err() {
                            break;
                        }
                    }
                    Some(Event::SetAside { reporter, detail, found }) => {
                        error!(%reporter, detail, "damaged value of a log set aside");
                        if mesh.send(publisher.list(reporter, detail, found)).await.is_err() {
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
                // The receiver may have stopped waiting.
                drop(reply.send(snapshot));
            }
            () = due => {
                swap = None;
                publish(&mut publisher, &view);
                earliest = Instant::now() + config.interval;
            }
            _ = sweeps.tick() => sweep(&view),
        }
    }
}

fn publish(publisher: &mut Publisher, view: &watch::Sender<Arc<View>>) {
    let present = Arc::clone(&view.borrow());
    if let Some(next) = publisher.refresh(&present) {
        // Most questions are about this month: none of them shall wait until it is rolled up.
        if let Some(period) = next.default_period() {
            drop(next.nation(period));
        }
        view.send_replace(Arc::new(next));
    }
}

/// Drops the figures of months that nobody has asked for since the last sweep.
fn sweep(view: &watch::Sender<Arc<View>>) {
    let present = Arc::clone(&view.borrow());
    if let Some(swept) = present.swept() {
        view.send_replace(Arc::new(swept));
    }
}

#[cfg(test)]
mod tests;
