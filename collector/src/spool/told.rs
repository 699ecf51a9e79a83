//! Values of other logs of which officers were told, so that they are told once.

use phuxanh_core::figures::superseding::{Superseded, Superseding};
use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

use super::{
    FatalError,
    tables::{CELLS, CellKeyRow, cell_row, read_kept},
};

/// Observed time, revision and log epoch of the value, by cell. A file that an earlier version wrote
/// has no such table.
const TOLD: TableDefinition<CellKeyRow, (i64, u32, u64)> = TableDefinition::new("told");

/// The own values that these supersede, where nobody was told of it. `log_epoch` is that of the log
/// in force.
pub(super) fn untold(
    transaction: &ReadTransaction,
    log_epoch: u64,
    values: Vec<Superseding>,
) -> Result<Vec<Superseded>, FatalError> {
    let cells = transaction.open_table(CELLS)?;
    let told = match transaction.open_table(TOLD) {
        Err(TableError::TableDoesNotExist(_)) => None,
        table => Some(table?),
    };
    let mut found = Vec::new();
    for by in values {
        let key = by.observation.key.clone();
        let row = cell_row(&key);
        let Some(kept) = cells.get(row)?.map(|kept| kept.value()) else { continue };
        let last = match &told {
            Some(told) => told.get(row)?.map(|last| last.value()),
            None => None,
        };
        let own = read_kept(key.clone(), kept)?;
        if last != Some(order(&by)) && by.supersedes(&own, log_epoch) {
            found.push(Superseded { own, by });
        }
    }
    Ok(found)
}

/// Keeps that officers were told.
pub(super) fn keep(
    transaction: &WriteTransaction,
    values: &[Superseding],
) -> Result<(), FatalError> {
    let mut told = transaction.open_table(TOLD)?;
    for by in values {
        told.insert(cell_row(&by.observation.key), order(by))?;
    }
    Ok(())
}

const fn order(by: &Superseding) -> (i64, u32, u64) {
    (by.observation.observed.micros(), by.observation.revision, by.log_epoch)
}
