//! The witness: sees everything that happens and holds it against the promises. It shares no code
//! with what it watches, but for hashing and decoding.

mod clocks;
mod naive;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use phuxanh_core::{
    Batch, Cursor, LogId, Observation, Position, Record, Timestamp,
    figures::fold::{self, Fold},
    frame::{Ack, BatchResult, Ledger, SessionId, Welcome},
};
use phuxanh_proto::convert::{decode, decode_batch, encode};

pub use clocks::Clocks;
pub use naive::Naive;

use super::{
    invariant::{Invariant, Violation},
    reached::{Counts, Reached},
    rule::{Omitted, Rule},
    spool::{Image, Letter},
};

/// A log under an epoch: what a cursor counts in.
type Incarnation = (LogId, u64);

/// Events that have been seen.
#[derive(Debug, Default)]
pub struct Witness {
    /// Every position that some spool has produced.
    produced: BTreeSet<(LogId, u64, [u8; 32])>,
    /// Every position that a store ever held on disk.
    held: BTreeSet<(LogId, [u8; 32])>,
    /// Positions of records that may not be on disk yet, by the number of the record.
    unsynced: VecDeque<(u64, LogId, [u8; 32])>,
    /// Through where collectors saw each log durable, in the present store.
    seen_durable: BTreeMap<Incarnation, u64>,
    /// The end of the records, recomputed from their batches.
    end: Option<(Incarnation, Position)>,
    record_count: u64,
    receipt: Option<Timestamp>,
    /// Position of each log in the present store.
    cursors: BTreeMap<Incarnation, u64>,
    /// Session that was opened last, its host, and when it was last heard of.
    owner: Option<(SessionId, String, Duration)>,
    pub fold: Fold,
    omitted: Omitted,
    /// Errors of the aggregator's clock.
    pub clocks: Clocks,
    naive: Naive,
    /// Observations received of the log in force.
    received: (Option<Incarnation>, u64),
}

impl Witness {
    /// A witness of a history without some rules.
    #[must_use]
    pub fn new(omitted: Omitted) -> Self {
        Self { omitted, ..Self::default() }
    }

    /// Folds a record, in the production's way or as it would be without a rule.
    fn apply(&mut self, record: &Record) {
        if !self.omitted.has(Rule::Revision) {
            drop(self.fold.apply(&fold::Record::read(record, decode_batch)));
            return;
        }
        let mut record = record.clone();
        let count = record.batch.observation_count;
        if let Ok(mut observations) = decode(&record.batch.payload, count) {
            for observation in &mut observations {
                observation.revision = 0;
            }
            record.batch.payload = encode(&observations).into();
        }
        drop(self.fold.apply(&fold::Record::read(&record, decode_batch)));
    }

    /// A spool's log has changed.
    pub fn spool_changed(&mut self, before: u64, image: &Image) {
        for batch in image.batches.range(before..).map(|(_, batch)| batch) {
            let at = Position { sequence: batch.sequence - 1, chain: batch.previous_chain };
            let position = at.after(batch);
            self.produced.insert((image.log, position.sequence, position.chain.0));
        }
    }

    /// A spool is about to release batches.
    pub fn releases(&self, image: &Image, through: u64) -> Result<(), Violation> {
        for batch in image.batches.range(..=through).map(|(_, batch)| batch) {
            let at = Position { sequence: batch.sequence - 1, chain: batch.previous_chain };
            let chain = at.after(batch).chain;
            let is_held = self.held.contains(&(image.log, chain.0));
            Invariant::AckSoundness.check(is_held, || {
                format!("batch {} is released, but no store ever held it", batch.sequence)
            })?;
        }
        Ok(())
    }

    /// A spool's dead letters hold nothing more often than it was taken.
    pub fn letters(image: &Image) -> Result<(), Violation> {
        let count =
            |letters: &[Letter], one: &Letter| letters.iter().filter(|it| *it == one).count();
        for letter in &image.letters {
            let (lies, taken) = (count(&image.letters, letter), count(&image.taken, letter));
            Invariant::Poison.check(lies <= taken, || {
                format!("{letter:?} lies {lies} times in the dead letters, was taken {taken} times")
            })?;
        }
        Ok(())
    }

