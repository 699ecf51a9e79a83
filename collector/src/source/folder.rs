//! The task that watches the inbox.
//!
//! It scans the folder, hands complete files to the intake one by one, and files them away. A
//! file leaves the inbox only when its observations are in the spool and its report is written,
//! so whatever is interrupted is read again, and what is read again is unchanged to the spool.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as StdError,
    fs::Metadata,
    io,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use phuxanh_core::Timestamp;
use tokio::{
    fs::{self, DirEntry, File},
    time::sleep,
};
use tracing::{info, warn};

use super::{
    Error, Facts, Limits,
    filing::{Filing, Move, Tray},
    intake::{Finished, Intake},
    lines::{self, Hash},
    report::{Details, Outcome, Summary},
    settling::{Inbox, Name, Stamp},
};
use crate::{
    clock::Clock,
    spool::{self, AcceptedFile},
};

/// Where and how often to look for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The inbox; `accepted/` and `rejected/` are made in it.
    pub path: PathBuf,
    /// How long a file must be quiet before it is read.
    pub settle_time: Duration,
    /// Time between two scans, and between two attempts at a full spool.
    pub poll_interval: Duration,
    pub limits: Limits,
}

/// Watches the inbox until `shutdown` or until the spool closes. Fails only when the folder
/// cannot be made at the start: later troubles are logged and tried again at the next scan.
pub async fn run(
    config: Config,
    facts: Facts,
    spool: spool::Handle,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let filing = Filing::open(config.path).await?;
    info!(folder = %filing.inbox().display(), "watching the inbox");
    let mut folder = Folder {
        filing,
        intake: Intake {
            facts,
            limits: config.limits,
            spool,
            clock,
            full_wait: config.poll_interval,
        },
        inbox: Inbox::new(config.settle_time),
        poll_interval: config.poll_interval,
        strangers: BTreeSet::new(),
        failures: BTreeMap::new(),
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
    inbox: Inbox,
    poll_interval: Duration,
    /// Names that are left alone and were logged.
    strangers: BTreeSet<String>,
    /// What was last logged of files that cannot be read yet; under no name, of the folder.
    failures: BTreeMap<Option<String>, String>,
}

/// What a scan found.
#[derive(Default)]
struct Listing {
    files: BTreeMap<String, Stamp>,
    strangers: BTreeSet<String>,
    /// There are more files than a scan considers.
    is_cut: bool,
}

impl Folder {
    /// Scans until the spool closes.
    async fn watch(&mut self) {
        loop {
            match self.scan().await {
                Ok(()) => {
                    self.failures.remove(&None);
                }
                Err(Error::Spool(spool::Error::Closed)) => return,
                Err(error) => self.log_failure(None, &error),
            }
            sleep(self.poll_interval).await;
        }
    }

    async fn scan(&mut self) -> Result<(), Error> {
        let started = (self.intake.clock)();
        match self.complete_move().await {
            Ok(()) => {}
            Err(error @ Error::Spool(spool::Error::Closed)) => return Err(error),
            Err(error) => self.log_failure(None, &error),
        }
        let Listing { files, strangers, is_cut } = self.list().await?;
        self.note_strangers(strangers);
        self.failures.retain(|name, _| name.as_ref().is_none_or(|name| files.contains_key(name)));
        let file_count = files.len();
        let mut read_count = 0;
        for name in self.inbox.scan(files, started) {
            match self.take(&name).await {
                Ok(()) => read_count += 1,
                Err(error @ Error::Spool(spool::Error::Closed)) => return Err(error),
                Err(error) => self.log_failure(Some(name), &error),
            }
        }
        if read_count == file_count && !is_cut {
            self.intake.spool.complete_through(started).await.map_err(Error::Spool)?;
        }
        Ok(())
    }

    async fn list(&self) -> Result<Listing, Error> {
        let inbox = self.filing.inbox();
        let mut listing = Listing::default();
        let mut entries = fs::read_dir(inbox).await.map_err(Error::io("listing", inbox))?;
        while let Some(entry) = entries.next_entry().await.map_err(Error::io("listing", inbox))? {
            let room = self.intake.limits.scan_files_max;
            let name = entry.file_name().to_string_lossy().into_owned();
            match sort(&entry).await.map_err(Error::io("looking at", entry.path()))? {
                Sort::Stranger if listing.strangers.len() < room => {
                    listing.strangers.insert(name);
                }
                Sort::Nothing | Sort::Stranger => {}
                Sort::Table(stamp) if listing.files.len() < room => {
                    listing.files.insert(name, stamp);
                }
                Sort::Table(_) => listing.is_cut = true,
            }
        }
        Ok(listing)
    }

    /// Reads a file and files it away.
    async fn take(&self, name: &str) -> Result<(), Error> {
        let path = self.filing.waiting(name);
        let stamp = self.stamp(name).await?;
        let digest = self.digest(name).await?;
        if let Some(earlier) = self.accepted_file(digest).await? {
            return self.set_aside(name, stamp, earlier).await;
        }
        let finished = self.intake.read(&path, &self.filing.entries()).await?;
        if finished.digest != digest {
            return Err(Error::Changed { path });
        }
        self.file_away(name, stamp, finished).await
    }

    /// Writes the report and moves the file. What was accepted is remembered in between, so that
    /// a crash at any point leads to the same end.
    async fn file_away(&self, name: &str, stamp: Stamp, finished: Finished) -> Result<(), Error> {
        let Finished { outcome, details, digest } = finished;
        let (tray, counts) = match &outcome {
            Outcome::Rejected(counts) => (Tray::Rejected, Some(*counts)),
            Outcome::Accepted(counts) => (Tray::Accepted, Some(*counts)),
            Outcome::Identical(_) => (Tray::Accepted, None),
        };
        let is_new = matches!(outcome, Outcome::Accepted(_));
        let read = (self.intake.clock)();
        let to = self.filing.free_name(tray, name).await?;
        let step = Move { from: name.to_owned(), to };
        let summary = Summary { file: step.to.clone(), read, outcome };
        let report = self.filing.report(tray, &step.to);
        details.finish(&summary, &self.filing.draft(), &report).await?;
        // While the spool was full, somebody may have put another file in its place.
        if self.stamp(name).await? != stamp {
            return Err(Error::Changed { path: self.filing.waiting(name) });
        }
        if is_new {
            self.filing.note(&step).await?;
            let file = AcceptedFile { digest, name: step.to.clone(), accepted: read };
            self.intake.spool.accept_file(file).await.map_err(Error::Spool)?;
        }
        self.filing.move_to(tray, &step).await?;
        info!(file = name, tray = ?tray, report = %report.display(), ?counts, "file read");
        if is_new { self.filing.clear_note().await } else { Ok(()) }
    }

    /// Files away a file whose bytes were accepted before.
    async fn set_aside(
        &self,
        name: &str,
        stamp: Stamp,
        earlier: AcceptedFile,
    ) -> Result<(), Error> {
        let digest = earlier.digest;
        let details = Details::create(self.filing.entries(), 0).await?;
        let outcome = Outcome::Identical(earlier);
        self.file_away(name, stamp, Finished { outcome, details, digest }).await
    }

    /// Completes a move that was interrupted after its file had been accepted: its report is
    /// already in place. A file that had not been accepted yet is simply read again.
    async fn complete_move(&self) -> Result<(), Error> {
        let Some(step) = self.filing.noted().await? else { return Ok(()) };
        match self.digest(&step.from).await {
            Ok(digest) => {
                let accepted = self.accepted_file(digest).await?;
                if accepted.is_some_and(|file| file.name == step.to) {
                    self.filing.move_to(Tray::Accepted, &step).await?;
                    info!(file = step.from, "file accepted before the restart moved");
                }
            }
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.filing.clear_note().await
    }

    async fn digest(&self, name: &str) -> Result<Hash, Error> {
        let path = self.filing.waiting(name);
        let file = File::open(&path).await.map_err(Error::io("opening", &path))?;
        lines::digest(file).await.map_err(Error::io("reading", path))
    }

    async fn stamp(&self, name: &str) -> Result<Stamp, Error> {
        let path = self.filing.waiting(name);
        let metadata = fs::symlink_metadata(&path).await.map_err(Error::io("looking at", &path))?;
        stamp_of(&metadata).map_err(Error::io("looking at", path))
    }

    async fn accepted_file(&self, digest: Hash) -> Result<Option<AcceptedFile>, Error> {
        self.intake.spool.accepted_file(digest).await.map_err(Error::Spool)
    }

    fn note_strangers(&mut self, strangers: BTreeSet<String>) {
        for file in strangers.difference(&self.strangers) {
            info!(file, "file left alone, since it is no csv file");
        }
        self.strangers = strangers;
    }

    /// Logs a failure when it is not the one logged last.
    fn log_failure(&mut self, name: Option<String>, error: &Error) {
        let cause = error.source().map_or(String::new(), |source| format!(": {source}"));
        let text = format!("{error}{cause}");
        if self.failures.get(&name) != Some(&text) {
            warn!(file = name, error = text, "reading the inbox failed and is tried again");
            self.failures.insert(name, text);
        }
    }
}

/// What an entry of the inbox is to a scan.
enum Sort {
    Nothing,
    Stranger,
    Table(Stamp),
}

async fn sort(entry: &DirEntry) -> io::Result<Sort> {
    let metadata = match entry.metadata().await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sort::Nothing),
        metadata => metadata?,
    };
    let name = entry.file_name();
    if metadata.is_dir() {
        return Ok(Sort::Nothing);
    }
    Ok(match name.to_str().map(Name::classify) {
        Some(Name::Passing) => Sort::Nothing,
        Some(Name::Table) if metadata.is_file() => Sort::Table(stamp_of(&metadata)?),
        Some(Name::Table | Name::Other) | None => Sort::Stranger,
    })
}

fn stamp_of(metadata: &Metadata) -> io::Result<Stamp> {
    let age = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let modified = Timestamp::from_micros(0).expect("1970 is a time").plus(age);
    Ok(Stamp { size_bytes: metadata.len(), modified })
}
