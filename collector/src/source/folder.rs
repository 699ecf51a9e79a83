//! The task that watches the inbox.
//!
//! It scans the folder, hands complete files to the intake one by one, and files them away. A
//! file leaves the inbox only when its observations are in the spool and its report is written,
//! so whatever is interrupted is read again, and what is read again is unchanged to the spool.
//!
//! ```text
//! scan ─ listing ─▶ settling (which are complete) ─▶ taking (read, take, report, move)
//!      ─ trays: files that changed after they were read, or whose values a lost spool held
//!      ─ confirming: reports that wait for the centre to hold their values
//!      ─ superseded: whose values gave way to those of another host, for their officers
//!      ─ setbacks: what cannot be read or filed, for the log and for the centre
//! ```

mod confirming;
mod listing;
mod setbacks;
mod superseded;
mod taking;
mod trays;

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    path::PathBuf,
    time::Duration,
};

use phuxanh_core::{delivery::sender::LogState, figures::superseding::Superseded};
use phuxanh_daemon::clock::Clock;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};
use tracing::{info, warn};

use super::{
    Error, Facts, Limits, Trouble,
    filing::{Filing, Move, Place},
    intake::Intake,
    opening,
    report::Again,
    settling::{Inbox, Settled},
};
use crate::spool;
use confirming::Confirming;
use listing::Listing;
use setbacks::Setbacks;
use trays::Trays;

/// Folder of the source, and the interval of its scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The inbox; `accepted/` and `rejected/` are made in it.
    pub path: PathBuf,
    /// Time for which a file must be quiet before it is read.
    pub settle_time: Duration,
    /// The same for a file whose last line has no line end.
    pub unterminated_wait: Duration,
    /// Time for which a file that was read is watched for changes.
    pub changed_watch: Duration,
    /// Time between two scans, and between two attempts at a full spool.
    pub poll_interval: Duration,
    pub limits: Limits,
}

/// Connections of the source.
#[derive(Debug)]
pub struct Ports {
    pub spool: spool::Handle,
    /// The state of the spool's log.
    pub log: watch::Receiver<LogState>,
    /// Receives what the source cannot read or file.
    pub trouble: watch::Sender<Trouble>,
    /// Brings values in whose place the centre holds others.
    pub superseded: mpsc::Receiver<Vec<Superseded>>,
    pub clock: Clock,
}

/// Watches the inbox until `shutdown` or until the spool closes. Fails only when the folder
/// cannot be made at the start: later troubles are logged and tried again.
pub async fn run(
    config: Config,
    facts: Facts,
    ports: Ports,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let filing = Filing::new(config.path);
    filing.make().await?;
    info!(folder = %filing.folder(Place::Inbox).display(), "watching the inbox");
    let mut folder = Folder {
        filing,
        intake: Intake {
            facts,
            limits: config.limits,
            spool: ports.spool,
            clock: ports.clock,
            full_wait: config.poll_interval,
        },
        log: ports.log,
        inbox: Inbox::new(config.settle_time),
        trays: Trays::new(config.settle_time, config.changed_watch),
        poll_interval: config.poll_interval,
        unterminated_wait: config.unterminated_wait,
        pending: BTreeMap::new(),
        again: VecDeque::new(),
        confirming: Confirming::default(),
        setbacks: Setbacks::new(ports.trouble),
        superseded: ports.superseded,
    };
    tokio::select! {
        () = shutdown => {}
        () = folder.watch() => {}
    }
    Ok(())
}

struct Folder {
    filing: Filing,
    intake: Intake,
    log: watch::Receiver<LogState>,
    inbox: Inbox,
    trays: Trays,
    poll_interval: Duration,
    unterminated_wait: Duration,
    /// Files that were read and could not be moved yet.
    pending: BTreeMap<(Place, OsString), Move>,
    /// Files in the trays that are to be read again, and why.
    again: VecDeque<(Source, Again)>,
    confirming: Confirming,
    setbacks: Setbacks,
    superseded: mpsc::Receiver<Vec<Superseded>>,
}

/// A file, by its folder and name.
type Source = (Place, OsString);

impl Folder {
    /// Scans until the spool closes.
    async fn watch(&mut self) {
        let mut is_begun = false;
        loop {
            let scanned = async {
                self.filing.make().await?;
                if !is_begun {
                    self.begin().await?;
                    is_begun = true;
                }
                self.scan().await
            };
            match scanned.await {
                Ok(()) => self.setbacks.clear(None),
                Err(Error::Spool(spool::Error::Closed)) => return,
                Err(error) => self.setbacks.note(None, &error, Instant::now()),
            }
            self.setbacks.tell();
            sleep(self.poll_interval).await;
        }
    }

    /// Finds what a run before this one left behind.
    async fn begin(&mut self) -> Result<(), Error> {
        for step in self.filing.noted().await? {
            if self.is_reported(&step).await? {
                self.pending.insert((step.place, step.from.clone()), step);
            } else {
                self.filing.clear_note(&step).await?;
            }
        }
        self.find_unconfirmed().await
    }

    async fn scan(&mut self) -> Result<(), Error> {
        let started = (self.intake.clock)();
        self.move_pending().await?;
        self.read_again().await?;
        let Listing { files, strangers, is_cut } = self.list().await?;
        self.setbacks.see(&files, strangers);
        let file_count = files.len();
        let mut read_count = 0;
        for Settled { name, quiet } in self.inbox.scan(files, started) {
            let source = (Place::Inbox, name);
            if !self.setbacks.is_due(&source, Instant::now()) {
                continue;
            }
            let path = self.filing.path(Place::Inbox, &source.1);
            let is_terminated = opening::is_terminated(&path).await.unwrap_or(true);
            if !is_terminated && quiet < self.unterminated_wait {
                continue;
            }
            match self.take(&source, None, !is_terminated).await {
                Ok(()) => read_count += 1,
                Err(error) => self.fail(source, error)?,
            }
        }
        self.look_at_trays(started).await?;
        self.tell_superseded().await?;
        let is_all_read = read_count == file_count && !is_cut && self.again.is_empty();
        if is_all_read && self.pending.is_empty() && self.setbacks.is_empty() {
            self.intake.spool.complete_through(started).await.map_err(Error::Spool)?;
        }
        let log = *self.log.borrow();
        self.confirm_reports(&log).await;
        self.note_confirmed(&log).await
    }

    /// Reads files of the trays again. One that fails goes to the back.
    async fn read_again(&mut self) -> Result<(), Error> {
        for _ in 0..self.again.len() {
            let Some((source, again)) = self.again.pop_front() else { break };
            if !self.setbacks.is_due(&source, Instant::now()) {
                self.again.push_back((source, again));
                continue;
            }
            match self.take(&source, Some(again.clone()), false).await {
                Ok(()) => self.setbacks.clear(Some(&source)),
                Err(Error::Io { source: error, .. })
                    if error.kind() == std::io::ErrorKind::NotFound =>
                {
                    info!(file = %source.1.display(), "a file to be read again is not there any more");
                    self.setbacks.clear(Some(&source));
                }
                Err(error) => {
                    self.again.push_back((source.clone(), again));
                    self.fail(source, error)?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a file could not be read or filed; only a closed spool ends the source.
    fn fail(&mut self, source: Source, error: Error) -> Result<(), Error> {
        match error {
            Error::Spool(spool::Error::Closed) => return Err(error),
            // It is read again when it has settled.
            Error::Changed { path } => {
                warn!(file = %path.display(), "file changed while it was read");
            }
            error => self.setbacks.note(Some(source), &error, Instant::now()),
        }
        Ok(())
    }
}
