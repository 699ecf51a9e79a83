//! Format number of the file, and the upgrade from each format to the next.
//!
//! A file of a later or unknown format is refused and left as it is. A file of an earlier format is
//! upgraded in one transaction, which takes every step from its number on.

use std::path::Path;

use phuxanh_core::{Cursor, LocalityCode};
use phuxanh_proto::{
    convert::{self, Place, Unsealed},
    storage::v1 as storage,
};
use prost::Message;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableError, WriteTransaction,
};
use tracing::{info, warn};

use super::tables::{CHECKPOINTS, CURSORS, META, RECORDS, reporter};
use crate::{checkpoint, store::Error};

/// Format that is written.
const FORMAT: u32 = 1;
/// Format of files from before there were numbers.
const UNNUMBERED: u32 = 0;

const NUMBER: &str = "format";
/// Key of the store's id. Before there were numbers it was `EARLIER_STORE_ID`. Programs from then
/// do not find the id under the new key, so they do not write records without hashes.
pub(super) const STORE_ID: &str = "store_id";
const EARLIER_STORE_ID: &str = "generation";

/// Reads the file in one format and writes the next one.
type Step = fn(&ReadTransaction, &WriteTransaction) -> Result<(), Error>;

/// Steps from each format to the next.
const STEPS: [Step; FORMAT as usize] = [seal_all];

/// Writes the format number into the file.
pub(super) fn mark(transaction: &WriteTransaction) -> Result<(), Error> {
    let number = FORMAT.to_string();
    transaction.open_table(META)?.insert(NUMBER, number.as_bytes())?;
    Ok(())
}

/// Error for a file that another version has written.
pub(super) fn refused(path: &Path, found: String) -> Error {
    Error::Format { path: path.display().to_string(), found, reads: FORMAT }
}

/// Upgrades a file of an earlier format, and refuses one of a later format.
pub(super) fn bring_up_to_date(database: &Database, path: &Path) -> Result<(), Error> {
    let before = database.begin_read()?;
    let found = match before.open_table(META) {
        Ok(meta) => match meta.get(NUMBER)? {
            Some(number) => String::from_utf8_lossy(number.value()).into_owned(),
            None => UNNUMBERED.to_string(),
        },
        Err(
            TableError::TableTypeMismatch { .. }
            | TableError::TypeDefinitionChanged { .. }
            | TableError::TableIsMultimap(_),
        ) => return Err(refused(path, "unknown".to_owned())),
        Err(error) => return Err(error.into()),
    };
    let number = found.parse::<u32>().ok().filter(|number| *number <= FORMAT);
    let Some(number) = number else { return Err(refused(path, found)) };
    if number == FORMAT {
        return Ok(());
    }
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    for step in &STEPS[number as usize..] {
        step(&before, &transaction)?;
    }
    mark(&transaction)?;
    transaction.commit()?;
    info!(path = %path.display(), from = number, to = FORMAT, "the store was brought up to date");
    Ok(())
}

/// Step to format 1: cursors, records and checkpoints get hashes. A record gets none if the next
/// record does not continue its batch: it was damaged before.
fn seal_all(before: &ReadTransaction, transaction: &WriteTransaction) -> Result<(), Error> {
    let mut cursors = transaction.open_table(CURSORS)?;
    for row in before.open_table(CURSORS)?.iter()? {
        let (number, bytes) = row?;
        let code = reporter(number.value())?;
        // An unreadable cursor is rebuilt when the file is opened.
        let Ok(message) = storage::Cursor::decode(bytes.value()) else { continue };
        let Ok(cursor) = convert::from_cursor(message) else { continue };
        let sealed = convert::seal_cursor(code, cursor.clone()).encode_to_vec();
        cursors.insert(number.value(), &sealed[..])?;
        seal_records(before, transaction, code, &cursor)?;
    }
    let mut checkpoints = transaction.open_table(CHECKPOINTS)?;
    for row in before.open_table(CHECKPOINTS)?.iter()? {
        let (key, kept) = row?;
        let (receipt, bytes) = kept.value();
        checkpoints.insert(key.value(), (receipt, &checkpoint::sealed(bytes.to_vec())[..]))?;
    }
    let mut meta = transaction.open_table(META)?;
    let id = meta.remove(EARLIER_STORE_ID)?.map(|id| id.value().to_vec());
    if let Some(id) = id {
        meta.insert(STORE_ID, &id[..])?;
    }
    Ok(())
}

fn seal_records(
    before: &ReadTransaction,
    transaction: &WriteTransaction,
    reporter: LocalityCode,
    cursor: &Cursor,
) -> Result<(), Error> {
    let mut records = transaction.open_table(RECORDS)?;
    let mut seal = |(number, read): (u64, Unsealed), is_continued: bool| -> Result<(), Error> {
        if !is_continued {
            warn!(%reporter, number, "record skipped: the next one does not continue it");
            return Ok(());
        }
        let Unsealed { record, behind, .. } = read;
        let sealed = convert::seal_record(Place { reporter, number }, record, behind);
        records.insert((reporter.number(), number), &sealed.encode_to_vec()[..])?;
        Ok(())
    };
    let mut last = Option::<(u64, Unsealed)>::None;
    let table = before.open_table(RECORDS)?;
    for row in table.range((reporter.number(), 0)..=(reporter.number(), u64::MAX))? {
        let (key, bytes) = row?;
        let (_, number) = key.value();
        let read = convert::open_record(Place { reporter, number }, bytes.value()).ok();
        if let Some(held) = last.take() {
            let next = read.as_ref().filter(|next| follows(&held.1, next));
            let is_continued =
                next.is_none_or(|next| next.record.batch.previous_chain == held.1.behind);
            seal(held, is_continued)?;
        }
        last = read.map(|read| (number, read));
    }
    if let Some(held) = last {
        let record = &held.1.record;
        let is_last = (record.log, record.batch.sequence) == (cursor.log, cursor.position.sequence);
        let is_continued = !is_last || cursor.position.chain == held.1.behind;
        seal(held, is_continued)?;
    }
    Ok(())
}

/// True if the batch of record `next` directly follows that of `one` in the same log.
fn follows(one: &Unsealed, next: &Unsealed) -> bool {
    next.record.log == one.record.log && next.record.batch.sequence == one.record.batch.sequence + 1
}
