//! Changes of the log by one transaction.

use phuxanh_core::{
    Batch, Chain, LogId, Observation, Position, Timestamp,
    delivery::sender::Resync,
    frame::{BatchResult, Refused},
};
use phuxanh_proto::convert::encode;
use redb::{ReadableTable, WriteTransaction};

use super::{
    FatalError,
    replaced::{self, REPLACED},
    resynced,
    tables::{
        BATCHES, CELLS, Head, Kept, RESTATING, Tally, keep, read_batch, read_cell_key, read_kept,
        write_batch,
    },
};

/// One atomic change of the spool, and the log as it is behind it.
pub(super) struct Change {
    pub(super) transaction: WriteTransaction,
    pub(super) head: Head,
    /// True if it turned out that there is nothing to change.
    pub(super) is_idle: bool,
}

/// Limits of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchMax {
    pub(super) observation_count: usize,
    pub(super) payload_bytes: usize,
}

/// Watermark that a batch carries beside its observations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watermark {
    pub(super) complete_through: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// An observation that is to be appended, and what stood in its cell.
pub(super) struct Entry {
    pub(super) observation: Observation,
    pub(super) replaced: Option<Kept>,
}

impl Change {
    /// A change that follows a head.
    pub(super) const fn new(transaction: WriteTransaction, mut head: Head) -> Self {
        head.tally.change_count += 1;
        Self { transaction, head, is_idle: false }
    }

    /// Makes it durable.
    pub(super) fn commit(self) -> Result<(), FatalError> {
        self.head.write(&self.transaction)?;
        Ok(self.transaction.commit()?)
    }

    /// Appends entries as one batch or more.
    pub(super) fn append(
        &mut self,
        entries: Vec<Entry>,
        watermark: Watermark,
        max: BatchMax,
    ) -> Result<(), FatalError> {
        let split = entries.into_iter().map(|entry| (entry.observation, entry.replaced));
        let (observations, before): (Vec<_>, Vec<_>) = split.unzip();
        let mut before = before.into_iter();
        for chunk in observations.chunks(max.observation_count) {
            for (count, payload) in cut(chunk, max.payload_bytes) {
                self.append_batch(count, payload, watermark)?;
                let mut table = self.transaction.open_table(REPLACED)?;
                let sequence = self.head.produced.sequence;
                let count = usize::try_from(count).expect("32 bits fit");
                replaced::keep_all(&mut table, sequence, before.by_ref().take(count))?;
            }
        }
        Ok(())
    }

    /// Appends an empty batch, which carries the watermark alone.
    pub(super) fn append_watermark(&mut self, watermark: Watermark) -> Result<(), FatalError> {
        self.append_batch(0, encode(&[]), watermark)
    }

    fn append_batch(
        &mut self,
        observation_count: u32,
        payload: Vec<u8>,
        watermark: Watermark,
    ) -> Result<(), FatalError> {
        let Head { produced, tally, .. } = &mut self.head;
        let batch = Batch {
            sequence: produced.sequence + 1,
            previous_chain: produced.chain,
            observation_count,
            complete_through: watermark.complete_through,
            payload: payload.into(),
        };
        *produced = produced.after(&batch);
        tally.produced_observation_count += u64::from(observation_count);
        tally.waiting_observation_count += u64::from(observation_count);
        tally.waiting_payload_bytes += length(&batch.payload);
        if watermark.complete_through.is_some() {
            tally.complete_through = watermark.complete_through;
            tally.carried = Some(watermark.now);
        }
        write_batch(&mut self.transaction.open_table(BATCHES)?, &batch)
    }

    /// Releases the batches through a sequence. What was refused of those not released before
    /// goes to the dead letters, and its cells hold again what stood there before.
    pub(super) fn settle(
        &mut self,
        through: u64,
        results: &[BatchResult],
        now: Timestamp,
    ) -> Result<(), FatalError> {
        let through = through.min(self.head.produced.sequence);
        let released = self.head.released.sequence;
        if through <= released {
            self.is_idle = true;
            return Ok(());
        }
        let behind = |result: &&BatchResult| (released + 1..=through).contains(&result.sequence);
        let results: Vec<_> =
            results.iter().filter(behind).filter(|result| names(result)).collect();
        if !results.is_empty() {
            let refused = self.dead_letter(&results, now)?;
            self.give_way(through, &refused)?;
        }
        let mut batches = self.transaction.open_table(BATCHES)?;
        let chain = match batches.get(through + 1)? {
            Some(next) => Chain(*next.value().2),
            None => self.head.produced.chain,
        };
        let Tally { waiting_observation_count, waiting_payload_bytes, .. } = &mut self.head.tally;
        batches.retain_in(..=through, |_, (count, _, _, payload)| {
            *waiting_observation_count -= u64::from(count);
            *waiting_payload_bytes -= length(payload);
            false
        })?;
        replaced::release(&mut self.transaction.open_table(REPLACED)?, through)?;
        self.head.released = Position { sequence: through, chain };
        Ok(())
    }

