//! The number of the file's format, and the way from each format to the next.
//!
//! A file of another format is left as it is. One of an earlier format is brought up to date in one
//! transaction, in which every step from its number on is taken.

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

/// The format that is written.
const FORMAT: u32 = 1;
/// Format of a file that was written before formats had numbers.
const UNNUMBERED: u32 = 0;

const NUMBER: &str = "format";
/// Id of the store; before there were numbers, it stood under the second name. Programs from then
/// do not find it there, and so leave alone what they would write without hashes.
pub(super) const STORE_ID: &str = "store_id";
const EARLIER_STORE_ID: &str = "generation";

/// Reads the file as it is, and writes what the next format has.
type Step = fn(&ReadTransaction, &WriteTransaction) -> Result<(), Error>;

/// The step from each format to the next.
const STEPS: [Step; FORMAT as usize] = [seal_all];

/// Notes the format in a new file.
pub(super) fn mark(transaction: &WriteTransaction) -> Result<(), Error> {
    let number = FORMAT.to_string();
    transaction.open_table(META)?.insert(NUMBER, number.as_bytes())?;
    Ok(())
}

/// A file that another version has written.
pub(super) fn refused(path: &Path, found: String) -> Error {
    Error::Format { path: path.display().to_string(), found, reads: FORMAT }
}

/// Refuses another format, and brings an earlier one up to date.
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

/// To format 1: cursors, records and checkpoints get hashes. A record whose batch is not the one
/// that the next one continues was damaged before, and gets none.
fn seal_all(before: &ReadTransaction, transaction: &WriteTransaction) -> Result<(), Error> {
    let mut cursors = transaction.open_table(CURSORS)?;
    for row in before.open_table(CURSORS)?.iter()? {
        let (number, bytes) = row?;
        let code = reporter(number.value())?;
        // One that cannot be read is made anew when the file is opened.
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
            warn!(%reporter, number, "a record does not fit the one behind it: it is not used");
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

/// True if a record is of the batch behind another's.
fn follows(one: &Unsealed, next: &Unsealed) -> bool {
    next.record.log == one.record.log && next.record.batch.sequence == one.record.batch.sequence + 1
}
