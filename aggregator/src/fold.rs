//! The fold: what a reporter's log of records amounts to.
//!
//! Owns a reporter's cells and its ledger. It is the one implementation of what a record does to
//! them, deterministic, so that a restart, a replica and an audit all arrive at the same cells.
//! It validates nothing: what is in a record was checked before it was admitted.
//!
//! Cells are ordered by (observed time, revision, log epoch, sequence, index); the last one in
//! that order is in force, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use phuxanh_proto::{
    convert,
    model::{
        self, Basis, CellDigest, CellHash, LocalityCode, LogId, MetricId, Observations, Period,
        Row, Timestamp,
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
    Observations { all: Observations, refused: BTreeSet<u32> },
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
    metrics: Metrics,
    /// By locality first: a batch mostly holds many observations of each.
    localities: BTreeMap<LocalityCode, Cells>,
    position: Position,
}

/// The metrics that cells use, and their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Metrics {
    ids: Vec<MetricId>,
    keys: BTreeMap<MetricId, MetricKey>,
}

/// The cells of one locality.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cells(BTreeMap<(MetricKey, Period), Held>);

/// A cell, with what it adds to the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    cell: Cell,
    hash: CellHash,
}

/// What became of an observation.
enum Outcome {
    Applied,
    Repeated,
    Superseded,
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
    /// Of all cells, withdrawn ones too.
    pub cells: CellDigest,
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
        match convert::decode_rows(&batch.payload, batch.observation_count) {
            Ok(all) => Self::Observations { all, refused },
            Err(_) => undecodable,
        }
    }
}

impl Cell {
    /// The cell that an observation of a record becomes.
    const fn new(record: &Record, index: u32, row: &Row) -> Self {
        Self {
            value: row.value,
            observed: row.observed,
            revision: row.revision,
            basis: row.basis,
            log_epoch: record.log_epoch,
            sequence: record.sequence,
            index,
            receipt: record.receipt,
        }
    }

    fn order(&self) -> (Timestamp, u32, u64, u64, u32) {
        (self.observed, self.revision, self.log_epoch, self.sequence, self.index)
    }

    fn repeats(&self, other: &Self) -> bool {
        (self.value, self.observed, self.revision, self.basis)
            == (other.value, other.observed, other.revision, other.basis)
    }

    /// What the cell holds, of the metric of this number.
    const fn row(
        &self,
        locality: LocalityCode,
        MetricKey(metric): MetricKey,
        period: Period,
    ) -> Row {
        let &Self { value, observed, revision, basis, .. } = self;
        Row { locality, metric, period, value, observed, revision, basis }
    }
}

impl Fold {
    /// A fold as it was kept: the cells by rising key, each metric one of `metrics`. The digest of
    /// the cells is computed anew, whatever the position says.
    ///
    /// # Panics
    /// Where a cell's metric is none of `metrics`.
    #[must_use]
    pub fn restore(
        metrics: Vec<MetricId>,
        cells: BTreeMap<(LocalityCode, MetricKey, Period), Cell>,
        position: Position,
    ) -> Self {
        let mut digest = CellDigest::default();
        let mut localities = BTreeMap::<_, Cells>::new();
        for ((locality, key, period), cell) in cells {
            let MetricKey(metric) = key;
            let row = cell.row(locality, key, period);
            let hash = CellHash::of_row(&metrics[metric as usize], &row);
            digest = digest.plus(hash);
            let Cells(cells) = localities.entry(locality).or_default();
            cells.insert((key, period), Held { cell, hash });
        }
        let keys = (0..).map(MetricKey).zip(&metrics).map(|(key, id)| (id.clone(), key)).collect();
        let metrics = Metrics { ids: metrics, keys };
        Self { metrics, localities, position: Position { cells: digest, ..position } }
    }

    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The metrics that cells use, in the order of their keys.
    #[must_use]
    pub fn metrics(&self) -> &[MetricId] {
        &self.metrics.ids
    }

    /// The key of a metric, if any cell uses it.
    #[must_use]
    pub fn metric_key(&self, metric: &MetricId) -> Option<MetricKey> {
        self.metrics.keys.get(metric).copied()
    }

