//! The embedded store: one redb file, for a single aggregator.
//!
//! One thread changes the file. Requests that queue up during a commit are committed together in
//! the next one. Replies are sent, and records passed on, only once they are durable. Readers see
//! the file as of its last commit and never wait.

mod cursors;
mod file;
mod format;
mod tables;
mod writer;

use std::{path::PathBuf, sync::Arc};

use phuxanh_core::{
    Cursor, LocalityCode, Record, Timestamp,
    delivery::{
        admission::{Admitted, Offer, Opened, Ticket},
        damage::Damaged,
    },
    frame::{Durability, Generation, Hello, ResyncReason, SessionId},
};
use phuxanh_daemon::{ballast::Ballast, clock::Clock};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Announcements, Archive, Checkpoint, Error, Event, Held, Mark, Reference, Store, Terms, Trim,
    Trouble, Writes, WritesRefused,
};
use file::{File, Transaction};
use writer::Writer;

const BALLAST: &str = "store.ballast";

/// Handle to the writer, with the file for reads.
#[derive(Debug)]
pub struct Embedded {
    file: Arc<File>,
    requests: mpsc::Sender<Request>,
    // These four never change: every reply is durable, the file is always in reach, and another one
    // in its place is never opened.
    durable: watch::Sender<Ticket>,
    incarnation: watch::Sender<u64>,
    trouble: watch::Sender<Option<Trouble>>,
    replaced: watch::Sender<Option<Timestamp>>,
    writes: Arc<Writes>,
    refusals_told_max: usize,
}

/// Request to the writer.
enum Request {
    Open {
        hello: Hello,
        session: SessionId,
        reply: oneshot::Sender<Opened>,
    },
    Admit {
        offer: Box<Offer>,
        reply: oneshot::Sender<Admitted>,
    },
    Confirm {
        reporter: LocalityCode,
        session: SessionId,
        reply: oneshot::Sender<Option<u64>>,
    },
    Follow {
        events: mpsc::Sender<Event>,
        reply: oneshot::Sender<()>,
    },
    Change {
        change: Change,
        /// True if it is carried out although the ballast is gone, because it makes room.
        makes_room: bool,
        reply: oneshot::Sender<()>,
    },
    /// Notes damaged records, so that a new log must begin.
    Damaged {
        damaged: Damaged,
        reply: oneshot::Sender<()>,
    },
    /// Tests whether the file takes writes.
    Probe {
        reply: oneshot::Sender<()>,
    },
    Close,
}

impl Request {
    /// True if it needs little room, or makes some.
    const fn is_small(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Confirm { .. }
            | Self::Follow { .. }
            | Self::Damaged { .. }
            | Self::Close => true,
            Self::Change { makes_room, .. } => *makes_room,
            Self::Admit { .. } | Self::Probe { .. } => false,
        }
    }
}

/// Place and bounds of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub directory: PathBuf,
    /// Requests that may wait.
    pub queue_max: usize,
    /// Bytes that are kept free for opening the file on a full disk; 0 for none.
    pub ballast_bytes: u64,
}

impl Config {
    /// Path of the store's file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.directory.join(file::FILE)
    }
}

type Change = Box<dyn FnOnce(&Transaction) -> Result<(), Error> + Send>;

impl Embedded {
    /// Opens the store of a directory, or creates an empty one with the `fresh` generation, and
    /// starts its writer. Every lease is renewed. The second value receives how the writer ended:
    /// after [`Store::close`], or with an error, on which the daemon must end.
    pub fn start(
        config: &Config,
        fresh: Generation,
        terms: Terms,
        clock: Clock,
    ) -> Result<(Self, oneshot::Receiver<Result<(), Error>>), Error> {
        let refusals_told_max = terms.refusals_told_max;
        let ballast = config.directory.join(BALLAST);
        let mut ballast = Ballast::find(Some(ballast), config.ballast_bytes);
        let file = File::open(&config.directory, fresh, terms.checkpoint_epoch, &mut ballast)?;
        let file = Arc::new(file);
        let (requests, queue) = mpsc::channel(config.queue_max);
        let writes = Arc::new(Writes::new(clock));
        let owner = Writer::new(Arc::clone(&file), ballast, Arc::clone(&writes), terms, clock)?;
        let end = owner.spawn(queue, config.queue_max);
        let store = Self {
            file,
            requests,
            durable: watch::Sender::default(),
            incarnation: watch::Sender::default(),
            trouble: watch::Sender::default(),
            replaced: watch::Sender::default(),
            writes,
            refusals_told_max,
        };
        Ok((store, end))
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| match &*self.writes.subscribe().borrow() {
            Some(refused) => Error::WritesRefused(refused.cause.clone()),
            None => Error::Closed,
        })
    }

    async fn change(
        &self,
        change: impl FnOnce(&Transaction) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let makes_room = false;
        self.ask(|reply| Request::Change { change: Box::new(change), makes_room, reply }).await
    }

    /// Reads from the file on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&File) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let file = Arc::clone(&self.file);
        let reading = tokio::task::spawn_blocking(move || read(&file));
        reading.await.map_err(|_| Error::Closed)?
    }
}

