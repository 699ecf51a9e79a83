//! The store: every reporter's log of records, and its cursor.
//!
//! ```text
//! session ─ open, admit, confirm ─▶ Store ─ records, in order ─▶ publisher
//!    ▲                                │                             │ checkpoints
//!    └────── what is durable ◀────────┘◀──────── keeper ◀───────────┘
//! ```
//!
//! Owns the logs, cursors and checkpoints. It knows nothing of cells or rollups; to it, a
//! checkpoint is bytes. There are two stores, and one test suite checks that both keep the same
//! promises: [`Embedded`] is a file for a single aggregator, [`Shared`] is Redis for any number of
//! them.

pub mod embedded;
pub mod redis;
mod writes;

use std::{fmt, time::Duration};

use phuxanh_core::{
    Cursor, LocalityCode, Record, Timestamp,
    delivery::{
        admission::{Admitted, Offer, Opened, Ticket},
        damage::Damaged,
        log::{Checkpoint, Event, Held, Mark, Reference, References, Trim},
    },
    frame::{Durability, Hello, SessionId},
};
use tokio::sync::{mpsc, watch};

pub use embedded::Embedded;
pub use redis::Shared;
pub use writes::{Writes, WritesRefused};

/// Failure of the store. Batches that were not acknowledged are still in the collectors' spools.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot create the store in directory {path}")]
    Directory { path: String, source: std::io::Error },
    #[error("the store {path} is in use: is another aggregator running on this directory?")]
    InUse { path: String },
    #[error(
        "{path} is not the file that is open: it was deleted, replaced or emptied; put it back, or \
         start the aggregator anew on what is there now, and collectors restate"
    )]
    Displaced { path: String },
    #[error("cannot read or write the store")]
    Database(#[source] Box<::redb::Error>),
    #[error(
        "the store {path} is damaged: checksum mismatch. Import an export into a new directory, or \
         move the file away and start without it: collectors restate their cells, history is lost"
    )]
    Unreadable { path: String, source: Box<::redb::Error> },
    #[error("the store holds an unreadable {what}: {detail}")]
    Corrupt { what: &'static str, detail: String },
    #[error("the store is closed")]
    Closed,
    #[error("{0}")]
    Damaged(Damaged),
    #[error(
        "the store {path} was written by format {found}, and this program reads format {reads}: use the \
         version of the aggregator that wrote it, or import an export of that version"
    )]
    Format { path: String, found: String, reads: u32 },
    #[error("the store refuses writes: {0}")]
    WritesRefused(String),
    #[error("the store is not empty: import into a new one")]
    NotEmpty,
    #[error(transparent)]
    Redis(#[from] redis::Error),
}

impl Error {
    /// True if the data of one reporter is at fault, and not the store.
    pub(crate) fn is_of_data(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Damaged(_) => true,
            Self::Redis(error) => error.is_of_data(),
            Self::Directory { .. }
            | Self::InUse { .. }
            | Self::Database(_)
            | Self::Displaced { .. }
            | Self::Unreadable { .. }
            | Self::Closed
            | Self::Format { .. }
            | Self::WritesRefused(_)
            | Self::NotEmpty => false,
        }
    }

    /// True if the store is out of reach for now, and will be used again by itself.
    pub(crate) fn is_of_reach(&self) -> bool {
        matches!(self, Self::Redis(error) if error.is_of_reach())
    }

    /// True if there is no room on the disk.
    fn is_of_full_disk(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let Self::Database(error) = self else { return false };
        let ::redb::Error::Io(error) = &**error else { return false };
        matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }

    /// True if only the disk failed and the data on it is sound, so that later writes may succeed.
    fn is_of_disk(&self) -> bool {
        match self {
            Self::Database(error) => {
                matches!(**error, ::redb::Error::Io(_) | ::redb::Error::PreviousIo)
            }
            // A reader still holds the file that is to be opened again.
            Self::InUse { .. } | Self::Displaced { .. } => true,
            Self::Directory { .. }
            | Self::Corrupt { .. }
            | Self::Closed
            | Self::Damaged(_)
            | Self::Format { .. }
            | Self::Unreadable { .. }
            | Self::WritesRefused(_)
            | Self::NotEmpty
            | Self::Redis(_) => false,
        }
    }
}

impl<E: Into<::redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Detail of the alarm for a cursor that names no log. That of a half import is such a one, too.
const CURSOR_REBUILT: &str = "the cursor was lost or damaged and is rebuilt behind all records, or an import did not \
                              finish: the collector restates";

/// Detail of the alarm for a checkpoint that cannot be read.
fn unreadable_checkpoint(record_count: u64) -> String {
    format!("the checkpoint behind record {record_count} cannot be read: an earlier state is used")
}

/// Reason why a store is out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Time at which the follower had last received everything that the store held.
    pub since: Timestamp,
    pub cause: String,
}

/// Returns the highest log epoch in a checkpoint; `None` if a follower cannot read it. The store
/// itself does not decode checkpoints.
pub type CheckpointEpoch = fn(LocalityCode, &Checkpoint) -> Option<u64>;

