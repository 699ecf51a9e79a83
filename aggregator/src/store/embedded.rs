//! The embedded store: one redb file, for a single aggregator.

use std::{fs, io, path::Path};

use phuxanh_proto::{
    convert,
    model::{Cursor, LocalityCode, Record, frame::BatchResult, frame::Generation},
    storage::v1 as storage,
};
use prost::Message;
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use super::Error;

const FILE: &str = "store.redb";

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// By reporter number.
const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");
/// By reporter number and record number, from 1.
const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");
/// By reporter number.
const CHECKPOINTS: TableDefinition<u32, &[u8]> = TableDefinition::new("checkpoints");
/// Catalogue and gazetteer files by digest.
const REFERENCES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("references");

const GENERATION: &str = "generation";

/// An open store file.
pub struct Embedded {
    database: Database,
    generation: Generation,
}

impl Embedded {
    /// Opens the store of a directory, or makes an empty one with the `fresh` generation.
    pub fn open(directory: &Path, fresh: Generation) -> Result<Self, Error> {
        let path = directory.join(FILE);
        if !path.exists() {
            create(directory, fresh)?;
        }
        let database = Database::builder().open(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: path.display().to_string() },
            other => other.into(),
        })?;
        let generation = {
            let meta = database.begin_read()?.open_table(META)?;
            let kept = meta.get(GENERATION)?;
            let bytes = kept.and_then(|kept| kept.value().try_into().ok());
            Generation(bytes.ok_or_else(|| corrupt("generation", "expected 16 bytes"))?)
        };
        Ok(Self { database, generation })
    }

    /// Id of this store; another one means another store.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Keeps a catalogue or gazetteer file by its digest.
    pub fn keep_reference(&self, digest: [u8; 32], contents: &[u8]) -> Result<(), Error> {
        let transaction = self.begin()?;
        transaction.0.open_table(REFERENCES)?.insert(&digest[..], contents)?;
        transaction.commit()
    }

    /// The cursor of every reporter that was ever welcomed.
    pub fn cursors(&self) -> Result<Vec<(LocalityCode, Cursor)>, Error> {
        let cursors = self.database.begin_read()?.open_table(CURSORS)?;
        cursors
            .iter()?
            .map(|entry| {
                let (number, cursor) = entry?;
                Ok((reporter(number.value())?, read_cursor(cursor.value())?))
            })
            .collect()
    }

    /// A reporter's last checkpoint, as it was kept.
    pub fn checkpoint(&self, reporter: LocalityCode) -> Result<Option<Vec<u8>>, Error> {
        let checkpoints = self.database.begin_read()?.open_table(CHECKPOINTS)?;
        Ok(checkpoints.get(reporter.number())?.map(|kept| kept.value().to_vec()))
    }

    /// A reporter's records behind the first `count`, in order.
    pub fn records_after(
        &self,
        reporter: LocalityCode,
        count: u64,
    ) -> Result<impl Iterator<Item = Result<Record, Error>>, Error> {
        let transaction: ReadTransaction = self.database.begin_read()?;
        let records = transaction.open_table(RECORDS)?;
        let number = reporter.number();
        let range = records.range((number, count + 1)..=(number, u64::MAX))?;
        Ok(range.map(|entry| read_record(entry?.1.value())))
    }

    pub(super) fn begin(&self) -> Result<Transaction, Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(Transaction(transaction))
    }
}

/// One atomic change of the store.
pub(super) struct Transaction(WriteTransaction);

impl Transaction {
    pub(super) fn cursor(&self, reporter: LocalityCode) -> Result<Option<Cursor>, Error> {
        let cursors = self.0.open_table(CURSORS)?;
        let kept = cursors.get(reporter.number())?;
        kept.map(|kept| {
            let message =
                storage::Cursor::decode(kept.value()).map_err(|error| corrupt("cursor", error))?;
            convert::from_cursor(message).map_err(|error| corrupt("cursor", error))
        })
        .transpose()
    }

    pub(super) fn set_cursor(&self, reporter: LocalityCode, cursor: Cursor) -> Result<(), Error> {
        let bytes = convert::to_cursor(cursor).encode_to_vec();
        self.0.open_table(CURSORS)?.insert(reporter.number(), &bytes[..])?;
        Ok(())
    }

    pub(super) fn append(
        &self,
        reporter: LocalityCode,
        number: u64,
        record: Record,
    ) -> Result<(), Error> {
        let bytes = convert::to_record(record).encode_to_vec();
        self.0.open_table(RECORDS)?.insert((reporter.number(), number), &bytes[..])?;
        Ok(())
    }

    pub(super) fn set_checkpoint(
        &self,
        reporter: LocalityCode,
        checkpoint: &[u8],
    ) -> Result<(), Error> {
        self.0.open_table(CHECKPOINTS)?.insert(reporter.number(), checkpoint)?;
        Ok(())
    }

    /// The results kept for the log in force behind a sequence, by rising sequence.
    pub(super) fn results(
        &self,
        reporter: LocalityCode,
        cursor: &Cursor,
        released: u64,
    ) -> Result<Vec<BatchResult>, Error> {
        let records = self.0.open_table(RECORDS)?;
        let number = reporter.number();
        let mut results = Vec::new();
        let mut sequence = cursor.position.sequence;
        for entry in records.range((number, 0)..=(number, cursor.record_count))?.rev() {
            let record = read_record(entry?.1.value())?;
            // A log that comes back after another took its place begins again: what was refused of
            // its batches before says nothing of the same batches now.
            let is_of_log = record.log == cursor.log && record.batch.sequence == sequence;
            if !is_of_log || sequence <= released {
                break;
            }
            sequence -= 1;
            results.extend(record.result);
        }
        results.reverse();
        Ok(results)
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit()?)
    }
}

/// Makes an empty store. A file that a crash left half made would not open again, so it gets its
/// name only once it is whole and synced.
fn create(directory: &Path, generation: Generation) -> Result<(), Error> {
    let unfinished = directory.join(format!("{FILE}.new"));
    prepare(directory, &unfinished)
        .map_err(|source| Error::Directory { path: directory.display().to_string(), source })?;
    let database = Database::builder().create(&unfinished)?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(GENERATION, &generation.0[..])?;
    transaction.open_table(CURSORS)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(CHECKPOINTS)?;
    transaction.open_table(REFERENCES)?;
    transaction.commit()?;
    drop(database);
    let name = || -> io::Result<()> {
        fs::File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, directory.join(FILE))?;
        fs::File::open(directory)?.sync_all()
    };
    name().map_err(|source| Error::Directory { path: directory.display().to_string(), source })
}

fn prepare(directory: &Path, unfinished: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read_cursor(bytes: &[u8]) -> Result<Cursor, Error> {
    let message = storage::Cursor::decode(bytes).map_err(|error| corrupt("cursor", error))?;
    convert::from_cursor(message).map_err(|error| corrupt("cursor", error))
}

fn read_record(bytes: &[u8]) -> Result<Record, Error> {
    let message = storage::Record::decode(bytes).map_err(|error| corrupt("record", error))?;
    convert::from_record(message).map_err(|error| corrupt("record", error))
}

fn reporter(number: u32) -> Result<LocalityCode, Error> {
    LocalityCode::from_number(number.into()).map_err(|error| corrupt("reporter", error))
}

fn corrupt(what: &'static str, detail: impl std::fmt::Display) -> Error {
    Error::Corrupt { what, detail: detail.to_string() }
}