#[tonic::async_trait]
impl Store for Embedded {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    fn durability(&self) -> Durability {
        Durability::Always
    }

    fn durable(&self) -> watch::Receiver<Ticket> {
        self.durable.subscribe()
    }

    fn incarnation(&self) -> watch::Receiver<u64> {
        self.incarnation.subscribe()
    }

    fn trouble(&self) -> watch::Receiver<Option<Trouble>> {
        self.trouble.subscribe()
    }

    fn writes(&self) -> watch::Receiver<Option<WritesRefused>> {
        self.writes.subscribe()
    }

    fn replaced(&self) -> watch::Receiver<Option<Timestamp>> {
        self.replaced.subscribe()
    }

    async fn open(&self, hello: Hello, session: SessionId) -> Result<Opened, Error> {
        let (reporter, released) = (hello.reporter, hello.released.sequence);
        let opened = self.ask(|reply| Request::Open { hello, session, reply }).await?;
        let Opened::Welcome { cursor, generation, ticket, .. } = opened else { return Ok(opened) };
        // Read here, since others wait for the writer. Nothing more is appended before the Welcome.
        let (held, count_max) = (cursor.clone(), self.refusals_told_max);
        let reading = self.read(move |file| file.results(reporter, &held, released, count_max));
        match reading.await {
            Ok(Some(results)) => Ok(Opened::Welcome { cursor, generation, ticket, results }),
            Ok(None) => Ok(Opened::Resync(ResyncReason::StoreLost)),
            Err(Error::Damaged(damaged)) => {
                self.ask(|reply| Request::Damaged { damaged, reply }).await?;
                Ok(Opened::Resync(ResyncReason::StoreLost))
            }
            Err(error) => Err(error),
        }
    }

    async fn admit(&self, offer: Offer) -> Result<Admitted, Error> {
        self.ask(|reply| Request::Admit { offer: Box::new(offer), reply }).await
    }

    async fn confirm(
        &self,
        reporter: LocalityCode,
        session: SessionId,
    ) -> Result<Option<u64>, Error> {
        self.ask(|reply| Request::Confirm { reporter, session, reply }).await
    }

    async fn follow(&self, events: mpsc::Sender<Event>) -> Result<(), Error> {
        self.ask(|reply| Request::Follow { events, reply }).await
    }

    async fn close(&self) {
        // If the writer has ended already, its result says why.
        drop(self.requests.send(Request::Close).await);
    }
}

#[tonic::async_trait]
impl Archive for Embedded {
    async fn reporters(&self) -> Result<Vec<LocalityCode>, Error> {
        self.read(File::reporters).await
    }

    async fn held_of(&self, reporter: LocalityCode) -> Result<Option<Held>, Error> {
        self.read(move |file| file.held_of(reporter)).await
    }

    async fn records(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error> {
        self.read(move |file| file.whole_records(reporter, after, count_max)).await
    }

    async fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error> {
        self.read(move |file| file.checkpoint(reporter, record_count)).await
    }

    async fn mark(&self, _: LocalityCode, record_count: u64) -> Result<Option<Mark>, Error> {
        Ok(Some(Mark { record_count, ..Mark::default() }))
    }

    async fn keep(&self, reporter: LocalityCode, checkpoint: Checkpoint) -> Result<(), Error> {
        self.change(move |transaction| transaction.keep(reporter, &checkpoint)).await
    }

    async fn trim(&self, reporter: LocalityCode, trim: Trim) -> Result<(), Error> {
        let change: Change = Box::new(move |transaction| transaction.trim(reporter, &trim));
        self.ask(|reply| Request::Change { change, makes_room: true, reply }).await
    }

    async fn references(&self) -> Result<Vec<Reference>, Error> {
        self.read(File::references).await
    }

    async fn keep_reference(&self, reference: Reference) -> Result<(), Error> {
        self.change(move |transaction| transaction.keep_reference(&reference)).await
    }

    async fn import(
        &self,
        reporter: LocalityCode,
        cursor: Cursor,
        records: Vec<(u64, Record)>,
    ) -> Result<(), Error> {
        self.change(move |transaction| {
            for (number, record) in records {
                let behind = record.batch.before().after(&record.batch).chain;
                transaction.append(reporter, number, record, behind)?;
            }
            transaction.set_cursor(reporter, cursor)
        })
        .await
    }
}

#[tonic::async_trait]
impl Announcements for Embedded {
    async fn announce(&self, _: [u8; 16], said: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        let is_in_place = self.read(File::check_place).await.is_ok();
        if self.writes.are_refused() || !is_in_place {
            // Do not rely on collectors to find out whether writes work: they retry slowly, and
            // their requests may be too small to tell.
            self.ask(|reply| Request::Probe { reply }).await?;
        }
        Ok(vec![said])
    }
}
