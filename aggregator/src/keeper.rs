//! The keeper: puts folds into the store, and the files that records refer to; lets go of what is
//! older than the retention.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode,
    delivery::{
        log::{Checkpoint, Reference},
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
    store::{self, Archive, Store},
    timekeeping::Timekeeping,
};

/// Time between two looks through the store.
const TRIM_INTERVAL: Duration = Duration::from_mins(10);
/// Wait before a store that did not take a reference is asked again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The keeper with what it needs to do its work, which outlives each of its tasks.
#[derive(Debug, Clone)]
pub struct Keeper {
    pub retention: Retention,
    pub clock: Clock,
    /// Nothing is trimmed while the clock is not trusted: it decides what is old.
    pub timekeeping: Timekeeping,
    pub store: Arc<dyn Store>,
    /// Catalogue and gazetteer in force, which new records refer to.
    pub references: [Reference; 2],
    /// Checkpoints from the publisher. Locked by the one task that runs, so that the next one goes on
    /// where it ended.
    pub folds: Arc<Mutex<mpsc::Receiver<(LocalityCode, Checkpoint)>>>,
}

impl Keeper {
    /// Keeps what the publisher hands over until it ends. What the store does not take is made again
    /// with later records. The references are kept again where the store may be another one.
    pub async fn run(self) {
        let Self { retention, clock, timekeeping, store, references, folds } = self;
        let mut folds = folds.lock().await;
        let mut trimming = interval(TRIM_INTERVAL);
        trimming.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut incarnation = store.incarnation();
        // The aggregator kept them before it began to serve, but an earlier task may have ended in between.
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
                            Ok(()) => debug!(%reporter, record_count, "checkpoint kept"),
                            Err(error) => warn!(%reporter, record_count, %error, "checkpoint not kept"),
                        }
                    }
                },
                _ = trimming.tick() => {
                    if let Err(error) = trim(&retention, clock, &timekeeping, store.as_ref()).await {
                        warn!(%error, "the log was not trimmed");
                    }
                }
            }
        }
    }
}

/// Keeps the references before any record that refers to them. Tells whether the store has all of
/// them now; the task tries again where it has not.
pub async fn keep_all(store: &dyn Archive, references: &[Reference]) -> bool {
    for reference in references {
        if let Err(error) = store.keep_reference(reference.clone()).await {
            let error: &dyn std::error::Error = &error;
            warn!(error, "a catalogue or gazetteer was not kept");
            return false;
        }
    }
    true
}

async fn trim(
    retention: &Retention,
    clock: Clock,
    timekeeping: &Timekeeping,
    store: &dyn Archive,
) -> Result<(), store::Error> {
    for held in store.held().await? {
        let now = clock();
        if timekeeping.distrust(now).is_some() {
            return Ok(());
        }
        if let Some(trim) = retention::trim(retention, &held, now) {
            debug!(reporter = %held.reporter, ?trim, "trimming");
            store.trim(held.reporter, trim).await?;
        }
    }
    Ok(())
}
