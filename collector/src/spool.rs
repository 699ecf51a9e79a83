//! The spool: what a province has observed and the aggregator does not durably hold yet, and the
//! current value of every cell.
//!
//! ```text
//! source ─ Append ─▶ owner (one thread) ─ redb, synced ─▶ fates
//! delivery ─ Load, Settle, Adopt, BeginLog, Restate ─▶ owner ─▶ its log's state
//! operators ─ Stat, Verify, DeadLetters, Replay, Drop ─▶ owner
//!
//! owner ─▶ group: what has queued up shares a commit
//!      ─▶ change (log), cells, replaced, letters: what one transaction does
//!      ─▶ room: whether an append fits, and when to compact
//!      ─▶ file (its format: format) ─▶ backend (bounded) ─▶ directory, ballast
//! ```
//!
//! Owns the file and the log in it. What [`Handle::append`] has answered is on disk; a batch
//! leaves only by [`Handle::settle`], and the cells stay even then, so that a wiped aggregator can
//! be rebuilt from them.

mod backend;
mod cells;
mod change;
mod directory;
mod file;
mod format;
mod letters;
mod owner;
mod replaced;
mod request;
mod resynced;
mod room;
mod tables;
mod told;
mod verify;

use std::{io, path::Path, time::Duration};

use phuxanh_core::{
    Batch, LogId, Observation, Timestamp,
    delivery::sender::{LogState, Resync},
    figures::superseding::{Superseded, Superseding},
    frame::BatchResult,
};
use tokio::sync::{mpsc, oneshot, watch};

pub use directory::{OpenError, moved_aside_count};
pub use file::Medium;
pub use letters::{DeadLetter, Reason};
pub use request::Series;
pub use resynced::Resynced;
pub use verify::Verified;

use phuxanh_daemon::clock::Clock;

use directory::Sizes;
use request::{GroupCommit, Request};

/// Bounds of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Bytes of the file, at most; what might carry it further is held back. A file doubles when
    /// it is full, so between half of the quota and all of it can be used.
    pub quota_bytes: u64,
    /// Bytes kept beside the file and given up when the disk is full; 0 for none.
    pub ballast_bytes: u64,
    /// A drained spool is compacted where its file is this many times longer than what it holds,
    pub compact_ratio: u64,
    /// and as long as this at least.
    pub compact_bytes_min: u64,
    /// Longest time without a watermark in the log while nothing is observed.
    pub watermark_interval: Duration,
    /// Largest batch.
    pub batch_observation_count_max: usize,
    pub batch_payload_bytes_max: usize,
    /// Requests that may wait for the owner, and share a commit.
    pub queue_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            quota_bytes: 256 << 20,
            ballast_bytes: 8 << 20,
            compact_ratio: 4,
            compact_bytes_min: 4 << 20,
            watermark_interval: Duration::from_mins(15),
            batch_observation_count_max: 10_000,
            batch_payload_bytes_max: 256 << 10,
            queue_max: 16,
        }
    }
}

/// Fate of an observation at the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The observation travels.
    Taken,
    /// The observation travels and takes back this value of its cell, if there was one.
    Withdrawn { value: Option<i64> },
    /// Equal to the current cell in value, observed time and basis: it does not travel again.
    Unchanged,
    /// A newer value stands, or one of the same time where the file is read again, and this one
    /// does not travel.
    Superseded { value: Option<i64>, observed: Timestamp },
}

impl Fate {
    /// True if the observation travels.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        match self {
            Self::Taken | Self::Withdrawn { .. } => true,
            Self::Unchanged | Self::Superseded { .. } => false,
        }
    }
}

/// A source file that was read to its end and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedFile {
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    pub name: String,
    pub accepted: Timestamp,
}

/// Error of a request to the spool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The spool is at its quota, or the disk is full: hold the source back and ask again later.
    #[error("the spool has no room under its quota of {quota_bytes} bytes, or the disk is full")]
    Full { quota_bytes: u64 },
    /// The owner has ended; the daemon is stopping.
    #[error("the spool is closed")]
    Closed,
}

/// Batches of a log behind a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub log: LogId,
    pub after: u64,
    pub batches: Vec<Batch>,
}

/// State of the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub log: LogState,
    /// Observations of the unreleased batches.
    pub waiting_observation_count: u64,
    pub waiting_payload_bytes: u64,
    /// Bytes of the file's pages that are in use.
    pub used_bytes: u64,
    pub quota_bytes: u64,
    pub ballast_bytes: u64,
    /// False while it is given up.
    pub is_ballast_kept: bool,
    /// Reason why the source is held back, if it is.
    pub held: Option<Held>,
    /// Reason why the present log replaced another one, if it did.
    pub resynced: Option<Resynced>,
}

