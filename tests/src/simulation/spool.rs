//! A collector's spool, modelled: what one request does to the log, the cells and the dead letters.
//!
//! The real one (`collector/src/spool`) decides inside redb transactions. This one decides the same
//! over maps; `tests/simulation.rs` holds the two against each other, request by request. What is in
//! an [`Image`] is durable; a request changes it whole or not at all.

mod cells;
mod owner;

use std::collections::BTreeMap;

use bytes::Bytes;
use phuxanh_collector::spool::Fate;
use phuxanh_core::{
    Batch, CellDigest, CellKey, LogId, Observation, Position, Timestamp,
    delivery::sender::LogState,
    frame::{BatchResult, CollectorAudit, Refused},
};
use phuxanh_proto::convert::{decode, encode};

pub use owner::{Answer, Owner, Request};

use super::rule::{Omitted, Rule};

/// A cell's key in the order in which cells are restated.
pub type Row = (u32, u32, CellKey);
/// A place in the log: batch and index in it.
pub type Place = (u64, u32);

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    Observation(Observation),
    /// A whole payload that neither end can read.
    Payload(Bytes),
}

/// Largest batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchMax {
    pub observation_count: usize,
    pub payload_bytes: usize,
}

/// Content of a spool on disk.
#[derive(Debug, Clone)]
pub struct Image {
    pub log: LogId,
    pub log_epoch: u64,
    pub produced: Position,
    pub released: Position,
    pub batches: BTreeMap<u64, Batch>,
    pub cells: BTreeMap<Row, Observation>,
    /// Value that stood in the cell of an unreleased observation before it.
    pub replaced: BTreeMap<Place, Observation>,
    pub restating: Option<Row>,
    pub letters: Vec<Letter>,
    pub complete_through: Option<Timestamp>,
    pub produced_observation_count: u64,
    pub rejected_observation_count: u64,
    pub payload_bytes: u64,
    pub digest: CellDigest,
    /// Everything that was ever taken, for the oracle; the real spool has no such list.
    pub taken: Vec<Letter>,
}

/// The ends of an image, to see what a request changed.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub log: LogId,
    pub produced: u64,
    pub released: u64,
    pub letter_count: usize,
    pub cell_count: usize,
}

/// An observation that is to be appended, with what stood in its cell.
struct Entry {
    observation: Observation,
    replaced: Option<Observation>,
}

impl Image {
    /// An empty spool.
    #[must_use]
    pub fn new(log: LogId) -> Self {
        let start = Position::start(log);
        Self {
            log,
            log_epoch: 0,
            produced: start,
            released: start,
            batches: BTreeMap::new(),
            cells: BTreeMap::new(),
            replaced: BTreeMap::new(),
            restating: None,
            letters: Vec::new(),
            complete_through: None,
            produced_observation_count: 0,
            rejected_observation_count: 0,
            payload_bytes: 0,
            digest: CellDigest::default(),
            taken: Vec::new(),
        }
    }

    #[must_use]
    pub fn ends(&self) -> Ends {
        Ends {
            log: self.log,
            produced: self.produced.sequence,
            released: self.released.sequence,
            letter_count: self.letters.len(),
            cell_count: self.cells.len(),
        }
    }

    /// Returns what the owner tells of it.
    #[must_use]
    pub fn log_state(&self) -> LogState {
        LogState {
            log: self.log,
            log_epoch: self.log_epoch,
            produced: self.produced,
            released: self.released,
            is_restating: self.restating.is_some(),
            batch_count: self.produced.sequence - self.released.sequence,
            spool_bytes: self.payload_bytes,
            dead_letter_count: u64::try_from(self.letters.len()).expect("64 bits fit"),
            complete_through: self.complete_through,
            audit: Some(CollectorAudit {
                produced_through: self.produced.sequence,
                produced_observation_count: self.produced_observation_count,
                rejected_observation_count: self.rejected_observation_count,
                cells: self.digest,
            }),
        }
    }

    /// Observes and appends; says what became of each observation.
    pub fn append(
        &mut self,
        observations: &[Observation],
        complete_through: Option<Timestamp>,
        max: BatchMax,
    ) -> Vec<Fate> {
        let mut entries = Vec::new();
        let mut fates = Vec::with_capacity(observations.len());
        for observation in observations {
            let (fate, entry) = self.observe(observation.clone());
            fates.push(fate);
            entries.extend(entry);
        }
        let taken = entries.iter().map(|entry| Letter::Observation(entry.observation.clone()));
        self.taken.extend(taken);
        self.append_entries(entries, complete_through, max);
        fates
    }

