//! Repair of unreadable cursors.
//!
//! The new cursor stands behind all records of the reporter and names no log. So the next Hello
//! leads to a new log, in which the collector restates its cells.

use std::collections::BTreeSet;

use phuxanh_core::{Cursor, LocalityCode, LogId, Position, frame::SessionId};
use phuxanh_proto::convert::{self, Place};
use prost::Message;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use tracing::error;

use super::tables::{CURSORS, RECORDS, read_cursor, reporter};
use crate::store::Error;

/// Log id that no collector has.
const NO_LOG: LogId = LogId([0; 16]);

/// Makes a new cursor for every reporter without a readable one.
pub(super) fn repair(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_read()?;
    let mut damaged = Vec::new();
    for number in reporters(&transaction)? {
        let code = reporter(number)?;
        let kept = transaction.open_table(CURSORS)?.get(number)?;
        let read = kept.map(|kept| read_cursor(code, kept.value()));
        if !matches!(read, Some(Ok(_))) {
            let cursor = anew(&transaction, code)?;
            let record_count = cursor.record_count;
            error!(reporter = %code, record_count, "damaged cursor rebuilt: collector restates");
            damaged.push((code, cursor));
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    for (code, cursor) in damaged {
        let bytes = convert::seal_cursor(code, cursor).encode_to_vec();
        transaction.open_table(CURSORS)?.insert(code.number(), &bytes[..])?;
    }
    Ok(transaction.commit()?)
}

/// Numbers of all reporters that have a cursor or records.
fn reporters(transaction: &ReadTransaction) -> Result<BTreeSet<u32>, Error> {
    let mut numbers = BTreeSet::new();
    for row in transaction.open_table(CURSORS)?.iter()? {
        numbers.insert(row?.0.value());
    }
    let records = transaction.open_table(RECORDS)?;
    let mut from = 0;
    while let Some(row) = records.range((from, 0)..)?.next() {
        let (number, _) = row?.0.value();
        numbers.insert(number);
        let Some(next) = number.checked_add(1) else { break };
        from = next;
    }
    Ok(numbers)
}

/// New cursor behind all records of a reporter.
fn anew(transaction: &ReadTransaction, reporter: LocalityCode) -> Result<Cursor, Error> {
    let records = transaction.open_table(RECORDS)?;
    let number = reporter.number();
    let all = || records.range((number, 0)..=(number, u64::MAX));
    let record_count = match all()?.next_back() {
        Some(row) => row?.0.value().1,
        None => 0,
    };
    let mut last = None;
    for row in all()?.rev() {
        let (key, bytes) = row?;
        let place = Place { reporter, number: key.value().1 };
        if let Ok(read) = convert::open_record(place, bytes.value()) {
            last = Some(read.record);
            break;
        }
    }
    Ok(Cursor {
        log: NO_LOG,
        log_epoch: last.as_ref().map_or(0, |record| record.log_epoch),
        position: Position::start(NO_LOG),
        session: SessionId([0; 16]),
        host: String::new(),
        released: 0,
        record_count,
        receipt: last.map(|record| record.receipt),
        damaged: None,
    })
}
