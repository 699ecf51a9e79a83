//! The writer: the one thread that changes the store.
//!
//! What has queued up while a commit was on its way is committed together in the next one, so a
//! sync is shared by all collectors that are waiting for one.

use std::time::Duration;

use phuxanh_proto::model::{
    Batch, LocalityCode, LogId, Record, Timestamp,
    frame::{BatchResult, Hello, SessionId},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Embedded, Error, Handle, Request, embedded::Transaction};
use crate::{
    admission::{self, Offer, Opened, Opening, Verdict},
    clock::Clock,
    fold,
    lease::Leases,
};

/// A record that is durable, decoded.
#[derive(Debug)]
pub struct Committed {
    pub reporter: LocalityCode,
    pub record: fold::Record,
}

/// Digests of what batches are checked against, noted in every record.
#[derive(Debug, Clone, Copy)]
pub struct References {
    pub catalogue_digest: [u8; 32],
    pub gazetteer_digest: [u8; 32],
}

/// What the writer works by.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Requests that wait and are committed together.
    pub queue_max: usize,
    /// How long a lease lasts after the last sign of life.
    pub lease_span: Duration,
    pub references: References,
}

/// What is told once a commit is durable.
enum Answer {
    Opened(oneshot::Sender<Opened>, Opened),
    Admitted(oneshot::Sender<Verdict>, Verdict),
    Confirmed(oneshot::Sender<bool>, bool),
    Kept,
}

/// Starts the writer over a store; every lease starts anew. Durable records leave through `committed`, in order; while it is full, nothing is admitted.
/// The second value tells how the writer ended: after the last handle, or with an error.
pub fn spawn(
    store: Embedded,
    config: Config,
    clock: Clock,
    committed: mpsc::Sender<Committed>,
) -> Result<(Handle, oneshot::Receiver<Result<(), Error>>), Error> {
    let (requests, queue) = mpsc::channel(config.queue_max);
    let (ended, end) = oneshot::channel();
    let mut leases = Leases::new(config.lease_span);
    for (reporter, cursor) in store.cursors()? {
        leases.take(reporter, &cursor.host, cursor.session, Duration::ZERO);
    }
    let origin = Instant::now();
    std::thread::spawn(move || {
        let mut writer = Writer { store, config, clock, origin, leases, committed };
        let result = writer.run(queue);
        // Nobody waits for the end any more where the daemon is ending itself.
        drop(ended.send(result));
    });
    Ok((Handle { requests }, end))
}

struct Writer {
    store: Embedded,
    config: Config,
    clock: Clock,
    origin: Instant,
    leases: Leases,
    committed: mpsc::Sender<Committed>,
}

