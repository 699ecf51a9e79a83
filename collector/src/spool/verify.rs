//! Walks the spool and says what does not fit together.

use std::collections::BTreeMap;

use phuxanh_core::{CellDigest, CellKey, Observation, Position};
use phuxanh_proto::convert::decode;
use redb::{ReadTransaction, ReadableTable};

use super::{
    FatalError,
    change::length,
    letters,
    replaced::{self, REPLACED},
    tables::{
        BATCHES, CELLS, DEAD_LETTERS, Head, Kept, cell_row, order, read_batch, read_cell_key,
        read_kept,
    },
};

/// Faults that are listed; a spool with so many is beyond listing.
const FAULTS_MAX: usize = 100;
/// Dead letters that are read at once.
const LETTERS_MAX: usize = 1_000;

/// Contents that were walked, and their faults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Unreleased batches and their observations.
    pub batch_count: u64,
    pub observation_count: u64,
    pub cell_count: u64,
    pub dead_letter_count: u64,
    /// Empty where all is well.
    pub faults: Vec<String>,
}

impl Verified {
    pub(super) fn fault(&mut self, fault: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault.into());
        }
    }

    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.fault(format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }
}

pub(super) fn walk(
    transaction: &ReadTransaction,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let head = Head::read(transaction)?;
    walk_cells(transaction, &head, verified)?;
    walk_log(transaction, &head, verified)?;
    walk_replaced(transaction, &head, verified)?;
    walk_letters(transaction, &head, verified)
}

fn walk_cells(
    transaction: &ReadTransaction,
    head: &Head,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let mut digest = CellDigest::default();
    for row in transaction.open_table(CELLS)?.iter()? {
        let (key, kept) = row?;
        match read_cell_key(key.value()).and_then(|key| read_kept(key, kept.value())) {
            Ok(cell) => digest = digest.with(&cell),
            Err(_) => verified.fault(format!("cell {:?} cannot be read", key.value())),
        }
    }
    verified.cell_count = digest.count;
    verified.expect("count and digest of the cells", &head.tally.cells, &digest);
    Ok(())
}

/// The chain from the released to the produced position, and what is counted of it.
fn walk_log(
    transaction: &ReadTransaction,
    head: &Head,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let mut at = head.released;
    let mut payload_bytes = 0;
    let mut waiting = BTreeMap::new();
    for row in transaction.open_table(BATCHES)?.iter()? {
        let (sequence, row) = row?;
        let batch = read_batch(sequence.value(), row.value())?;
        verified.batch_count += 1;
        verified.observation_count += u64::from(batch.observation_count);
        payload_bytes += length(&batch.payload);
        verified.expect("sequence of a batch", &batch.sequence, &(at.sequence + 1));
        if batch.previous_chain != at.chain {
            verified.fault(format!("batch {} does not continue the chain", batch.sequence));
        }
        at = Position { chain: batch.previous_chain, ..at }.after(&batch);
        match decode(&batch.payload, batch.observation_count) {
            Ok(observations) => note_newest(&mut waiting, observations),
            Err(error) => verified.fault(format!("batch {}: {error}", batch.sequence)),
        }
    }
    if at != head.produced {
        let (found, expected) = (at.sequence, head.produced.sequence);
        verified.fault(format!("the log ends at batch {found}, not as produced at {expected}"));
    }
    let tally = &head.tally;
    let counted = verified.observation_count;
    verified.expect("observations that wait", &tally.waiting_observation_count, &counted);
    verified.expect("bytes that wait", &tally.waiting_payload_bytes, &payload_bytes);
    if tally.produced_observation_count < tally.rejected_observation_count + counted {
        verified.fault("more observations rejected and waiting than were produced");
    }
    check_newest(transaction, &waiting, verified)
}

fn note_newest(waiting: &mut BTreeMap<CellKey, (i64, u32)>, observations: Vec<Observation>) {
    for observation in observations {
        let order = (observation.observed.micros(), observation.revision);
        let newest = waiting.entry(observation.key).or_insert(order);
        *newest = order.max(*newest);
    }
}

/// No cell is older than what waits of it.
fn check_newest(
    transaction: &ReadTransaction,
    waiting: &BTreeMap<CellKey, (i64, u32)>,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let cells = transaction.open_table(CELLS)?;
    for (key, newest) in waiting {
        let held = cells.get(cell_row(key))?.map(|kept| kept.value());
        if held.is_none_or(|held: Kept| order(&held) < *newest) {
            let (locality, period) = (key.locality, key.period);
            verified.fault(format!(
                "cell {locality} {} {period} is older than what waits of it",
                key.metric
            ));
        }
    }
    Ok(())
}

fn walk_replaced(
    transaction: &ReadTransaction,
    head: &Head,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let batches = transaction.open_table(BATCHES)?;
    for (sequence, index) in replaced::places(&transaction.open_table(REPLACED)?)? {
        let count = batches.get(sequence)?.map_or(0, |row| row.value().0);
        if sequence <= head.released.sequence || index >= count {
            verified.fault(format!("nothing waits at place {index} of batch {sequence}"));
        }
    }
    Ok(())
}

fn walk_letters(
    transaction: &ReadTransaction,
    head: &Head,
    verified: &mut Verified,
) -> Result<(), FatalError> {
    let mut after = 0;
    loop {
        let listed = letters::list(transaction, after, LETTERS_MAX)?;
        let Some(last) = listed.last() else { break };
        after = last.number;
        verified.dead_letter_count += u64::try_from(listed.len()).expect("64 bits fit");
    }
    if after > head.tally.letter_number {
        verified.fault(format!("dead letter {after} was never given that number"));
    }
    let table = transaction.open_table(DEAD_LETTERS)?;
    let counted = redb::ReadableTableMetadata::len(&table)?;
    let listed = verified.dead_letter_count;
    verified.expect("dead letters", &listed, &counted);
    Ok(())
}
