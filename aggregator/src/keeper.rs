//! The keeper: puts folds into the store, and lets go of what is older than the retention.

use std::time::Duration;

use phuxanh_proto::model::LocalityCode;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, warn};

use crate::{
    clock::Clock,
    retention::{self, Retention},
    store::{self, Checkpoint, Store},
};

/// How often the store is looked through.
const TRIM_INTERVAL: Duration = Duration::from_mins(10);

/// Keeps what the publisher hands over until it ends. What the store does not take is made again
/// with later records.
pub async fn run(
    retention: Retention,
    clock: Clock,
    store: std::sync::Arc<dyn Store>,
    mut folds: mpsc::Receiver<(LocalityCode, Checkpoint)>,
) {
    let mut trimming = interval(TRIM_INTERVAL);
    trimming.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
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
                if let Err(error) = trim(&retention, clock, store.as_ref()).await {
                    warn!(%error, "the log was not trimmed");
                }
            }
        }
    }
}

async fn trim(retention: &Retention, clock: Clock, store: &dyn Store) -> Result<(), store::Error> {
    for held in store.held().await? {
        if let Some(trim) = retention::trim(retention, &held, clock()) {
            debug!(reporter = %held.reporter, ?trim, "trimming");
            store.trim(held.reporter, trim).await?;
        }
    }
    Ok(())
}