    /// The store has opened a session; says whether another host took over.
    pub fn opened(
        &mut self,
        cursor: &Cursor,
        now: Duration,
        lease_span: Duration,
    ) -> Result<bool, Violation> {
        self.relabel(cursor);
        let host = cursor.host.as_str();
        let other = self.owner.as_ref().filter(|(_, owner, _)| owner != host);
        if let Some((_, owner, heard)) = other {
            Invariant::Clones.check(now >= *heard + lease_span, || {
                format!("{host} was let in while {owner} was heard of at {heard:?}")
            })?;
        }
        let takes_over = other.is_some();
        self.owner = Some((cursor.session, host.to_owned(), now));
        Ok(takes_over)
    }

    /// The log in force may be given another epoch while it goes on.
    fn relabel(&mut self, cursor: &Cursor) {
        let goes_on =
            self.end.filter(|((log, _), end)| *log == cursor.log && *end == cursor.position);
        let Some((former, end)) = goes_on else { return };
        let present = (cursor.log, cursor.log_epoch);
        self.end = Some((present, end));
        if self.received.0 == Some(former) {
            self.received.0 = Some(present);
        }
        for counts in [&mut self.seen_durable, &mut self.cursors] {
            let count = counts.get(&former).copied();
            counts.extend(count.map(|count| (present, count)));
        }
    }

    /// A session was heard of.
    pub fn heard(&mut self, session: SessionId, now: Duration) {
        if let Some((_, _, heard)) = self.owner.as_mut().filter(|(owner, _, _)| *owner == session) {
            *heard = now;
        }
    }

    /// A restart of the aggregator starts every lease anew.
    pub fn restarted(&mut self, cursor: Option<&Cursor>, now: Duration) {
        self.owner = cursor.map(|cursor| (cursor.session, cursor.host.clone(), now));
    }

    /// The store has appended a record for a session.
    pub fn appended(
        &mut self,
        session: SessionId,
        record: &Record,
        reached: &mut Counts,
    ) -> Result<(), Violation> {
        let is_owner = self.owner.as_ref().is_some_and(|(owner, _, _)| *owner == session);
        Invariant::Fencing.check(is_owner, || "a former session has written".to_owned())?;
        self.continues(record)?;
        let rises = self.receipt.is_none_or(|receipt| receipt < record.receipt);
        Invariant::ExactlyOnce
            .check(rises, || format!("receipt {} does not rise", record.receipt))?;
        self.receipt = Some(record.receipt);
        self.folds(record, reached)
    }

    /// True if a record continues the log as some spool has produced it.
    fn continues(&mut self, record: &Record) -> Result<(), Violation> {
        let incarnation = (record.log, record.log_epoch);
        let end = self.end.filter(|(held, _)| *held == incarnation);
        let end = end.map_or_else(|| Position::start(record.log), |(_, end)| end);
        let (found, expected) = (record.batch.sequence, end.sequence + 1);
        Invariant::ExactlyOnce
            .check(found >= expected, || format!("batch {found} is in the log twice"))?;
        Invariant::NoLoss
            .check(found <= expected, || format!("batch {found} follows {}", expected - 1))?;
        let next = end.after(&record.batch);
        let is_produced = self.produced.contains(&(record.log, next.sequence, next.chain.0));
        Invariant::Clones
            .check(is_produced, || format!("no spool has produced this log through {found}"))?;
        self.end = Some((incarnation, next));
        self.record_count += 1;
        self.unsynced.push_back((self.record_count, record.log, next.chain.0));
        Ok(())
    }

