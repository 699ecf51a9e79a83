//! Builds the collector from its configuration, runs it, and ends in order.

use std::path::Path;

use phuxanh_core::LogId;
use phuxanh_daemon::clock::Clock;
use tokio::{sync::watch, task::JoinHandle};
use tracing::{error, info, warn};

use crate::{
    config::Config,
    control::Server,
    delivery::{self, Delivery, random},
    source::{self, Trouble, folder},
    spool,
};

/// Why the collector cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Open(#[from] spool::OpenError),
    #[error(transparent)]
    Spool(#[from] spool::FatalError),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error("a part of the collector ended without being asked")]
    Ended,
}

/// Runs until `shutdown`, or until the spool fails. The source stops first; delivery then takes
/// the acks that are on their way.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
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
    let (stop, stopped) = watch::channel(false);
    let control = serve_control(&config.data_dir, &spool.handle, stopped.clone());
    let (found, trouble) = watch::channel(Trouble::default());
    let source = tokio::spawn(folder::run(
        config.folder,
        config.facts,
        folder::Ports {
            spool: spool.handle.clone(),
            log: spool.log.clone(),
            trouble: found,
            clock,
        },
        stopping(stopped.clone()),
    ));
    let delivery = Delivery {
        config: config.session,
        endpoints: config.endpoints,
        spool: spool.handle,
        log: spool.log,
        trouble,
        clock,
    };
    let mut delivering = tokio::spawn(delivery::run(delivery, stopping(stopped)));
    let mut source = source;
    tokio::select! {
        () = shutdown => info!("stopping"),
        ended = &mut source => {
            ended.map_err(|_| Error::Ended)??;
        }
        _ = &mut delivering => {}
    }
    let asked = !source.is_finished() && !delivering.is_finished();
    stop.send_replace(true);
    if !source.is_finished() {
        source.await.map_err(|_| Error::Ended)??;
    }
    if !delivering.is_finished() {
        delivering.await.map_err(|_| Error::Ended)?;
    }
    if let Some(control) = control {
        control.await.map_err(|_| Error::Ended)?;
    }
    spool.end.await.map_err(|_| Error::Ended)??;
    if !asked {
        return Err(Error::Ended);
    }
    info!("stopped");
    Ok(())
}

/// Answers operators. Delivery goes on without, so a socket that cannot be made is only reported.
fn serve_control(
    directory: &Path,
    spool: &spool::Handle,
    stopped: watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    match Server::bind(directory) {
        Ok(server) => Some(tokio::spawn(server.serve(spool.clone(), stopping(stopped)))),
        Err(error) => {
            warn!(%error, "there is no control socket, the spool's tools must wait for the end");
            None
        }
    }
}

async fn stopping(mut stopped: watch::Receiver<bool>) {
    // The sender's end means the same.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