/// Reason why the source is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The file may not grow.
    Quota,
    /// The disk is full, or was and the ballast is not back yet.
    Disk,
}

/// Dead letters that were observed again, by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Appended to the log.
    pub taken_count: u64,
    /// Equal to what their cells hold by now.
    pub unchanged_count: u64,
    /// Older than what their cells hold by now.
    pub superseded_count: u64,
    /// Letters that are not there, or cannot be read and so stay.
    pub passed_over: Vec<u64>,
}

/// A handle to the owner.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

/// A handle that does not keep the spool open.
#[derive(Debug, Clone)]
pub struct WeakHandle {
    requests: mpsc::WeakSender<Request>,
}

impl WeakHandle {
    /// The handle; `None` once the spool is closed.
    #[must_use]
    pub fn upgrade(&self) -> Option<Handle> {
        self.requests.upgrade().map(|requests| Handle { requests })
    }
}

/// An append that is on its way to the disk.
#[derive(Debug)]
pub struct Appending {
    answer: oneshot::Receiver<Result<Vec<Fate>, Error>>,
}

impl Appending {
    /// Returns the fates of the observations, in their order, once they are on disk.
    pub async fn fates(self) -> Result<Vec<Fate>, Error> {
        self.answer.await.map_err(|_| Error::Closed)?
    }
}

/// A spool that has been opened.
#[derive(Debug)]
pub struct Spool {
    pub handle: Handle,
    /// The state of its log, newest first.
    pub log: watch::Receiver<LogState>,
    /// Path to which an unreadable file was moved, if there was one.
    pub moved_aside: Option<std::path::PathBuf>,
    /// Tells how the owner ended: after the last handle, or with an error that ends the daemon.
    pub end: oneshot::Receiver<Result<(), FatalError>>,
}

/// The file cannot be read or written any more. What was appended is on disk.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    #[error("the spool cannot be read or written")]
    Database(#[source] Box<redb::Error>),
    #[error("the spool holds a {0} that cannot be read")]
    Corrupt(&'static str),
    #[error(
        "the spool was written by format {found}, and this program reads format {reads}: use the \
         version of the collector that wrote it; nothing was changed"
    )]
    Format { found: String, reads: u32 },
}

impl FatalError {
    /// True if another process has the file.
    fn is_lock(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(**error, redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch)
    }

    /// True if the bytes themselves are wrong, rather than the disk or its fullness.
    fn is_damage(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            Self::Corrupt(_) => return true,
            Self::Format { .. } => return false,
        };
        match &**error {
            redb::Error::Io(error) => {
                matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
            }
            redb::Error::Corrupted(_)
            | redb::Error::RepairAborted
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TableDoesNotExist(_) => true,
            // The list of a foreign crate, which may grow.
            _ => false,
        }
    }
}

impl<E: Into<redb::Error>> From<E> for FatalError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Opens the spool of a directory, or makes one whose log is `fresh`, and starts its owner.
pub fn open(
    directory: &Path,
    config: Config,
    fresh: LogId,
    clock: Clock,
) -> Result<Spool, OpenError> {
    let opened = directory::open(directory, sizes(&config), fresh)?;
    Ok(owner::spawn(opened, config, clock)?)
}

/// Opens the spool of a directory, where there is one that can be read, and starts its owner.
pub fn open_existing(directory: &Path, config: Config, clock: Clock) -> Result<Spool, OpenError> {
    let opened = directory::open_existing(directory, sizes(&config))?;
    Ok(owner::spawn(opened, config, clock)?)
}

/// Opens the spool that lies on a medium, or makes one there whose log is `fresh`, and starts its
/// owner.
pub fn open_on(
    medium: Medium,
    config: Config,
    fresh: LogId,
    clock: Clock,
) -> Result<Spool, FatalError> {
    let opened = directory::open_on(medium, sizes(&config), Some(fresh))?;
    owner::spawn(opened, config, clock)
}

const fn sizes(config: &Config) -> Sizes {
    Sizes { quota_bytes: config.quota_bytes, ballast_bytes: config.ballast_bytes }
}

impl Handle {
    /// A handle to look at the spool by as long as others work with it.
    #[must_use]
    pub fn downgrade(&self) -> WeakHandle {
        WeakHandle { requests: self.requests.downgrade() }
    }

