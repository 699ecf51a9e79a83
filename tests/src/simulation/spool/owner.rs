//! The spool's owner: a queue of requests, carried out in order; an answer leaves once what it
//! answers is durable.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use phuxanh_collector::spool::Fate;
use phuxanh_core::{
    Batch, LogId, Observation, Timestamp,
    delivery::sender::{Input, LogState},
    frame::BatchResult,
};

use super::{BatchMax, Image};
use crate::simulation::rule::{Omitted, Rule};

/// Request to the owner.
#[derive(Debug, Clone)]
pub enum Request {
    Append(Vec<Observation>),
    CompleteThrough(Timestamp),
    Poison { count: u32, payload: Bytes },
    Load { after: u64, batch_count_max: u32, payload_bytes_max: u64 },
    Settle { through: u64, results: Vec<BatchResult> },
    Adopt { log_epoch: u64 },
    BeginLog { fresh: LogId },
    Restate { observation_count_max: u32, payload_bytes_max: u32 },
}

/// Answer of the owner.
#[derive(Debug)]
pub enum Answer {
    /// To the source: the observations with what became of them, or none where the spool is full.
    Appended(Option<Vec<Fate>>),
    /// To delivery.
    Delivery(Box<Input>),
}

/// The owner with what it keeps on disk.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Disk that a crash leaves.
    pub disk: Image,
    /// The state before requests that were answered too early, where that rule is left out.
    synced: Option<Box<Image>>,
    /// Released batches, where they may be settled again.
    kept: BTreeMap<(LogId, u64), Batch>,
    queue: VecDeque<Request>,
    /// Newest word of the sources.
    complete_through: Option<Timestamp>,
    max: BatchMax,
    quota_bytes: u64,
    omitted: Omitted,
}

impl Owner {
    #[must_use]
    pub fn new(disk: Image, max: BatchMax, quota_bytes: u64, omitted: Omitted) -> Self {
        Self {
            disk,
            synced: None,
            kept: BTreeMap::new(),
            queue: VecDeque::new(),
            complete_through: None,
            max,
            quota_bytes,
            omitted,
        }
    }

    pub fn ask(&mut self, request: Request) {
        self.queue.push_back(request);
    }

    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Through where the next request releases batches, if it does.
    #[must_use]
    pub fn next_settle(&self) -> Option<u64> {
        match self.queue.front() {
            Some(Request::Settle { through, .. }) => Some(*through),
            Some(_) | None => None,
        }
    }

    /// Loses what waits in the queue; what was answered stays.
    pub fn crash(&mut self) {
        self.queue.clear();
        if let Some(synced) = self.synced.take() {
            self.disk = *synced;
        }
        self.complete_through = self.disk.complete_through;
    }

    /// Carries out the next request in one transaction.
    pub fn commit(&mut self) -> Option<(Request, Option<Answer>)> {
        let request = self.queue.pop_front()?;
        if self.omitted.has(Rule::AppendAfterSync) {
            // Answered now, on disk only by the next request but two.
            let is_synced = self.synced.is_none() || self.disk.produced.sequence.is_multiple_of(3);
            if is_synced {
                self.synced = Some(Box::new(self.disk.clone()));
            }
        }
        let answer = self.carry_out(&request);
        Some((request, answer))
    }

    fn carry_out(&mut self, request: &Request) -> Option<Answer> {
        match request {
            Request::Append(observations) => {
                let is_full = self.disk.payload_bytes >= self.quota_bytes;
                let fates = (!is_full)
                    .then(|| self.disk.append(observations, self.complete_through, self.max));
                return Some(Answer::Appended(fates));
            }
            Request::CompleteThrough(time) => {
                self.complete_through = Some(*time);
                self.disk.append_watermark(self.complete_through);
                return None;
            }
            Request::Poison { count, payload } => {
                if self.disk.payload_bytes < self.quota_bytes {
                    self.disk.append_poison(*count, payload.clone());
                }
                return None;
            }
            Request::Load { after, batch_count_max, payload_bytes_max } => {
                let batches = self.disk.load(*after, *batch_count_max, *payload_bytes_max);
                let log = self.disk.log;
                return Some(Answer::Delivery(Box::new(Input::Loaded {
                    log,
                    after: *after,
                    batches,
                })));
            }
            Request::Settle { through, results } => self.settle(*through, results),
            Request::Adopt { log_epoch } => self.disk.log_epoch = *log_epoch,
            Request::BeginLog { fresh } => self.begin_log(*fresh),
            Request::Restate { observation_count_max, payload_bytes_max } => {
                let theirs = |max: u32| usize::try_from(max).unwrap_or(usize::MAX).max(1);
                let max = BatchMax {
                    observation_count: self
                        .max
                        .observation_count
                        .min(theirs(*observation_count_max)),
                    payload_bytes: self.max.payload_bytes.min(theirs(*payload_bytes_max)),
                };
                self.disk.restate(self.complete_through, max, &self.omitted);
            }
        }
        Some(Answer::Delivery(Box::new(Input::Done(self.log_state()))))
    }

    fn settle(&mut self, through: u64, results: &[BatchResult]) {
        if self.omitted.has(Rule::SettleOnce) {
            self.settle_again(results);
        }
        if self.omitted.has(Rule::RefusedGivesWay) {
            let behind = self.disk.released.sequence + 1..=through;
            let refusing = results.iter().filter(|result| behind.contains(&result.sequence));
            let refused = self.disk.dead_letter(refusing);
            self.disk.forget(&refused);
            return self.disk.settle(through, &[]);
        }
        self.disk.settle(through, results);
    }

    /// Buries what was buried before, which takes batches that were released.
    fn settle_again(&mut self, results: &[BatchResult]) {
        let log = self.disk.log;
        let released = self.disk.released.sequence;
        for result in results.iter().filter(|result| result.sequence <= released) {
            if let Some(batch) = self.kept.get(&(log, result.sequence)).cloned() {
                self.disk.batches.insert(result.sequence, batch);
                self.disk.dead_letter(std::iter::once(result));
                self.disk.batches.remove(&result.sequence);
            }
        }
        let waiting =
            self.disk.batches.values().map(|batch| ((log, batch.sequence), batch.clone()));
        self.kept.extend(waiting);
    }

    fn begin_log(&mut self, fresh: LogId) {
        if self.omitted.has(Rule::UnreleasedTakenOver) {
            self.disk.batches = BTreeMap::new();
            self.disk.replaced = BTreeMap::new();
            self.disk.payload_bytes = 0;
        }
        self.disk.begin_log(fresh);
        if self.omitted.has(Rule::CellsRestated) {
            self.disk.restating = None;
        }
    }

    #[must_use]
    pub fn log_state(&self) -> LogState {
        LogState { complete_through: self.complete_through, ..self.disk.log_state() }
    }
}