    /// Begins a new log with what is unreleased, and restates every cell behind it. Does nothing
    /// where that log has begun already.
    pub(super) fn begin_log(
        &mut self,
        fresh: LogId,
        resync: &Resync,
        now: Timestamp,
    ) -> Result<(), FatalError> {
        if self.head.log == fresh {
            return Ok(());
        }
        resynced::write(&self.transaction, resync, now)?;
        let (first, last) = (self.head.released.sequence + 1, self.head.produced.sequence);
        let mut produced = Position::start(fresh);
        for sequence in first..=last {
            produced = self.renumber(sequence, produced)?;
        }
        self.transaction.open_table(RESTATING)?.insert((), (0, 0, ""))?;
        let tally = Tally {
            produced_observation_count: self.head.tally.waiting_observation_count,
            rejected_observation_count: 0,
            ..self.head.tally
        };
        self.head = Head { produced, tally, ..Head::start(fresh) };
        Ok(())
    }

    /// Moves a batch behind a position of the new log. Numbers only fall, and from the lowest on,
    /// so none is in the way of another.
    fn renumber(&self, sequence: u64, behind: Position) -> Result<Position, FatalError> {
        let mut batches = self.transaction.open_table(BATCHES)?;
        let batch = match batches.remove(sequence)? {
            Some(row) => read_batch(behind.sequence + 1, row.value())?,
            None => return Err(FatalError::Corrupt("batch")),
        };
        let batch = Batch { previous_chain: behind.chain, ..batch };
        write_batch(&mut batches, &batch)?;
        let mut table = self.transaction.open_table(REPLACED)?;
        replaced::renumber(&mut table, sequence, batch.sequence)?;
        Ok(behind.after(&batch))
    }

    /// Appends the next cells that are to be restated, at most so many. What is unreleased is in
    /// the log already; of its cell the value behind it is restated, which the aggregator may have
    /// lost too, and which holds again should the later one be refused.
    pub(super) fn restate(
        &mut self,
        watermark: Watermark,
        max: BatchMax,
    ) -> Result<(), FatalError> {
        let cells = self.next_cells(max.observation_count)?;
        let keys = cells.iter().map(|cell| cell.key.clone()).collect();
        let unreleased = self.unreleased(&keys)?;
        let table = self.transaction.open_table(REPLACED)?;
        let mut entries = Vec::with_capacity(cells.len());
        for cell in cells {
            let current = keep(&cell);
            let restated = match unreleased.get(&cell.key).and_then(|versions| versions.first()) {
                None => Some(current),
                // Where what waits restates the cell already, it is not stated once more.
                Some((place, waiting)) => {
                    replaced::at(&table, *place)?.filter(|before| before != waiting)
                }
            };
            if let Some(restated) = restated {
                let observation = read_kept(cell.key, restated)?;
                entries.push(Entry { observation, replaced: Some(current) });
            }
        }
        drop(table);
        self.append(entries, watermark, max)
    }

    fn next_cells(&self, count_max: usize) -> Result<Vec<Observation>, FatalError> {
        let mut restating = self.transaction.open_table(RESTATING)?;
        let Some(from) = restating.get(())?.map(|kept| {
            let (period, locality, metric) = kept.value();
            (period, locality, metric.to_owned())
        }) else {
            return Ok(Vec::new());
        };
        let cells = self.transaction.open_table(CELLS)?;
        let mut taken = Vec::new();
        let mut next = None;
        for entry in cells.range((from.0, from.1, from.2.as_str())..)? {
            let (key, row) = entry?;
            let key = key.value();
            if taken.len() == count_max {
                next = Some((key.0, key.1, key.2.to_owned()));
                break;
            }
            let key = read_cell_key(key)?;
            taken.push(read_kept(key, row.value())?);
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

/// True if a result names anything.
fn names(result: &BatchResult) -> bool {
    match &result.refused {
        Refused::Observations(refused) => !refused.is_empty(),
        Refused::Everything => true,
    }
}

pub(super) fn length(payload: &[u8]) -> u64 {
    u64::try_from(payload.len()).expect("64 bits fit")
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