    fn append_entries(
        &mut self,
        entries: Vec<Entry>,
        complete_through: Option<Timestamp>,
        max: BatchMax,
    ) {
        let (observations, replaced): (Vec<_>, Vec<_>) =
            entries.into_iter().map(|entry| (entry.observation, entry.replaced)).unzip();
        let mut replaced = replaced.into_iter();
        for chunk in observations.chunks(max.observation_count) {
            for (count, payload) in cut(chunk, max.payload_bytes) {
                self.append_batch(count, payload.into(), complete_through);
                for (index, replaced) in (0..count).zip(replaced.by_ref()) {
                    if let Some(replaced) = replaced {
                        self.replaced.insert((self.produced.sequence, index), replaced);
                    }
                }
            }
        }
    }

    /// Appends an empty batch, which carries the watermark alone.
    pub fn append_watermark(&mut self, complete_through: Option<Timestamp>) {
        if complete_through.is_some() && complete_through != self.complete_through {
            self.append_batch(0, encode(&[]).into(), complete_through);
        }
    }

    /// Appends a payload that nobody can read, as a faulty version would.
    pub fn append_poison(&mut self, count: u32, payload: Bytes) {
        self.taken.push(Letter::Payload(payload.clone()));
        self.append_batch(count, payload, self.complete_through);
    }

    fn append_batch(
        &mut self,
        observation_count: u32,
        payload: Bytes,
        complete_through: Option<Timestamp>,
    ) {
        let batch = Batch {
            sequence: self.produced.sequence + 1,
            previous_chain: self.produced.chain,
            observation_count,
            complete_through,
            payload,
        };
        self.produced = self.produced.after(&batch);
        self.produced_observation_count += u64::from(observation_count);
        self.payload_bytes += length(&batch);
        self.complete_through = complete_through.or(self.complete_through);
        self.batches.insert(batch.sequence, batch);
    }

    /// The batches behind a sequence: at least one if there is one, else within the bounds.
    #[must_use]
    pub fn load(&self, after: u64, batch_count_max: u32, payload_bytes_max: u64) -> Vec<Batch> {
        let count_max = usize::try_from(batch_count_max).unwrap_or(usize::MAX).max(1);
        let mut batches = Vec::new();
        let mut payload_bytes = 0;
        for batch in self.batches.range(after + 1..).map(|(_, batch)| batch).take(count_max) {
            payload_bytes += length(batch);
            if payload_bytes > payload_bytes_max && !batches.is_empty() {
                break;
            }
            batches.push(batch.clone());
        }
        batches
    }

    /// Releases the batches through a sequence; what was refused of them is buried.
    pub fn settle(&mut self, through: u64, results: &[BatchResult]) {
        let through = through.min(self.produced.sequence);
        if through <= self.released.sequence {
            return;
        }
        let behind = self.released.sequence + 1..=through;
        let refused =
            self.dead_letter(results.iter().filter(|result| behind.contains(&result.sequence)));
        self.give_way(through, &refused);
        let next = self.batches.get(&(through + 1));
        let chain = next.map_or(self.produced.chain, |next| next.previous_chain);
        let later = self.batches.split_off(&(through + 1));
        self.payload_bytes -= self.batches.values().map(length).sum::<u64>();
        self.batches = later;
        self.replaced = self.replaced.split_off(&(through + 1, 0));
        self.released = Position { sequence: through, chain };
    }

