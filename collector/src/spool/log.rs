//! What one transaction does to the log, the cells and the dead letters.

use bytes::Bytes;
use phuxanh_proto::{
    convert::{basis, basis_number, decode, encode},
    model::{
        Batch, CellKey, Chain, LocalityCode, LogId, Observation, Period, Position, Timestamp,
        frame::{BatchResult, Refused},
    },
};
use redb::{ReadableTable, WriteTransaction};

use super::{
    Config, FatalError, Fate,
    file::{BATCHES, CELLS, DEAD_LETTERS, LOG, RESTATING},
};

/// The log's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogEnds {
    pub(super) log: LogId,
    pub(super) log_epoch: u64,
    pub(super) produced: Position,
    pub(super) released: Position,
}

/// One atomic change of the spool.
pub(super) struct Transaction(pub(super) WriteTransaction);

impl Transaction {
    pub(super) fn set_ends(&self, ends: &LogEnds) -> Result<(), FatalError> {
        let (produced, released) = (ends.produced, ends.released);
        let row = (
            &ends.log.0,
            ends.log_epoch,
            produced.sequence,
            &produced.chain.0,
            released.sequence,
            &released.chain.0,
        );
        self.0.open_table(LOG)?.insert((), row)?;
        Ok(())
    }

    /// Holds an observation against its cell; where it is to travel, the cell becomes it and its
    /// revision is given.
    pub(super) fn observe(&self, observation: &mut Observation) -> Result<Fate, FatalError> {
        let mut cells = self.0.open_table(CELLS)?;
        let key = &observation.key;
        let row = (key.period.number(), key.locality.number(), key.metric.as_str());
        let observed = observation.observed.micros();
        let basis = basis_number(observation.basis);
        let current = cells.get(row)?.map(|current| current.value());
        observation.revision = match current {
            Some((value, at, _, from))
                if (value, at, from) == (observation.value, observed, basis) =>
            {
                return Ok(Fate::Unchanged);
            }
            Some((value, at, _, _)) if observed < at => {
                let observed =
                    Timestamp::from_micros(at).map_err(|_| FatalError::Corrupt("cell"))?;
                return Ok(Fate::Superseded { value, observed });
            }
            Some((_, at, revision, _)) if observed == at => revision.saturating_add(1),
            Some(_) | None => 0,
        };
        cells.insert(row, (observation.value, observed, observation.revision, basis))?;
        Ok(Fate::Taken)
    }

    /// Appends observations as one batch or more; returns the bytes of their payloads.
    pub(super) fn append(
        &self,
        ends: &mut LogEnds,
        observations: &[Observation],
        complete_through: Option<Timestamp>,
        config: &Config,
    ) -> Result<u64, FatalError> {
        let mut payload_bytes = 0;
        for chunk in observations.chunks(config.batch_observation_count_max) {
            for payload in cut(chunk, config.batch_payload_bytes_max) {
                payload_bytes += u64::try_from(payload.1.len()).expect("64 bits fit");
                self.append_batch(ends, payload.0, complete_through, payload.1)?;
            }
        }
        Ok(payload_bytes)
    }

    fn append_batch(
        &self,
        ends: &mut LogEnds,
        observation_count: u32,
        complete_through: Option<Timestamp>,
        payload: Vec<u8>,
    ) -> Result<(), FatalError> {
        let batch = Batch {
            sequence: ends.produced.sequence + 1,
            previous_chain: ends.produced.chain,
            observation_count,
            complete_through,
            payload: payload.into(),
        };
        ends.produced = ends.produced.after(&batch);
        write_batch(&mut self.0.open_table(BATCHES)?, &batch)
    }

    /// Releases batches. What was refused of those not released before goes to the dead letters,
    /// and leaves the cells, so that it may be observed anew. Returns the bytes released.
    pub(super) fn settle(
        &self,
        ends: &mut LogEnds,
        through: u64,
        results: &[BatchResult],
        now: Timestamp,
    ) -> Result<u64, FatalError> {
        let through = through.min(ends.produced.sequence);
        if through <= ends.released.sequence {
            return Ok(0);
        }
        for result in results {
            if (ends.released.sequence + 1..=through).contains(&result.sequence) {
                self.bury(result, now)?;
            }
        }
        let mut batches = self.0.open_table(BATCHES)?;
        let chain = match batches.get(through + 1)? {
            Some(next) => Chain(*next.value().2),
            None => ends.produced.chain,
        };
        let mut payload_bytes = 0;
        batches.retain_in(..=through, |_, row| {
            payload_bytes += u64::try_from(row.3.len()).expect("64 bits fit");
            false
        })?;
        ends.released = Position { sequence: through, chain };
        Ok(payload_bytes)
    }

    fn bury(&self, result: &BatchResult, now: Timestamp) -> Result<(), FatalError> {
        let batches = self.0.open_table(BATCHES)?;
        let Some(kept) = batches.get(result.sequence)? else { return Ok(()) };
        let (count, _, _, payload) = kept.value();
        let mut letters = self.0.open_table(DEAD_LETTERS)?;
        let mut number = letters.last()?.map_or(0, |(number, _)| number.value());
        let mut add = |payload: &[u8], reason: &str| {
            number += 1;
            letters.insert(number, (payload, reason, now.micros())).map(|_| ())
        };
        match (&result.refused, decode(payload, count)) {
            (Refused::Observations(refused), Ok(observations)) => {
                let mut cells = self.0.open_table(CELLS)?;
                for (index, refusal) in refused {
                    let index = usize::try_from(*index).expect("an index fits");
                    let Some(observation) = observations.get(index) else { continue };
                    add(&encode(std::slice::from_ref(observation)), &refusal.to_string())?;
                    forget(&mut cells, observation)?;
                }
            }
            (Refused::Everything, _) | (_, Err(_)) => {
                add(payload, "the whole batch could not be read")?;
            }
        }
        Ok(())
    }

