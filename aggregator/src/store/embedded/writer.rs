//! The writer: the one thread that changes the store.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode, Record,
    delivery::{
        admission::{self, Admitted, Offer, Opened, Opening, Ticket, Verdict, next_receipt},
        damage::Damaged,
        lease::Leases,
        log::{Checkpoint, Committed, Event, Held, Mark, References},
    },
    figures::fold,
    frame::{Hello, SessionId},
};
use phuxanh_daemon::{ballast::Ballast, clock::Clock};
use phuxanh_proto::convert::decode_batch;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use tracing::{error, info};

use super::{
    Request,
    file::{File, Next, Transaction},
};
use crate::store::{CURSOR_REBUILT, Error, Terms, Writes, unreadable_checkpoint};

/// Time between two attempts to open the file again after a failed write.
const REOPEN_INTERVAL: Duration = Duration::from_millis(500);

/// Time between two attempts at the ballast.
const RESTORE_INTERVAL: Duration = Duration::from_secs(1);

/// Answer that is sent once a commit is durable.
enum Answer {
    Opened(oneshot::Sender<Opened>, Opened),
    Admitted(oneshot::Sender<Admitted>, Admitted),
    Confirmed(oneshot::Sender<Option<u64>>, Option<u64>),
    Done(oneshot::Sender<()>),
    Nothing,
}

/// Owner of everything that changes the store.
pub(super) struct Writer {
    file: Arc<File>,
    ballast: Ballast,
    restore_tried: Option<Instant>,
    writes: Arc<Writes>,
    terms: Terms,
    clock: Clock,
    origin: Instant,
    leases: Leases,
    follower: Option<mpsc::Sender<Event>>,
    /// Time of the last failure, until the file is open again.
    failed: Option<Instant>,
    /// True if a commit failed whose records may still be in the file, unknown to the follower.
    is_in_doubt: bool,
}

impl Writer {
    /// Renews every lease.
    pub(super) fn new(
        file: Arc<File>,
        ballast: Ballast,
        writes: Arc<Writes>,
        terms: Terms,
        clock: Clock,
    ) -> Result<Self, Error> {
        let mut leases = Leases::new(terms.lease_span);
        // A rebuilt cursor is of no host, and must not keep the collector out.
        for held in file.held()?.iter().filter(|held| !held.cursor.is_rebuilt()) {
            leases.take(held.reporter, &held.cursor.host, held.cursor.session, Duration::ZERO);
        }
        let mut owner = Self {
            file,
            ballast,
            restore_tried: None,
            writes,
            terms,
            clock,
            origin: Instant::now(),
            leases,
            follower: None,
            failed: None,
            is_in_doubt: false,
        };
        owner.restore_ballast();
        Ok(owner)
    }

    /// Starts the thread, which blocks while the follower does not receive the admitted records.
    pub(super) fn spawn(
        mut self,
        queue: mpsc::Receiver<Request>,
        queue_max: usize,
    ) -> oneshot::Receiver<Result<(), Error>> {
        let (ended, end) = oneshot::channel();
        std::thread::spawn(move || {
            let result = self.run(queue, queue_max);
            // Close the file before reporting the end: if the process exits first, the file needs a
            // repair.
            self.file.close();
            // The receiver is gone if the daemon is ending by itself.
            drop(ended.send(result));
        });
        end
    }

