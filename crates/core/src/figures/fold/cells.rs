//! The cells of one locality: which value is in force, and since when.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{Earlier, Forgotten, MetricKey, Record, earlier::Moment};
use crate::{Basis, CellDigest, CellHash, LocalityCode, Period, Row, Timestamp};

/// The value in force of a cell, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// `None` where withdrawn.
    pub value: Option<i64>,
    pub observed: Timestamp,
    /// Number of changes of the value at that observed time.
    pub revision: u32,
    pub basis: Basis,
    pub log_epoch: u64,
    /// Batch that it came in, and its place there.
    pub sequence: u64,
    pub index: u32,
    /// First receipt of this value.
    pub receipt: Timestamp,
    /// Observation time of the first of the equal values that replaced each other up to this one.
    pub unchanged_since: Timestamp,
}

/// The cells of one locality.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cells {
    cells: BTreeMap<(MetricKey, Period), Held>,
    /// The periods that have any cell, rising.
    periods: Vec<Period>,
    /// Receipt of the first value that was in force for a period. A correction or a withdrawal
    /// does not change it: what was received in time stays received in time.
    first_receipts: BTreeMap<Period, Timestamp>,
}

/// A cell, with what it adds to the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    cell: Cell,
    hash: CellHash,
    /// Most cells have none.
    earlier: Option<Box<Earlier>>,
}

/// Outcome of an observation.
pub(super) enum Outcome {
    Applied,
    Repeated,
    Superseded,
}

impl Cell {
    /// The cell that an observation of a record becomes.
    pub(super) const fn new(record: &Record, index: u32, row: &Row) -> Self {
        Self {
            value: row.value,
            observed: row.observed,
            revision: row.revision,
            basis: row.basis,
            log_epoch: record.log_epoch,
            sequence: record.sequence,
            index,
            receipt: record.receipt,
            unchanged_since: row.observed,
        }
    }

    /// The cell in the place of an earlier one.
    fn after(self, earlier: &Self) -> Self {
        if self.value == earlier.value {
            Self { unchanged_since: earlier.unchanged_since, ..self }
        } else {
            self
        }
    }

    fn order(&self) -> (Timestamp, u32, u64, u64, u32) {
        (self.observed, self.revision, self.log_epoch, self.sequence, self.index)
    }

    /// Value as a yes or no; `None` for a count.
    fn moment(&self) -> Option<Moment> {
        Moment::new(self.observed, self.revision, self.value)
    }

    fn repeats(&self, other: &Self) -> bool {
        (self.value, self.observed, self.revision, self.basis)
            == (other.value, other.observed, other.revision, other.basis)
    }

    /// Returns the cell's content as a row of the metric of this number.
    pub(super) const fn row(
        &self,
        locality: LocalityCode,
        MetricKey(metric): MetricKey,
        period: Period,
    ) -> Row {
        let &Self { value, observed, revision, basis, .. } = self;
        Row { locality, metric, period, value, observed, revision, basis }
    }
}

impl Cells {
    pub(super) fn iter(&self) -> impl Iterator<Item = ((MetricKey, Period), &Cell)> {
        self.cells.iter().map(|(place, held)| (*place, &held.cell))
    }

    pub(super) fn cell(&self, place: (MetricKey, Period)) -> Option<&Cell> {
        self.cells.get(&place).map(|held| &held.cell)
    }

    pub(super) fn held(&self, metric: MetricKey, period: Period) -> Option<(Period, &Cell)> {
        self.cells
            .range((metric, Period::MIN)..=(metric, period))
            .rev()
            .find(|(_, held)| held.cell.value.is_some())
            .map(|(&(_, since), held)| (since, &held.cell))
    }

    pub(super) fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Returns the latest period up to this one that has any cell.
    pub(super) fn latest(&self, period: Period) -> Option<Period> {
        let behind = self.periods.partition_point(|found| *found <= period);
        self.periods.get(behind.checked_sub(1)?).copied()
    }

    pub(super) fn earlier(&self, place: (MetricKey, Period)) -> Option<&Earlier> {
        self.cells.get(&place)?.earlier.as_deref()
    }

    /// Returns what [`Self::held`] would be of a yes or no, had nothing been observed from
    /// `midnight` on.
    pub(super) fn held_before(
        &self,
        metric: MetricKey,
        period: Period,
        midnight: Timestamp,
    ) -> Result<Option<bool>, Forgotten> {
        let mut so_far = self.cells.range((metric, Period::MIN)..=(metric, period)).rev();
        so_far.find_map(|(_, held)| held.before(midnight).transpose()).transpose()
    }

    pub(super) fn first_receipt(&self, period: Period) -> Option<Timestamp> {
        self.first_receipts.get(&period).copied()
    }

    pub(super) fn first_receipts(&self) -> impl Iterator<Item = (Period, Timestamp)> {
        self.first_receipts.iter().map(|(period, receipt)| (*period, *receipt))
    }

    pub(super) fn restore(
        &mut self,
        place: (MetricKey, Period),
        cell: Cell,
        hash: CellHash,
        earlier: Option<Earlier>,
    ) {
        self.cells.insert(place, Held { cell, hash, earlier: earlier.map(Box::new) });
        note(&mut self.periods, place.1);
    }

    pub(super) fn restore_first_receipt(&mut self, period: Period, receipt: Timestamp) {
        self.first_receipts.insert(period, receipt);
    }

    /// Holds a cell against the one in its place, and puts it there where it is in force.
    pub(super) fn observe(
        &mut self,
        place: (MetricKey, Period),
        cell: Cell,
        hash: impl FnOnce() -> CellHash,
        digest: &mut CellDigest,
    ) -> Outcome {
        let (_, period) = place;
        let reported = cell.value.map(|_| cell.receipt);
        match self.cells.entry(place) {
            Entry::Occupied(held) if held.get().cell.repeats(&cell) => return Outcome::Repeated,
            Entry::Occupied(mut held) if cell.order() < held.get().cell.order() => {
                held.get_mut().remember(&cell);
                return Outcome::Superseded;
            }
            Entry::Occupied(mut held) => {
                let hash = hash();
                *digest = digest.minus(held.get().hash).plus(hash);
                let held = held.get_mut();
                let cell = cell.after(&held.cell);
                let earlier = std::mem::replace(&mut held.cell, cell);
                held.hash = hash;
                held.remember(&earlier);
            }
            Entry::Vacant(free) => {
                let hash = hash();
                *digest = digest.plus(hash);
                free.insert(Held { cell, hash, earlier: None });
                note(&mut self.periods, period);
            }
        }
        if let Some(receipt) = reported {
            self.first_receipts.entry(period).or_insert(receipt);
        }
        Outcome::Applied
    }
}

/// Inserts a period into a rising list that may hold it.
fn note(periods: &mut Vec<Period>, period: Period) {
    if let Err(at) = periods.binary_search(&period) {
        periods.insert(at, period);
    }
}

impl Held {
    /// Keeps what is not in force any more, or never was, of a yes or no.
    fn remember(&mut self, other: &Cell) {
        let (Some(in_force), Some(moment)) = (self.cell.moment(), other.moment()) else {
            self.earlier = None;
            return;
        };
        // Of the day of the value in force only that value counts.
        if moment.observed.day() < in_force.observed.day() {
            self.earlier.get_or_insert_default().insert(moment);
        }
    }

    fn before(&self, midnight: Timestamp) -> Result<Option<bool>, Forgotten> {
        if self.cell.observed < midnight {
            Ok(self.cell.value.map(|value| value != 0))
        } else {
            self.earlier.as_ref().map_or(Ok(None), |earlier| earlier.before(midnight))
        }
    }
}
