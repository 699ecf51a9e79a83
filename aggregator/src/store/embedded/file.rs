//! The store's file: reads and writes of its tables.

use std::{
    fs, io,
    ops::RangeInclusive,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use phuxanh_core::{
    Chain, Cursor, LocalityCode, Record, Timestamp,
    delivery::{
        admission,
        damage::{Damaged, Fault},
        log::{Checkpoint, CheckpointHead, Held, Reference, Trim},
    },
    frame::{BatchResult, Generation},
};
use phuxanh_daemon::{ballast::Ballast, modes};
use phuxanh_proto::convert::{self, Place};
use prost::Message;
use redb::{
    Database, DatabaseError, Range, ReadTransaction, ReadableDatabase, ReadableTable, StorageError,
    WriteTransaction,
};
use tokio::sync::watch;
use tracing::warn;

use super::{
    cursors,
    format::{self, STORE_ID},
    tables::{
        CHECKPOINTS, CURSORS, META, RECORDS, REFERENCES, RecordKey, corrupt, read_checkpoint,
        read_cursor, reporter,
    },
};
use crate::store::{CheckpointEpoch, Error};

pub(super) const FILE: &str = "store.redb";

const PROBE: &str = "probe";

/// Size of a probe: as large as the largest batch of the default configuration.
const PROBE_BYTES: usize = 256 << 10;

/// An open store file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Device and number of the file that is open.
    place: (u64, u64),
    /// Set by the writer alone; `None` after a failed write until the file is open again.
    database: watch::Sender<Option<Database>>,
    generation: Generation,
}

impl File {
    /// Opens the store of a directory, or creates an empty one with the `fresh` generation. Opening
    /// may write, so the ballast goes if the disk is full.
    pub(super) fn open(
        directory: &Path,
        fresh: Generation,
        checkpoint_epoch: CheckpointEpoch,
        ballast: &mut Ballast,
    ) -> Result<Self, Error> {
        let path = directory.join(FILE);
        if !path.exists() {
            create(directory, fresh)?;
        }
        for path in [directory, path.as_path()] {
            modes::warn_if_open(path);
        }
        let database = with_room(ballast, || {
            let database = open_database(&path)?;
            format::bring_up_to_date(&database, &path)?;
            cursors::repair(&database, checkpoint_epoch)?;
            Ok(database)
        })?;
        let generation = generation_of(&database)?;
        let place = place_of(&path)?;
        Ok(Self { path, place, database: watch::Sender::new(Some(database)), generation })
    }

    /// Closes the file and opens it again. After a failed write, redb allows nothing else. A file
    /// that is not in its place stays open, so that its contents are not lost.
    pub(super) fn reopen(&self, ballast: &mut Ballast) -> Result<(), Error> {
        self.check_place()?;
        // The old handle holds the lock of the file.
        drop(self.database.send_replace(None));
        let database = with_room(ballast, || open_database(&self.path))?;
        if generation_of(&database)? != self.generation {
            return Err(corrupt("generation", "another store's file has replaced this one"));
        }
        self.database.send_replace(Some(database));
        Ok(())
    }

    /// Checks that the file that is open still lies under its name, and was not emptied.
    pub(super) fn check_place(&self) -> Result<(), Error> {
        let found = fs::metadata(&self.path).map(|found| (found.dev(), found.ino(), found.len()));
        match found {
            Ok((device, inode, bytes)) if (device, inode) == self.place && bytes > 0 => Ok(()),
            Ok(_) => Err(Error::Displaced { path: self.path.display().to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::Displaced { path: self.path.display().to_string() })
            }
            Err(error) => Err(Error::Database(Box::new(redb::Error::Io(error)))),
        }
    }

    /// Closes the file, even if other threads still have the handle.
    pub(super) fn close(&self) {
        drop(self.database.send_replace(None));
    }

    fn begin_read(&self) -> Result<ReadTransaction, Error> {
        let database = self.database.borrow();
        Ok(database.as_ref().ok_or_else(closed)?.begin_read()?)
    }

