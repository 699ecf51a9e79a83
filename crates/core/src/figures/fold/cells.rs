//! The cells of one locality: which value is in force, and since when.

use std::{collections::BTreeMap, sync::Arc};

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
    /// Cells by rising key, of each period that has any. They lie side by side, since a month is
    /// read as a whole, and a clone shares the months that do not change.
    months: BTreeMap<Period, Arc<Vec<Held>>>,
    /// Receipt of the first value that was in force for a period. A correction or a withdrawal
    /// does not change it: what was received in time stays received in time.
    first_receipts: BTreeMap<Period, Timestamp>,
}

/// Room that a full list of cells grows by. A month has some 40 cells for each commune of the
/// country, and doubling would leave a third of that empty.
const GROWTH: usize = 8;

/// A cell, with what it adds to the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    key: MetricKey,
    cell: Cell,
    hash: CellHash,
    /// Most cells have none.
    earlier: Option<Box<Earlier>>,
}

/// Cells are most of what an aggregator holds: 4.8 million of them after three years.
const _: () = assert!(size_of::<Held>() <= 104);

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

    /// Says what becomes of a cell that comes while another one is in force in its place.
    pub(super) fn beside(&self, in_force: &Self) -> Outcome {
        if in_force.repeats(self) {
            Outcome::Repeated
        } else if self.order() < in_force.order() {
            Outcome::Superseded
        } else {
            Outcome::Applied
        }
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
    /// All cells by rising key.
    pub(super) fn iter(&self) -> impl Iterator<Item = ((MetricKey, Period), &Cell)> {
        let months = self.months.iter();
        let mut all: Vec<_> = months
            .flat_map(|(period, cells)| cells.iter().map(|held| ((held.key, *period), &held.cell)))
            .collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        all.into_iter()
    }

    fn get(&self, (metric, period): (MetricKey, Period)) -> Option<&Held> {
        find(self.months.get(&period)?, metric)
    }

    pub(super) fn cell(&self, place: (MetricKey, Period)) -> Option<&Cell> {
        self.get(place).map(|held| &held.cell)
    }

    /// The cells of one period, by rising key.
    pub(super) fn of_period(&self, period: Period) -> impl Iterator<Item = (MetricKey, &Cell)> {
        let cells = self.months.get(&period).into_iter();
        cells.flat_map(|cells| cells.iter()).map(|held| (held.key, &held.cell))
    }

    /// The cells of a metric for this period and earlier ones, the latest first.
    fn back_from(
        &self,
        metric: MetricKey,
        period: Period,
    ) -> impl Iterator<Item = (Period, &Held)> {
        let so_far = self.months.range(..=period).rev();
        so_far.filter_map(move |(since, cells)| Some((*since, find(cells, metric)?)))
    }

    pub(super) fn held(&self, metric: MetricKey, period: Period) -> Option<(Period, &Cell)> {
        self.back_from(metric, period)
            .find(|(_, held)| held.cell.value.is_some())
            .map(|(since, held)| (since, &held.cell))
    }

    pub(super) fn periods(&self) -> impl Iterator<Item = Period> {
        self.months.keys().copied()
    }

    /// Returns the latest period up to this one that has any cell.
    pub(super) fn latest(&self, period: Period) -> Option<Period> {
        self.months.range(..=period).next_back().map(|(latest, _)| *latest)
    }

    pub(super) fn earlier(&self, place: (MetricKey, Period)) -> Option<&Earlier> {
        self.get(place)?.earlier.as_deref()
    }

    /// Returns what [`Self::held`] would be of a yes or no, had nothing been observed from
    /// `midnight` on.
    pub(super) fn held_before(
        &self,
        metric: MetricKey,
        period: Period,
        midnight: Timestamp,
    ) -> Result<Option<bool>, Forgotten> {
        let mut so_far = self.back_from(metric, period);
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
        let (key, period) = place;
        let cells = Arc::make_mut(self.months.entry(period).or_default());
        let held = Held { key, cell, hash, earlier: earlier.map(Box::new) };
        match position(cells, key) {
            Ok(at) => cells[at] = held,
            Err(at) => insert(cells, at, held),
        }
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
        let (key, period) = place;
        let reported = cell.value.map(|_| cell.receipt);
        let cells = Arc::make_mut(self.months.entry(period).or_default());
        match position(cells, key) {
            Ok(at) => {
                let held = &mut cells[at];
                match cell.beside(&held.cell) {
                    Outcome::Repeated => return Outcome::Repeated,
                    Outcome::Superseded => {
                        held.remember(&cell);
                        return Outcome::Superseded;
                    }
                    Outcome::Applied => {}
                }
                let hash = hash();
                *digest = digest.minus(held.hash).plus(hash);
                let cell = cell.after(&held.cell);
                let earlier = std::mem::replace(&mut held.cell, cell);
                held.hash = hash;
                held.remember(&earlier);
            }
            Err(at) => {
                let hash = hash();
                *digest = digest.plus(hash);
                insert(cells, at, Held { key, cell, hash, earlier: None });
            }
        }
        if let Some(receipt) = reported {
            self.first_receipts.entry(period).or_insert(receipt);
        }
        Outcome::Applied
    }
}

fn position(cells: &[Held], key: MetricKey) -> Result<usize, usize> {
    cells.binary_search_by_key(&key, |held| held.key)
}

fn find(cells: &[Held], key: MetricKey) -> Option<&Held> {
    cells.get(position(cells, key).ok()?)
}

fn insert(cells: &mut Vec<Held>, at: usize, held: Held) {
    if cells.len() == cells.capacity() {
        cells.reserve_exact(GROWTH);
    }
    cells.insert(at, held);
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
