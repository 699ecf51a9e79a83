//! The aggregator's store, modelled: a log of records and a cursor, changed together.
//!
//! Makes the decisions of `aggregator/src/store/writer.rs` with the production's own `admission` and
//! `lease`; what it models is the disk. What a commit has changed is on disk before it is answered,
//! so power loss takes only what was still queued.

use std::{collections::VecDeque, time::Duration};

use phuxanh_core::{
    Cursor, LocalityCode, Position, Record,
    delivery::{
        admission::{self, Offer, Opened, Opening, Ticket, Verdict},
        lease::Leases,
    },
    frame::{BatchResult, Generation, Hello, ResyncReason, SessionId},
};

use crate::simulation::rule::{Omitted, Rule};

/// Request to the store.
#[derive(Debug)]
pub enum Request {
    Open { hello: Hello, session: SessionId },
    Admit(Box<Offer>),
    Confirm { reporter: LocalityCode, session: SessionId },
}

/// Answer of the store.
#[derive(Debug)]
pub enum Answer {
    Opened(Opened),
    Admitted(Verdict),
    Confirmed(Option<u64>),
}

/// Content of a store on disk.
#[derive(Debug, Clone)]
pub struct Disk {
    pub generation: Generation,
    pub cursor: Option<Cursor>,
    pub records: Vec<Record>,
}

/// The store of the one reporter that is simulated.
#[derive(Debug)]
pub struct Store {
    pub disk: Disk,
    /// Cursor and records that a power loss leaves, where answers do not wait for the sync.
    synced: Option<(Option<Cursor>, usize)>,
    /// Records behind a cursor that was written alone, where the two are not one write.
    torn: Vec<Record>,
    omitted: Omitted,
}

impl Store {
    #[must_use]
    pub fn new(generation: Generation, omitted: Omitted) -> Self {
        let disk = Disk { generation, cursor: None, records: Vec::new() };
        Self { disk, synced: None, torn: Vec::new(), omitted }
    }

    /// Takes requests off the queue and commits them together.
    pub fn commit<T>(
        &mut self,
        requests: &mut VecDeque<(T, Request)>,
        count: usize,
        leases: &mut Leases,
        now: Duration,
    ) -> Vec<(T, Request, Answer)> {
        let unsynced = self.omitted.has(Rule::AnswerAfterSync);
        if unsynced
            && self.synced.as_ref().is_none_or(|(_, length)| self.disk.records.len() > *length + 2)
        {
            self.synced = Some((self.disk.cursor.clone(), self.disk.records.len()));
        }
        self.disk.records.append(&mut self.torn);
        let count = count.min(requests.len());
        requests
            .drain(..count)
            .map(|(asker, request)| {
                let answer = self.carry_out(&request, leases, now);
                (asker, request, answer)
            })
            .collect()
    }

    fn carry_out(&mut self, request: &Request, leases: &mut Leases, now: Duration) -> Answer {
        match request {
            Request::Open { hello, session } => {
                Answer::Opened(self.open(hello, *session, leases, now))
            }
            Request::Admit(offer) => {
                leases.renew(offer.reporter, offer.session, now);
                Answer::Admitted(self.admit(offer))
            }
            Request::Confirm { reporter, session } => {
                if !self.omitted.has(Rule::HeartbeatRenews) {
                    leases.renew(*reporter, *session, now);
                }
                let owned = |cursor: &&Cursor| {
                    cursor.session == *session || self.omitted.has(Rule::Session)
                };
                let cursor = self.disk.cursor.as_ref().filter(owned);
                Answer::Confirmed(cursor.map(|cursor| cursor.position.sequence))
            }
        }
    }

    fn open(
        &mut self,
        hello: &Hello,
        session: SessionId,
        leases: &mut Leases,
        now: Duration,
    ) -> Opened {
        let owner = leases.other_owner(hello.reporter, &hello.host, now);
        if let Some(owner) = owner.filter(|_| !self.omitted.has(Rule::Lease)) {
            return Opened::Owned { host: owner.to_owned() };
        }
        match self.opening(hello, session) {
            Opening::Resync(reason) => Opened::Resync(reason),
            Opening::Welcome(cursor) => {
                leases.take(hello.reporter, &hello.host, session, now);
                self.disk.cursor = Some(cursor.clone());
                let results = if self.omitted.has(Rule::ResultsResent) {
                    Vec::new()
                } else {
                    self.results(&cursor, hello.released.sequence)
                };
                let (generation, ticket) = (self.disk.generation, Ticket::default());
                Opened::Welcome { cursor, generation, ticket, results }
            }
        }
    }

    /// The production's decision, or what it would be without a rule.
    fn opening(&self, hello: &Hello, session: SessionId) -> Opening {
        let held = self.disk.cursor.clone();
        let mut hello = hello.clone();
        if self.omitted.has(Rule::LogReplaced) {
            let other = held.as_ref().filter(|held| held.log != hello.log);
            hello.log_epoch = other.map_or(hello.log_epoch, |held| held.log_epoch + 1);
        }
        if self.omitted.has(Rule::ResyncAsked) {
            hello.released = Position::start(hello.log);
        }
        let same = held.as_ref().filter(|held| held.log == hello.log);
        if let Some(held) = same.filter(|_| self.omitted.has(Rule::RegressedAsked))
            && hello.produced.sequence < held.position.sequence
        {
            hello.produced = held.position;
        }
        let mut known = held.clone();
        if let Some(known) = known.as_mut().filter(|_| self.omitted.has(Rule::OneHost)) {
            known.host.clone_from(&hello.host);
        }
        let opening = admission::open(known, &hello, session);
        match opening {
            Opening::Welcome(cursor) if self.omitted.has(Rule::EpochRises) => {
                let log_epoch = held.map_or(1, |held| held.log_epoch);
                Opening::Welcome(Cursor { log_epoch, ..cursor })
            }
            Opening::Welcome(_) | Opening::Resync(_) => opening,
        }
    }

