//! The fold: what a reporter's log of records amounts to.
//!
//! Owns a reporter's cells and its ledger. It is the one implementation of what a record does to
//! them, deterministic, so that a restart, a replica and an audit all arrive at the same cells.
//! It validates nothing: what is in a record was checked before it was admitted.
//!
//! Cells are ordered by (observed time, revision, log epoch, sequence, index); the last one in
//! that order is in force, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_proto::{
    convert,
    model::{
        self, Basis, LocalityCode, LogId, MetricId, Observation, Period, Timestamp,
        frame::{Ledger, Refused},
    },
};

/// One admitted batch, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was received; rises from record to record of a reporter.
    pub receipt: Timestamp,
    pub log: LogId,
    pub log_epoch: u64,
    /// Number of the batch in its log.
    pub sequence: u64,
    pub complete_through: Option<Timestamp>,
    pub contents: Contents,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Its observations in order, and the places of the refused ones.
    Observations { all: Vec<Observation>, refused: BTreeSet<u32> },
    /// A payload that could not be read, with as many observations as it claimed.
    Undecodable { observation_count: u32 },
}

/// The value in force of a cell, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// `None` where withdrawn.
    pub value: Option<i64>,
    pub observed: Timestamp,
    /// How often the value changed at that observed time.
    pub revision: u32,
    pub basis: Basis,
    pub log_epoch: u64,
    /// Batch that it came in, and its place there.
    pub sequence: u64,
    pub index: u32,
    /// First receipt of this value.
    pub receipt: Timestamp,
}

/// Number of a metric within one fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricKey(pub u32);

/// Which metrics changed in which periods.
pub type Changes = BTreeSet<(MetricId, Period)>;

/// A reporter's folded log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fold {
    metrics: Vec<MetricId>,
    keys: BTreeMap<MetricId, MetricKey>,
    cells: BTreeMap<(LocalityCode, MetricKey, Period), Cell>,
    position: Position,
}

/// How far a fold has got, and what its ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Records folded.
    pub record_count: u64,
    /// Log of the last one, and its batch there.
    pub log: Option<LogId>,
    pub sequence: u64,
    /// Its receipt time.
    pub receipt: Option<Timestamp>,
    /// Newest word of the collector that everything up to then was delivered.
    pub complete_through: Option<Timestamp>,
    /// Over all the reporter's logs.
    pub ledger: Ledger,
    /// Over the log in force.
    pub log_ledger: Ledger,
}

impl Record {
    /// A record as it was kept, decoded.
    #[must_use]
    pub fn read(kept: &model::Record) -> Self {
        let batch = &kept.batch;
        Self {
            receipt: kept.receipt,
            log: kept.log,
            log_epoch: kept.log_epoch,
            sequence: batch.sequence,
            complete_through: batch.complete_through,
            contents: Contents::read(batch, kept.result.as_ref().map(|result| &result.refused)),
        }
    }
}

impl Contents {
    fn read(batch: &model::Batch, refused: Option<&Refused>) -> Self {
        let undecodable = Self::Undecodable { observation_count: batch.observation_count };
        let refused = match refused {
            Some(Refused::Everything) => return undecodable,
            Some(Refused::Observations(refused)) => {
                refused.iter().map(|(index, _)| *index).collect()
            }
            None => BTreeSet::new(),
        };
        match convert::decode(&batch.payload, batch.observation_count) {
            Ok(all) => Self::Observations { all, refused },
            Err(_) => undecodable,
        }
    }
}

impl Cell {
    fn order(&self) -> (Timestamp, u32, u64, u64, u32) {
        (self.observed, self.revision, self.log_epoch, self.sequence, self.index)
    }

    fn repeats(&self, other: &Self) -> bool {
        (self.value, self.observed, self.revision, self.basis)
            == (other.value, other.observed, other.revision, other.basis)
    }
}

