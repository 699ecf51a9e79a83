//! The store: every reporter's log of records, and where it stands.
//!
//! ```text
//! session ─ open, admit, confirm ─▶ Store ─ records, in order ─▶ publisher
//!    ▲                                │                             │ checkpoints
//!    └────── what is durable ◀────────┘◀──────── keeper ◀───────────┘
//! ```
//!
//! Owns the logs, the cursors and the checkpoints; knows nothing of cells or rollups, a checkpoint
//! is bytes to it. Two stores keep the same promises, and one suite of tests holds both to them:
//! [`Embedded`] is a file for a single aggregator, [`Shared`] is Redis for any number of them.

mod embedded;
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

/// Why the store cannot do what it must. What was not acknowledged is still in the collectors'
/// spools.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot prepare the store's directory {path}")]
    Directory { path: String, source: std::io::Error },
    #[error("the store {path} is in use: is another aggregator running on this directory?")]
    InUse { path: String },
    #[error("the store cannot be read or written")]
    Database(#[source] Box<::redb::Error>),
    #[error(
        "the store {path} is damaged: checksum mismatch. Import an export into a new directory, or \
         move the file elsewhere and start: collectors restate what they hold, history is lost"
    )]
    Unreadable { path: String, source: Box<::redb::Error> },
    #[error("the store holds a {what} that cannot be read: {detail}")]
    Corrupt { what: &'static str, detail: String },
    #[error("the store's writer has ended")]
    Closed,
    #[error("{0}")]
    Damaged(Damaged),
    #[error(
        "the store {path} was written by format {found}, and this program reads format {reads}: use the \
         version of the aggregator that wrote it, or import an export of that version"
    )]
    Format { path: String, found: String, reads: u32 },
    #[error("the store takes no writes now: {0}")]
    WritesRefused(String),
    #[error("the store is not empty: import into a new one")]
    NotEmpty,
    #[error(transparent)]
    Redis(#[from] redis::Error),
}

impl Error {
    /// True if the disk is to blame and the data on it are not: later writes may succeed.
    fn is_of_disk(&self) -> bool {
        match self {
            Self::Database(error) => {
                matches!(**error, ::redb::Error::Io(_) | ::redb::Error::PreviousIo)
            }
            // A reader still holds the file that is to be opened again.
            Self::InUse { .. } => true,
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

/// Why a store is out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When followers were last told all that it held.
    pub since: Timestamp,
    pub cause: String,
}

/// Tells whether a follower can use a checkpoint; the store does not look into it.
pub type IsReadable = fn(LocalityCode, &Checkpoint) -> bool;

/// Terms that every store works by.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Time that a lease lasts after the last sign of life.
    pub lease_span: Duration,
    pub references: References,
    pub is_readable: IsReadable,
}

/// A store that takes batches from sessions and tells followers what it admitted.
#[tonic::async_trait]
pub trait Store: Archive + Announcements {
    /// Kind of the store, for people.
    fn kind(&self) -> &'static str;

    /// Reach of a write when it is called durable.
    fn durability(&self) -> Durability;

    /// Everything through this ticket is durable.
    fn durable(&self) -> watch::Receiver<Ticket>;

    /// Changes when sessions that were opened before must be opened anew.
    fn incarnation(&self) -> watch::Receiver<u64>;

    /// Trouble with the store now, if there is any.
    fn trouble(&self) -> watch::Receiver<Option<Trouble>>;

    /// Why no write succeeds now, if none does.
    fn writes(&self) -> watch::Receiver<Option<WritesRefused>>;

    /// Opens a session.
    async fn open(&self, hello: Hello, session: SessionId) -> Result<Opened, Error>;

    /// Offers a batch. Offers of one session are decided in the order of the first polls.
    async fn admit(&self, offer: Offer) -> Result<Admitted, Error>;

    /// Where the log in force stands, if a session still owns it; prolongs its lease.
    async fn confirm(
        &self,
        reporter: LocalityCode,
        session: SessionId,
    ) -> Result<Option<u64>, Error>;

    /// Tells all that is in the logs, from the newest checkpoints on, and then what is admitted,
    /// until the events are no longer taken. A new follower takes the place of the one before it.
    async fn follow(&self, events: mpsc::Sender<Event>) -> Result<(), Error>;

    /// Finishes what was asked, and ends.
    async fn close(&self);
}

/// Content of a store, read and kept record by record. Retention, exports and imports use it.
#[tonic::async_trait]
pub trait Archive: fmt::Debug + Send + Sync {
    /// Returns what every reporter's log holds, by rising code.
    async fn held(&self) -> Result<Vec<Held>, Error>;

    /// At most `count_max` records behind the first so many, in order.
    async fn records(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error>;

    /// A reporter's checkpoint behind so many records.
    async fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error>;

    /// The mark behind so many of a reporter's records; none where the log no longer tells it.
    async fn mark(&self, reporter: LocalityCode, record_count: u64) -> Result<Option<Mark>, Error>;

    /// Keeps a checkpoint.
    async fn keep(&self, reporter: LocalityCode, checkpoint: Checkpoint) -> Result<(), Error>;

    /// Lets go of records and checkpoints.
    async fn trim(&self, reporter: LocalityCode, trim: Trim) -> Result<(), Error>;

    /// Every catalogue and gazetteer that records were checked against, by rising digest.
    async fn references(&self) -> Result<Vec<Reference>, Error>;

    /// Keeps a catalogue or gazetteer file.
    async fn keep_reference(&self, reference: Reference) -> Result<(), Error>;

    /// Sets a reporter's cursor and appends records as they are, in a store that does not serve.
    async fn import(
        &self,
        reporter: LocalityCode,
        cursor: Cursor,
        records: Vec<(u64, Record)>,
    ) -> Result<(), Error>;
}

/// The aggregators of a store, as they tell each other of themselves.
#[tonic::async_trait]
pub trait Announcements: fmt::Debug + Send + Sync {
    /// Tells the other aggregators of this store what this one says of itself, and answers what all
    /// have said within the last seconds.
    async fn announce(&self, replica: [u8; 16], said: Vec<u8>) -> Result<Vec<Vec<u8>>, Error>;
}
