//! The fold: what a reporter's log of records amounts to.
//!
//! Owns a reporter's cells and its ledger. It is the one implementation of what a record does to
//! them, deterministic, so that a restart, a replica and an audit all arrive at the same cells. It
//! does not validate: records were checked before they were admitted.
//!
//! Cells are ordered by (observed time, revision, log epoch, sequence, index); the last one in
//! that order is in force, whatever the order of arrival.
//!
//! A clone shares the cells: a locality's are copied only when they change while a clone is about.

mod cells;
mod earlier;
pub mod history;
mod other_logs;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    Batch, CellDigest, CellHash, Decode, LocalityCode, LogId, MetricId, Observations, Period,
    Timestamp,
    frame::{Ledger, Refused},
};

pub use cells::Cell;
use cells::{Cells, Outcome};
pub use earlier::{DAYS_MAX, Earlier, Forgotten, Moment};

/// One admitted batch, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Time of receipt; rises from record to record of a reporter.
    pub receipt: Timestamp,
    pub log: LogId,
    pub log_epoch: u64,
    /// Number of the batch in its log.
    pub sequence: u64,
    pub complete_through: Option<Timestamp>,
    /// Host that delivered the batch.
    pub host: String,
    /// SHA-256 of the catalogue that it was checked against.
    pub catalogue_digest: [u8; 32],
    pub contents: Contents,
}

/// Contents of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Its observations in order, and the places of the refused ones.
    Observations { all: Observations, refused: BTreeSet<u32> },
    /// A payload that could not be read, with as many observations as it claimed.
    Undecodable { observation_count: u32 },
}

/// Number of a metric within one fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricKey(pub u32);

/// Metrics that changed, each with its period.
pub type Changes = BTreeSet<(MetricId, Period)>;

/// A reporter's folded log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fold {
    metrics: Metrics,
    /// Cells by locality first: a batch mostly holds many observations of each.
    localities: BTreeMap<LocalityCode, Arc<Cells>>,
    /// Receipts in rising order.
    origins: Vec<Origin>,
    position: Position,
}

/// Facts that all batches of a stretch of the reporter's log share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Receipt of the first of them; the stretch ends where the next one begins.
    pub since: Timestamp,
    pub log: LogId,
    /// Host that delivered the batches; empty where an older checkpoint does not tell.
    pub host: String,
    /// SHA-256 of the catalogue that they were checked against.
    pub catalogue_digest: [u8; 32],
}

/// A fold in the parts that a checkpoint keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    pub metrics: Vec<MetricId>,
    /// Values by rising key, each metric one of `metrics`.
    pub cells: BTreeMap<(LocalityCode, MetricKey, Period), Cell>,
    /// Earlier values of the cells that have any.
    pub earlier: BTreeMap<(LocalityCode, MetricKey, Period), Earlier>,
    pub first_receipts: BTreeMap<(LocalityCode, Period), Timestamp>,
    /// Receipts in rising order.
    pub origins: Vec<Origin>,
    /// The digest of the cells in it is not looked at.
    pub position: Position,
}

/// The metrics that cells use, and their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Metrics {
    ids: Vec<MetricId>,
    keys: BTreeMap<MetricId, MetricKey>,
}

/// Position of a fold, and its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Records folded.
    pub record_count: u64,
    /// Log of the last one, and its batch there.
    pub log: Option<LogId>,
    pub sequence: u64,
    /// Its receipt time.
    pub receipt: Option<Timestamp>,
    /// Last watermark that was taken: everything up to then was delivered.
    pub complete_through: Option<Timestamp>,
    /// Count over all the reporter's logs.
    pub ledger: Ledger,
    /// Count over the log in force.
    pub log_ledger: Ledger,
    /// Digest of all cells, withdrawn ones too.
    pub cells: CellDigest,
}

/// Furthest that a watermark may lie ahead of its receipt, since two clocks are never quite the
/// same.
pub const WATERMARK_AHEAD_MAX: Duration = Duration::from_mins(5);

/// A collector's watermark, unless it lies so far ahead of its receipt that the collector's clock
/// was wrong.
#[must_use]
pub fn taken_watermark(through: Option<Timestamp>, received: Timestamp) -> Option<Timestamp> {
    through.filter(|through| through.since(received) <= WATERMARK_AHEAD_MAX)
}

impl Record {
    /// A record as it was kept, decoded.
    #[must_use]
    pub fn read(kept: &crate::Record, decode: Decode) -> Self {
        let batch = &kept.batch;
        Self {
            receipt: kept.receipt,
            log: kept.log,
            log_epoch: kept.log_epoch,
            sequence: batch.sequence,
            complete_through: batch.complete_through,
            host: kept.host.clone(),
            catalogue_digest: kept.catalogue_digest,
            contents: Contents::read(
                batch,
                kept.result.as_ref().map(|result| &result.refused),
                decode,
            ),
        }
    }
}

impl Contents {
    fn read(batch: &Batch, refused: Option<&Refused>, decode: Decode) -> Self {
        let undecodable = Self::Undecodable { observation_count: batch.observation_count };
        let refused = match refused {
            Some(Refused::Everything) => return undecodable,
            Some(Refused::Observations(refused)) => {
                refused.iter().map(|(index, _)| *index).collect()
            }
            None => BTreeSet::new(),
        };
        match decode(batch) {
            Some(all) => Self::Observations { all, refused },
            None => undecodable,
        }
    }
}

impl Origin {
    fn of(record: &Record) -> Self {
        Self {
            since: record.receipt,
            log: record.log,
            host: record.host.clone(),
            catalogue_digest: record.catalogue_digest,
        }
    }