    /// All cells by rising key, withdrawn ones too.
    pub fn cells(&self) -> impl Iterator<Item = ((LocalityCode, MetricKey, Period), &Cell)> {
        self.localities.iter().flat_map(|(&locality, Cells(cells))| {
            cells.iter().map(move |(&(key, period), held)| ((locality, key, period), &held.cell))
        })
    }

    /// The cell of exactly this period.
    #[must_use]
    pub fn cell(&self, locality: LocalityCode, metric: MetricKey, period: Period) -> Option<&Cell> {
        let Cells(cells) = self.localities.get(&locality)?;
        cells.get(&(metric, period)).map(|held| &held.cell)
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
        let Cells(cells) = self.localities.get(&locality)?;
        cells
            .range((metric, Period::MIN)..=(metric, period))
            .rev()
            .find(|(_, held)| held.cell.value.is_some())
            .map(|(&(_, since), held)| (since, &held.cell))
    }

    /// Folds the next record; says what changed.
    pub fn apply(&mut self, record: &Record) -> Changes {
        let position = &mut self.position;
        // A log that comes back after another took its place begins again from its first batch.
        if position.log != Some(record.log) || record.sequence == 1 {
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
                self.observe_all(record, all, refused, &mut ledger, &mut changes);
            }
        }
        self.position.ledger.add(&ledger);
        self.position.log_ledger.add(&ledger);
        changes
    }

    fn observe_all(
        &mut self,
        record: &Record,
        all: &Observations,
        refused: &BTreeSet<u32>,
        ledger: &mut Ledger,
        changes: &mut Changes,
    ) {
        // Of each metric of the batch: its key, and the period that it changed in last.
        let mut metrics = vec![(None, None); all.metrics().len()];
        for (index, row) in (0..).zip(all.rows()) {
            if refused.contains(&index) {
                ledger.rejected += 1;
                continue;
            }
            let id = &all.metrics()[row.metric as usize];
            let (key, latest) = &mut metrics[row.metric as usize];
            let key = *key.get_or_insert_with(|| self.metrics.intern(id));
            let cells = self.localities.entry(row.locality).or_default();
            let hash = || CellHash::of_row(id, row);
            let cell = Cell::new(record, index, row);
            match cells.observe((key, row.period), cell, hash, &mut self.position.cells) {
                Outcome::Repeated => ledger.repeated += 1,
                Outcome::Superseded => ledger.superseded += 1,
                Outcome::Applied => {
                    ledger.applied += 1;
                    if latest.replace(row.period) != Some(row.period) {
                        changes.insert((id.clone(), row.period));
                    }
                }
            }
        }
    }
}

impl Cells {
    /// Holds a cell against the one in its place, and puts it there where it is in force.
    fn observe(
        &mut self,
        place: (MetricKey, Period),
        cell: Cell,
        hash: impl FnOnce() -> CellHash,
        digest: &mut CellDigest,
    ) -> Outcome {
        match self.0.entry(place) {
            Entry::Occupied(held) if held.get().cell.repeats(&cell) => return Outcome::Repeated,
            Entry::Occupied(held) if cell.order() < held.get().cell.order() => {
                return Outcome::Superseded;
            }
            Entry::Occupied(mut held) => {
                let hash = hash();
                *digest = digest.minus(held.get().hash).plus(hash);
                held.insert(Held { cell, hash });
            }
            Entry::Vacant(free) => {
                let hash = hash();
                *digest = digest.plus(hash);
                free.insert(Held { cell, hash });
            }
        }
        Outcome::Applied
    }
}

impl Metrics {
    fn intern(&mut self, metric: &MetricId) -> MetricKey {
        if let Some(key) = self.keys.get(metric) {
            return *key;
        }
        let key = MetricKey(u32::try_from(self.ids.len()).expect("a catalogue of 2^32 metrics"));
        self.ids.push(metric.clone());
        self.keys.insert(metric.clone(), key);
        key
    }
}

#[cfg(test)]
mod tests;
