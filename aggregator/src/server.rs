//! Builds the aggregator from its configuration, serves, and ends in order.

use std::{io, pin::pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use phuxanh_core::{
    delivery::{board, log::References},
    figures::view::View,
    frame::Generation,
};
use phuxanh_daemon::clock::Clock;
use phuxanh_proto::{
    DESCRIPTORS,
    v1::{
        collection_service_server::CollectionServiceServer, mesh_service_server::MeshServiceServer,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::{
    server::NamedService,
    transport::{
        Server,
        server::{Connected, Router},
    },
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::{
    layer::util::{Identity, Stack},
    util::MapResponseLayer,
};
use tracing::{info, warn};

use crate::{
    as_of, checkpoint,
    config::{self, Config},
    ingest::Ingest,
    keeper, mesh, publish, query,
    store::{
        self, Embedded, Shared, Store,
        redis::cache::{self, Cache},
    },
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
/// How often this aggregator tells the others of its store about itself.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);
/// Silence after which a connection must answer a ping. Every 16 KiB of a batch end it, which the
/// slowest link that may be configured carries in less.
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
    #[error("another provider of cryptography is installed")]
    Cryptography,
    #[error("this machine has no source of randomness")]
    Randomness,
    #[error("the server failed")]
    Serve(#[from] tonic::transport::Error),
    #[error("reflection cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves on the address of the configuration until `shutdown`, or until the store fails for good.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let address = config.listen;
    let listening = async move {
        let listener =
            TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        Ok(accept(listener))
    };
    serve(config, clock, listening, shutdown).await
}

/// Serves the connections that come in until `shutdown`, or until the store fails for good. Nobody
/// is listened to before the view holds all that the store did at the start.
pub async fn serve<S, C>(
    config: Config,
    clock: Clock,
    listening: impl Future<Output = Result<S, Error>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error>
where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: Connected + AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut shutdown = pin!(shutdown);
    let starting = async {
        let (core, end) = Core::start(&config, clock).await?;
        core.complete(end).await
    };
    let (mut core, mut store_end) = tokio::select! {
        started = starting => started?,
        () = &mut shutdown => return Ok(()),
    };
    let incoming = listening.await?;
    let (drain, drained) = watch::channel(None);
    let (health, health_service) = tonic_health::server::health_reporter();
    let router = router(&config, clock, &core, drained)?.add_service(health_service);
    health.set_service_status("", ServingStatus::Serving).await;
    let readiness = tokio::spawn(follow_writes(health.clone(), core.store.writes()));
    info!(address = %config.listen, "serving");

    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(router.serve_with_incoming_shutdown(incoming, async {
        drop(stopped.await);
    }));
    tokio::select! {
        () = &mut shutdown => {}
        end = ended(&mut store_end) => end?,
        _ = &mut core.publisher => return Err(Error::Incomplete),
    }
    info!("stopping");
    readiness.abort();
    for service in ["", CollectionServiceServer::<Ingest>::NAME] {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
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

/// Keeps the health of the collection service: it serves while writes to the store succeed.
/// Questions are answered all the same, so the server as a whole stays ready.
async fn follow_writes(
    health: HealthReporter,
    mut writes: watch::Receiver<Option<store::WritesRefused>>,
) {
    loop {
        let are_refused = writes.borrow_and_update().is_some();
        let status = if are_refused { ServingStatus::NotServing } else { ServingStatus::Serving };
        let service = CollectionServiceServer::<Ingest>::NAME;
        health.set_service_status(service, status).await;
        if writes.changed().await.is_err() {
            return;
        }
    }
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
    events: mpsc::Sender<board::Event>,
    board: watch::Receiver<board::Board>,
    own: mesh::Own,
    peers: watch::Receiver<mesh::Peers>,
    publisher: JoinHandle<()>,
}

/// Tells how a store ended that does not come back by itself.
pub(crate) type StoreEnd = Option<oneshot::Receiver<Result<(), store::Error>>>;

impl Core {
    /// Opens the store and starts the tasks.
    async fn start(config: &Config, clock: Clock) -> Result<(Self, StoreEnd), Error> {
        let Opened { store, cache, end } = open(config, clock).await?;
        let (catalogue, gazetteer) = (&config.terms.catalogue, &config.terms.gazetteer);
        let references = [
            (catalogue.digest(), catalogue.source().to_vec()),
            (gazetteer.digest(), gazetteer.source().to_vec()),
        ];
        let empty = View::empty(Arc::clone(catalogue), Arc::clone(gazetteer));
        let (view_sender, view) = watch::channel(Arc::new(empty));
        let (told, events) = mpsc::channel(TOLD_QUEUE_MAX);
        let (kept, folds) = mpsc::channel(KEPT_QUEUE_MAX);
        let (completed, ready) = oneshot::channel();
        let (asked, questions) = mpsc::channel(KEPT_QUEUE_MAX);
        let (events_of_mesh, board) = mesh::spawn(MESH_QUEUE_MAX, config.mesh);
        let outlets = publish::Outlets {
            view: view_sender,
            kept,
            folds: questions,
            mesh: events_of_mesh.clone(),
            ready: completed,
        };
        if let Some(cache) = cache {
            tokio::spawn(cache::run(config.cache, cache, view.clone(), asked));
        }
        let publisher = tokio::spawn(publish::run(config.publish, events, outlets));
        let retention = config.publish.retention;
        keeper::start(retention, clock, Arc::clone(&store), references, folds).await;
        store.follow(told).await?;
        let own = mesh::Own {
            id: random()?,
            host: config.host.clone(),
            address: config.listen.to_string(),
            start: clock(),
            rules: config.mesh,
            interval: ANNOUNCE_INTERVAL,
        };
        let (told_of, peers) = watch::channel(mesh::Peers::default());
        let announcing = (own.clone(), Arc::clone(&store), board.clone(), view.clone());
        let (announcer, shared, seen, shown) = announcing;
        tokio::spawn(mesh::announce(announcer, shared, seen, shown, clock, told_of));
        let ready = Some(ready);
        let events = events_of_mesh;
        Ok((Self { store, view, ready, events, board, own, peers, publisher }, end))
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

/// Chooses the cryptography of every TLS connection; once, before any of them.
pub fn install_cryptography() -> Result<(), Error> {
    let installed = rustls::crypto::ring::default_provider().install_default();
    installed.map_err(|_| Error::Cryptography)
}

fn random() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes)
}

/// Waits until the store ends; that it does is an error.
async fn ended(end: &mut StoreEnd) -> Result<(), Error> {
    match end {
        Some(end) => Ok(end.await.unwrap_or(Err(store::Error::Closed))?),
        None => std::future::pending().await,
    }
}

/// A store that was opened.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// What lies beside it.
    pub(crate) cache: Option<Cache>,
    pub(crate) end: StoreEnd,
}

/// Opens the configured store.
pub(crate) async fn open(config: &Config, clock: Clock) -> Result<Opened, Error> {
    let terms = store::Terms {
        lease_span: config.terms.silence_max(),
        references: References {
            catalogue_digest: config.terms.catalogue.digest(),
            gazetteer_digest: config.terms.gazetteer.digest(),
        },
        is_readable: checkpoint::is_readable,
    };
    match &config.store {
        config::Store::Embedded { data_dir, queue_max } => {
            let fresh = Generation(random()?);
            let (store, end) = Embedded::start(data_dir, fresh, *queue_max, terms, clock)?;
            Ok(Opened { store: Arc::new(store), cache: None, end: Some(end) })
        }
        config::Store::Redis(redis) => {
            let store = Shared::start(redis.clone(), terms, clock).await;
            let store = store.map_err(store::Error::from)?;
            Ok(Opened { cache: Some(store.cache()), store: Arc::new(store), end: None })
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
) -> Result<Router<Stack<MapResponseLayer<impl as_of::Mark>, Identity>>, Error> {
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
        own: core.own.clone(),
        peers: core.peers.clone(),
        store_kind: core.store.kind(),
        durability: core.store.durability(),
        trouble: core.store.trouble(),
        writes: core.store.writes(),
        silence_max: config.terms.silence_max().max(mesh::AGREEMENT_AGE_MIN),
    };
    let context = query::Context {
        view: core.view.clone(),
        clock,
        stale_after: config.stale_after,
        shelf: Arc::new(query::Shelf::new(config.shelf)),
    };
    let (ranking, locality, catalogue, insight, trend, quality) = query::services(&context);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .layer(as_of::layer(core.store.trouble()))
        .add_service(ingest.service(message_bytes_max))
        .add_service(MeshServiceServer::new(mesh))
        .add_service(ranking)
        .add_service(locality)
        .add_service(catalogue)
        .add_service(insight)
        .add_service(quality)
        .add_service(trend)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