    fn run(&mut self, mut queue: mpsc::Receiver<Request>, queue_max: usize) -> Result<(), Error> {
        let mut waiting = Vec::with_capacity(queue_max);
        while queue.blocking_recv_many(&mut waiting, queue_max) > 0 {
            let is_last = waiting.iter().any(|request| matches!(request, Request::Close));
            // A failed write drops the reply channels, which tells their receivers of the failure.
            if let Err(error) = self.attempt(&mut waiting) {
                self.refuse(error)?;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// Carries out the requests; opens the file again first if a write failed before.
    fn attempt(&mut self, requests: &mut Vec<Request>) -> Result<(), Error> {
        let is_followed = |request: &mut Request| matches!(request, Request::Follow { .. });
        let followers: Vec<_> = requests.extract_if(.., is_followed).collect();
        let requests = requests.drain(..);
        if let Some(failed) = self.failed {
            if failed.elapsed() < REOPEN_INTERVAL && followers.is_empty() {
                return Ok(());
            }
            self.file.reopen(&mut self.ballast)?;
            if self.is_in_doubt
                && let Some(follower) = self.follower.clone()
            {
                self.tell_all(follower)?;
            }
            (self.failed, self.is_in_doubt) = (None, false);
        }
        // These only read: an aggregator starts although nothing can be written.
        for request in followers {
            if let Request::Follow { events, reply } = request {
                self.tell_all(events)?;
                if reply.send(()).is_err() {
                    // Nobody waits any more: the daemon is ending.
                    break;
                }
            }
        }
        if requests.len() == 0 {
            return Ok(());
        }
        let has_room = self.restore_ballast();
        self.commit(requests.filter(|request| has_room || request.is_small()))
    }

    /// Fills the ballast again where it was given up; returns false if there is no room for it. Then
    /// only small requests are carried out, for which its room is kept.
    fn restore_ballast(&mut self) -> bool {
        if self.ballast.is_kept() {
            return true;
        }
        if self.restore_tried.is_some_and(|tried| tried.elapsed() < RESTORE_INTERVAL) {
            return false;
        }
        self.restore_tried = Some(Instant::now());
        let Err(error) = self.ballast.restore() else {
            info!("the ballast is in place");
            return true;
        };
        self.writes_refused(&error);
        false
    }

    fn writes_refused(&self, error: &dyn std::error::Error) {
        let cause =
            format!("{error}: make room on the disk of data_dir, and check that it is writable");
        if self.writes.refused(cause) {
            error!(%error, "the store refuses writes: collectors keep what they have");
        }
    }

    /// Notes an error of the disk, after which the writer goes on; returns any other error.
    fn refuse(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_of_disk() {
            return Err(error);
        }
        self.failed = Some(Instant::now());
        match &error {
            // The error of the earlier write says more.
            Error::Database(error)
                if matches!(**error, redb::Error::PreviousIo) && self.writes.are_refused() => {}
            Error::Database(error) => self.writes_refused(error),
            Error::Displaced { .. } if self.writes.refused(error.to_string()) => {
                error!(%error, "the store refuses writes: collectors keep what they have");
            }
            _ => {}
        }
        Ok(())
    }

    fn commit(&mut self, requests: impl Iterator<Item = Request>) -> Result<(), Error> {
        let mut answers = Vec::new();
        let mut records = Vec::new();
        let mut is_large = false;
        let transaction = self.file.begin()?;
        for request in requests {
            let answer = match request {
                Request::Probe { reply } => {
                    transaction.probe()?;
                    is_large = true;
                    Answer::Done(reply)
                }
                other => self.carry_out(&transaction, other, &mut records)?,
            };
            answers.push(answer);
        }
        // A file that was deleted or replaced takes writes that nobody will find.
        transaction
            .commit()
            .and_then(|()| self.file.check_place())
            .inspect_err(|_| self.is_in_doubt |= !records.is_empty())?;
        // A small write may find room in the file although a batch does not.
        if (is_large || !records.is_empty()) && self.writes.taken() {
            info!("the store takes writes again");
        }
        self.tell(records.into_iter().map(|it| Event::Committed(Box::new(it))));
        for answer in answers {
            // A session that has ended meanwhile does not receive its reply.
            match answer {
                Answer::Opened(reply, opened) => drop(reply.send(opened)),
                Answer::Admitted(reply, admitted) => drop(reply.send(admitted)),
                Answer::Confirmed(reply, held) => drop(reply.send(held)),
                Answer::Done(reply) => drop(reply.send(())),
                Answer::Nothing => {}
            }
        }
        Ok(())
    }

    /// Sends events to the follower, if there is one.
    fn tell(&mut self, mut events: impl Iterator<Item = Event>) {
        if let Some(follower) = &self.follower
            && events.try_for_each(|event| follower.blocking_send(event)).is_err()
        {
            self.follower = None;
        }
    }

    /// Sends the contents of all logs to a new follower.
    fn tell_all(&mut self, events: mpsc::Sender<Event>) -> Result<(), Error> {
        self.follower = Some(events);
        let file = Arc::clone(&self.file);
        for held in file.held()? {
            let reporter = held.reporter;
            let (checkpoint, unreadable) = self.newest_readable(&held)?;
            let after = checkpoint.as_ref().map_or(0, |kept| kept.mark.record_count);
            self.tell([Event::Restored { reporter, checkpoint }].into_iter());
            if held.cursor.is_rebuilt() {
                self.set_aside(reporter, CURSOR_REBUILT.to_owned());
            }
            for record_count in unreadable {
                self.set_aside(reporter, unreadable_checkpoint(record_count));
            }
            let mut stretch = None;
            for next in file.records_after(reporter, after)? {
                match next? {
                    Next::Record(record_count, record) => {
                        self.pass_over(stretch.take())?;
                        let mark = Mark { record_count, ..Mark::default() };
                        let record = fold::Record::read(&record, decode_batch);
                        let committed = Committed { reporter, mark, record };
                        self.tell([Event::Committed(Box::new(committed))].into_iter());
                    }
                    Next::Damaged(records, fault) => {
                        let next = Damaged::new(reporter, &held.cursor, records, fault);
                        if !stretch
                            .as_mut()
                            .is_some_and(|stretch: &mut Damaged| stretch.extend(&next))
                        {
                            stretch = Some(next);
                        }
                    }
                }
            }
            self.pass_over(stretch)?;
        }
        self.tell([Event::CaughtUp].into_iter());
        Ok(())
    }

    /// Reports damaged records to the follower, after noting them on disk if it takes writes.
    fn pass_over(&mut self, stretch: Option<Damaged>) -> Result<(), Error> {
        let Some(damaged) = stretch else { return Ok(()) };
        let noted = self.file.begin().and_then(|transaction| {
            transaction.note_damage(&damaged)?;
            transaction.commit()
        });
        match noted {
            // It is found and noted again at the next start.
            Err(error) if error.is_of_disk() => self.refuse(error)?,
            noted => noted?,
        }
        let event = self.damaged(damaged);
        self.tell([event].into_iter());
        Ok(())
    }

    fn damaged(&self, damaged: Damaged) -> Event {
        let mark = Mark { record_count: *damaged.records.end(), ..Mark::default() };
        Event::Damaged { damaged, mark, found: (self.clock)() }
    }

    fn set_aside(&mut self, reporter: LocalityCode, detail: String) {
        let found = (self.clock)();
        self.tell([Event::SetAside { reporter, detail, found }].into_iter());
    }

    /// Newest readable checkpoint, and the record counts of later ones that cannot be read. `None`
    /// stands for the log's beginning; records that are gone from there count as damaged.
    fn newest_readable(&self, held: &Held) -> Result<(Option<Checkpoint>, Vec<u64>), Error> {
        let reporter = held.reporter;
        let mut unreadable = Vec::new();
        for head in held.checkpoints.iter().rev() {
            let kept = self.file.checkpoint(reporter, head.record_count)?;
            let is_readable = |kept: &_| (self.terms.checkpoint_epoch)(reporter, kept).is_some();
            if let Some(kept) = kept.filter(is_readable) {
                return Ok((Some(kept), unreadable));
            }
            unreadable.push(head.record_count);
        }
        Ok((None, unreadable))
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
                let verdict = self.admit(transaction, *offer, records)?;
                Answer::Admitted(reply, Admitted { verdict, ticket: Ticket::default() })
            }
            Request::Confirm { reporter, session, reply } => {
                self.leases.renew(reporter, session, self.origin.elapsed());
                let cursor = transaction.cursor(reporter)?;
                let held = cursor.and_then(|cursor| admission::confirm(&cursor, session));
                Answer::Confirmed(reply, held)
            }
            Request::Change { change, reply, .. } => {
                change(transaction)?;
                Answer::Done(reply)
            }
            Request::Damaged { damaged, reply } => {
                transaction.note_damage(&damaged)?;
                let event = self.damaged(damaged);
                self.tell([event].into_iter());
                Answer::Done(reply)
            }
            Request::Follow { .. } | Request::Probe { .. } | Request::Close => Answer::Nothing,
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
                let (generation, ticket) = (self.file.generation(), Ticket::default());
                // Whoever asked reads the results.
                Ok(Opened::Welcome { cursor, generation, ticket, results: Vec::new() })
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
        let receipt = next_receipt(offer.received, cursor.receipt);
        cursor.position = position;
        cursor.record_count += 1;
        cursor.receipt = Some(receipt);
        let (reporter, record_count) = (offer.reporter, cursor.record_count);
        let References { catalogue_digest, gazetteer_digest } = self.terms.references;
        records.push(Committed {
            reporter,
            mark: Mark { record_count, ..Mark::default() },
            record: fold::Record {
                receipt,
                log: offer.log,
                log_epoch: offer.log_epoch,
                sequence: offer.batch.sequence,
                complete_through: offer.batch.complete_through,
                host: offer.host.clone(),
                catalogue_digest,
                contents: offer.contents,
            },
        });
        let record = Record {
            receipt,
            log: offer.log,
            log_epoch: offer.log_epoch,
            batch: offer.batch,
            result: offer.result,
            host: offer.host,
            catalogue_digest,
            gazetteer_digest,
        };
        transaction.append(reporter, record_count, record, position.chain)?;
        transaction.set_cursor(reporter, cursor)?;
        Ok(verdict)
    }
}
