//! Builds the aggregator from its configuration, serves, and ends in order.

use std::{io, pin::pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use phuxanh_proto::{
    DESCRIPTORS, model::frame::Generation, v1::mesh_service_server::MeshServiceServer,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tracing::{info, warn};

use crate::{
    clock::Clock,
    config::{self, Config},
    ingest::Ingest,
    keeper, mesh, publish, query,
    store::{self, Embedded, References, Shared, Store},
    view::View,
};

/// Records that wait to be folded.
const TOLD_QUEUE_MAX: usize = 256;
/// Checkpoints that wait to be kept.
const KEPT_QUEUE_MAX: usize = 8;
/// Events that wait for the mesh board.
const MESH_QUEUE_MAX: usize = 1_024;
/// Room for the fields of a frame beside its payload.
const FRAME_OVERHEAD_BYTES: usize = 64 << 10;
/// Wait after a connection that could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// How long the store and the publisher may take to finish, once sessions had their time.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// Why the aggregator cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("listen: {address} cannot be used: choose another with --listen")]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the view cannot be made any more of what the store holds")]
    Incomplete,
    #[error("this machine has no source of randomness")]
    Randomness,
    #[error("the server failed")]
    Serve(#[from] tonic::transport::Error),
    #[error("reflection cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves until `shutdown`, or until the store fails for good. Nobody is listened to before the view
/// holds all that the store did at the start.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let mut shutdown = pin!(shutdown);
    let starting = async {
        let (core, end) = Core::start(&config, clock).await?;
        core.complete(end).await
    };
    let (mut core, mut store_end) = tokio::select! {
        started = starting => started?,
        () = &mut shutdown => return Ok(()),
    };
    let address = config.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let (drain, drained) = watch::channel(None);
    let (health, health_service) = tonic_health::server::health_reporter();
    let router = router(&config, clock, &core, drained)?.add_service(health_service);
    health.set_service_status("", ServingStatus::Serving).await;
    info!(%address, "serving");

    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(router.serve_with_incoming_shutdown(accept(listener), async {
        drop(stopped.await);
    }));
    tokio::select! {
        () = &mut shutdown => {}
        end = ended(&mut store_end) => end?,
        _ = &mut core.publisher => return Err(Error::Incomplete),
    }
    info!("stopping");
    health.set_service_status("", ServingStatus::NotServing).await;
    drain.send_replace(Some(config.drain_timeout));
    if stop.send(()).is_err() {
        warn!("the server had ended before it was asked to");
    }
    if let Ok(Ok(result)) = timeout(config.drain_timeout, &mut serving).await {
        result?;
    } else {
        warn!("connections that had not ended in time are cut");
        serving.abort();
    }
    core.end(store_end).await?;
    info!("stopped");
    Ok(())
}

/// Accepts connections. Where that fails, as it does while file descriptors run out, it waits
/// instead of spinning.
fn accept(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    stream::unfold(listener, |listener| async {
        loop {
            let accepted = match listener.accept().await {
                Ok((connection, _)) => connection.set_nodelay(true).map(|()| connection),
                Err(error) => Err(error),
            };
            match accepted {
                Ok(connection) => return Some((Ok(connection), listener)),
                Err(error) => {
                    warn!(%error, "a connection was not accepted");
                    sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    })
}

/// The tasks behind the services, and handles to them.
struct Core {
    store: Arc<dyn Store>,
    view: watch::Receiver<Arc<View>>,
    ready: Option<oneshot::Receiver<()>>,
    events: mpsc::Sender<mesh::Event>,
    board: watch::Receiver<mesh::Board>,
    publisher: JoinHandle<()>,
}

/// Tells how a store ended that does not come back by itself.
pub(crate) type StoreEnd = Option<oneshot::Receiver<Result<(), store::Error>>>;

impl Core {
    /// Opens the store and starts the tasks.
    async fn start(config: &Config, clock: Clock) -> Result<(Self, StoreEnd), Error> {
        let (store, end) = open(config, clock).await?;
        let (catalogue, gazetteer) = (&config.terms.catalogue, &config.terms.gazetteer);
        store.keep_reference((catalogue.digest(), catalogue.source().to_vec())).await?;
        store.keep_reference((gazetteer.digest(), gazetteer.source().to_vec())).await?;

        let empty = View::empty(Arc::clone(catalogue), Arc::clone(gazetteer));
        let (view_sender, view) = watch::channel(Arc::new(empty));
        let (told, events) = mpsc::channel(TOLD_QUEUE_MAX);
        let (kept, folds) = mpsc::channel(KEPT_QUEUE_MAX);
        let (completed, ready) = oneshot::channel();
        let outlets = publish::Outlets { view: view_sender, kept, ready: completed };
        let publisher = tokio::spawn(publish::run(config.publish, events, outlets));
        let retention = config.publish.retention;
        tokio::spawn(keeper::run(retention, clock, Arc::clone(&store), folds));
        store.follow(told).await?;
        let (events, board) = mesh::spawn(MESH_QUEUE_MAX, config.mesh);
        Ok((Self { store, view, ready: Some(ready), events, board, publisher }, end))
    }

    /// Waits until the view is complete.
    async fn complete(mut self, mut end: StoreEnd) -> Result<(Self, StoreEnd), Error> {
        if let Some(ready) = self.ready.take() {
            tokio::select! {
                completed = ready => completed.map_err(|_| Error::Incomplete)?,
                end = ended(&mut end) => end?,
            }
        }
        info!(version = self.view.borrow().version(), "view complete");
        Ok((self, end))
    }

    /// Lets the tasks finish what they have. Whatever they do not finish in time was not
    /// acknowledged and comes again. Sessions that outlast the drain are not waited for.
    async fn end(self, store_end: StoreEnd) -> Result<(), Error> {
        let ended = timeout(CLOSE_TIMEOUT, close(self.store.as_ref(), store_end))
            .await
            .unwrap_or_else(|_| {
                warn!("the store had not finished in time");
                Ok(())
            });
        // What it has is in the store.
        self.publisher.abort();
        ended
    }
}

/// Waits until the store ends; that it does is an error.
async fn ended(end: &mut StoreEnd) -> Result<(), Error> {
    match end {
        Some(end) => Ok(end.await.unwrap_or(Err(store::Error::Closed))?),
        None => std::future::pending().await,
    }
}

/// Opens the configured store; the second value tells when it failed for good.
pub(crate) async fn open(
    config: &Config,
    clock: Clock,
) -> Result<(Arc<dyn Store>, StoreEnd), Error> {
    let terms = store::Terms {
        lease_span: config.terms.silence_max(),
        references: References {
            catalogue_digest: config.terms.catalogue.digest(),
            gazetteer_digest: config.terms.gazetteer.digest(),
        },
    };
    match &config.store {
        config::Store::Embedded { data_dir, queue_max } => {
            let mut generation = [0; 16];
            getrandom::fill(&mut generation).map_err(|_| Error::Randomness)?;
            let fresh = Generation(generation);
            let (store, end) = Embedded::start(data_dir, fresh, *queue_max, terms, clock)?;
            Ok((Arc::new(store), Some(end)))
        }
        config::Store::Redis(redis) => {
            let store = Shared::start(redis.clone(), terms, clock).await;
            Ok((Arc::new(store.map_err(store::Error::from)?), None))
        }
    }
}

/// Lets a store finish what it was asked, and says how it ended.
pub(crate) async fn close(store: &dyn Store, end: StoreEnd) -> Result<(), Error> {
    store.close().await;
    match end {
        Some(end) => Ok(end.await.unwrap_or(Ok(()))?),
        None => Ok(()),
    }
}

fn router(
    config: &Config,
    clock: Clock,
    core: &Core,
    drain: watch::Receiver<Option<Duration>>,
) -> Result<tonic::transport::server::Router, Error> {
    let message_bytes_max = usize::try_from(config.terms.credit.batch_payload_bytes_max)
        .unwrap_or(usize::MAX)
        .saturating_add(FRAME_OVERHEAD_BYTES);
    let ingest = Ingest {
        terms: Arc::clone(&config.terms),
        store: Arc::clone(&core.store),
        mesh: core.events.clone(),
        view: core.view.clone(),
        drain,
        clock,
        flush_timeout: config.flush_timeout,
    };
    let mesh = mesh::Service {
        board: core.board.clone(),
        view: core.view.clone(),
        clock,
        rules: config.mesh,
    };
    let (ranking, locality, catalogue, insight) = query::services(&query::Context {
        view: core.view.clone(),
        clock,
        stale_after: config.stale_after,
    });
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .add_service(ingest.service(message_bytes_max))
        .add_service(MeshServiceServer::new(mesh))
        .add_service(ranking)
        .add_service(locality)
        .add_service(catalogue)
        .add_service(insight)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
