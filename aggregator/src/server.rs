//! Builds the aggregator from its configuration, serves, and shuts down in order.

mod health;
mod incoming;
mod opening;
mod requests;

use std::{convert::Infallible, future::pending, io, pin::pin, sync::Arc, time::Duration};

use futures_util::Stream;
use phuxanh_core::{
    delivery::{board, log},
    figures::view::View,
};
use phuxanh_daemon::{
    audit_log::Entry,
    clock::Clock,
    ops::{self, Phase},
    service_manager,
    tasks::{Cause, Tasks},
    tls::{keep_current, warn_of_expiry},
};
use phuxanh_proto::{DESCRIPTORS, v1::mesh_service_server::MeshServiceServer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tonic::transport::{
    Server,
    server::{Connected, Router},
};
use tonic_health::{
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tower::{
    layer::util::{Identity, Stack},
    util::MapResponseLayer,
};
use tracing::{info, warn};

pub(crate) use opening::{Opened, close, open};

use opening::{Boards, empty_view, keep_boards, own, references, timekeeping};

use crate::{
    access::{self, Gate},
    as_of,
    config::{self, Config, Listeners, Tls},
    ingest::{Ingest, Quotas},
    keeper::{self, Keeper},
    mesh, metrics,
    ops::{BUILD, Queues, Sources},
    publish, query,
    store::{self, Store, redis::cache},
    timekeeping::Timekeeping,
};

/// Records that wait to be folded.
const TOLD_QUEUE_MAX: usize = 256;
/// Checkpoints that wait to be kept.
const KEPT_QUEUE_MAX: usize = 8;
/// Room for the fields of a frame beside its payload.
const FRAME_OVERHEAD_BYTES: usize = 64 << 10;
/// Longest time that the store may take to finish after the sessions were drained.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Silence after which a connection must answer a ping. Every 16 KiB of a batch count as a sign of
/// life; the slowest link that may be configured carries them in less time.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// Bytes of a request's header fields, each counted with 32 bytes beside it (RFC 9113, 6.5.2).
const HEADER_LIST_BYTES_MAX: u32 = 16 << 10;

/// Reason why the aggregator cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{setting}: cannot bind {address}: choose another address")]
    Listen { setting: &'static str, address: std::net::SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Ops(#[from] ops::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("essential task \"{name}\" ended: {cause}")]
    Task { name: &'static str, cause: Cause },
    #[error("the gRPC server stopped without being asked to")]
    Unserved,
    #[error("cannot install the TLS provider: another one is installed")]
    Cryptography,
    #[error("cannot read the system's random source")]
    Randomness,
    #[error("the gRPC server failed")]
    Serve(#[from] tonic::transport::Error),
    #[error("cannot build the gRPC reflection service")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves on the address of the configuration until `shutdown`, or until the store fails for good.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let (listeners, limits) = (config.listeners.clone(), config.limits);
    let phase = watch::Sender::new(Phase::Starting);
    let listener = ops::Listener::bind(config.ops, &metrics::RECORDED).await?;
    let watching = listener.serve(phase.subscribe(), BUILD);
    warn_of_plain_text(&listeners);
    if config.access.is_none() {
        info!("access_file is not set: callers of this machine may ask everything, others nothing");
    }
    let keeping = keep_tls_current(listeners.tls.clone(), clock);
    let listening = |audited| async move {
        let sockets = incoming::Sockets::bind(&listeners).await?;
        Ok(incoming::accept(sockets, &limits, audited))
    };
    tokio::select! {
        ended = serve(config, clock, listening, &phase, shutdown) => ended,
        never = keeping => match never {},
        never = watching => match never {},
    }
}

/// Says at every start what is not protected.
fn warn_of_plain_text(listeners: &Listeners) {
    for address in &listeners.exposed {
        warn!(
            %address,
            "insecure_plaintext: whoever reaches this address can read everything, and deliver for \
             every reporter"
        );
    }
    if listeners.plaintext.is_some() {
        warn!("plaintext_listen: collectors without TLS are served, and prove no identity");
    }
    if listeners.tls.as_ref().is_some_and(|tls| tls.trust_domain.is_none()) {
        warn!("tls.client_authorities_file is not set: collectors prove no identity");
    }
}

/// Keeps the files of TLS current, and warns of those that expire.
async fn keep_tls_current(tls: Option<Tls>, clock: Clock) -> Infallible {
    let Some(Tls { files, current, judge, .. }) = tls else { return pending().await };
    let before = judge.expiry_warning;
    let find = move || judge.current.borrow().validities().to_vec();
    tokio::select! {
        never = keep_current("TLS files", files.all(), move || files.load(), current) => never,
        never = warn_of_expiry(find, before, clock) => never,
    }
}

/// Serves incoming connections until `shutdown`, or until the store fails for good. Listens only
/// once the view holds everything that the store held at the start. `phase` follows.
pub async fn serve<S, C, L>(
    config: Config,
    clock: Clock,
    listening: impl FnOnce(mpsc::Sender<Entry>) -> L,
    phase: &watch::Sender<Phase<Sources>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error>
where
    L: Future<Output = Result<S, Error>>,
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: Connected + AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut shutdown = pin!(shutdown);
    let starting = async {
        let mut aggregator = Aggregator::start(&config, clock).await?;
        aggregator.complete().await?;
        Ok::<_, Error>(aggregator)
    };
    let aggregator = tokio::select! {
        started = starting => started?,
        () = &mut shutdown => return Ok(()),
    };
    let incoming = listening(aggregator.audited.clone()).await?;
    phase.send_replace(Phase::Running(aggregator.sources(&config, clock)));
    let shutdown = async {
        shutdown.await;
        phase.send_replace(Phase::Stopping);
    };
    aggregator.serve(&config, clock, incoming, shutdown).await
}

/// The tasks behind the services, and handles to them.
pub struct Aggregator {
    store: Arc<dyn Store>,
    store_end: StoreEnd,
    view: watch::Receiver<Arc<View>>,
    ready: Option<oneshot::Receiver<()>>,
    /// Queue of records that wait to be folded.
    told: mpsc::WeakSender<log::Event>,
    events: mpsc::Sender<board::Event>,
    audited: mpsc::Sender<Entry>,
    gate: Gate,
    board: watch::Receiver<board::Board>,
    own: mesh::Own,
    peers: watch::Receiver<mesh::Peers>,
    timekeeping: Timekeeping,
    health: HealthReporter,
    /// Tasks that run as long as the aggregator.
    pub tasks: Tasks,
}

/// Receives how the store ended for good; `None` for a store that reconnects by itself.
pub(crate) type StoreEnd = Option<oneshot::Receiver<Result<(), store::Error>>>;

impl Aggregator {
    /// Opens the store and starts the tasks.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, Error> {
        let Opened { store, cache, end: store_end, mut tasks } = open(config, clock).await?;
        let references = references(config);
        let (view_sender, view) = watch::channel(empty_view(config));
        let (told, records) = mpsc::channel(TOLD_QUEUE_MAX);
        let (kept, folds) = mpsc::channel(KEPT_QUEUE_MAX);
        let (completed, ready) = oneshot::channel();
        let (asked, questions) = mpsc::channel(KEPT_QUEUE_MAX);
        let Boards { events, board, audited } =
            keep_boards(config, clock, store.as_ref(), &mut tasks);
        let gate = open_gate(config, clock, &audited, &mut tasks);
        let outlets = publish::Outlets {
            view: view_sender,
            kept,
            folds: questions,
            mesh: events.clone(),
            ready: completed,
        };
        tasks.essential("publisher", publish::run(config.publish, records, outlets));
        if let Some(cache) = cache {
            let (settings, view) = (config.cache, view.clone());
            tasks.restarted("cache", move || {
                cache::run(settings, cache.clone(), view.clone(), asked.clone())
            });
        }
        let (timekeeping, looking) = timekeeping(store.as_ref(), config, clock).await?;
        tasks.essential("timekeeping", looking.run(board.clone(), view.clone()));
        keeper::keep_all(store.as_ref(), &references).await;
        let keeper = Keeper {
            retention: config.publish.retention,
            timekeeping: timekeeping.clone(),
            clock,
            store: Arc::clone(&store),
            references,
            folds: folds.into(),
        };
        tasks.restarted("keeper", move || keeper.clone().run());
        let waiting = told.downgrade();
        store.follow(told).await?;
        let own = own(config, clock)?;
        let (told_of, peers) = watch::channel(mesh::Peers::default());
        let announcing = (own.clone(), Arc::clone(&store), board.clone(), view.clone());
        tasks.restarted("announcer", move || {
            let (own, store, board, view) = announcing.clone();
            mesh::announce(own, store, board, view, clock, told_of.clone())
        });
        let health = HealthReporter::new();
        let (reporter, writes) = (health.clone(), store.writes());
        tasks.restarted("readiness", move || {
            health::follow_writes(reporter.clone(), writes.clone())
        });
        let signs_of_life = || async { match service_manager::signs_of_life().await {} };
        tasks.restarted("signs of life", signs_of_life);
        Ok(Self {
            store,
            store_end,
            view,
            ready: Some(ready),
            told: waiting,
            events,
            audited,
            gate,
            board,
            own,
            peers,
            timekeeping,
            health,
            tasks,
        })
    }

    /// Sources of the pages of the ops listener.
    fn sources(&self, config: &Config, clock: Clock) -> Sources {
        Sources {
            vitals: self.tasks.vitals(),
            mesh: mesh_service(config, clock, self),
            queues: Queues {
                fold: self.told.clone(),
                mesh: self.events.downgrade(),
                audit_log: self.audited.downgrade(),
            },
            store_file: match &config.store {
                config::Store::Embedded(embedded) => Some(embedded.file()),
                config::Store::Redis(_) => None,
            },
        }
    }

    /// Waits until the view is complete.
    pub async fn complete(&mut self) -> Result<(), Error> {
        if let Some(ready) = self.ready.take() {
            tokio::select! {
                Ok(()) = ready => {}
                end = ended(&mut self.store_end, &mut self.tasks) => end?,
            }
        }
        info!(version = self.view.borrow().version(), "view complete");
        Ok(())
    }

    /// Serves until `shutdown`, or until the store or an essential task ends; shuts down in order
    /// either way.
    pub async fn serve<S, C>(
        mut self,
        config: &Config,
        clock: Clock,
        incoming: S,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error>
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: Connected + AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (drain, drained) = watch::channel(None);
        let reporter = self.health.clone();
        let router = router(config, clock, &self, drained)?;
        health::begin(&reporter).await;
        let listeners = &config.listeners;
        let (address, is_tls) = (listeners.main, listeners.tls.is_some());
        let plaintext = listeners.plaintext.map(tracing::field::display);
        info!(%address, tls = is_tls, plaintext, "serving");
        service_manager::ready();

        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = tokio::spawn(router.serve_with_incoming_shutdown(incoming, async {
            drop(stopped.await);
        }));
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            end = ended(&mut self.store_end, &mut self.tasks) => end,
            // The server may end only when it is asked to stop.
            end = &mut serving => Err(match end {
                Ok(Err(error)) => error.into(),
                Ok(Ok(())) | Err(_) => Error::Unserved,
            }),
        };
        info!("stopping");
        service_manager::stopping();
        self.tasks.abort("readiness");
        health::end(&reporter).await;
        drain.send_replace(Some(config.drain_timeout));
        if stop.send(()).is_ok() {
            if let Ok(Ok(result)) = timeout(config.drain_timeout, &mut serving).await {
                result?;
            } else {
                warn!("drain timeout passed: closing the remaining connections");
                serving.abort();
            }
        }
        self.end().await?;
        ended?;
        info!("stopped");
        Ok(())
    }

    /// Lets the store finish its requests. A batch that it does not finish in time was not
    /// acknowledged, so the collector sends it again. Sessions that outlast the drain are cut.
    async fn end(self) -> Result<(), Error> {
        let ended = timeout(CLOSE_TIMEOUT, close(self.store.as_ref(), self.store_end))
            .await
            .unwrap_or_else(|_| {
                warn!("close timeout passed: the store had not finished");
                Ok(())
            });
        // This aborts the other tasks. Everything that they work on is in the store.
        drop(self.tasks);
        ended
    }
}

/// Makes the gate, and starts the task that keeps its file current.
fn open_gate(
    config: &Config,
    clock: Clock,
    audited: &mpsc::Sender<Entry>,
    tasks: &mut Tasks,
) -> Gate {
    let (source, share) = (config.access.clone(), config.limits.share());
    let (gate, keeping) =
        access::open(source, config.insecure_plaintext, share, clock, audited.clone());
    tasks.essential("access file", async move { match keeping.await {} });
    gate
}

/// Installs the TLS provider of the process; call it once, before the first TLS connection.
pub fn install_cryptography() -> Result<(), Error> {
    let installed = rustls::crypto::ring::default_provider().install_default();
    installed.map_err(|_| Error::Cryptography)
}

/// Waits until the store or an essential task ends.
async fn ended(store_end: &mut StoreEnd, tasks: &mut Tasks) -> Result<(), Error> {
    let store_ended = async {
        match store_end {
            Some(end) => end.await.unwrap_or(Err(store::Error::Closed)),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = store_ended => Ok(end?),
        ended = tasks.ended() => Err(Error::Task { name: ended.name, cause: ended.cause() }),
    }
}

/// Layers around all services, the innermost first.
type Layers<M> = Stack<requests::Bounds, Stack<MapResponseLayer<M>, Identity>>;

fn router(
    config: &Config,
    clock: Clock,
    aggregator: &Aggregator,
    drain: watch::Receiver<Option<Duration>>,
) -> Result<Router<Layers<impl as_of::Mark>>, Error> {
    let message_bytes_max = usize::try_from(config.terms.credit.batch_payload_bytes_max)
        .unwrap_or(usize::MAX)
        .saturating_add(FRAME_OVERHEAD_BYTES);
    let ingest = Ingest {
        terms: Arc::clone(&config.terms),
        store: Arc::clone(&aggregator.store),
        mesh: aggregator.events.clone(),
        view: aggregator.view.clone(),
        drain,
        timekeeping: aggregator.timekeeping.clone(),
        quotas: Quotas::new(config.limits.quotas()),
        gate: aggregator.gate.clone(),
        clock,
        flush_timeout: config.flush_timeout,
    };
    let context = query::Context::new(
        aggregator.view.clone(),
        clock,
        config.stale_after,
        config.recent_views,
        config.limits.heavy(),
    );
    let log = query::Log {
        archive: Arc::clone(&aggregator.store) as _,
        bytes_max: config.limits.history_bytes_max,
    };
    let (ranking, locality, catalogue, insight, trend, quality) = query::services(&context, log);
    let mesh = MeshServiceServer::new(mesh_service(config, clock, aggregator));
    let health = HealthService::from_health_reporter(aggregator.health.clone());
    let health = HealthServer::new(health);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let bytes_max = config.limits.request_bytes_max;
    Ok(Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_concurrent_streams(config.limits.streams_per_connection_max)
        .layer(as_of::layer(aggregator.store.trouble()))
        .layer(requests::Bounds { limits: config.limits, gate: aggregator.gate.clone() })
        .add_service(ingest.service(message_bytes_max))
        .add_service(mesh.max_decoding_message_size(bytes_max))
        .add_service(ranking.max_decoding_message_size(bytes_max))
        .add_service(locality.max_decoding_message_size(bytes_max))
        .add_service(catalogue.max_decoding_message_size(bytes_max))
        .add_service(insight.max_decoding_message_size(bytes_max))
        .add_service(quality.max_decoding_message_size(bytes_max))
        .add_service(trend.max_decoding_message_size(bytes_max))
        .add_service(health.max_decoding_message_size(bytes_max))
        .add_service(reflection().build_v1()?.max_decoding_message_size(bytes_max))
        .add_service(reflection().build_v1alpha()?.max_decoding_message_size(bytes_max)))
}

fn mesh_service(config: &Config, clock: Clock, aggregator: &Aggregator) -> mesh::Service {
    mesh::Service {
        board: aggregator.board.clone(),
        view: aggregator.view.clone(),
        clock,
        own: aggregator.own.clone(),
        peers: aggregator.peers.clone(),
        store_kind: aggregator.store.kind(),
        durability: aggregator.store.durability(),
        trouble: aggregator.store.trouble(),
        writes: aggregator.store.writes(),
        replaced: aggregator.store.replaced(),
        timekeeping: aggregator.timekeeping.clone(),
        judge: config.listeners.tls.as_ref().map(|tls| tls.judge.clone()),
        silence_max: config.terms.silence_max().max(mesh::AGREEMENT_AGE_MIN),
    }
}
