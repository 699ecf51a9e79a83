//! Builds the collector from its configuration, runs it, and ends in order.

use std::io;

use phuxanh_core::LogId;
use phuxanh_daemon::{
    clock::Clock,
    ops::{self, Phase},
    service_manager,
    tasks::{Cause, Ended, Tasks, Vitals},
    tls::{keep_current, warn_of_expiry},
};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use crate::{
    config::{Config, Tls},
    control::{Asked, Server},
    delivery::{self, Delivery, LinkState, random},
    metrics,
    ops::{BUILD, Sources},
    source::{self, Trouble, folder},
    spool::{self, FatalError, Spool},
};

/// Lists of superseded values that wait for the source; delivery asks for no other meanwhile.
const SUPERSEDED_MAX: usize = 1;

/// Error that keeps the collector from starting, or ended it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ops(#[from] ops::Error),
    #[error(transparent)]
    Open(#[from] spool::OpenError),
    #[error(transparent)]
    Spool(#[from] spool::FatalError),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error("essential task \"{name}\" ended: {cause}")]
    Task { name: &'static str, cause: Cause },
}

/// Runs until `shutdown`, or until the spool fails. The source stops first; delivery then takes
/// the acks that are on their way.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let phase = watch::Sender::new(Phase::Starting);
    let listener = ops::Listener::bind(config.ops, &metrics::RECORDED).await?;
    let watching = listener.serve(phase.subscribe(), BUILD);
    tokio::select! {
        ended = work(config, clock, &phase, shutdown) => ended,
        never = watching => match never {},
    }
}

/// Opens the spool and works on it until `shutdown`. `phase` follows.
async fn work(
    config: Config,
    clock: Clock,
    phase: &watch::Sender<Phase<Sources>>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let spool = open_spool(&config, clock)?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = Tasks::default();
    let (found, trouble) = watch::channel(Trouble::default());
    let (link_state, told) = watch::channel(LinkState::default());
    let sources = Sources {
        vitals: Vitals::default(),
        log: spool.log.clone(),
        spool: spool.handle.downgrade(),
        inbox: config.folder.path.clone(),
        trouble: trouble.clone(),
        link: told.clone(),
        tls: config.tls.clone(),
        clock,
    };
    let asked = asked(&config, &spool, told);
    let stopping = stopped.clone();
    tasks.restarted("control", move || {
        serve_control(Server::bind(&asked.directory), asked.clone(), stopping.clone())
    });
    let (superseded, told_of) = mpsc::channel(SUPERSEDED_MAX);
    let ports = folder::Ports {
        spool: spool.handle.clone(),
        log: spool.log.clone(),
        trouble: found,
        superseded: told_of,
        clock,
    };
    let reading = folder::run(config.folder, config.facts, ports, wait_for(stopped.clone()));
    tasks.essential("source", async move { Ok(reading.await?) });
    keep_tls(config.tls, clock, &stopped, &mut tasks);
    let delivery = Delivery {
        config: config.session,
        endpoints: config.endpoints,
        spool: spool.handle,
        log: spool.log,
        trouble,
        link_state,
        superseded,
        clock,
    };
    let delivering = delivery::run(delivery, wait_for(stopped.clone()));
    tasks.essential("delivery", async move {
        delivering.await;
        Ok(())
    });
    tasks.restarted("signs of life", move || give_signs_of_life(stopped.clone()));
    phase.send_replace(Phase::Running(Sources { vitals: tasks.vitals(), ..sources }));
    service_manager::ready();
    let unasked = tokio::select! {
        () = shutdown => None,
        ended = tasks.ended() => Some(ended),
    };
    info!("stopping");
    service_manager::stopping();
    if unasked.is_none() {
        phase.send_replace(Phase::Stopping);
    }
    stop.send_replace(true);
    finish(unasked, tasks, spool.end).await
}

/// Waits until all has ended. Fails where a task failed, or one ended that was not asked to.
async fn finish(
    unasked: Option<Ended<Result<(), Error>>>,
    tasks: Tasks<Result<(), Error>>,
    spool_end: oneshot::Receiver<Result<(), FatalError>>,
) -> Result<(), Error> {
    let ends = tasks.finish().await;
    // Where the spool failed, the others failed for that.
    spool_end.await.map_err(|_| Error::Task { name: "spool", cause: Cause::Panicked })??;
    let unasked_name = unasked.as_ref().map(|ended| ended.name);
    for Ended { name, result } in unasked.into_iter().chain(ends) {
        result.map_err(|cause| Error::Task { name, cause })??;
    }
    if let Some(name) = unasked_name {
        return Err(Error::Task { name, cause: Cause::Returned });
    }
    info!("stopped");
    Ok(())
}

/// What operators may ask about.
fn asked(config: &Config, spool: &Spool, link: watch::Receiver<LinkState>) -> Asked {
    Asked {
        handle: spool.handle.clone(),
        link: Some(link),
        endpoints: config.endpoints.iter().map(ToString::to_string).collect(),
        catalogue_digest: config.session.catalogue_digest,
        directory: config.data_dir.clone(),
    }
}

fn open_spool(config: &Config, clock: Clock) -> Result<Spool, Error> {
    let spool = spool::open(&config.data_dir, config.spool, LogId(random()), clock)?;
    if let Some(path) = &spool.moved_aside {
        let count = spool::moved_aside_count(&config.data_dir);
        let path = path.display();
        error!(%path, count, "an unreadable spool was moved aside, a new log begins");
    }
    let state = *spool.log.borrow();
    info!(
        reporter = %config.facts.reporter,
        log = %state.log,
        batches = state.batch_count,
        "spool opened"
    );
    Ok(spool)
}

/// Answers operators. Delivery goes on without, so a socket that cannot be made is only reported.
async fn serve_control(
    bound: io::Result<Server>,
    asked: Asked,
    stopped: watch::Receiver<bool>,
) -> Result<(), Error> {
    match bound {
        Ok(server) => server.serve(asked, wait_for(stopped)).await,
        Err(error) => {
            warn!(%error, "no control socket: spool commands are unavailable until the collector stops");
            wait_for(stopped).await;
        }
    }
    Ok(())
}

/// Starts the task that keeps the files of TLS current, where there are any.
fn keep_tls(
    tls: Option<Tls>,
    clock: Clock,
    stopped: &watch::Receiver<bool>,
    tasks: &mut Tasks<Result<(), Error>>,
) {
    let Some(tls) = tls else { return };
    let stopping = stopped.clone();
    tasks.restarted("tls files", move || keep_tls_current(tls.clone(), clock, stopping.clone()));
}

/// Reads the files of TLS again when they change, and warns of a certificate that expires.
async fn keep_tls_current(
    tls: Tls,
    clock: Clock,
    stopped: watch::Receiver<bool>,
) -> Result<(), Error> {
    let (files, current) = (tls.files.clone(), tls.current.clone());
    let before = tls.expiry_warning;
    tokio::select! {
        never = keep_current("TLS files", files.all(), move || files.load(), current) => match never {},
        never = warn_of_expiry(move || tls.own_validity(), before, clock) => match never {},
        () = wait_for(stopped) => Ok(()),
    }
}

/// Tells the service manager that the runtime turns.
async fn give_signs_of_life(stopped: watch::Receiver<bool>) -> Result<(), Error> {
    tokio::select! {
        never = service_manager::signs_of_life() => match never {},
        () = wait_for(stopped) => Ok(()),
    }
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // The sender's end means the same.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
