//! The open file: its database, its bound and its ballast.
//!
//! A database whose write has failed is of no use any more, so the file can be opened again; what
//! was committed is in it, and what was not has not happened.

use std::{io, path::PathBuf, sync::Arc};

use phuxanh_daemon::ballast::Ballast;
use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction,
};

use super::{
    FatalError,
    backend::{Bounded, Gauge, Want},
    replaced::REPLACED,
    tables::{BATCHES, CELLS, DEAD_LETTERS, FILES, Head, LOG, RESTATING, TALLY, mark_format},
};

/// Memory for pages that were read or are to be written.
const CACHE_BYTES: usize = 32 << 20;

type Open = dyn Fn() -> io::Result<Box<dyn StorageBackend>> + Send;

/// Medium that a spool lies on.
pub struct Medium {
    open: Box<Open>,
    ballast: Option<PathBuf>,
}

impl Medium {
    /// A storage, which is opened anew after a write that failed, and where the ballast is kept.
    pub fn new(
        open: impl Fn() -> io::Result<Box<dyn StorageBackend>> + Send + 'static,
        ballast: Option<PathBuf>,
    ) -> Self {
        Self { open: Box::new(open), ballast }
    }
}

pub(super) struct File {
    medium: Medium,
    gauge: Arc<Gauge>,
    ballast: Ballast,
    quota_bytes: u64,
    ballast_bytes: u64,
    /// Empty only while the file is opened again.
    database: Option<Database>,
}

impl File {
    /// Opens the storage as it is; an empty one becomes a database without tables.
    pub(super) fn open(
        mut medium: Medium,
        quota_bytes: u64,
        ballast_bytes: u64,
    ) -> Result<Self, FatalError> {
        let ballast = Ballast::find(medium.ballast.take(), ballast_bytes);
        let gauge = Arc::new(Gauge::default());
        let mut file = Self { medium, gauge, ballast, quota_bytes, ballast_bytes, database: None };
        file.reopen()?;
        Ok(file)
    }

    /// Closes the file and opens it again. Opening may write, so the ballast goes if it must.
    pub(super) fn reopen(&mut self) -> Result<(), FatalError> {
        match self.open_database() {
            Err(_) if self.gauge.take_want().is_some() && self.give_up_ballast()? => {
                self.open_database()
            }
            opened => opened,
        }
    }

    fn open_database(&mut self) -> Result<(), FatalError> {
        // The lock of the old one would be in the way.
        self.database = None;
        let beyond = if self.ballast.is_kept() { 0 } else { self.ballast_bytes };
        self.gauge.set_bound(self.quota_bytes + beyond);
        let storage = (self.medium.open)().map_err(redb::Error::Io)?;
        let bounded = Bounded::new(storage, Arc::clone(&self.gauge)).map_err(redb::Error::Io)?;
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            // What is damaged shall be refused here, where it can be moved aside.
            .set_check_integrity_on_open(true)
            .create_with_backend(bounded)?;
        self.database = Some(database);
        Ok(())
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("a file that could not be opened again ends the spool")
    }

    fn database_mut(&mut self) -> &mut Database {
        self.database.as_mut().expect("a file that could not be opened again ends the spool")
    }

    /// Gives a database without tables those of a spool whose log is `fresh`.
    pub(super) fn make_tables(&self, fresh: phuxanh_core::LogId) -> Result<(), FatalError> {
        let transaction = self.write()?;
        transaction.open_table(LOG)?;
        transaction.open_table(TALLY)?;
        transaction.open_table(BATCHES)?;
        transaction.open_table(CELLS)?;
        transaction.open_table(REPLACED)?;
        transaction.open_table(RESTATING)?;
        transaction.open_table(FILES)?;
        transaction.open_table(DEAD_LETTERS)?;
        Head::start(fresh).write(&transaction)?;
        mark_format(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// True if the database has no tables, as a new one.
    pub(super) fn is_empty(&self) -> Result<bool, FatalError> {
        Ok(self.read()?.list_tables()?.next().is_none())
    }

    pub(super) fn read(&self) -> Result<ReadTransaction, FatalError> {
        Ok(self.database().begin_read()?)
    }

    pub(super) fn write(&self) -> Result<WriteTransaction, FatalError> {
        let mut transaction = self.database().begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }

    /// Moves pages to the front and cuts the file behind them.
    pub(super) fn compact(&mut self) -> Result<(), FatalError> {
        self.database_mut().compact()?;
        Ok(())
    }

    /// Reads every page; false where some were damaged and had to be repaired.
    pub(super) fn check(&mut self) -> Result<bool, FatalError> {
        Ok(self.database_mut().check_integrity()?)
    }

    /// Bytes of the pages in use, and of those that the next commits will free.
    pub(super) fn measure(&self) -> Result<u64, FatalError> {
        let transaction = self.write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let page_bytes = u64::try_from(stats.page_size()).expect("64 bits fit");
        Ok(stats.allocated_pages() * page_bytes)
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.gauge.file_bytes()
    }

    /// Returns what the last writes have wanted in vain.
    pub(super) fn take_want(&self) -> Option<Want> {
        self.gauge.take_want()
    }

    pub(super) const fn has_ballast(&self) -> bool {
        self.ballast.is_kept()
    }

    /// Makes room on the disk; false where there is no ballast to give up.
    pub(super) fn give_up_ballast(&mut self) -> Result<bool, FatalError> {
        let is_given = self.ballast.give_up().map_err(redb::Error::Io)?;
        self.gauge.set_bound(self.quota_bytes + self.ballast_bytes);
        Ok(is_given)
    }

    /// Fills the ballast again.
    pub(super) fn restore_ballast(&mut self) -> io::Result<()> {
        self.ballast.restore()?;
        self.gauge.set_bound(self.quota_bytes);
        Ok(())
    }
}
