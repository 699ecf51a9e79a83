//! The store's file: its tables, and how they are encoded.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use phuxanh_core::{
    Cursor, LocalityCode, Record, Timestamp,
    delivery::log::{Checkpoint, CheckpointHead, Held, Mark, Reference, Trim},
    frame::{BatchResult, Generation},
};
use phuxanh_proto::{convert, storage::v1 as storage};
use prost::Message;
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use tokio::sync::watch;

use crate::store::Error;

const FILE: &str = "store.redb";

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// By reporter number.
const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");
/// By reporter number and record number, from 1.
const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");
/// By reporter number and records in it: the receipt time of the last of them in microseconds since
/// 1970 UTC, and the folded state.
const CHECKPOINTS: TableDefinition<(u32, u64), (i64, &[u8])> = TableDefinition::new("checkpoints");
/// Catalogue and gazetteer files by digest.
const REFERENCES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("references");

const GENERATION: &str = "generation";
const PROBE: &str = "probe";

/// What a probe writes: as much as the largest batch that may be configured by default.
const PROBE_BYTES: usize = 256 << 10;

/// An open store file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Changed by the writer alone; none while it cannot be opened again after a write that failed.
    database: watch::Sender<Option<Database>>,
    generation: Generation,
}

impl File {
    /// Opens the store of a directory, or makes an empty one with the `fresh` generation.
    pub(super) fn open(directory: &Path, fresh: Generation) -> Result<Self, Error> {
        let path = directory.join(FILE);
        if !path.exists() {
            create(directory, fresh)?;
        }
        let database = open_database(&path)?;
        let generation = generation_of(&database)?;
        Ok(Self { path, database: watch::Sender::new(Some(database)), generation })
    }

    /// Closes the file and opens it again: after a write that failed, nothing else is allowed.
    pub(super) fn reopen(&self) -> Result<(), Error> {
        // The lock of the old one would be in the way.
        drop(self.database.send_replace(None));
        let database = open_database(&self.path)?;
        if generation_of(&database)? != self.generation {
            return Err(corrupt("generation", "the file was replaced by another store's"));
        }
        self.database.send_replace(Some(database));
        Ok(())
    }

    fn begin_read(&self) -> Result<ReadTransaction, Error> {
        let database = self.database.borrow();
        Ok(database.as_ref().ok_or_else(closed)?.begin_read()?)
    }

    /// Id of this store; another one means another store.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// What every reporter's log holds.
    pub(super) fn held(&self) -> Result<Vec<Held>, Error> {
        let transaction = self.begin_read()?;
        let cursors = transaction.open_table(CURSORS)?;
        let records = transaction.open_table(RECORDS)?;
        let checkpoints = transaction.open_table(CHECKPOINTS)?;
        cursors
            .iter()?
            .map(|entry| {
                let (number, cursor) = entry?;
                let (number, cursor) = (number.value(), read_cursor(cursor.value())?);
                let all = (number, 0)..=(number, u64::MAX);
                let first = records.range(all.clone())?.next().transpose()?;
                let heads = checkpoints.range(all)?.map(|entry| {
                    let (key, kept) = entry?;
                    let receipt = Timestamp::from_micros(kept.value().0);
                    let receipt = receipt.map_err(|error| corrupt("checkpoint", error))?;
                    Ok(CheckpointHead { record_count: key.value().1, receipt })
                });
                Ok(Held {
                    reporter: reporter(number)?,
                    checkpoints: heads.collect::<Result<_, Error>>()?,
                    first_record: first.map_or(cursor.record_count + 1, |(key, _)| key.value().1),
                    cursor,
                })
            })
            .collect()
    }

    /// A reporter's checkpoint behind so many records.
    pub(super) fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error> {
        let checkpoints = self.begin_read()?.open_table(CHECKPOINTS)?;
        let kept = checkpoints.get((reporter.number(), record_count))?;
        kept.map(|kept| {
            let (micros, bytes) = kept.value();
            let receipt =
                Timestamp::from_micros(micros).map_err(|error| corrupt("checkpoint", error))?;
            let mark = Mark { record_count, ..Mark::default() };
            Ok(Checkpoint { mark, receipt, bytes: bytes.to_vec() })
        })
        .transpose()
    }

    /// A reporter's records behind the first `count`, in order.
    pub(super) fn records_after(
        &self,
        reporter: LocalityCode,
        count: u64,
    ) -> Result<impl Iterator<Item = Result<Record, Error>>, Error> {
        let transaction: ReadTransaction = self.begin_read()?;
        let records = transaction.open_table(RECORDS)?;
        let number = reporter.number();
        let range = records.range((number, count + 1)..=(number, u64::MAX))?;
        Ok(range.map(|entry| read_record(entry?.1.value())))
    }

    /// Every catalogue and gazetteer file, by digest.
    pub(super) fn references(&self) -> Result<Vec<Reference>, Error> {
        let references = self.begin_read()?.open_table(REFERENCES)?;
        references
            .iter()?
            .map(|entry| {
                let (digest, contents) = entry?;
                let digest = digest.value().try_into();
                let digest = digest.map_err(|error| corrupt("reference", error))?;
                Ok((digest, contents.value().to_vec()))
            })
            .collect()
    }

    pub(super) fn begin(&self) -> Result<Transaction, Error> {
        let database = self.database.borrow();
        let mut transaction = database.as_ref().ok_or_else(closed)?.begin_write()?;
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
        kept.map(|kept| read_cursor(kept.value())).transpose()
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

    pub(super) fn keep(
        &self,
        reporter: LocalityCode,
        checkpoint: &Checkpoint,
    ) -> Result<(), Error> {
        let key = (reporter.number(), checkpoint.mark.record_count);
        let kept = (checkpoint.receipt.micros(), &checkpoint.bytes[..]);
        self.0.open_table(CHECKPOINTS)?.insert(key, kept)?;
        Ok(())
    }

    pub(super) fn trim(&self, reporter: LocalityCode, trim: &Trim) -> Result<(), Error> {
        let number = reporter.number();
        let through = (number, 0)..=(number, trim.records_through);
        self.0.open_table(RECORDS)?.retain_in(through, |_, _| false)?;
        let mut checkpoints = self.0.open_table(CHECKPOINTS)?;
        for &record_count in &trim.checkpoints {
            checkpoints.remove((number, record_count))?;
        }
        Ok(())
    }

    /// Writes what matters to nobody, to find out whether there is room for a batch. It stays until
    /// the next probe: what is removed before the commit would never be written.
    pub(super) fn probe(&self) -> Result<(), Error> {
        self.0.open_table(META)?.insert(PROBE, &vec![0; PROBE_BYTES][..])?;
        Ok(())
    }

    pub(super) fn keep_reference(&self, (digest, contents): &Reference) -> Result<(), Error> {
        self.0.open_table(REFERENCES)?.insert(&digest[..], &contents[..])?;
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

fn open_database(path: &Path) -> Result<Database, Error> {
    Database::builder().open(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: path.display().to_string() },
        other => other.into(),
    })
}

fn generation_of(database: &Database) -> Result<Generation, Error> {
    let meta = database.begin_read()?.open_table(META)?;
    let kept = meta.get(GENERATION)?;
    let bytes = kept.and_then(|kept| kept.value().try_into().ok());
    Ok(Generation(bytes.ok_or_else(|| corrupt("generation", "expected 16 bytes"))?))
}

fn closed() -> Error {
    Error::Database(Box::new(redb::Error::PreviousIo))
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
