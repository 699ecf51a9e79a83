//! Tables of the file, and the rows that several modules read.

use phuxanh_core::{
    Batch, CellDigest, CellKey, Chain, LocalityCode, LogId, Observation, Period, Position,
    Timestamp,
};
use phuxanh_proto::convert::{basis, basis_number};
use redb::{ReadTransaction, TableDefinition, WriteTransaction};

use super::FatalError;

/// Log id, epoch, produced sequence and chain, released sequence and chain.
pub(super) type LogRow = (&'static [u8; 16], u64, u64, &'static [u8; 32], u64, &'static [u8; 32]);
/// Observations produced and rejected, cells and their sum, observations and payload bytes that
/// wait, last dead letter, newest watermark in a batch and when it was put there (0 for none),
/// changes so far.
pub(super) type TallyRow = (u64, u64, u64, u128, u64, u64, u64, i64, i64, u64);
/// Observation count, complete-through time (0 for none), chain before, payload.
pub(super) type BatchRow = (u32, i64, &'static [u8; 32], &'static [u8]);
/// Period, locality and metric. By time first, so that a month's cells lie together.
pub(super) type CellKeyRow = (u32, u32, &'static str);
/// A value as a cell holds it: value, observed time, revision, basis.
pub(super) type Kept = (Option<i64>, i64, u32, u32);
/// A place in the log: batch and index in it.
pub(super) type Place = (u64, u32);
/// Observation count, payload, reason and time.
pub(super) type DeadLetterRow = (u32, &'static [u8], u32, i64);

pub(super) const LOG: TableDefinition<(), LogRow> = TableDefinition::new("log");
/// Changes in the same transaction as what it counts.
pub(super) const TALLY: TableDefinition<(), TallyRow> = TableDefinition::new("tally");
/// Batches, keyed by sequence.
pub(super) const BATCHES: TableDefinition<u64, BatchRow> = TableDefinition::new("batches");
pub(super) const CELLS: TableDefinition<CellKeyRow, Kept> = TableDefinition::new("cells");
/// The first cell that is still to be restated; empty otherwise.
pub(super) const RESTATING: TableDefinition<(), CellKeyRow> = TableDefinition::new("restating");
/// Name and time of accepted files by digest.
pub(super) const FILES: TableDefinition<&[u8; 32], (&str, i64)> = TableDefinition::new("files");
/// Dead letters, keyed by number.
pub(super) const DEAD_LETTERS: TableDefinition<u64, DeadLetterRow> =
    TableDefinition::new("dead_letters");

/// The number of the file's format.
pub(super) const NUMBER: TableDefinition<(), u32> = TableDefinition::new("format");
/// The format that is written.
pub(super) const FORMAT: u32 = 1;

/// State of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) log: LogId,
    pub(super) log_epoch: u64,
    pub(super) produced: Position,
    pub(super) released: Position,
    pub(super) tally: Tally,
}

/// Counts of the log and the cells, kept as they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) produced_observation_count: u64,
    pub(super) rejected_observation_count: u64,
    pub(super) cells: CellDigest,
    /// Observations of the unreleased batches.
    pub(super) waiting_observation_count: u64,
    pub(super) waiting_payload_bytes: u64,
    /// Number of the last dead letter; never given twice.
    pub(super) letter_number: u64,
    /// Newest watermark that a batch carries, and when that batch was appended.
    pub(super) complete_through: Option<Timestamp>,
    pub(super) carried: Option<Timestamp>,
    /// Changes of the file, so that no two heads of it are equal.
    pub(super) change_count: u64,
}

impl Head {
    /// A log without batches.
    pub(super) fn start(log: LogId) -> Self {
        let start = Position::start(log);
        Self { log, log_epoch: 0, produced: start, released: start, tally: Tally::default() }
    }

    pub(super) fn read(transaction: &ReadTransaction) -> Result<Self, FatalError> {
        let table = transaction.open_table(LOG)?;
        let row = table.get(())?.ok_or(FatalError::Corrupt("log"))?;
        let (log, log_epoch, produced, produced_chain, released, released_chain) = row.value();
        let tally = transaction.open_table(TALLY)?;
        let tally = tally.get(())?.ok_or(FatalError::Corrupt("tally"))?;
        Ok(Self {
            log: LogId(*log),
            log_epoch,
            produced: Position { sequence: produced, chain: Chain(*produced_chain) },
            released: Position { sequence: released, chain: Chain(*released_chain) },
            tally: Tally::read(tally.value())?,
        })
    }

    pub(super) fn write(&self, transaction: &WriteTransaction) -> Result<(), FatalError> {
        let (produced, released) = (self.produced, self.released);
        let row = (
            &self.log.0,
            self.log_epoch,
            produced.sequence,
            &produced.chain.0,
            released.sequence,
            &released.chain.0,
        );
        transaction.open_table(LOG)?.insert((), row)?;
        transaction.open_table(TALLY)?.insert((), self.tally.row())?;
        Ok(())
    }

    /// True if no batch waits.
    pub(super) fn is_drained(&self) -> bool {
        self.released == self.produced
    }
}

impl Tally {
    fn read(row: TallyRow) -> Result<Self, FatalError> {
        let (produced, rejected, count, sum, waiting, bytes, letter, through, carried, changes) =
            row;
        Ok(Self {
            produced_observation_count: produced,
            rejected_observation_count: rejected,
            cells: CellDigest { count, sum },
            waiting_observation_count: waiting,
            waiting_payload_bytes: bytes,
            letter_number: letter,
            complete_through: read_time(through, "tally")?,
            carried: read_time(carried, "tally")?,
            change_count: changes,
        })
    }

    fn row(&self) -> TallyRow {
        (
            self.produced_observation_count,
            self.rejected_observation_count,
            self.cells.count,
            self.cells.sum,
            self.waiting_observation_count,
            self.waiting_payload_bytes,
            self.letter_number,
            self.complete_through.map_or(0, Timestamp::micros),
            self.carried.map_or(0, Timestamp::micros),
            self.change_count,
        )
    }
}

/// Notes the format in a new file.
pub(super) fn mark_format(transaction: &WriteTransaction) -> Result<(), FatalError> {
    transaction.open_table(NUMBER)?.insert((), FORMAT)?;
    Ok(())
}

fn read_time(micros: i64, of: &'static str) -> Result<Option<Timestamp>, FatalError> {
    match micros {
        0 => Ok(None),
        micros => Timestamp::from_micros(micros).map(Some).map_err(|_| FatalError::Corrupt(of)),
    }
}

pub(super) fn read_batch(
    sequence: u64,
    (observation_count, complete_through, previous_chain, payload): (u32, i64, &[u8; 32], &[u8]),
) -> Result<Batch, FatalError> {
    Ok(Batch {
        sequence,
        previous_chain: Chain(*previous_chain),
        observation_count,
        complete_through: read_time(complete_through, "batch")?,
        payload: bytes::Bytes::copy_from_slice(payload),
    })
}

pub(super) fn write_batch(
    batches: &mut redb::Table<'_, u64, BatchRow>,
    batch: &Batch,
) -> Result<(), FatalError> {
    let complete_through = batch.complete_through.map_or(0, Timestamp::micros);
    let row =
        (batch.observation_count, complete_through, &batch.previous_chain.0, &batch.payload[..]);
    batches.insert(batch.sequence, row)?;
    Ok(())
}

pub(super) fn cell_row(key: &CellKey) -> (u32, u32, &str) {
    (key.period.number(), key.locality.number(), key.metric.as_str())
}

pub(super) fn read_cell_key(
    (period, locality, metric): (u32, u32, &str),
) -> Result<CellKey, FatalError> {
    let read = || {
        Some(CellKey {
            locality: LocalityCode::from_number(locality.into()).ok()?,
            metric: metric.parse().ok()?,
            period: Period::from_number(period.into()).ok()?,
        })
    };
    read().ok_or(FatalError::Corrupt("cell"))
}

pub(super) fn keep(observation: &Observation) -> Kept {
    let observed = observation.observed.micros();
    (observation.value, observed, observation.revision, basis_number(observation.basis))
}

/// The observation that a cell with this key holds.
pub(super) fn read_kept(key: CellKey, kept: Kept) -> Result<Observation, FatalError> {
    let (value, observed, revision, from) = kept;
    let observed = Timestamp::from_micros(observed).map_err(|_| FatalError::Corrupt("cell"))?;
    let basis = basis(from).ok_or(FatalError::Corrupt("cell"))?;
    Ok(Observation { key, value, observed, revision, basis })
}

/// Returns what decides between two values of a cell.
pub(super) const fn order(kept: &Kept) -> (i64, u32) {
    (kept.1, kept.2)
}
