//! The store: every reporter's log of records, and where it stands.
//!
//! ```text
//! session ─ Open, Admit, Confirm ─▶ writer (one thread) ─ one transaction for all that is queued
//!    ▲                                 │ commit, synced
//!    └──────── Opened, Admitted ◀──────┴──▶ records, in order ─▶ publisher
//! ```
//!
//! Owns the log and the cursors; knows nothing of cells or rollups. A reply is sent only once its
//! effect is durable, and a record is passed on only then.

mod embedded;
mod writer;

use phuxanh_proto::model::{
    LocalityCode,
    frame::{Hello, SessionId},
};
use tokio::sync::{mpsc, oneshot};

pub use embedded::Embedded;
pub use writer::{Committed, Config, References, spawn};

use crate::admission::{Offer, Opened, Verdict};

/// Why the store cannot do what it must. The daemon ends on any of these: what was not
/// acknowledged is still in the collectors' spools.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot prepare the store's directory {path}")]
    Directory { path: String, source: std::io::Error },
    #[error("the store {path} is in use: is another aggregator running on this directory?")]
    InUse { path: String },
    #[error("the store cannot be read or written")]
    Database(#[source] Box<redb::Error>),
    #[error("the store holds a {what} that cannot be read: {detail}")]
    Corrupt { what: &'static str, detail: String },
    #[error("the store's writer has ended")]
    Closed,
}

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// What is asked of the writer.
#[derive(Debug)]
enum Request {
    Open { hello: Hello, session: SessionId, reply: oneshot::Sender<Opened> },
    Admit { offer: Box<Offer>, reply: oneshot::Sender<Verdict> },
    Confirm { reporter: LocalityCode, session: SessionId, reply: oneshot::Sender<bool> },
    Checkpoint { reporter: LocalityCode, checkpoint: Vec<u8> },
    Close,
}

/// A handle to the writer.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

impl Handle {
    /// Opens a session; what it answers is durable.
    pub async fn open(&self, hello: Hello, session: SessionId) -> Result<Opened, Error> {
        self.ask(|reply| Request::Open { hello, session, reply }).await
    }

    /// Offers a batch; what it answers is durable.
    pub async fn admit(&self, offer: Offer) -> Result<Verdict, Error> {
        self.ask(|reply| Request::Admit { offer: Box::new(offer), reply }).await
    }

    /// Whether a session still owns its reporter's log.
    pub async fn confirm(&self, reporter: LocalityCode, session: SessionId) -> Result<bool, Error> {
        self.ask(|reply| Request::Confirm { reporter, session, reply }).await
    }

    /// Asks the writer to end once it has committed what is queued, whoever still holds a handle.
    pub async fn close(&self) -> Result<(), Error> {
        self.requests.send(Request::Close).await.map_err(|_| Error::Closed)
    }

    /// A handle that keeps checkpoints and does not keep the writer alive.
    #[must_use]
    pub fn keeper(&self) -> Keeper {
        Keeper { requests: self.requests.downgrade() }
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

/// Keeps checkpoints for the one who folds.
#[derive(Debug, Clone)]
pub struct Keeper {
    requests: mpsc::WeakSender<Request>,
}

impl Keeper {
    /// Asks that a checkpoint take the place of the reporter's last one. Never waits, since the
    /// writer may be waiting for the asker; says whether the request was taken.
    #[must_use]
    pub fn keep(&self, reporter: LocalityCode, checkpoint: Vec<u8>) -> bool {
        let request = Request::Checkpoint { reporter, checkpoint };
        self.requests.upgrade().is_some_and(|requests| requests.try_send(request).is_ok())
    }
}
