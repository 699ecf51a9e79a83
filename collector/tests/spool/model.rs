//! Model of a spool, without a file: a list of batches, and for each cell what the aggregator took
//! last and what waits for it.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_collector::spool::{DeadLetter, Fate, Reason};
use phuxanh_core::{
    Batch, CellDigest, CellKey, LocalityCode, LogId, MetricId, Observation, Period, Position,
    Timestamp,
    delivery::sender::LogState,
    frame::{BatchResult, CollectorAudit, Refused},
};
use phuxanh_proto::convert::encode;

pub const BATCH_OBSERVATION_COUNT_MAX: usize = 5;

/// Everything that can be seen of a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub log: LogState,
    pub batches: Vec<Batch>,
    pub dead_letters: Vec<DeadLetter>,
}

#[derive(Debug, Clone)]
pub struct Model {
    now: Timestamp,
    log: LogId,
    log_epoch: u64,
    produced: Position,
    released: Position,
    batches: BTreeMap<u64, (Batch, Vec<Observation>)>,
    cells: BTreeMap<CellKey, Cell>,
    restating: Restating,
    dead_letters: BTreeMap<u64, DeadLetter>,
    letter_number: u64,
    produced_observation_count: u64,
    rejected_observation_count: u64,
    complete_through: Option<Timestamp>,
    carried: Option<Timestamp>,
}

type CellOrder = (Period, LocalityCode, MetricId);

/// Cells that are still to be restated.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Restating {
    Nothing,
    Everything,
    From(CellOrder),
}

fn order(key: &CellKey) -> CellOrder {
    (key.period, key.locality, key.metric.clone())
}

#[derive(Debug, Clone, Default)]
struct Cell {
    accepted: Option<Observation>,
    waiting: BTreeMap<(u64, u32), Observation>,
}

impl Cell {
    /// The last in order.
    fn value(&self) -> Option<&Observation> {
        let all = self.accepted.iter().chain(self.waiting.values());
        all.max_by_key(|observation| (observation.observed, observation.revision))
    }

    fn settle(&mut self, through: u64, refused: &BTreeSet<(u64, u32)>) {
        let later = self.waiting.split_off(&(through + 1, 0));
        let settled = std::mem::replace(&mut self.waiting, later);
        let (gone, taken): (Vec<_>, Vec<_>) =
            settled.into_iter().partition(|(place, _)| refused.contains(place));
        let is_gone = |one: &Observation| gone.iter().any(|(_, other)| one == other);
        let taken = taken.into_iter().map(|(_, observation)| observation);
        let before = self.accepted.take().filter(|accepted| !is_gone(accepted));
        self.accepted = before
            .into_iter()
            .chain(taken)
            .max_by_key(|observation| (observation.observed, observation.revision));
    }
}

impl Model {
    pub fn new(log: LogId, now: Timestamp) -> Self {
        let start = Position::start(log);
        Self {
            now,
            log,
            log_epoch: 0,
            produced: start,
            released: start,
            batches: BTreeMap::new(),
            cells: BTreeMap::new(),
            restating: Restating::Nothing,
            dead_letters: BTreeMap::new(),
            letter_number: 0,
            produced_observation_count: 0,
            rejected_observation_count: 0,
            complete_through: None,
            carried: None,
        }
    }

    /// Returns what a spool that has been opened on this state shows, but for its file's length.
    pub fn seen(&self) -> Seen {
        let cells = self.cells.values().filter_map(Cell::value);
        let cells = cells.fold(CellDigest::default(), CellDigest::with);
        Seen {
            log: LogState {
                log: self.log,
                log_epoch: self.log_epoch,
                produced: self.produced,
                released: self.released,
                is_restating: self.restating != Restating::Nothing,
                batch_count: u64::try_from(self.batches.len()).expect("few"),
                spool_bytes: 0,
                dead_letter_count: u64::try_from(self.dead_letters.len()).expect("few"),
                complete_through: self.complete_through,
                audit: Some(CollectorAudit {
                    produced_through: self.produced.sequence,
                    produced_observation_count: self.produced_observation_count,
                    rejected_observation_count: self.rejected_observation_count,
                    cells,
                }),
            },
            batches: self.batches.values().map(|(batch, _)| batch.clone()).collect(),
            dead_letters: self.dead_letters.values().cloned().collect(),
        }
    }

    /// Forgets what is only in memory.
    pub fn restart(&mut self) {
        self.complete_through = self.carried;
    }

    pub fn append(&mut self, observations: &[Observation]) -> Vec<Fate> {
        let mut fates = Vec::new();
        let mut taken: Vec<Observation> = Vec::new();
        for observation in observations {
            let mut observation = observation.clone();
            let among = taken.iter().rfind(|other| other.key == observation.key);
            let held = self.cells.get(&observation.key).and_then(Cell::value);
            let fate = match among.or(held) {
                Some(held)
                    if (held.value, held.observed, held.basis)
                        == (observation.value, observation.observed, observation.basis) =>
                {
                    Fate::Unchanged
                }
                Some(held) if held.observed > observation.observed => {
                    Fate::Superseded { value: held.value, observed: held.observed }
                }
                Some(held) if held.observed == observation.observed => {
                    observation.revision = held.revision + 1;
                    taking(&observation, Some(held))
                }
                Some(_) | None => {
                    observation.revision = 0;
                    taking(&observation, among.or(held))
                }
            };
            if fate.is_taken() {
                taken.push(observation);
            }
            fates.push(fate);
        }
        self.append_taken(&taken);
        fates
    }

    fn append_taken(&mut self, taken: &[Observation]) {
        for chunk in taken.chunks(BATCH_OBSERVATION_COUNT_MAX) {
            self.append_batch(chunk);
        }
    }