    /// Id of this store.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// Reporters that have a log. Leaves out numbers of no locality.
    pub(super) fn reporters(&self) -> Result<Vec<LocalityCode>, Error> {
        let cursors = self.begin_read()?.open_table(CURSORS)?;
        let mut all = Vec::new();
        for entry in cursors.iter()? {
            all.extend(reporter(entry?.0.value()).ok());
        }
        Ok(all)
    }

    /// Returns a summary of a reporter's log. Leaves out a checkpoint whose time is damaged.
    pub(super) fn held_of(&self, reporter: LocalityCode) -> Result<Option<Held>, Error> {
        let transaction = self.begin_read()?;
        let number = reporter.number();
        let Some(kept) = transaction.open_table(CURSORS)?.get(number)? else { return Ok(None) };
        let cursor = read_cursor(reporter, kept.value())?;
        let all = (number, 0)..=(number, u64::MAX);
        let first = transaction.open_table(RECORDS)?.range(all.clone())?.next().transpose()?;
        let mut checkpoints = Vec::new();
        for entry in transaction.open_table(CHECKPOINTS)?.range(all)? {
            let (key, kept) = entry?;
            if let Ok(receipt) = Timestamp::from_micros(kept.value().0) {
                checkpoints.push(CheckpointHead { record_count: key.value().1, receipt });
            }
        }
        let first_record = first.map_or(cursor.record_count + 1, |(key, _)| key.value().1);
        Ok(Some(Held { reporter, cursor, checkpoints, first_record }))
    }