    fn is_of(&self, record: &Record) -> bool {
        (self.log, &self.host, self.catalogue_digest)
            == (record.log, &record.host, record.catalogue_digest)
    }
}

impl Fold {
    /// A fold as it was kept. The digest of the cells is computed anew.
    ///
    /// # Panics
    /// If a cell's metric is not in `metrics`.
    #[must_use]
    pub fn restore(kept: Kept) -> Self {
        let Kept { metrics, cells, mut earlier, first_receipts, origins, position } = kept;
        let mut digest = CellDigest::default();
        let mut localities = BTreeMap::<_, Cells>::new();
        for ((locality, key, period), cell) in cells {
            let MetricKey(metric) = key;
            let row = cell.row(locality, key, period);
            let hash = CellHash::of_row(&metrics[metric as usize], &row);
            digest = digest.plus(hash);
            let earlier = earlier.remove(&(locality, key, period));
            localities.entry(locality).or_default().restore((key, period), cell, hash, earlier);
        }
        for ((locality, period), receipt) in first_receipts {
            localities.entry(locality).or_default().restore_first_receipt(period, receipt);
        }
        let localities = localities.into_iter().map(|(code, cells)| (code, Arc::new(cells)));
        let keys = (0..).map(MetricKey).zip(&metrics).map(|(key, id)| (id.clone(), key)).collect();
        Self {
            metrics: Metrics { ids: metrics, keys },
            localities: localities.collect(),
            origins,
            position: Position { cells: digest, ..position },
        }
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
        self.localities.iter().flat_map(|(&locality, cells)| {
            cells.iter().map(move |((key, period), cell)| ((locality, key, period), cell))
        })
    }

    /// The cell of exactly this period.
    #[must_use]
    pub fn cell(&self, locality: LocalityCode, metric: MetricKey, period: Period) -> Option<&Cell> {
        self.localities.get(&locality)?.cell((metric, period))
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
        self.localities.get(&locality)?.held(metric, period)
    }

    /// The periods that have any cell, withdrawn ones too.
    #[must_use]
    pub fn periods(&self) -> BTreeSet<Period> {
        self.localities.values().flat_map(|cells| cells.periods()).collect()
    }

    /// The latest period up to this one for which a locality has any cell, withdrawn ones too.
    #[must_use]
    pub fn latest(&self, locality: LocalityCode, period: Period) -> Option<Period> {
        self.localities.get(&locality)?.latest(period)
    }

    /// The cells of a locality for exactly this period, by rising key.
    pub fn of_period(
        &self,
        locality: LocalityCode,
        period: Period,
    ) -> impl Iterator<Item = (MetricKey, &Cell)> {
        let cells = self.localities.get(&locality).into_iter();
        cells.flat_map(move |cells| cells.of_period(period))
    }

    /// True if any value of a locality stands for exactly this period.
    #[must_use]
    pub fn has_reported(&self, locality: LocalityCode, period: Period) -> bool {
        self.of_period(locality, period).any(|(_, cell)| cell.value.is_some())
    }

    /// True if a locality's cells are those of an earlier clone, none of them observed anew since.
    #[must_use]
    pub fn shares(&self, earlier: &Self, locality: LocalityCode) -> bool {
        match (self.localities.get(&locality), earlier.localities.get(&locality)) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// The days on which a cell had been observed before its value in force; `None` where there are
    /// none.
    #[must_use]
    pub fn earlier(
        &self,
        locality: LocalityCode,
        metric: MetricKey,
        period: Period,
    ) -> Option<&Earlier> {
        self.localities.get(&locality)?.earlier((metric, period))
    }

    /// Returns what [`Self::held`] would be of a yes or no, had nothing been observed from
    /// `midnight` on, which begins a day in Vietnam.
    pub fn held_before(
        &self,
        locality: LocalityCode,
        metric: MetricKey,
        period: Period,
        midnight: Timestamp,
    ) -> Result<Option<bool>, Forgotten> {
        let cells = self.localities.get(&locality);
        cells.map_or(Ok(None), |cells| cells.held_before(metric, period, midnight))
    }

    /// Receipt of the first value of a locality for a period, whatever became of that value.
    #[must_use]
    pub fn first_receipt(&self, locality: LocalityCode, period: Period) -> Option<Timestamp> {
        self.localities.get(&locality)?.first_receipt(period)
    }

    /// All first receipts by rising key.
    pub fn first_receipts(
        &self,
    ) -> impl Iterator<Item = ((LocalityCode, Period), Timestamp)> + use<'_> {
        self.localities.iter().flat_map(|(&locality, cells)| {
            cells.first_receipts().map(move |(period, receipt)| ((locality, period), receipt))
        })
    }

    /// Facts that batches of the log share, stretch by stretch.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The origin of a cell's batch: receipts rise from record to record, so one tells the stretch.
    #[must_use]
    pub fn origin(&self, cell: &Cell) -> Option<&Origin> {
        let behind = self.origins.partition_point(|origin| origin.since <= cell.receipt);
        self.origins.get(behind.checked_sub(1)?)
    }

    /// Counts records that cannot be read, which change nothing else.
    pub fn pass_over(&mut self, count: u64) {
        self.position.record_count += count;
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
        // The last watermark counts, so a collector whose clock was corrected can take one back.
        position.complete_through =
            taken_watermark(record.complete_through, record.receipt).or(position.complete_through);
        if self.origins.last().is_none_or(|last| !last.is_of(record)) {
            self.origins.push(Origin::of(record));
        }

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
            let cells = Arc::make_mut(self.localities.entry(row.locality).or_default());
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
