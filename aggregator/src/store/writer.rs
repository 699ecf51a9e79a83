//! The writer: the one thread that changes the store.
//!
//! What has queued up while a commit was on its way is committed together in the next one, so a
//! sync is shared by all collectors that are waiting for one.

use phuxanh_proto::model::{
    LocalityCode, Record, Timestamp,
    frame::{BatchResult, SessionId},
};
use tokio::sync::{mpsc, oneshot};

use super::{Embedded, Error, Handle, Request, embedded::Transaction};
use crate::{
    admission::{self, Offer, Opened, Opening, Verdict},
    clock::Clock,
    fold,
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

/// What is told once a commit is durable.
enum Answer {
    Opened(oneshot::Sender<Opened>, Opened),
    Admitted(oneshot::Sender<Verdict>, Verdict),
    Confirmed(oneshot::Sender<bool>, bool),
    Kept,
}

/// Starts the writer over a store. At most `queue_max` requests wait and are committed together.
/// Durable records leave through `committed`, in order; while it is full, nothing is admitted.
/// The second value tells how the writer ended: after the last handle, or with an error.
#[must_use]
pub fn spawn(
    store: Embedded,
    references: References,
    clock: Clock,
    queue_max: usize,
    committed: mpsc::Sender<Committed>,
) -> (Handle, oneshot::Receiver<Result<(), Error>>) {
    let (requests, queue) = mpsc::channel(queue_max);
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let writer = Writer { store, references, clock, committed };
        let result = writer.run(queue, queue_max);
        // Nobody waits for the end any more where the daemon is ending itself.
        drop(ended.send(result));
    });
    (Handle { requests }, end)
}

struct Writer {
    store: Embedded,
    references: References,
    clock: Clock,
    committed: mpsc::Sender<Committed>,
}

impl Writer {
    fn run(&self, mut queue: mpsc::Receiver<Request>, queue_max: usize) -> Result<(), Error> {
        let mut waiting = Vec::with_capacity(queue_max);
        while queue.blocking_recv_many(&mut waiting, queue_max) > 0 {
            self.commit(waiting.drain(..))?;
        }
        Ok(())
    }

    fn commit(&self, requests: impl Iterator<Item = Request>) -> Result<(), Error> {
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
        &self,
        transaction: &Transaction,
        request: Request,
        records: &mut Vec<Committed>,
    ) -> Result<Answer, Error> {
        Ok(match request {
            Request::Open { hello, session, reply } => {
                let cursor = transaction.cursor(hello.reporter)?;
                let opened = match admission::open(cursor, &hello, session) {
                    Opening::Resync(reason) => Opened::Resync(reason),
                    Opening::Welcome(cursor) => {
                        transaction.set_cursor(hello.reporter, cursor.clone())?;
                        let results = transaction.results(
                            hello.reporter,
                            &cursor,
                            hello.released.sequence,
                        )?;
                        Opened::Welcome { cursor, generation: self.store.generation(), results }
                    }
                };
                Answer::Opened(reply, opened)
            }
            Request::Admit { offer, reply } => {
                Answer::Admitted(reply, self.admit(transaction, *offer, records)?)
            }
            Request::Confirm { reporter, session, reply } => {
                Answer::Confirmed(reply, owns(transaction, reporter, session)?)
            }
            Request::Checkpoint { reporter, checkpoint } => {
                transaction.set_checkpoint(reporter, &checkpoint)?;
                Answer::Kept
            }
        })
    }

    fn admit(
        &self,
        transaction: &Transaction,
        offer: Offer,
        records: &mut Vec<Committed>,
    ) -> Result<Verdict, Error> {
        let Some(mut cursor) = transaction.cursor(offer.reporter)? else {
            return Ok(Verdict::Fenced);
        };
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
        log: phuxanh_proto::model::LogId,
        batch: phuxanh_proto::model::Batch,
        result: Option<BatchResult>,
    ) -> Record {
        Record {
            receipt,
            log,
            log_epoch,
            batch,
            result,
            catalogue_digest: self.references.catalogue_digest,
            gazetteer_digest: self.references.gazetteer_digest,
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
    let next = previous.map(|previous| previous.plus(std::time::Duration::from_micros(1)));
    next.map_or(now, |next| next.max(now))
}