    /// Returns a summary of every reporter's log.
    pub(super) fn held(&self) -> Result<Vec<Held>, Error> {
        let all = self.reporters()?.into_iter().map(|reporter| self.held_of(reporter));
        Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Checkpoint of a reporter over its first `record_count` records.
    pub(super) fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error> {
        let checkpoints = self.begin_read()?.open_table(CHECKPOINTS)?;
        let kept = checkpoints.get((reporter.number(), record_count))?;
        Ok(kept.and_then(|kept| read_checkpoint(record_count, kept.value())))
    }

    /// Records of a reporter after the first `count` ones, in order, through the last one before
    /// its cursor.
    pub(super) fn records_after(
        &self,
        reporter: LocalityCode,
        count: u64,
    ) -> Result<Records, Error> {
        let transaction: ReadTransaction = self.begin_read()?;
        let number = reporter.number();
        let cursor = transaction.open_table(CURSORS)?.get(number)?;
        let cursor = cursor.map(|kept| read_cursor(reporter, kept.value())).transpose()?;
        let last = cursor.map_or(0, |cursor| cursor.record_count);
        let records = transaction.open_table(RECORDS)?;
        let range = records.range((number, count + 1)..=(number, last.max(count + 1)))?;
        Ok(Records { reporter, range, next: count + 1, last, held: None })
    }

    /// At most `count_max` of these records, without the trimmed ones; a damaged record is an
    /// error.
    pub(super) fn whole_records(
        &self,
        reporter: LocalityCode,
        count: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error> {
        let read = |next: Result<Next, Error>| match next? {
            Next::Record(_, record) => Ok(*record),
            Next::Damaged(records, fault) => {
                let cursor = self.held_of(reporter)?.map(|held| held.cursor);
                let cursor = cursor.ok_or(Error::Closed)?;
                Err(Error::Damaged(Damaged::new(reporter, &cursor, records, fault)))
            }
        };
        let number = reporter.number();
        let records = self.begin_read()?.open_table(RECORDS)?;
        let first = records.range((number, 0)..=(number, u64::MAX))?.next().transpose()?;
        let trimmed = first.map_or(0, |(key, _)| key.value().1.saturating_sub(1));
        self.records_after(reporter, count.max(trimmed))?.take(count_max).map(read).collect()
    }

    /// All catalogue and gazetteer files, by digest.
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

    /// Stored results of the log in force after sequence `released`, by rising sequence; `None` if
    /// they list more than so many refusals. A damaged record is an error.
    pub(super) fn results(
        &self,
        reporter: LocalityCode,
        cursor: &Cursor,
        released: u64,
        refusal_count_max: usize,
    ) -> Result<Option<Vec<BatchResult>>, Error> {
        let records = self.begin_read()?.open_table(RECORDS)?;
        let number = reporter.number();
        let mut results = Vec::new();
        let mut refusal_count = 0;
        let mut sequence = cursor.position.sequence;
        for entry in records.range((number, 0)..=(number, cursor.record_count))?.rev() {
            if sequence <= released {
                break;
            }
            let (key, bytes) = entry?;
            let at = key.value().1;
            let record = read_record(Place { reporter, number: at }, bytes.value())
                .map_err(|fault| Error::Damaged(Damaged::new(reporter, cursor, at..=at, fault)))?;
            // A log that returns after another one replaced it begins again. Results from its first
            // time say nothing about the same batches now.
            if record.log != cursor.log || record.batch.sequence != sequence {
                break;
            }
            sequence -= 1;
            refusal_count += record.result.as_ref().map_or(0, BatchResult::refusal_count);
            if refusal_count > refusal_count_max {
                return Ok(None);
            }
            results.extend(record.result);
        }
        results.reverse();
        Ok(Some(results))
    }

    pub(super) fn begin(&self) -> Result<Transaction, Error> {
        let database = self.database.borrow();
        let mut transaction = database.as_ref().ok_or_else(closed)?.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(Transaction(transaction))
    }
}

/// Next record of a log, or damage in its place.
pub(super) enum Next {
    Record(u64, Box<Record>),
    /// Numbers of damaged or missing records.
    Damaged(RangeInclusive<u64>, Fault),
}

/// Iterator over a reporter's records in order, including damaged and missing ones.
pub(super) struct Records {
    reporter: LocalityCode,
    range: Range<'static, RecordKey, &'static [u8]>,
    /// Number of the next record.
    next: u64,
    last: u64,
    /// Item after a gap that was just returned.
    held: Option<Next>,
}

impl Iterator for Records {
    type Item = Result<Next, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(held) = self.held.take() {
            return Some(Ok(held));
        }
        let due = self.next;
        let gap = |before: u64| Next::Damaged(due..=before, Fault::Missing);
        let Some(row) = self.range.next() else {
            self.next = self.last + 1;
            return (due <= self.last).then(|| Ok(gap(self.last)));
        };
        let (key, bytes) = match row {
            Ok(row) => row,
            Err(error) => return Some(Err(error.into())),
        };
        let (_, number) = key.value();
        self.next = number + 1;
        let read = match read_record(Place { reporter: self.reporter, number }, bytes.value()) {
            Ok(record) => Next::Record(number, Box::new(record)),
            Err(fault) => Next::Damaged(number..=number, fault),
        };
        if number == due {
            return Some(Ok(read));
        }
        self.held = Some(read);
        Some(Ok(gap(number - 1)))
    }
}

/// Atomic change of the store.
pub(super) struct Transaction(WriteTransaction);

impl Transaction {
    pub(super) fn cursor(&self, reporter: LocalityCode) -> Result<Option<Cursor>, Error> {
        let cursors = self.0.open_table(CURSORS)?;
        let kept = cursors.get(reporter.number())?;
        kept.map(|kept| read_cursor(reporter, kept.value())).transpose()
    }

    pub(super) fn set_cursor(&self, reporter: LocalityCode, cursor: Cursor) -> Result<(), Error> {
        let bytes = convert::seal_cursor(reporter, cursor).encode_to_vec();
        self.0.open_table(CURSORS)?.insert(reporter.number(), &bytes[..])?;
        Ok(())
    }

