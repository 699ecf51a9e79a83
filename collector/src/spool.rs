//! The spool: what a province has observed and the aggregator does not durably hold yet, and the
//! current value of every cell.
//!
//! ```text
//! source ─ Append ─▶ owner (one thread) ─ redb, synced ─▶ fates
//! delivery ─ Load, Settle, Adopt, BeginLog, Restate ─▶ owner ─▶ its log's state
//! ```
//!
//! Owns the file and the log in it. What [`Handle::append`] has answered is on disk; a batch
//! leaves only by [`Handle::settle`], and the cells stay even then, so that a wiped aggregator can
//! be rebuilt from them.

mod file;
mod log;
mod owner;

use phuxanh_proto::model::{Batch, LogId, Observation, Timestamp, frame::BatchResult};
use tokio::sync::{mpsc, oneshot, watch};

pub use file::OpenError;

use crate::{clock::Clock, session::LogState};

/// Bounds of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Bytes of batches that may wait; at the quota the source is held back.
    pub quota_bytes: u64,
    /// Largest batch.
    pub batch_observation_count_max: usize,
    pub batch_payload_bytes_max: usize,
    /// Requests that may wait for the owner.
    pub queue_max: usize,
}

/// What became of an observation at the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It travels.
    Taken,
    /// Equal to the current cell in value, observed time and basis: it does not travel again.
    Unchanged,
    /// A newer value stands, and this one does not travel.
    Superseded { value: Option<i64>, observed: Timestamp },
}

/// A source file that was read to its end and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedFile {
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    pub name: String,
    pub accepted: Timestamp,
}

/// Why the spool did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The spool is at its quota: hold the source back and ask again later.
    #[error("the spool is at its quota of {quota_bytes} bytes")]
    Full { quota_bytes: u64 },
    /// The owner has ended; the daemon is stopping.
    #[error("the spool is closed")]
    Closed,
}

/// What is asked of the owner.
#[derive(Debug)]
enum Request {
    Append {
        observations: Vec<Observation>,
        reply: oneshot::Sender<Result<Vec<Fate>, Error>>,
    },
    AcceptedFile {
        digest: [u8; 32],
        reply: oneshot::Sender<Option<AcceptedFile>>,
    },
    AcceptFile {
        file: AcceptedFile,
        reply: oneshot::Sender<()>,
    },
    CompleteThrough {
        time: Timestamp,
        reply: oneshot::Sender<()>,
    },
    Load {
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
        reply: oneshot::Sender<Loaded>,
    },
    Settle {
        through: u64,
        results: Vec<BatchResult>,
        reply: oneshot::Sender<LogState>,
    },
    Adopt {
        log_epoch: u64,
        reply: oneshot::Sender<LogState>,
    },
    BeginLog {
        fresh: LogId,
        reply: oneshot::Sender<LogState>,
    },
    Restate {
        observation_count_max: u32,
        payload_bytes_max: u32,
        reply: oneshot::Sender<LogState>,
    },
}

/// Batches of a log behind a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub log: LogId,
    pub after: u64,
    pub batches: Vec<Batch>,
}

/// A handle to the owner.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

/// A spool that has been opened.
#[derive(Debug)]
pub struct Spool {
    pub handle: Handle,
    /// The state of its log, newest first.
    pub log: watch::Receiver<LogState>,
    /// Where an unreadable file was moved, if there was one.
    pub moved_aside: Option<std::path::PathBuf>,
    /// How the owner ended: after the last handle, or with an error that ends the daemon.
    pub end: oneshot::Receiver<Result<(), FatalError>>,
}

/// The file cannot be read or written any more. What was appended is on disk.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    #[error("the spool cannot be read or written")]
    Database(#[source] Box<redb::Error>),
    #[error("the spool holds a {0} that cannot be read")]
    Corrupt(&'static str),
}

impl<E: Into<redb::Error>> From<E> for FatalError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Opens the spool of a directory, or makes one whose log is `fresh`, and starts its owner.
pub fn open(
    directory: &std::path::Path,
    config: Config,
    fresh: LogId,
    clock: Clock,
) -> Result<Spool, OpenError> {
    let opened = file::open(directory, fresh)?;
    owner::spawn(opened, config, clock)
}

impl Handle {
    /// Appends observations durably, in order; returns their fates in the same order once they
    /// are on disk. The caller has validated them; `revision` is given here.
    pub async fn append(&self, observations: Vec<Observation>) -> Result<Vec<Fate>, Error> {
        self.ask(|reply| Request::Append { observations, reply }).await?
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
        self.ask(|reply| Request::Settle { through, results, reply }).await
    }

    /// Keeps the epoch that the log was given.
    pub async fn adopt(&self, log_epoch: u64) -> Result<LogState, Error> {
        self.ask(|reply| Request::Adopt { log_epoch, reply }).await
    }

    /// Begins a new log: unreleased batches get new numbers in it, and the cells are restated
    /// behind them.
    pub async fn begin_log(&self, fresh: LogId) -> Result<LogState, Error> {
        self.ask(|reply| Request::BeginLog { fresh, reply }).await
    }

    /// Appends the next batch of cells to be restated.
    pub async fn restate(
        &self,
        observation_count_max: u32,
        payload_bytes_max: u32,
    ) -> Result<LogState, Error> {
        self.ask(|reply| Request::Restate { observation_count_max, payload_bytes_max, reply }).await
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