    fn folds(&mut self, record: &Record, reached: &mut Counts) -> Result<(), Violation> {
        let before = self.fold.position().ledger;
        self.apply(record);
        let after = self.fold.position().ledger;
        for (kind, was, is) in [
            (Reached::Applied, before.applied, after.applied),
            (Reached::Repeated, before.repeated, after.repeated),
            (Reached::Superseded, before.superseded, after.superseded),
            (Reached::Rejected, before.rejected, after.rejected),
        ] {
            (was..is).for_each(|_| reached.note(kind));
        }
        let count = u64::from(record.batch.observation_count);
        let log = (record.log, record.log_epoch);
        self.received = match self.received {
            (Some(held), total) if held == log => (Some(held), total + count),
            _ => (Some(log), count),
        };
        let ledger = self.fold.position().log_ledger;
        Invariant::Books.check(ledger.total() == self.received.1, || {
            format!("the ledger {ledger:?} is not of {} observations", self.received.1)
        })?;
        let touched = self.naive.add(record);
        self.naive.agrees_on(&self.fold, touched.iter(), !self.omitted.has(Rule::Revision))
    }

    /// A commit is on disk.
    pub fn committed(&mut self, cursor: Option<&Cursor>) -> Result<(), Violation> {
        let Some(cursor) = cursor else { return Ok(()) };
        let incarnation = (cursor.log, cursor.log_epoch);
        let sequence = cursor.position.sequence;
        let highest = self.cursors.entry(incarnation).or_default();
        Invariant::Order.check(*highest <= sequence, || {
            format!("the cursor fell from {highest} to {sequence} within a log")
        })?;
        *highest = sequence;
        let end = self.end.filter(|(held, _)| *held == incarnation);
        let end = end.map_or_else(|| Position::start(cursor.log), |(_, end)| end);
        Invariant::OneRead.check(end == cursor.position, || {
            format!("the cursor is at {}, the records end at {}", sequence, end.sequence)
        })
    }

    /// So many records are on disk for certain.
    pub fn synced(&mut self, count: usize) {
        let count = u64::try_from(count).expect("64 bits fit");
        while self.unsynced.front().is_some_and(|(number, _, _)| *number <= count) {
            let kept = self.unsynced.pop_front();
            self.held.extend(kept.map(|(_, log, chain)| (log, chain)));
        }
    }

    /// The aggregator says how far batches are durable, of the log that its session was welcomed
    /// with. Where another one is in force by then, perhaps the same from its start, what is
    /// released for that is held against the records.
    pub fn acks(
        incarnation: Option<Incarnation>,
        ack: &Ack,
        synced: Option<&Cursor>,
    ) -> Result<(), Violation> {
        Invariant::Order.check(ack.durable_through <= ack.applied_through, || {
            format!(
                "durable through {}, applied through {}",
                ack.durable_through, ack.applied_through
            )
        })?;
        let Some(incarnation) = incarnation else { return Ok(()) };
        let present = synced.filter(|cursor| (cursor.log, cursor.log_epoch) == incarnation);
        let Some(through) = present.map(|cursor| cursor.position.sequence) else { return Ok(()) };
        Invariant::AckSoundness.check(ack.durable_through <= through, || {
            format!("acknowledged {}, on disk is {through}", ack.durable_through)
        })
    }

    /// The owner of the log is told what was refused of a batch.
    pub fn tells(
        result: &BatchResult,
        position: Position,
        records: &[Record],
    ) -> Result<(), Violation> {
        let mut of_log = present_log(records).iter().filter(|_| position.sequence > 0);
        let is_kept = of_log.any(|record| record.result.as_ref() == Some(result));
        Invariant::Books.check(is_kept, || {
            format!("a result is told of batch {} that no record holds", result.sequence)
        })
    }

    /// A collector has seen an ack.
    pub fn saw(&mut self, log: Incarnation, ack: &Ack) {
        let seen = self.seen_durable.entry(log).or_default();
        *seen = (*seen).max(ack.durable_through);
    }

