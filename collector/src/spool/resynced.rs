//! Reason why the present log began, for operators.

use phuxanh_core::{Timestamp, delivery::sender::Resync};
use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

use super::FatalError;

/// Time, reason and detail. A file that an earlier version wrote has no such table.
const RESYNCED: TableDefinition<(), (i64, &str, &str)> = TableDefinition::new("resynced");

/// The last time that a new log replaced one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resynced {
    pub at: Timestamp,
    pub reason: String,
    pub detail: String,
}

pub(super) fn write(
    transaction: &WriteTransaction,
    resync: &Resync,
    now: Timestamp,
) -> Result<(), FatalError> {
    let reason = resync.reason.to_string();
    let row = (now.micros(), reason.as_str(), resync.detail.as_str());
    transaction.open_table(RESYNCED)?.insert((), row)?;
    Ok(())
}

pub(super) fn read(transaction: &ReadTransaction) -> Result<Option<Resynced>, FatalError> {
    let table = match transaction.open_table(RESYNCED) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table?,
    };
    let Some(row) = table.get(())? else { return Ok(None) };
    let (at, reason, detail) = row.value();
    Ok(Some(Resynced {
        at: Timestamp::from_micros(at).map_err(|_| FatalError::Corrupt("resynced"))?,
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    }))
}
