//! Opens and closes the configured store, and builds the initial state of an aggregator.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    delivery::{
        board,
        log::{Reference, References},
    },
    figures::view::View,
    frame::{Credit, Generation},
};
use phuxanh_daemon::{audit_log::Entry, clock::Clock, tasks::Tasks};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{Error, StoreEnd};
use crate::{
    audit_log, checkpoint,
    config::{self, Config},
    mesh,
    store::{self, Archive, Embedded, Shared, Store, redis::cache::Cache},
    timekeeping::{self, Looking, Timekeeping},
};

/// Events that wait for the mesh board.
const MESH_QUEUE_MAX: usize = 1_024;
/// Entries that wait for the audit log.
const AUDITED_QUEUE_MAX: usize = 256;

/// Wait before a store that is out of reach is asked again.
const ASK_AGAIN_DELAY: Duration = Duration::from_millis(250);

/// Time between two announcements to the other aggregators of the store.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);

/// Opened store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Cache in Redis, if the store is there.
    pub(crate) cache: Option<Cache>,
    pub(crate) end: StoreEnd,
    /// Tasks that the store needs.
    pub(crate) tasks: Tasks,
}

/// Opens the configured store.
pub(crate) async fn open(config: &Config, clock: Clock) -> Result<Opened, Error> {
    let terms = store::Terms {
        lease_span: config.terms.silence_max(),
        references: References {
            catalogue_digest: config.terms.catalogue.digest(),
            gazetteer_digest: config.terms.gazetteer.digest(),
        },
        checkpoint_epoch: checkpoint::epoch,
        refusals_told_max: refusals_told_max(config.terms.credit),
    };
    match &config.store {
        config::Store::Embedded(config) => {
            let fresh = Generation(random()?);
            let (store, end) = Embedded::start(config, fresh, terms, clock)?;
            let tasks = Tasks::default();
            Ok(Opened { store: Arc::new(store), cache: None, end: Some(end), tasks })
        }
        config::Store::Redis(redis) => {
            let mut tasks = Tasks::default();
            let store = Shared::start(redis.clone(), terms, clock, &mut tasks).await;
            let store = store.map_err(store::Error::from)?;
            Ok(Opened { cache: Some(store.cache()), store: Arc::new(store), end: None, tasks })
        }
    }
}

/// Refusals of all batches that a session may have unacknowledged, twice: as many may be acknowledged
/// and not yet durable.
fn refusals_told_max(credit: Credit) -> usize {
    let batch_count = usize::try_from(credit.batch_count_max).unwrap_or(usize::MAX);
    let of_batch = usize::try_from(credit.batch_observation_count_max).unwrap_or(usize::MAX);
    batch_count.saturating_mul(of_batch).saturating_mul(2)
}

/// Lets a store finish its requests, and returns how it ended.
pub(crate) async fn close(store: &dyn Store, end: StoreEnd) -> Result<(), Error> {
    store.close().await;
    match end {
        Some(end) => Ok(end.await.unwrap_or(Ok(()))?),
        None => Ok(()),
    }
}

/// Begins timekeeping with the newest receipt that the store holds. A store that fails between its
/// opening and this question is asked again, as at its opening.
pub(super) async fn timekeeping(
    store: &dyn Archive,
    config: &Config,
    clock: Clock,
) -> Result<(Timekeeping, Looking), store::Error> {
    let held = loop {
        match store.readable().await {
            // The store's link says the cause.
            Err(error) if error.is_of_reach() => sleep(ASK_AGAIN_DELAY).await,
            read => break read?,
        }
    };
    let newest = held.into_iter().filter_map(|held| held.cursor.receipt).max();
    Ok(timekeeping::start(config.timekeeping, clock, newest))
}

pub(super) fn empty_view(config: &Config) -> Arc<View> {
    let (catalogue, gazetteer) = (&config.terms.catalogue, &config.terms.gazetteer);
    Arc::new(View::empty(Arc::clone(catalogue), Arc::clone(gazetteer)))
}

/// Files that new records refer to.
pub(super) fn references(config: &Config) -> [Reference; 2] {
    let (catalogue, gazetteer) = (&config.terms.catalogue, &config.terms.gazetteer);
    [
        (catalogue.digest(), catalogue.source().to_vec()),
        (gazetteer.digest(), gazetteer.source().to_vec()),
    ]
}

fn random() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes)
}

/// Ways to the tasks that take what happens.
pub(super) struct Boards {
    pub(super) events: mpsc::Sender<board::Event>,
    pub(super) board: watch::Receiver<board::Board>,
    pub(super) audited: mpsc::Sender<Entry>,
}

/// Starts the tasks that take what sessions tell: the mesh board, and the audit log behind it.
pub(super) fn keep_boards(
    config: &Config,
    clock: Clock,
    store: &dyn Store,
    tasks: &mut Tasks,
) -> Boards {
    let (events, mesh_queue) = mpsc::channel(MESH_QUEUE_MAX);
    let (sender, board) = watch::channel(board::Board::default());
    let (audited, entries) = mpsc::channel(AUDITED_QUEUE_MAX);
    tasks.essential(
        "mesh board",
        mesh::keep_board(config.mesh, mesh_queue, sender, audited.clone()),
    );
    let recording = audit_log::keep(config.audit_log.clone(), clock, entries, store.replaced());
    tasks.essential("audit log", recording);
    Boards { events, board, audited }
}

/// This aggregator, as it announces itself.
pub(super) fn own(config: &Config, clock: Clock) -> Result<mesh::Own, Error> {
    Ok(mesh::Own {
        id: random()?,
        host: config.host.clone(),
        address: config.listeners.main.to_string(),
        start: clock(),
        rules: config.mesh,
        interval: ANNOUNCE_INTERVAL,
    })
}
