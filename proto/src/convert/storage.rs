//! Records and cursors as an aggregator keeps them at rest.

use phuxanh_core::{Cursor, LogId, Record, Timestamp, frame::SessionId};

use super::{
    FieldError, bytes,
    frame::{from_batch, from_position, from_result, to_batch, to_position, to_result},
};
use crate::storage::v1 as storage;

/// Reads a record.
pub fn from_record(record: storage::Record) -> Result<Record, FieldError> {
    let batch = record.batch.ok_or_else(|| FieldError::new("record.batch", "a batch"))?;
    Ok(Record {
        receipt: micros("record.receipt_micros", record.receipt_micros)?,
        log: LogId(bytes("record.log_id", &record.log_id)?),
        log_epoch: record.log_epoch,
        batch: from_batch(batch)?,
        result: record.result.as_ref().map(from_result).transpose()?,
        host: record.host,
        catalogue_digest: bytes("record.catalogue_digest", &record.catalogue_digest)?,
        gazetteer_digest: bytes("record.gazetteer_digest", &record.gazetteer_digest)?,
    })
}

/// Writes a record.
#[must_use]
pub fn to_record(record: Record) -> storage::Record {
    storage::Record {
        receipt_micros: record.receipt.micros(),
        log_id: record.log.0.to_vec(),
        log_epoch: record.log_epoch,
        batch: Some(to_batch(record.batch)),
        result: record.result.map(to_result),
        host: record.host,
        catalogue_digest: record.catalogue_digest.to_vec(),
        gazetteer_digest: record.gazetteer_digest.to_vec(),
        seal: Vec::new(),
    }
}

/// Reads a cursor.
pub fn from_cursor(cursor: storage::Cursor) -> Result<Cursor, FieldError> {
    Ok(Cursor {
        log: LogId(bytes("cursor.log_id", &cursor.log_id)?),
        log_epoch: cursor.log_epoch,
        position: from_position("cursor.position", cursor.position.as_ref())?,
        session: SessionId(bytes("cursor.session", &cursor.session)?),
        host: cursor.host,
        released: cursor.released,
        record_count: cursor.record_count,
        receipt: match cursor.record_count {
            0 => None,
            _ => Some(micros("cursor.receipt_micros", cursor.receipt_micros)?),
        },
        damaged: match cursor.damaged_log_id.as_slice() {
            [] => None,
            id => Some(LogId(bytes("cursor.damaged_log_id", id)?)),
        },
    })
}

/// Writes a cursor.
#[must_use]
pub fn to_cursor(cursor: Cursor) -> storage::Cursor {
    storage::Cursor {
        log_id: cursor.log.0.to_vec(),
        log_epoch: cursor.log_epoch,
        position: Some(to_position(cursor.position)),
        session: cursor.session.0.to_vec(),
        host: cursor.host,
        released: cursor.released,
        record_count: cursor.record_count,
        receipt_micros: cursor.receipt.map_or(0, Timestamp::micros),
        damaged_log_id: cursor.damaged.map_or_else(Vec::new, |log| log.0.to_vec()),
        seal: Vec::new(),
    }
}

fn micros(field: &'static str, micros: i64) -> Result<Timestamp, FieldError> {
    Timestamp::from_micros(micros).map_err(|error| FieldError::new(field, error.to_string()))
}