    /// The results kept for the log in force behind a sequence.
    fn results(&self, cursor: &Cursor, released: u64) -> Vec<BatchResult> {
        if self.omitted.has(Rule::ResultsOfThisLog) {
            let log = self.disk.records.iter().rev().take_while(|record| record.log == cursor.log);
            let behind = log.take_while(|record| record.batch.sequence > released);
            let mut results: Vec<_> = behind.filter_map(|record| record.result.clone()).collect();
            results.reverse();
            return results;
        }
        let sequences = (released + 1..=cursor.position.sequence).rev();
        let behind =
            self.disk.records.iter().rev().zip(sequences).map_while(|(record, sequence)| {
                (record.log == cursor.log && record.batch.sequence == sequence).then_some(record)
            });
        let mut results: Vec<_> = behind.filter_map(|record| record.result.clone()).collect();
        results.reverse();
        results
    }

    fn admit(&mut self, offer: &Offer) -> Verdict {
        let Some(mut cursor) = self.disk.cursor.clone() else { return Verdict::Fenced };
        let verdict = self.verdict(&cursor, offer);
        let Verdict::Append(position) = verdict else { return verdict };
        let receipt = match cursor.receipt {
            Some(receipt) if !self.omitted.has(Rule::ReceiptRises) => {
                offer.received.max(receipt.plus(Duration::from_micros(1)))
            }
            Some(_) | None => offer.received,
        };
        cursor.position = position;
        cursor.record_count += 1;
        cursor.receipt = Some(receipt);
        let record = Record {
            receipt,
            log: offer.log,
            log_epoch: cursor.log_epoch,
            host: offer.host.clone(),
            batch: offer.batch.clone(),
            result: offer.result.clone(),
            catalogue_digest: [0; 32],
            gazetteer_digest: [0; 32],
        };
        if self.omitted.has(Rule::AtomicCursor) {
            self.torn.push(record);
        } else {
            self.disk.records.push(record);
        }
        self.disk.cursor = Some(cursor);
        verdict
    }

    /// The production's verdict, or what it would be without a rule.
    fn verdict(&self, cursor: &Cursor, offer: &Offer) -> Verdict {
        let mut held = cursor.clone();
        if self.omitted.has(Rule::Session) {
            held.session = offer.session;
        }
        if self.omitted.has(Rule::LogInForce) {
            held.log = offer.log;
        }
        let verdict = admission::admit(&held, offer.session, offer.log, &offer.batch);
        let next = Position { sequence: offer.batch.sequence, chain: offer.batch.previous_chain };
        let appended = || Verdict::Append(next.after(&offer.batch));
        match verdict {
            Verdict::Gap { .. } if self.omitted.has(Rule::Contiguity) => {
                let is_chained = offer.batch.previous_chain == held.position.chain;
                if is_chained || self.omitted.has(Rule::Chain) {
                    appended()
                } else {
                    Verdict::Conflict(ResyncReason::ChainBroken)
                }
            }
            Verdict::Duplicate if self.omitted.has(Rule::Deduplication) => appended(),
            Verdict::Conflict(ResyncReason::ChainBroken) if self.omitted.has(Rule::Chain) => {
                appended()
            }
            Verdict::Append(_)
            | Verdict::Duplicate
            | Verdict::Fenced
            | Verdict::Gap { .. }
            | Verdict::Conflict(_) => verdict,
        }
    }

    /// Records that were appended, also those that are not written yet.
    #[must_use]
    pub fn appended_count(&self) -> usize {
        self.disk.records.len() + self.torn.len()
    }

    /// The records behind the first so many.
    #[must_use]
    pub fn appended_since(&self, count: usize) -> Vec<Record> {
        self.disk.records.iter().chain(&self.torn).skip(count).cloned().collect()
    }

    /// The process ended: what was not written yet is lost.
    pub fn crash(&mut self) {
        self.torn.clear();
    }

    /// The cursor is gone, and is rebuilt behind the records as the production does it.
    pub fn lose_cursor(&mut self) {
        let records = &self.disk.records;
        let count = u64::try_from(records.len()).expect("64 bits fit");
        let epoch = records.iter().map(|record| record.log_epoch).max().unwrap_or(0);
        let receipt = records.iter().map(|record| record.receipt).max();
        let has = |rule| self.omitted.has(rule);
        let rebuilt = Cursor::rebuilt(
            if has(Rule::RebuiltBehindRecords) { 0 } else { count },
            if has(Rule::RebuiltEpoch) { 0 } else { epoch },
            receipt.filter(|_| !has(Rule::RebuiltReceipt)),
        );
        self.disk.cursor = Some(rebuilt).filter(|_| !has(Rule::CursorRebuilt));
    }

    /// The machine lost power: what was not synced is lost as well.
    pub fn lose_power(&mut self) {
        self.crash();
        if let Some((cursor, length)) = self.synced.take() {
            self.disk.cursor = cursor;
            self.disk.records.truncate(length);
        }
    }

    /// Returns the number of records that a loss of power would leave now.
    #[must_use]
    pub fn synced_count(&self) -> usize {
        self.synced.as_ref().map_or(self.disk.records.len(), |(_, count)| *count)
    }

    /// Returns the cursor that a loss of power would leave now.
    #[must_use]
    pub fn synced_cursor(&self) -> Option<&Cursor> {
        match &self.synced {
            Some((cursor, _)) => cursor.as_ref(),
            None => self.disk.cursor.as_ref(),
        }
    }
}