    fn append_batch(&mut self, chunk: &[Observation]) {
        let batch = Batch {
            sequence: self.produced.sequence + 1,
            previous_chain: self.produced.chain,
            observation_count: u32::try_from(chunk.len()).expect("few"),
            complete_through: self.complete_through,
            payload: encode(chunk).into(),
        };
        self.produced = self.produced.after(&batch);
        self.carried = self.complete_through.or(self.carried);
        self.produced_observation_count += u64::from(batch.observation_count);
        self.put(batch, chunk.to_vec());
    }

    fn put(&mut self, batch: Batch, observations: Vec<Observation>) {
        for (index, observation) in (0..).zip(&observations) {
            let cell = self.cells.entry(observation.key.clone()).or_default();
            cell.waiting.insert((batch.sequence, index), observation.clone());
        }
        self.batches.insert(batch.sequence, (batch, observations));
    }

    /// The clock of these tests stands still, so only the first watermark is due.
    pub fn complete_through(&mut self, time: Timestamp, has_room: bool) {
        self.complete_through = Some(time);
        if self.carried.is_none() && has_room {
            self.append_batch(&[]);
        }
    }

    pub fn settle(&mut self, through: u64, results: &[BatchResult]) {
        if through <= self.released.sequence || through > self.produced.sequence {
            return;
        }
        let mut refused = BTreeSet::new();
        for result in results {
            let Some((_, observations)) = self.batches.get(&result.sequence) else { continue };
            if result.sequence > through {
                continue;
            }
            for (index, observation) in (0..).zip(observations) {
                let reason = match &result.refused {
                    Refused::Everything => Some(Reason::Undecodable),
                    Refused::Observations(all) => all
                        .iter()
                        .find(|(place, _)| *place == index)
                        .map(|(_, refusal)| Reason::Refused(*refusal)),
                };
                if let Some(reason) = reason {
                    refused.insert((result.sequence, index));
                    self.letter_number += 1;
                    let number = self.letter_number;
                    let observation = Some(observation.clone());
                    let letter = DeadLetter { number, observation, reason, refused: self.now };
                    self.dead_letters.insert(number, letter);
                }
            }
        }
        self.rejected_observation_count += u64::try_from(refused.len()).expect("few");
        for cell in self.cells.values_mut() {
            cell.settle(through, &refused);
        }
        self.cells.retain(|_, cell| cell.value().is_some());
        let later = self.batches.split_off(&(through + 1));
        let chain =
            later.values().next().map_or(self.produced.chain, |(next, _)| next.previous_chain);
        self.batches = later;
        self.released = Position { sequence: through, chain };
    }

    pub fn adopt(&mut self, log_epoch: u64) {
        self.log_epoch = log_epoch;
    }

    pub fn begin_log(&mut self, fresh: LogId) {
        if self.log == fresh {
            return;
        }
        let batches = std::mem::take(&mut self.batches);
        for cell in self.cells.values_mut() {
            cell.waiting.clear();
        }
        (self.log, self.log_epoch) = (fresh, 0);
        self.produced = Position::start(fresh);
        self.released = self.produced;
        (self.produced_observation_count, self.rejected_observation_count) = (0, 0);
        for (batch, observations) in batches.into_values() {
            let batch = Batch {
                sequence: self.produced.sequence + 1,
                previous_chain: self.produced.chain,
                ..batch
            };
            self.produced = self.produced.after(&batch);
            self.produced_observation_count += u64::from(batch.observation_count);
            self.put(batch, observations);
        }
        self.restating = Restating::Everything;
    }

    /// Restates so many cells at most, by period, locality and metric.
    pub fn restate(&mut self, count_max: usize) {
        let is_left = |key: &&CellKey| match &self.restating {
            Restating::Nothing => false,
            Restating::Everything => true,
            Restating::From(first) => order(key) >= *first,
        };
        let mut left: Vec<_> = self.cells.keys().filter(is_left).cloned().collect();
        left.sort_by_key(order);
        let next = left.get(count_max).map(order);
        self.restating = next.map_or(Restating::Nothing, Restating::From);
        left.truncate(count_max);
        let restated: Vec<_> = left
            .iter()
            .filter_map(|key| {
                let cell = &self.cells[key];
                // What waits may restate the cell already.
                match cell.waiting.first_key_value() {
                    None => cell.value().cloned(),
                    Some((_, first)) => cell.accepted.clone().filter(|before| before != first),
                }
            })
            .collect();
        self.append_taken(&restated);
    }

    pub fn replay(&mut self, numbers: &[u64]) {
        let letters = numbers.iter().filter_map(|number| self.dead_letters.remove(number));
        let observations: Vec<_> = letters.filter_map(|letter| letter.observation).collect();
        self.append(&observations);
    }

    pub fn drop_letters(&mut self, numbers: &[u64]) -> u64 {
        let dropped = numbers.iter().filter_map(|number| self.dead_letters.remove(number));
        u64::try_from(dropped.count()).expect("few")
    }

    pub fn log_epoch(&self) -> u64 {
        self.log_epoch
    }

    pub fn released_through(&self) -> u64 {
        self.released.sequence
    }

    pub fn produced_through(&self) -> u64 {
        self.produced.sequence
    }

    pub fn batch_length(&self, sequence: u64) -> u32 {
        self.batches.get(&sequence).map_or(0, |(batch, _)| batch.observation_count)
    }

    pub fn letter_numbers(&self) -> Vec<u64> {
        self.dead_letters.keys().copied().collect()
    }
}

/// Decides the fate of an observation that travels.
fn taking(observation: &Observation, held: Option<&Observation>) -> Fate {
    match observation.value {
        Some(_) => Fate::Taken,
        None => Fate::Withdrawn { value: held.and_then(|held| held.value) },
    }
}