/// Terms that every store works by.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Time until a lease expires after the last sign of life.
    pub lease_span: Duration,
    pub references: References,
    pub checkpoint_epoch: CheckpointEpoch,
    /// Most refusals behind the released batch that a session is told again. A collector that obeys
    /// its credit never has more; any other must begin a new log.
    pub refusals_told_max: usize,
}

/// A store that takes batches from sessions and tells followers what it admitted.
#[tonic::async_trait]
pub trait Store: Archive + Announcements {
    /// Kind of the store, to be shown.
    fn kind(&self) -> &'static str;

    /// Guarantee that holds for a write that is called durable.
    fn durability(&self) -> Durability;

    /// Ticket through which every write is durable.
    fn durable(&self) -> watch::Receiver<Ticket>;

    /// Changes when all sessions so far must be opened again.
    fn incarnation(&self) -> watch::Receiver<u64>;

    /// Reason why the store is out of reach, if it is.
    fn trouble(&self) -> watch::Receiver<Option<Trouble>>;

    /// Reason why the store refuses writes, if it does.
    fn writes(&self) -> watch::Receiver<Option<WritesRefused>>;

    /// Time at which the store was last found wiped or replaced while the aggregator ran.
    fn replaced(&self) -> watch::Receiver<Option<Timestamp>>;

    /// Opens a session.
    async fn open(&self, hello: Hello, session: SessionId) -> Result<Opened, Error>;

    /// Offers a batch. Offers of one session are decided in the order in which their futures are
    /// first polled.
    async fn admit(&self, offer: Offer) -> Result<Admitted, Error>;

    /// Returns the sequence of the log in force and renews the lease, if the session still owns it.
    async fn confirm(
        &self,
        reporter: LocalityCode,
        session: SessionId,
    ) -> Result<Option<u64>, Error>;

    /// Sends the contents of all logs, beginning with the newest checkpoints, and then each
    /// admitted record, until the receiver is dropped. A new follower replaces the one before it.
    async fn follow(&self, events: mpsc::Sender<Event>) -> Result<(), Error>;

    /// Finishes all requests, and ends.
    async fn close(&self);
}

/// Contents of a store, read and written record by record. Retention, exports and imports use it.
#[tonic::async_trait]
pub trait Archive: fmt::Debug + Send + Sync {
    /// Reporters that have a log, by rising code.
    async fn reporters(&self) -> Result<Vec<LocalityCode>, Error>;

    /// Returns a summary of a reporter's log; `None` if it has none.
    async fn held_of(&self, reporter: LocalityCode) -> Result<Option<Held>, Error>;

    /// Returns a summary of every reporter's log, by rising code. One that cannot be read is an
    /// error.
    async fn held(&self) -> Result<Vec<Held>, Error> {
        let mut all = Vec::new();
        for reporter in self.reporters().await? {
            all.extend(self.held_of(reporter).await?);
        }
        Ok(all)
    }

    /// Returns a summary of every log that can be read, by rising code. The follower raises an alarm
    /// for the others.
    async fn readable(&self) -> Result<Vec<Held>, Error> {
        let mut all = Vec::new();
        for reporter in self.reporters().await? {
            match self.held_of(reporter).await {
                Err(error) if error.is_of_data() => {}
                read => all.extend(read?),
            }
        }
        Ok(all)
    }

    /// At most `count_max` records after the first `after` ones, in order.
    async fn records(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error>;

    /// Checkpoint of a reporter over its first `record_count` records.
    async fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error>;

    /// Mark behind a reporter's first `record_count` records; `None` if the log no longer has it.
    async fn mark(&self, reporter: LocalityCode, record_count: u64) -> Result<Option<Mark>, Error>;

    /// Stores a checkpoint.
    async fn keep(&self, reporter: LocalityCode, checkpoint: Checkpoint) -> Result<(), Error>;

    /// Deletes old records and checkpoints.
    async fn trim(&self, reporter: LocalityCode, trim: Trim) -> Result<(), Error>;

    /// All catalogues and gazetteers that records were checked against, by rising digest.
    async fn references(&self) -> Result<Vec<Reference>, Error>;

    /// Stores a catalogue or gazetteer file.
    async fn keep_reference(&self, reference: Reference) -> Result<(), Error>;

    /// Sets a reporter's cursor and appends records unchecked, in a store that does not serve.
    async fn import(
        &self,
        reporter: LocalityCode,
        cursor: Cursor,
        records: Vec<(u64, Record)>,
    ) -> Result<(), Error>;
}

/// Exchange of announcements between the aggregators of a store.
#[tonic::async_trait]
pub trait Announcements: fmt::Debug + Send + Sync {
    /// Announces this aggregator to the others of the store; returns all announcements of the last
    /// seconds.
    async fn announce(&self, replica: [u8; 16], said: Vec<u8>) -> Result<Vec<Vec<u8>>, Error>;
}