    /// Begins a new log with what is unreleased, and restates every cell behind it.
    pub(super) fn begin_log(&self, fresh: LogId) -> Result<LogEnds, FatalError> {
        let mut batches = self.0.open_table(BATCHES)?;
        let unreleased = batches
            .iter()?
            .map(|entry| {
                let (sequence, row) = entry?;
                Ok(read_batch(sequence.value(), row.value()))
            })
            .collect::<Result<Result<Vec<_>, _>, FatalError>>()??;
        batches.retain(|_, _| false)?;
        let start = Position::start(fresh);
        let mut fresh_ends = LogEnds { log: fresh, log_epoch: 0, produced: start, released: start };
        for batch in unreleased {
            let batch = Batch {
                sequence: fresh_ends.produced.sequence + 1,
                previous_chain: fresh_ends.produced.chain,
                ..batch
            };
            fresh_ends.produced = fresh_ends.produced.after(&batch);
            write_batch(&mut batches, &batch)?;
        }
        self.0.open_table(RESTATING)?.insert((), (0, 0, ""))?;
        Ok(fresh_ends)
    }

    /// Takes the next cells to be restated, at most so many; none where all are.
    pub(super) fn next_cells(&self, count_max: usize) -> Result<Vec<Observation>, FatalError> {
        let mut restating = self.0.open_table(RESTATING)?;
        let Some(from) = restating.get(())?.map(|kept| {
            let (period, locality, metric) = kept.value();
            (period, locality, metric.to_owned())
        }) else {
            return Ok(Vec::new());
        };
        let cells = self.0.open_table(CELLS)?;
        let mut taken = Vec::new();
        let mut next = None;
        for entry in cells.range((from.0, from.1, from.2.as_str())..)? {
            let (key, row) = entry?;
            let key = key.value();
            if taken.len() == count_max {
                next = Some((key.0, key.1, key.2.to_owned()));
                break;
            }
            taken.push(read_cell(key, row.value())?);
        }
        match next {
            Some((period, locality, metric)) => {
                restating.insert((), (period, locality, metric.as_str()))?;
            }
            None => drop(restating.remove(())?),
        }
        Ok(taken)
    }
}

pub(super) fn read_ends(
    table: &impl ReadableTable<(), super::file::LogRow>,
) -> Result<LogEnds, FatalError> {
    let row = table.get(())?.ok_or(FatalError::Corrupt("log"))?;
    let (log, log_epoch, produced, produced_chain, released, released_chain) = row.value();
    Ok(LogEnds {
        log: LogId(*log),
        log_epoch,
        produced: Position { sequence: produced, chain: Chain(*produced_chain) },
        released: Position { sequence: released, chain: Chain(*released_chain) },
    })
}

pub(super) fn read_batch(
    sequence: u64,
    (observation_count, complete_through, previous_chain, payload): (u32, i64, &[u8; 32], &[u8]),
) -> Result<Batch, FatalError> {
    let complete_through = match complete_through {
        0 => None,
        micros => Some(Timestamp::from_micros(micros).map_err(|_| FatalError::Corrupt("batch"))?),
    };
    Ok(Batch {
        sequence,
        previous_chain: Chain(*previous_chain),
        observation_count,
        complete_through,
        payload: Bytes::copy_from_slice(payload),
    })
}

fn write_batch(
    batches: &mut redb::Table<'_, u64, super::file::BatchRow>,
    batch: &Batch,
) -> Result<(), FatalError> {
    let complete_through = batch.complete_through.map_or(0, Timestamp::micros);
    let row =
        (batch.observation_count, complete_through, &batch.previous_chain.0, &batch.payload[..]);
    batches.insert(batch.sequence, row)?;
    Ok(())
}

fn read_cell(
    (period, locality, metric): (u32, u32, &str),
    (value, observed, revision, from): (Option<i64>, i64, u32, u32),
) -> Result<Observation, FatalError> {
    let read = || {
        Some(Observation {
            key: CellKey {
                locality: LocalityCode::from_number(locality.into()).ok()?,
                metric: metric.parse().ok()?,
                period: Period::from_number(period.into()).ok()?,
            },
            value,
            observed: Timestamp::from_micros(observed).ok()?,
            revision,
            basis: basis(from)?,
        })
    };
    read().ok_or(FatalError::Corrupt("cell"))
}

/// Takes a refused value out of the cells, unless a later one stands there by now.
fn forget(
    cells: &mut redb::Table<'_, super::file::CellKeyRow, super::file::CellRow>,
    observation: &Observation,
) -> Result<(), FatalError> {
    let key = &observation.key;
    let row = (key.period.number(), key.locality.number(), key.metric.as_str());
    let refused = (
        observation.value,
        observation.observed.micros(),
        observation.revision,
        basis_number(observation.basis),
    );
    if cells.get(row)?.is_some_and(|current| current.value() == refused) {
        cells.remove(row)?;
    }
    Ok(())
}

/// Encodes observations, in parts where one payload would be too large. A part of one observation
/// is never too large.
fn cut(observations: &[Observation], payload_bytes_max: usize) -> Vec<(u32, Vec<u8>)> {
    let payload = encode(observations);
    if payload.len() <= payload_bytes_max || observations.len() < 2 {
        let count = u32::try_from(observations.len()).expect("bounded by the configuration");
        return vec![(count, payload)];
    }
    let (left, right) = observations.split_at(observations.len() / 2);
    let mut parts = cut(left, payload_bytes_max);
    parts.extend(cut(right, payload_bytes_max));
    parts
}