    /// A session is welcomed.
    pub fn welcomes(&self, log: LogId, welcome: &Welcome) -> Result<(), Violation> {
        let log = (log, welcome.log_epoch);
        let seen = self.seen_durable.get(&log).copied().unwrap_or(0);
        let at = welcome.applied.sequence;
        Invariant::AckSoundness
            .check(seen <= at, || format!("durable through {seen} was seen, and now it is {at}"))
    }

    /// The store has been read again after a crash, or is another one. `is_lossy`: what was durable
    /// may be gone.
    pub fn reread(
        &mut self,
        cursor: Option<&Cursor>,
        records: &[Record],
        is_lossy: bool,
    ) -> Result<(), Violation> {
        if is_lossy {
            self.seen_durable.clear();
            self.cursors.clear();
        }
        let count = u64::try_from(records.len()).expect("64 bits fit");
        if let Some(cursor) = cursor {
            Invariant::OneRead.check(cursor.record_count == count, || {
                format!("the cursor counts {} records, there are {count}", cursor.record_count)
            })?;
            let log = (cursor.log, cursor.log_epoch);
            let seen = self.seen_durable.get(&log).copied().unwrap_or(0);
            let at = cursor.position.sequence;
            Invariant::AckSoundness.check(seen <= at, || {
                format!("durable through {seen} was seen, the store is at {at}")
            })?;
        }
        let (fold, naive) = (std::mem::take(&mut self.fold), std::mem::take(&mut self.naive));
        for record in records {
            self.apply(record);
            drop(self.naive.add(record));
        }
        if !is_lossy {
            Invariant::OneRead.check(self.fold == fold && self.naive == naive, || {
                "folding the log again gives other cells".to_owned()
            })?;
        }
        self.naive.agrees(&self.fold, !self.omitted.has(Rule::Revision))?;
        self.receipt = records.last().map(|record| record.receipt);
        self.record_count = count;
        self.unsynced.clear();
        let present = present_log(records);
        let label = present.first().map(|record| (record.log, record.log_epoch));
        self.end = label.map(|label| (label, end_of(present)));
        let total = present.iter().map(|record| u64::from(record.batch.observation_count)).sum();
        self.received = (label, total);
        if let Some(cursor) = cursor {
            self.relabel(cursor);
        }
        Ok(())
    }

    /// The ledger of the log in force.
    #[must_use]
    pub fn ledger(&self) -> (Option<LogId>, Ledger) {
        let position = self.fold.position();
        (position.log, position.log_ledger)
    }

    /// True if an observation was ever admitted to the present store, and not refused.
    #[must_use]
    pub fn was_admitted(&self, observation: &Observation) -> bool {
        self.naive.was_admitted(observation)
    }

    #[must_use]
    pub const fn naive(&self) -> &Naive {
        &self.naive
    }

    /// A batch is sent under a credit of so many batches and bytes.
    pub fn sends(
        waiting: &VecDeque<(u64, u64)>,
        batch: &Batch,
        (count_max, bytes_max): (u32, u64),
        produced: u64,
    ) -> Result<(), Violation> {
        Invariant::Order.check(batch.sequence <= produced, || {
            format!("batch {} is sent, {produced} are produced", batch.sequence)
        })?;
        let count = u32::try_from(waiting.len()).expect("a few");
        let bytes: u64 = waiting.iter().map(|(_, bytes)| bytes).sum();
        Invariant::Bounds.check(count <= count_max && bytes <= bytes_max, || {
            format!("{count} batches of {bytes} bytes are on their way")
        })
    }
}

/// The records of the last log, since it began.
fn present_log(records: &[Record]) -> &[Record] {
    let begin = records.iter().rposition(|record| record.batch.sequence == 1);
    begin.and_then(|begin| records.get(begin..)).unwrap_or_default()
}

/// The position behind the records of a log, recomputed from their batches.
fn end_of(records: &[Record]) -> Position {
    let log = records.first().expect("a log that has begun").log;
    records.iter().fold(Position::start(log), |end, record| end.after(&record.batch))
}
