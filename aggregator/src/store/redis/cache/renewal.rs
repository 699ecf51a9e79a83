//! Renewal of the cache, which holds folds for starting aggregators, and rankings and rollups for
//! tools that speak only Redis.
//!
//! About once a second, the task publishes every scope that the cache lacks or has in an older
//! version than the view. A key that was deleted or evicted comes back with the next check. The
//! cache is never the source of an answer: a starting aggregator checks a cached fold against the
//! log.

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
    /// Least time between two checks.
    pub interval: Duration,
    /// Time until a key that nobody renews expires.
    pub time_to_live: Duration,
    /// Number of months whose rankings are published, counted back from the latest.
    pub period_count: usize,
}

/// Request to the publisher for a reporter's fold.
pub type Question = (LocalityCode, oneshot::Sender<Option<Checkpoint>>);

/// Publishes until the owner of the view is gone.
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
            debug!(%error, "cannot renew the cache");
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
        // The snapshot may be later than the rankings: it carries its own position.
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