impl Writer {
    fn run(&mut self, mut queue: mpsc::Receiver<Request>) -> Result<(), Error> {
        let mut waiting = Vec::with_capacity(self.config.queue_max);
        while queue.blocking_recv_many(&mut waiting, self.config.queue_max) > 0 {
            let is_last = waiting.iter().any(|request| matches!(request, Request::Close));
            self.commit(waiting.drain(..))?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn commit(&mut self, requests: impl Iterator<Item = Request>) -> Result<(), Error> {
        let mut answers = Vec::new();
        let mut records = Vec::new();
        let transaction = self.store.begin()?;
        for request in requests {
            answers.push(self.carry_out(&transaction, request, &mut records)?);
        }
        transaction.commit()?;
        for committed in records {
            self.committed.blocking_send(committed).map_err(|_| Error::Closed)?;
        }
        for answer in answers {
            // A session that has ended in between needs no answer.
            match answer {
                Answer::Opened(reply, opened) => drop(reply.send(opened)),
                Answer::Admitted(reply, verdict) => drop(reply.send(verdict)),
                Answer::Confirmed(reply, owned) => drop(reply.send(owned)),
                Answer::Kept => {}
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        transaction: &Transaction,
        request: Request,
        records: &mut Vec<Committed>,
    ) -> Result<Answer, Error> {
        Ok(match request {
            Request::Open { hello, session, reply } => {
                Answer::Opened(reply, self.open(transaction, &hello, session)?)
            }
            Request::Admit { offer, reply } => {
                Answer::Admitted(reply, self.admit(transaction, *offer, records)?)
            }
            Request::Confirm { reporter, session, reply } => {
                let owned = owns(transaction, reporter, session)?;
                self.leases.renew(reporter, session, self.origin.elapsed());
                Answer::Confirmed(reply, owned)
            }
            Request::Checkpoint { reporter, checkpoint } => {
                transaction.set_checkpoint(reporter, &checkpoint)?;
                Answer::Kept
            }
            Request::Close => Answer::Kept,
        })
    }

    fn open(
        &mut self,
        transaction: &Transaction,
        hello: &Hello,
        session: SessionId,
    ) -> Result<Opened, Error> {
        let (reporter, now) = (hello.reporter, self.origin.elapsed());
        if let Some(owner) = self.leases.other_owner(reporter, &hello.host, now) {
            return Ok(Opened::Owned { host: owner.to_owned() });
        }
        match admission::open(transaction.cursor(reporter)?, hello, session) {
            Opening::Resync(reason) => Ok(Opened::Resync(reason)),
            Opening::Welcome(cursor) => {
                self.leases.take(reporter, &hello.host, session, now);
                transaction.set_cursor(reporter, cursor.clone())?;
                let results = transaction.results(reporter, &cursor, hello.released.sequence)?;
                Ok(Opened::Welcome { cursor, generation: self.store.generation(), results })
            }
        }
    }

    fn admit(
        &mut self,
        transaction: &Transaction,
        offer: Offer,
        records: &mut Vec<Committed>,
    ) -> Result<Verdict, Error> {
        let Some(mut cursor) = transaction.cursor(offer.reporter)? else {
            return Ok(Verdict::Fenced);
        };
        self.leases.renew(offer.reporter, offer.session, self.origin.elapsed());
        let verdict = admission::admit(&cursor, offer.session, offer.log, &offer.batch);
        let Verdict::Append(position) = verdict else { return Ok(verdict) };
        let receipt = next_receipt((self.clock)(), cursor.receipt);
        cursor.position = position;
        cursor.record_count += 1;
        cursor.receipt = Some(receipt);
        records.push(Committed {
            reporter: offer.reporter,
            record: fold::Record {
                receipt,
                log: offer.log,
                log_epoch: cursor.log_epoch,
                sequence: offer.batch.sequence,
                complete_through: offer.batch.complete_through,
                catalogue_digest: self.config.references.catalogue_digest,
                contents: offer.contents,
            },
        });
        let record = self.record(receipt, cursor.log_epoch, offer.log, offer.batch, offer.result);
        transaction.append(offer.reporter, cursor.record_count, record)?;
        transaction.set_cursor(offer.reporter, cursor)?;
        Ok(verdict)
    }

    const fn record(
        &self,
        receipt: Timestamp,
        log_epoch: u64,
        log: LogId,
        batch: Batch,
        result: Option<BatchResult>,
    ) -> Record {
        Record {
            receipt,
            log,
            log_epoch,
            batch,
            result,
            catalogue_digest: self.config.references.catalogue_digest,
            gazetteer_digest: self.config.references.gazetteer_digest,
        }
    }
}

fn owns(
    transaction: &Transaction,
    reporter: LocalityCode,
    session: SessionId,
) -> Result<bool, Error> {
    Ok(transaction.cursor(reporter)?.is_some_and(|cursor| cursor.session == session))
}

/// Receipt times rise, whatever the clock does, so that "as known at" is a prefix of the log.
fn next_receipt(now: Timestamp, previous: Option<Timestamp>) -> Timestamp {
    let next = previous.map(|previous| previous.plus(Duration::from_micros(1)));
    next.map_or(now, |next| next.max(now))
}
