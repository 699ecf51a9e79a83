//! Builds the aggregator from its configuration, serves, and ends in order.

use std::{io, sync::Arc, time::Duration};

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
    config::Config,
    ingest::Ingest,
    mesh,
    publish::{self, Folds},
    query,
    store::{self, Committed, Embedded, References},
    view::View,
};

/// Durable records that wait to be folded.
const COMMITTED_QUEUE_MAX: usize = 256;
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
    #[error("this machine has no source of randomness")]
    Randomness,
    #[error("the server failed")]
    Serve(#[from] tonic::transport::Error),
    #[error("reflection cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves until `shutdown`, or until the store fails.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let address = config.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let (core, mut store_end) = Core::start(&config, clock)?;
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
        () = shutdown => {}
        end = &mut store_end => {
            end.unwrap_or(Err(store::Error::Closed))?;
        }
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
    store: store::Handle,
    view: watch::Receiver<Arc<View>>,
    events: mpsc::Sender<mesh::Event>,
    board: watch::Receiver<mesh::Board>,
    publisher: JoinHandle<()>,
}

type StoreEnd = oneshot::Receiver<Result<(), store::Error>>;

impl Core {
    /// Restores the view from the store and starts the tasks.
    fn start(config: &Config, clock: Clock) -> Result<(Self, StoreEnd), Error> {
        let mut generation = [0; 16];
        getrandom::fill(&mut generation).map_err(|_| Error::Randomness)?;
        let store = Embedded::open(&config.data_dir, Generation(generation))?;
        let (catalogue, gazetteer) = (&config.terms.catalogue, &config.terms.gazetteer);
        store.keep_reference(catalogue.digest(), catalogue.source())?;
        store.keep_reference(gazetteer.digest(), gazetteer.source())?;

        let mut folds = Folds::restore(&store)?;
        let restored = folds.view(Arc::clone(catalogue), Arc::clone(gazetteer));
        info!(version = restored.version(), "view restored");
        let (view_sender, view) = watch::channel(Arc::new(restored));
        let writer = store::Config {
            queue_max: config.store_queue_max,
            lease_span: config.terms.silence_max(),
            references: References {
                catalogue_digest: catalogue.digest(),
                gazetteer_digest: gazetteer.digest(),
            },
        };
        let (committed, records) = mpsc::channel::<Committed>(COMMITTED_QUEUE_MAX);
        let (store, end) = store::spawn(store, writer, clock, committed)?;
        let publisher =
            tokio::spawn(publish::run(config.publish, folds, records, view_sender, store.keeper()));
        let (events, board) = mesh::spawn(MESH_QUEUE_MAX, config.mesh);
        Ok((Self { store, view, events, board, publisher }, end))
    }

    /// Lets the tasks finish what they have. Whatever they do not finish in time was not
    /// acknowledged and comes again. Sessions that outlast the drain are not waited for.
    async fn end(self, store_end: StoreEnd) -> Result<(), Error> {
        let ended = async {
            // Where the writer has ended already, its end says why.
            drop(self.store.close().await);
            store_end.await.unwrap_or(Ok(()))?;
            if self.publisher.await.is_err() {
                warn!("publisher did not end in order");
            }
            Ok(())
        };
        timeout(CLOSE_TIMEOUT, ended).await.unwrap_or_else(|_| {
            warn!("the store had not finished in time");
            Ok(())
        })
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
        store: core.store.clone(),
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
    let context =
        query::Context { view: core.view.clone(), clock, stale_after: config.stale_after };
    let (ranking, locality, catalogue, insight) = query::services(&context);
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
        .add_service(query::quality(&context))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