impl Fold {
    /// A fold as it was kept: the cells by rising key, each metric one of `metrics`.
    #[must_use]
    pub fn restore(
        metrics: Vec<MetricId>,
        cells: BTreeMap<(LocalityCode, MetricKey, Period), Cell>,
        position: Position,
    ) -> Self {
        let keys = (0..).map(MetricKey).zip(&metrics).map(|(key, id)| (id.clone(), key)).collect();
        Self { metrics, keys, cells, position }
    }

    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The metrics that cells use, in the order of their keys.
    #[must_use]
    pub fn metrics(&self) -> &[MetricId] {
        &self.metrics
    }

    /// The key of a metric, if any cell uses it.
    #[must_use]
    pub fn metric_key(&self, metric: &MetricId) -> Option<MetricKey> {
        self.keys.get(metric).copied()
    }

    /// All cells by rising key, withdrawn ones too.
    pub fn cells(&self) -> impl Iterator<Item = (&(LocalityCode, MetricKey, Period), &Cell)> {
        self.cells.iter()
    }

    /// The cell of exactly this period.
    #[must_use]
    pub fn cell(&self, locality: LocalityCode, metric: MetricKey, period: Period) -> Option<&Cell> {
        self.cells.get(&(locality, metric, period))
    }

    /// The latest value reported for this period or an earlier one; a withdrawn cell counts as
    /// never reported.
    #[must_use]
    pub fn held(
        &self,
        locality: LocalityCode,
        metric: MetricKey,
        period: Period,
    ) -> Option<(Period, &Cell)> {
        self.cells
            .range((locality, metric, Period::MIN)..=(locality, metric, period))
            .rev()
            .find(|(_, cell)| cell.value.is_some())
            .map(|(&(_, _, held), cell)| (held, cell))
    }

    /// Folds the next record; says what changed.
    pub fn apply(&mut self, record: &Record) -> Changes {
        let position = &mut self.position;
        if position.log != Some(record.log) {
            position.log = Some(record.log);
            position.log_ledger = Ledger::default();
        }
        position.record_count += 1;
        position.sequence = record.sequence;
        position.receipt = Some(record.receipt);
        position.complete_through = position.complete_through.max(record.complete_through);

        let mut changes = Changes::new();
        let mut ledger = Ledger::default();
        match &record.contents {
            Contents::Undecodable { observation_count } => {
                ledger.rejected = u64::from(*observation_count);
            }
            Contents::Observations { all, refused } => {
                for (index, observation) in (0..).zip(all) {
                    if refused.contains(&index) {
                        ledger.rejected += 1;
                    } else {
                        self.observe(record, index, observation, &mut ledger, &mut changes);
                    }
                }
            }
        }
        self.position.ledger.add(&ledger);
        self.position.log_ledger.add(&ledger);
        changes
    }

    fn observe(
        &mut self,
        record: &Record,
        index: u32,
        observation: &Observation,
        ledger: &mut Ledger,
        changes: &mut Changes,
    ) {
        let key = &observation.key;
        let metric = self.intern(&key.metric);
        let cell = Cell {
            value: observation.value,
            observed: observation.observed,
            revision: observation.revision,
            basis: observation.basis,
            log_epoch: record.log_epoch,
            sequence: record.sequence,
            index,
            receipt: record.receipt,
        };
        match self.cells.get(&(key.locality, metric, key.period)) {
            Some(current) if current.repeats(&cell) => ledger.repeated += 1,
            Some(current) if cell.order() < current.order() => ledger.superseded += 1,
            Some(_) | None => {
                ledger.applied += 1;
                changes.insert((key.metric.clone(), key.period));
                self.cells.insert((key.locality, metric, key.period), cell);
            }
        }
    }

    fn intern(&mut self, metric: &MetricId) -> MetricKey {
        if let Some(key) = self.keys.get(metric) {
            return *key;
        }
        let key =
            MetricKey(u32::try_from(self.metrics.len()).expect("a catalogue of 2^32 metrics"));
        self.metrics.push(metric.clone());
        self.keys.insert(metric.clone(), key);
        key
    }
}