    /// Buries what results refuse; says which places those are.
    pub fn dead_letter<'a>(
        &mut self,
        results: impl Iterator<Item = &'a BatchResult>,
    ) -> BTreeMap<Place, Observation> {
        let mut refused = BTreeMap::new();
        for result in results {
            let Some(batch) = self.batches.get(&result.sequence) else { continue };
            let Ok(observations) = decode(&batch.payload, batch.observation_count) else {
                self.letters.push(Letter::Payload(batch.payload.clone()));
                self.rejected_observation_count += u64::from(batch.observation_count);
                continue;
            };
            for (index, observation) in (0..).zip(observations) {
                let is_refused = match &result.refused {
                    Refused::Everything => true,
                    Refused::Observations(places) => places.iter().any(|(at, _)| *at == index),
                };
                if is_refused {
                    self.rejected_observation_count += 1;
                    self.letters.push(Letter::Observation(observation.clone()));
                    refused.insert((result.sequence, index), observation);
                }
            }
        }
        refused
    }

    /// Begins a new log with what is unreleased, and restates every cell behind it.
    pub fn begin_log(&mut self, fresh: LogId) {
        if self.log == fresh {
            return;
        }
        let shift = self.released.sequence;
        let waiting = std::mem::take(&mut self.batches);
        let replaced = std::mem::take(&mut self.replaced);
        self.replaced =
            replaced.into_iter().map(|((at, index), cell)| ((at - shift, index), cell)).collect();
        let start = Position::start(fresh);
        (self.log, self.log_epoch, self.produced, self.released) = (fresh, 0, start, start);
        self.produced_observation_count = 0;
        self.rejected_observation_count = 0;
        for (sequence, batch) in waiting {
            let previous_chain = self.produced.chain;
            let batch = Batch { sequence: sequence - shift, previous_chain, ..batch };
            self.produced = self.produced.after(&batch);
            self.produced_observation_count += u64::from(batch.observation_count);
            self.batches.insert(batch.sequence, batch);
        }
        self.restating = Some(lowest());
    }

    /// Appends the next cells that are to be restated, at most so many. Of a cell whose value is
    /// unreleased, what stood before that is restated.
    pub fn restate(
        &mut self,
        complete_through: Option<Timestamp>,
        max: BatchMax,
        omitted: &Omitted,
    ) {
        let Some(from) = self.restating.take() else { return };
        let mut cells = self.cells.range(from..);
        let taken: Vec<_> =
            cells.by_ref().take(max.observation_count).map(|(_, cell)| cell.clone()).collect();
        self.restating = cells.next().map(|(row, _)| row.clone());
        let firsts = if omitted.has(Rule::UnreleasedNotRestated) {
            BTreeMap::new()
        } else {
            self.first_unreleased()
        };
        let entries = taken
            .into_iter()
            .filter_map(|cell| {
                let restated = match firsts.get(&cell.key) {
                    None => cell.clone(),
                    Some((place, waiting)) => {
                        let before = self.replaced.get(place)?;
                        let is_restated = before == waiting && !omitted.has(Rule::RestatedOnce);
                        (!is_restated).then(|| before.clone())?
                    }
                };
                Some(Entry { observation: restated, replaced: Some(cell) })
            })
            .collect();
        self.append_entries(entries, complete_through, max);
    }

    /// The first unreleased place of every cell that has one.
    fn first_unreleased(&self) -> BTreeMap<CellKey, (Place, Observation)> {
        let mut firsts = BTreeMap::new();
        for batch in self.batches.values() {
            let observations = decode(&batch.payload, batch.observation_count).unwrap_or_default();
            for (index, observation) in (0..).zip(observations) {
                let place = (batch.sequence, index);
                firsts.entry(observation.key.clone()).or_insert((place, observation));
            }
        }
        firsts
    }
}

/// Before every cell.
fn lowest() -> Row {
    let key = CellKey {
        locality: phuxanh_core::LocalityCode::NATION,
        metric: "a".parse().expect("an id"),
        period: phuxanh_core::Period::MIN,
    };
    (0, 0, key)
}

fn row(key: &CellKey) -> Row {
    (key.period.number(), key.locality.number(), key.clone())
}

fn length(batch: &Batch) -> u64 {
    u64::try_from(batch.payload.len()).expect("64 bits fit")
}

/// Encodes observations, in halves where one payload would be too large.
fn cut(observations: &[Observation], payload_bytes_max: usize) -> Vec<(u32, Vec<u8>)> {
    let payload = encode(observations);
    if payload.len() <= payload_bytes_max || observations.len() < 2 {
        let count = u32::try_from(observations.len()).expect("a few");
        return vec![(count, payload)];
    }
    let (left, right) = observations.split_at(observations.len() / 2);
    let mut parts = cut(left, payload_bytes_max);
    parts.extend(cut(right, payload_bytes_max));
    parts
}