    /// Notes damaged records in the cursor: if they are of the log in force, a new log must begin.
    /// Also writes them again unchanged. redb checks the checksum of a page only after a crash, and
    /// then refuses the whole file; a page that was written again has a valid checksum.
    pub(super) fn note_damage(&self, damaged: &Damaged) -> Result<(), Error> {
        let number = damaged.reporter.number();
        let mut records = self.0.open_table(RECORDS)?;
        let (first, last) = ((number, *damaged.records.start()), (number, *damaged.records.end()));
        let kept = records.range(first..=last)?.map(|row| {
            let (key, bytes) = row?;
            Ok((key.value(), bytes.value().to_vec()))
        });
        for (key, bytes) in kept.collect::<Result<Vec<_>, Error>>()? {
            records.insert(key, &bytes[..])?;
        }
        drop(records);
        if damaged.batches.is_none() {
            return Ok(());
        }
        let reporter = damaged.reporter;
        match self.cursor(reporter)? {
            Some(cursor) if !admission::is_damaged(&cursor) => {
                self.set_cursor(reporter, Cursor { damaged: Some(cursor.log), ..cursor })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Appends a record; `behind` is the chain behind its batch.
    pub(super) fn append(
        &self,
        reporter: LocalityCode,
        number: u64,
        record: Record,
        behind: Chain,
    ) -> Result<(), Error> {
        let place = Place { reporter, number };
        let bytes = convert::seal_record(place, record, behind).encode_to_vec();
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

    /// Writes a dummy value, to find out whether there is room for a batch. The value stays until
    /// the next probe, because one that is removed before the commit would never be written.
    pub(super) fn probe(&self) -> Result<(), Error> {
        self.0.open_table(META)?.insert(PROBE, &vec![0; PROBE_BYTES][..])?;
        Ok(())
    }

    pub(super) fn keep_reference(&self, (digest, contents): &Reference) -> Result<(), Error> {
        self.0.open_table(REFERENCES)?.insert(&digest[..], &contents[..])?;
        Ok(())
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit()?)
    }
}

/// Opens the file; gives up the ballast if the disk is full, and tries once more.
fn with_room(
    ballast: &mut Ballast,
    open: impl Fn() -> Result<Database, Error>,
) -> Result<Database, Error> {
    match open() {
        Err(error) if error.is_of_full_disk() => {
            if !ballast.give_up().map_err(redb::Error::Io)? {
                return Err(error);
            }
            warn!("the disk is full: the ballast is given up to open the store");
            open()
        }
        opened => opened,
    }
}

fn place_of(path: &Path) -> Result<(u64, u64), Error> {
    let found = fs::metadata(path).map_err(redb::Error::Io)?;
    Ok((found.dev(), found.ino()))
}

fn open_database(path: &Path) -> Result<Database, Error> {
    Database::builder().open(path).map_err(|error| match error {
        DatabaseError::UpgradeRequired(version) => {
            format::refused(path, format!("{version} of redb files"))
        }
        DatabaseError::Storage(source @ StorageError::Corrupted(_)) => {
            Error::Unreadable { path: path.display().to_string(), source: Box::new(source.into()) }
        }
        DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: path.display().to_string() },
        other => other.into(),
    })
}

fn generation_of(database: &Database) -> Result<Generation, Error> {
    let meta = database.begin_read()?.open_table(META)?;
    let kept = meta.get(STORE_ID)?;
    let bytes = kept.and_then(|kept| kept.value().try_into().ok());
    Ok(Generation(bytes.ok_or_else(|| corrupt("generation", "expected 16 bytes"))?))
}

fn closed() -> Error {
    Error::Database(Box::new(redb::Error::PreviousIo))
}

/// Creates an empty store. A file that a crash left incomplete could not be opened again, so the
/// file gets its name only once it is complete and synced.
fn create(directory: &Path, generation: Generation) -> Result<(), Error> {
    let unfinished = directory.join(format!("{FILE}.new"));
    prepare(directory, &unfinished)
        .map_err(|source| Error::Directory { path: directory.display().to_string(), source })?;
    let database = Database::builder().create(&unfinished)?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(STORE_ID, &generation.0[..])?;
    format::mark(&transaction)?;
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
    modes::make_directory(directory)?;
    // An empty file becomes a database, and keeps its mode.
    drop(modes::create_file(unfinished)?);
    Ok(())
}

fn read_record(place: Place, bytes: &[u8]) -> Result<Record, Fault> {
    let read = convert::open_record(place, bytes)?;
    if read.is_sealed { Ok(read.record) } else { Err(Fault::Unsealed) }
}
