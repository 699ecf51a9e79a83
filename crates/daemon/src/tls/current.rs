//! Keeps what was read from files current while the daemon runs.

use std::{convert::Infallible, fs, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

use super::PemFile;
use crate::settings::Fault;

/// Time between two looks at the files.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Looks at the files every two seconds and on SIGHUP, and passes on what they hold when they change.
/// Files that cannot be used are named in the log as `what`, and what was read before stays in use.
pub async fn keep_current<T>(
    what: &'static str,
    files: Vec<PemFile>,
    load: impl Fn() -> Result<T, Fault>,
    current: watch::Sender<T>,
) -> Infallible {
    let mut hangups = signal(SignalKind::hangup())
        .inspect_err(|error| warn!(%error, "cannot listen for SIGHUP: files are only polled"))
        .ok();
    let mut polling = interval(POLL_INTERVAL);
    polling.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Unknown at first, so that what changed since the start is noticed.
    let mut seen = None;
    loop {
        let is_asked = tokio::select! {
            _ = polling.tick() => false,
            () = hangup(hangups.as_mut()) => true,
        };
        let found = contents(&files);
        if seen.as_ref() == Some(&found) && !is_asked {
            continue;
        }
        let is_first = seen.replace(found).is_none();
        match load() {
            Ok(loaded) => {
                current.send_replace(loaded);
                if !is_first {
                    info!("{what} read again: new connections and requests use it");
                }
            }
            Err(Fault { key, message, .. }) => {
                error!(setting = key, %message, "{what} refused: what was read before stays in use");
            }
        }
    }
}

/// Bytes of every file; `None` for one that cannot be read.
fn contents(files: &[PemFile]) -> Vec<Option<Vec<u8>>> {
    files.iter().map(|file| fs::read(&file.path).ok()).collect()
}

async fn hangup(hangups: Option<&mut Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}