    /// Requests that wait for the owner, and how many can.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        let (free, capacity) = (self.requests.capacity(), self.requests.max_capacity());
        (capacity - free, capacity)
    }

    /// Appends observations durably, in order; returns their fates in the same order once they
    /// are on disk. The caller has validated them; `revision` is given here.
    pub async fn append(&self, observations: Vec<Observation>) -> Result<Vec<Fate>, Error> {
        self.queue_append(&Series::default(), observations).await?.fates().await
    }

    /// Queues an append behind the others of a series; those that wait together are committed
    /// together.
    pub async fn queue_append(
        &self,
        series: &Series,
        observations: Vec<Observation>,
    ) -> Result<Appending, Error> {
        let (reply, answer) = oneshot::channel();
        let entry = GroupCommit::Append { observations, series: series.clone(), reply };
        self.requests.send(Request::Group(entry)).await.map_err(|_| Error::Closed)?;
        Ok(Appending { answer })
    }

    /// The accepted file of a digest, if there is one.
    pub async fn accepted_file(&self, digest: [u8; 32]) -> Result<Option<AcceptedFile>, Error> {
        self.ask(|reply| Request::AcceptedFile { digest, reply }).await
    }

    /// Remembers an accepted file.
    pub async fn accept_file(&self, file: AcceptedFile) -> Result<(), Error> {
        self.ask(|reply| Request::AcceptFile { file, reply }).await
    }

    /// Notes that everything that the sources held up to a time has been appended.
    pub async fn complete_through(&self, time: Timestamp) -> Result<(), Error> {
        self.ask(|reply| Request::CompleteThrough { time, reply }).await
    }

    /// Reads batches behind a sequence: at least one if there is one, else within the bounds.
    pub async fn load(
        &self,
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
    ) -> Result<Loaded, Error> {
        self.ask(|reply| Request::Load { after, batch_count_max, payload_bytes_max, reply }).await
    }

    /// Releases the batches through a sequence. What was refused of them goes to the dead letters
    /// in the same transaction, once.
    pub async fn settle(&self, through: u64, results: Vec<BatchResult>) -> Result<LogState, Error> {
        self.ask(|reply| Request::Group(GroupCommit::Settle { through, results, reply })).await
    }

    /// Keeps the epoch that the log was given.
    pub async fn adopt(&self, log_epoch: u64) -> Result<LogState, Error> {
        self.ask(|reply| Request::Adopt { log_epoch, reply }).await
    }

    /// Begins a new log: unreleased batches get new numbers in it, and the cells are restated
    /// behind them.
    pub async fn begin_log(&self, fresh: LogId, resync: Resync) -> Result<LogState, Error> {
        self.ask(|reply| Request::BeginLog { fresh, resync, reply }).await
    }

    /// Appends the next batch of cells to be restated.
    pub async fn restate(
        &self,
        observation_count_max: u32,
        payload_bytes_max: u32,
    ) -> Result<LogState, Error> {
        self.ask(|reply| Request::Restate { observation_count_max, payload_bytes_max, reply }).await
    }

    /// The current cells that these values of other logs supersede, where nobody was told of it.
    pub async fn superseded(&self, values: Vec<Superseding>) -> Result<Vec<Superseded>, Error> {
        self.ask(|reply| Request::Superseded { values, reply }).await
    }

    /// Keeps that officers were told of these values.
    pub async fn note_told(&self, values: Vec<Superseding>) -> Result<(), Error> {
        self.ask(|reply| Request::NoteTold { values, reply }).await
    }

    /// Returns the state of the spool.
    pub async fn stat(&self) -> Result<Stat, Error> {
        self.ask(|reply| Request::Stat { reply }).await
    }

    /// Walks the whole spool and says what is wrong with it.
    pub async fn verify(&self) -> Result<Verified, Error> {
        self.ask(|reply| Request::Verify { reply }).await
    }

    /// Dead letters behind a number, in order, at most so many.
    pub async fn dead_letters(
        &self,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        self.ask(|reply| Request::DeadLetters { after, count_max, reply }).await
    }

    /// Observes dead letters again: each is appended if its cell has not moved on, and is no dead
    /// letter any more, in the same transaction.
    pub async fn replay(&self, numbers: Vec<u64>) -> Result<Replayed, Error> {
        self.ask(|reply| Request::Replay { numbers, reply }).await?
    }

    /// Drops dead letters; returns how many of them there were.
    pub async fn drop_dead_letters(&self, numbers: Vec<u64>) -> Result<u64, Error> {
        self.ask(|reply| Request::DropDeadLetters { numbers, reply }).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }
}
