//! The spool's file: made so that a crash cannot leave half of one, and never emptied.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use phuxanh_proto::model::{LogId, Position};
use redb::{Database, DatabaseError, TableDefinition};

use super::FatalError;

const FILE: &str = "spool.redb";
/// Unreadable files that are kept beside the spool before the daemon refuses to start.
const MOVED_ASIDE_MAX: u32 = 100;

/// Log id, epoch, produced sequence and chain, released sequence and chain.
pub(super) type LogRow = (&'static [u8; 16], u64, u64, &'static [u8; 32], u64, &'static [u8; 32]);
/// Observation count, complete-through time (0 for none), chain before, payload.
pub(super) type BatchRow = (u32, i64, &'static [u8; 32], &'static [u8]);
/// Period, locality and metric. By time first, so that a month's cells lie together.
pub(super) type CellKeyRow = (u32, u32, &'static str);
/// Value, observed time, revision, basis.
pub(super) type CellRow = (Option<i64>, i64, u32, u32);

pub(super) const LOG: TableDefinition<(), LogRow> = TableDefinition::new("log");
/// By sequence.
pub(super) const BATCHES: TableDefinition<u64, BatchRow> = TableDefinition::new("batches");
pub(super) const CELLS: TableDefinition<CellKeyRow, CellRow> = TableDefinition::new("cells");
/// The first cell that is still to be restated; empty otherwise.
pub(super) const RESTATING: TableDefinition<(), CellKeyRow> = TableDefinition::new("restating");
/// Name and time of accepted files by digest.
pub(super) const FILES: TableDefinition<&[u8; 32], (&str, i64)> = TableDefinition::new("files");
/// Payload of one observation, reason and time, by number.
pub(super) const DEAD_LETTERS: TableDefinition<u64, (&[u8], &str, i64)> =
    TableDefinition::new("dead_letters");

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot prepare the spool's directory {path}")]
    Directory { path: String, source: io::Error },
    #[error("the spool {path} is in use: is another collector running on this directory?")]
    InUse { path: String },
    #[error("there are {MOVED_ASIDE_MAX} unreadable spools in {path}: move them elsewhere")]
    TooManyMovedAside { path: String },
    #[error(transparent)]
    Fatal(#[from] FatalError),
}

/// An open file, and where an unreadable one before it went.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) moved_aside: Option<PathBuf>,
}

/// Opens the file of a directory, or makes one whose log is `fresh`. A file that cannot be read is
/// moved aside, since what it holds may still be worth an expert's time.
pub(super) fn open(directory: &Path, fresh: LogId) -> Result<Opened, OpenError> {
    let path = directory.join(FILE);
    let at_directory =
        |source| OpenError::Directory { path: directory.display().to_string(), source };
    fs::create_dir_all(directory).map_err(at_directory)?;
    let mut moved_aside = None;
    if path.exists() {
        match Database::builder().open(&path) {
            Ok(database) => return Ok(Opened { database, moved_aside }),
            Err(DatabaseError::DatabaseAlreadyOpen) => {
                return Err(OpenError::InUse { path: path.display().to_string() });
            }
            Err(DatabaseError::Storage(redb::StorageError::Io(source))) => {
                return Err(at_directory(source));
            }
            Err(_) => {
                let aside = free_name(&path)?;
                fs::rename(&path, &aside).map_err(at_directory)?;
                moved_aside = Some(aside);
            }
        }
    }
    let unfinished = directory.join(format!("{FILE}.new"));
    remove(&unfinished).map_err(at_directory)?;
    make(&unfinished, fresh)?;
    let name = || {
        fs::File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &path)?;
        fs::File::open(directory)?.sync_all()
    };
    name().map_err(at_directory)?;
    let database = Database::builder().open(&path).map_err(FatalError::from)?;
    Ok(Opened { database, moved_aside })
}

fn make(path: &Path, fresh: LogId) -> Result<(), FatalError> {
    let database = Database::builder().create(path)?;
    let transaction = database.begin_write()?;
    let start = Position::start(fresh);
    let row = (&fresh.0, 0, 0, &start.chain.0, 0, &start.chain.0);
    transaction.open_table(LOG)?.insert((), row)?;
    transaction.open_table(BATCHES)?;
    transaction.open_table(CELLS)?;
    transaction.open_table(RESTATING)?;
    transaction.open_table(FILES)?;
    transaction.open_table(DEAD_LETTERS)?;
    Ok(transaction.commit()?)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn free_name(path: &Path) -> Result<PathBuf, OpenError> {
    (1..=MOVED_ASIDE_MAX)
        .map(|number| path.with_extension(format!("redb.unreadable-{number}")))
        .find(|candidate| !candidate.exists())
        .ok_or_else(|| OpenError::TooManyMovedAside { path: path.display().to_string() })
}
