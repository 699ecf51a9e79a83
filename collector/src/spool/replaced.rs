//! Values that stood in the cells of unreleased observations before them.
//!
//! It is kept in blocks: a row for each observation would cost as much as its cell to write, and
//! more than all else of a release to remove.

use redb::{ReadableTable, Table, TableDefinition};

use super::{
    FatalError,
    tables::{Kept, Place},
};

/// Observations of a batch whose block is the same; a full one is half a page.
const BLOCK_LENGTH: u32 = 64;

/// Batch and block in it.
type Key = (u64, u32);
/// Replaced values by index in the batch; `None` for a cell that had no value.
type Block = Vec<(u32, Kept)>;

pub(super) const REPLACED: TableDefinition<Key, Block> = TableDefinition::new("replaced");

/// Keeps what the observations of a new batch have replaced, in their order.
pub(super) fn keep_all(
    table: &mut Table<'_, Key, Block>,
    sequence: u64,
    replaced: impl Iterator<Item = Option<Kept>>,
) -> Result<(), FatalError> {
    let entries = (0..).zip(replaced).filter_map(|(index, kept)| Some((index, kept?)));
    let entries: Block = entries.collect();
    for block in entries.chunk_by(|one, next| number(one.0) == number(next.0)) {
        table.insert((sequence, number(block[0].0)), block.to_vec())?;
    }
    Ok(())
}

pub(super) fn at(
    table: &impl ReadableTable<Key, Block>,
    (sequence, index): Place,
) -> Result<Option<Kept>, FatalError> {
    let block = table.get((sequence, number(index)))?;
    let entry = block.and_then(|block| block.value().into_iter().find(|(at, _)| *at == index));
    Ok(entry.map(|(_, kept)| kept))
}

/// Says anew what an observation has replaced.
pub(super) fn set(
    table: &mut Table<'_, Key, Block>,
    (sequence, index): Place,
    kept: Option<Kept>,
) -> Result<(), FatalError> {
    let key = (sequence, number(index));
    let mut block = table.get(key)?.map_or_else(Block::new, |block| block.value());
    block.retain(|(at, _)| *at != index);
    block.extend(kept.map(|kept| (index, kept)));
    if block.is_empty() {
        table.remove(key)?;
    } else {
        table.insert(key, block)?;
    }
    Ok(())
}

/// Moves what a batch has replaced to its new number.
pub(super) fn renumber(
    table: &mut Table<'_, Key, Block>,
    from: u64,
    to: u64,
) -> Result<(), FatalError> {
    let blocks = table
        .extract_from_if((from, 0)..=(from, u32::MAX), |_, _| true)?
        .map(|row| row.map(|(key, block)| (key.value().1, block.value())))
        .collect::<Result<Vec<_>, _>>()?;
    for (number, block) in blocks {
        table.insert((to, number), block)?;
    }
    Ok(())
}

/// Forgets what batches through a sequence have replaced.
pub(super) fn release(table: &mut Table<'_, Key, Block>, through: u64) -> Result<(), FatalError> {
    Ok(table.retain_in(..=(through, u32::MAX), |_, _| false)?)
}

/// The places of everything that is kept.
pub(super) fn places(table: &impl ReadableTable<Key, Block>) -> Result<Vec<Place>, FatalError> {
    let mut places = Vec::new();
    for row in table.iter()? {
        let (key, block) = row?;
        places.extend(block.value().into_iter().map(|(index, _)| (key.value().0, index)));
    }
    Ok(places)
}

const fn number(index: u32) -> u32 {
    index / BLOCK_LENGTH
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use redb::{Database, backends::InMemoryBackend};

    use super::*;

    const COUNT: u32 = 3 * BLOCK_LENGTH + 7;

    fn kept(number: u32) -> Kept {
        (Some(number.into()), 1, number, 0)
    }

    /// Returns what is in the table, after finding it there place by place.
    fn listed(table: &Table<'_, Key, Block>) -> BTreeMap<Place, Kept> {
        let mut found: Vec<_> =
            (1..5).flat_map(|batch| (0..COUNT).map(move |at| (batch, at))).collect();
        found.retain(|place| at(table, *place).expect("readable").is_some());
        let mut places = places(table).expect("readable");
        places.sort_unstable();
        assert_eq!(found, places);
        let value = |place| at(table, place).expect("readable").expect("listed");
        places.into_iter().map(|place| (place, value(place))).collect()
    }

    #[test]
    fn blocks_are_a_map_from_places() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new());
        let transaction = database.expect("in memory").begin_write().expect("one writer");
        let mut table = transaction.open_table(REPLACED).expect("its type");
        let mut map = BTreeMap::new();
        for batch in [1, 2, 4] {
            let step = u32::try_from(batch).expect("few");
            let replaced = |at: u32| at.is_multiple_of(step).then(|| kept(at + step));
            keep_all(&mut table, batch, (0..COUNT).map(replaced)).expect("kept");
            map.extend((0..COUNT).filter_map(|at| Some(((batch, at), replaced(at)?))));
        }
        assert_eq!(listed(&table), map);
        for place in [(2, 0), (2, 1), (4, COUNT - 1), (4, BLOCK_LENGTH)] {
            let said = place.1.is_multiple_of(3).then(|| kept(1_000));
            set(&mut table, place, said).expect("set");
            map.remove(&place);
            map.extend(said.map(|kept| (place, kept)));
        }
        assert_eq!(listed(&table), map);
        renumber(&mut table, 4, 3).expect("moved");
        let moved = |((batch, at), kept): (Place, Kept)| ((batch.min(3), at), kept);
        map = map.into_iter().map(moved).collect();
        assert_eq!(listed(&table), map);
        release(&mut table, 2).expect("released");
        map.retain(|place, _| place.0 > 2);
        assert_eq!(listed(&table), map);
    }
}
