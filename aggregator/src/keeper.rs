//! The keeper: stores checkpoints and the catalogue and gazetteer files that records refer to, and
//! deletes records and checkpoints that are older than the retention.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode,
    delivery::{
        log::{Checkpoint, Held, Reference, Trim},
        retention::{self, Retention},
    },
};
use phuxanh_daemon::clock::Clock;
use tokio::{
    sync::{Mutex, mpsc},
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{debug, warn};

use crate::{
    checkpoint,
    store::{self, Archive, Store},
    timekeeping::Timekeeping,
};

/// Time between two searches for records to delete.
const TRIM_INTERVAL: Duration = Duration::from_mins(10);
/// Wait after a reference could not be stored.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The keeper's dependencies. They outlive each of its tasks.
#[derive(Debug, Clone)]
pub struct Keeper {
    pub retention: Retention,
    pub clock: Clock,
    /// Clock state. Nothing is trimmed while the clock is not trusted: it decides what is old.
    pub timekeeping: Timekeeping,
    pub store: Arc<dyn Store>,
    /// Catalogue and gazetteer in force; new records refer to them.
    pub references: [Reference; 2],
    /// Checkpoints from the publisher. The running task holds the lock; a restarted task goes on
    /// with the next checkpoint.
    pub folds: Folds,
}

/// Checkpoints from the publisher, behind a lock that the running task holds.
#[derive(Debug, Clone)]
pub struct Folds(Arc<Mutex<mpsc::Receiver<(LocalityCode, Checkpoint)>>>);

impl From<mpsc::Receiver<(LocalityCode, Checkpoint)>> for Folds {
    fn from(folds: mpsc::Receiver<(LocalityCode, Checkpoint)>) -> Self {
        Self(Arc::new(Mutex::new(folds)))
    }
}

impl Keeper {
    /// Stores checkpoints until the publisher ends. One that cannot be stored is replaced by one
    /// over later records. Stores the references again whenever the store may have been replaced.
    pub async fn run(self) {
        let Self { retention, clock, timekeeping, store, references, folds } = self;
        let mut folds = folds.0.lock().await;
        let mut trimming = interval(TRIM_INTERVAL);
        trimming.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut incarnation = store.incarnation();
        // The aggregator stored them before it began to serve. But an earlier keeper task may have
        // ended before it could store them again.
        let mut has_references = false;
        loop {
            tokio::select! {
                Ok(()) = incarnation.changed() => {
                    has_references = keep_all(store.as_ref(), &references).await;
                }
                () = sleep(RETRY_DELAY), if !has_references => {
                    has_references = keep_all(store.as_ref(), &references).await;
                }
                next = folds.recv() => match next {
                    None => break,
                    Some((reporter, checkpoint)) => {
                        let record_count = checkpoint.mark.record_count;
                        match store.keep(reporter, checkpoint).await {
                            Ok(()) => debug!(%reporter, record_count, "checkpoint stored"),
                            Err(error) => {
                                warn!(%reporter, record_count, %error, "cannot store a checkpoint");
                            }
                        }
                    }
                },
                _ = trimming.tick() => {
                    if let Err(error) = trim(&retention, clock, &timekeeping, store.as_ref()).await {
                        warn!(%error, "cannot trim the log");
                    }
                }
            }
        }
    }
}

/// Stores the references, so that no record refers to one that is missing. Returns true if the
/// store has all of them now; otherwise the task tries again.
pub async fn keep_all(store: &dyn Archive, references: &[Reference]) -> bool {
    for reference in references {
        if let Err(error) = store.keep_reference(reference.clone()).await {
            let error: &dyn std::error::Error = &error;
            warn!(error, "cannot store the catalogue or gazetteer: trying again");
            return false;
        }
    }
    true
}

/// Deletes what retention no longer keeps, and nothing while the clock is not trusted. Of a log whose
/// records would live on only in checkpoints that cannot be read, nothing goes.
pub async fn trim(
    retention: &Retention,
    clock: Clock,
    timekeeping: &Timekeeping,
    store: &dyn Archive,
) -> Result<(), store::Error> {
    for held in store.readable().await? {
        let now = clock();
        if timekeeping.distrust(now).is_some() {
            return Ok(());
        }
        if let Some(trim) = retention::trim(retention, &held, now) {
            let reporter = held.reporter;
            if !lives_on(store, &held, &trim).await? {
                warn!(%reporter, "nothing is trimmed: no checkpoint over these records can be read");
                continue;
            }
            let (records_through, checkpoints) = (trim.records_through, trim.checkpoints.len());
            debug!(%reporter, records_through, checkpoints, "trimming");
            store.trim(reporter, trim).await?;
        }
    }
    Ok(())
}

/// True if all records that would be gone are held by a checkpoint that stays and can be read.
async fn lives_on(store: &dyn Archive, held: &Held, trim: &Trim) -> Result<bool, store::Error> {
    let gone = trim.records_through.max(held.first_record.saturating_sub(1));
    if gone == 0 {
        return Ok(true);
    }
    for head in held.checkpoints.iter().rev() {
        if head.record_count < gone || trim.checkpoints.contains(&head.record_count) {
            continue;
        }
        let kept = store.checkpoint(held.reporter, head.record_count).await?;
        if kept.is_some_and(|kept| checkpoint::epoch(held.reporter, &kept).is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}
