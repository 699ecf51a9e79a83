//! Tables of the store's file, and readers of rows for several modules.

use phuxanh_core::{
    Cursor, LocalityCode, Timestamp,
    delivery::log::{Checkpoint, Mark},
};
use phuxanh_proto::convert;
use redb::TableDefinition;

use crate::store::Error;

pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Cursors by reporter number.
pub(super) const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");
/// Records by reporter number and record number, from 1.
pub(super) const RECORDS: TableDefinition<RecordKey, &[u8]> = TableDefinition::new("records");
pub(super) type RecordKey = (u32, u64);
/// Checkpoints by reporter number and record count: the receipt time of the last record in
/// microseconds since 1970 UTC, and the folded state.
pub(super) const CHECKPOINTS: TableDefinition<(u32, u64), (i64, &[u8])> =
    TableDefinition::new("checkpoints");
/// Catalogue and gazetteer files by digest.
pub(super) const REFERENCES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("references");

pub(super) fn read_cursor(reporter: LocalityCode, bytes: &[u8]) -> Result<Cursor, Error> {
    convert::open_cursor(reporter, bytes).map_err(|fault| corrupt("cursor", fault))
}

/// Checkpoint of a row; `None` if its time is damaged.
pub(super) fn read_checkpoint(
    record_count: u64,
    (micros, bytes): (i64, &[u8]),
) -> Option<Checkpoint> {
    let receipt = Timestamp::from_micros(micros).ok()?;
    let mark = Mark { record_count, ..Mark::default() };
    Some(Checkpoint { mark, receipt, bytes: bytes.to_vec() })
}

pub(super) fn reporter(number: u32) -> Result<LocalityCode, Error> {
    LocalityCode::from_number(number.into()).map_err(|error| corrupt("reporter", error))
}

pub(super) fn corrupt(what: &'static str, detail: impl std::fmt::Display) -> Error {
    Error::Corrupt { what, detail: detail.to_string() }
}
