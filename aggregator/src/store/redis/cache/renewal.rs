//! The renewal of the cache: what every province amounts to, for aggregators that start and for tools
//! that speak only Redis.
//!
//! Looks about once a second which scopes the cache lacks or has older than the view, and publishes
//! these. Whatever is deleted or evicted comes back with the next look. Nothing here is ever the
//! source of an answer: an aggregator that starts from it holds it against the log first.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{LocalityCode, delivery::log::Checkpoint, figures::view::View};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};
use tracing::debug;

use super::{Cache, contents, version};
use crate::store;

/// Intervals of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Least time between two looks.
    pub interval: Duration,
    /// Time after which an entry that nobody renews is gone.
    pub time_to_live: Duration,
    /// Months whose rankings are published, the latest ones.
    pub period_count: usize,
}

/// Asks the publisher for a reporter's fold.
pub type Question = (LocalityCode, oneshot::Sender<Option<Checkpoint>>);

/// Publishes until the view has no more owner.
pub async fn run(
    config: Config,
    cache: Cache,
    view: watch::Receiver<Arc<View>>,
    folds: mpsc::Sender<Question>,
) {
    let mut looking = interval(config.interval);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while view.has_changed().is_ok() {
        looking.tick().await;
        let present = Arc::clone(&view.borrow());
        if let Err(error) = look(&config, &cache, &present, &folds).await {
            debug!(%error, "the cache could not be kept");
        }
    }
}

async fn look(
    config: &Config,
    cache: &Cache,
    view: &View,
    folds: &mpsc::Sender<Question>,
) -> Result<(), store::Error> {
    let scopes = view.reporters().map(|rollup| rollup.province());
    let scopes = std::iter::once(LocalityCode::NATION)
        .chain(scopes.filter(|code| *code != LocalityCode::NATION));
    for scope in scopes {
        let version = version(view, scope);
        if version.position == 0 || cache.is_current(scope, &version).await? {
            continue;
        }
        // A snapshot of a later moment than the rankings does no harm: it names its own.
        let snapshot = fold(folds, scope).await;
        if let Some(snapshot) = snapshot {
            cache.keep(scope, snapshot, config.time_to_live).await?;
        }
        let contents = contents(view, scope, config.period_count);
        cache.publish(scope, &version, &contents, config.time_to_live).await?;
    }
    Ok(())
}

async fn fold(folds: &mpsc::Sender<Question>, scope: LocalityCode) -> Option<Checkpoint> {
    let (reply, answer) = oneshot::channel();
    folds.send((scope, reply)).await.ok()?;
    answer.await.ok()?
}
