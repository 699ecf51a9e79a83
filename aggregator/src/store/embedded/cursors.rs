//! Repair of lost and unreadable cursors.

use std::collections::BTreeSet;

use phuxanh_core::{Cursor, LocalityCode};
use phuxanh_proto::convert::{self, Place};
use prost::Message;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageError};
use tracing::error;

use super::tables::{CHECKPOINTS, CURSORS, RECORDS, read_checkpoint, read_cursor, reporter};
use crate::store::{CheckpointEpoch, Error};

/// Rebuilds the cursor of every reporter without a readable one.
pub(super) fn repair(database: &Database, checkpoint_epoch: CheckpointEpoch) -> Result<(), Error> {
    let transaction = database.begin_read()?;
    let mut damaged = Vec::new();
    for number in reporters(&transaction)? {
        let Ok(code) = reporter(number) else {
            error!(number, "no locality has this number: its rows are left alone");
            continue;
        };
        let kept = transaction.open_table(CURSORS)?.get(number)?;
        let read = kept.map(|kept| read_cursor(code, kept.value()));
        if !matches!(read, Some(Ok(_))) {
            let cursor = anew(&transaction, code, checkpoint_epoch)?;
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

/// Numbers of all reporters that have a cursor, records or checkpoints.
fn reporters(transaction: &ReadTransaction) -> Result<BTreeSet<u32>, Error> {
    let mut numbers = BTreeSet::new();
    for row in transaction.open_table(CURSORS)?.iter()? {
        numbers.insert(row?.0.value());
    }
    let (records, checkpoints) =
        (transaction.open_table(RECORDS)?, transaction.open_table(CHECKPOINTS)?);
    let mut from = Some(0);
    while let Some(number) = from {
        let record = records.range((number, 0)..)?.next().transpose()?;
        let checkpoint = checkpoints.range((number, 0)..)?.next().transpose()?;
        let keys = [record.map(|row| row.0.value().0), checkpoint.map(|row| row.0.value().0)];
        let next = keys.into_iter().flatten().min();
        numbers.extend(next);
        from = next.and_then(|next| next.checked_add(1));
    }
    Ok(numbers)
}

/// New cursor behind all records of a reporter, of which a checkpoint may hold the last ones.
fn anew(
    transaction: &ReadTransaction,
    reporter: LocalityCode,
    checkpoint_epoch: CheckpointEpoch,
) -> Result<Cursor, Error> {
    let records = transaction.open_table(RECORDS)?;
    let checkpoints = transaction.open_table(CHECKPOINTS)?;
    let all = (reporter.number(), 0)..=(reporter.number(), u64::MAX);
    let last = |row: Option<Result<_, StorageError>>| row.transpose();
    let record_count =
        last(records.range(all.clone())?.next_back().map(|row| Ok(row?.0.value().1)))?;
    let folded_count =
        last(checkpoints.range(all.clone())?.next_back().map(|row| Ok(row?.0.value().1)))?;
    let (mut log_epoch, mut receipt) = (0, None);
    for row in records.range(all.clone())?.rev() {
        let (key, bytes) = row?;
        let place = Place { reporter, number: key.value().1 };
        if let Ok(read) = convert::open_record(place, bytes.value()) {
            (log_epoch, receipt) = (read.record.log_epoch, Some(read.record.receipt));
            break;
        }
    }
    for row in checkpoints.range(all)?.rev() {
        let (key, kept) = row?;
        let checkpoint = read_checkpoint(key.value().1, kept.value());
        if let Some(kept) = checkpoint
            && let Some(epoch) = checkpoint_epoch(reporter, &kept)
        {
            (log_epoch, receipt) = (log_epoch.max(epoch), receipt.max(Some(kept.receipt)));
            break;
        }
    }
    let record_count = record_count.max(folded_count).unwrap_or(0);
    Ok(Cursor::rebuilt(record_count, log_epoch, receipt))
}
