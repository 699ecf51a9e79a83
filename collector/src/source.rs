//! Where observations come from: a folder into which a province's offices put CSV files.
//!
//! ```text
//! inbox → folder (which files are complete) → intake ─ contents (the whole file, checked) ─→ spool
//!            └ filing (accepted/, rejected/)    │   text → records → table → value
//!                                               └ report (what was refused, and what to do)
//! ```
//!
//! [`contents`] and what is below it decide by the bytes of one file and touch nothing else, as do
//! [`refusal`], [`report`] and [`settling`]; the others carry bytes. This module knows the catalogue's and the gazetteer's words, and nothing of batches,
//! sessions or rollups.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode, Timestamp, catalogue::Catalogue, gazetteer::Gazetteer, validation::Rules,
};

pub mod contents;
mod filing;
pub mod folder;
mod intake;
mod opening;
pub mod records;
pub mod refusal;
pub mod report;
pub mod separator;
pub mod settling;
pub mod table;
pub mod text;
mod trouble;
pub mod value;

pub use trouble::Trouble;

/// Facts that observations are checked by before they reach the spool.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Reporter of the observations.
    pub reporter: LocalityCode,
    pub catalogue: Arc<Catalogue>,
    pub gazetteer: Arc<Gazetteer>,
    /// Furthest that an observed time may lie ahead of the clock.
    pub ahead_max: Duration,
    /// Months before a locality began for which figures may be restated for it.
    pub restated_months_max: u32,
}

impl Facts {
    /// The rules at a time.
    #[must_use]
    pub fn rules(&self, now: Timestamp) -> Rules<'_> {
        Rules {
            reporter: self.reporter,
            catalogue: &self.catalogue,
            gazetteer: &self.gazetteer,
            now,
            ahead_max: self.ahead_max,
            restated_months_max: self.restated_months_max,
        }
    }
}

/// Bounds of what one scan, one file and one report may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Observations that are appended to the spool at once.
    pub chunk_observations_max: usize,
    /// Such appends of one file that may be on their way to the disk.
    pub waiting_chunks_max: usize,
    /// Bytes of a file; a larger one is refused, so that any can be checked as a whole.
    pub file_bytes_max: u64,
    /// Values of a file, which are in memory while it is checked: about 100 bytes each.
    pub file_observations_max: usize,
    /// Bytes of a line; a longer one is refused.
    pub line_bytes_max: usize,
    /// Entries that a report lists; those beyond are counted.
    pub report_entries_max: usize,
    /// Files that a scan considers; the others wait for the next scan.
    pub scan_files_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chunk_observations_max: 1_000,
            waiting_chunks_max: 8,
            file_bytes_max: 256 << 20,
            file_observations_max: 1_000_000,
            line_bytes_max: 64 * 1024,
            report_entries_max: 100_000,
            scan_files_max: 10_000,
        }
    }
}

/// Error that keeps a source from going on with a file or a folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{doing} {} failed", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The file is read again when it has settled.
    #[error("{} changed while it was read", path.display())]
    Changed { path: PathBuf },
    #[error("the spool failed: see its error in the log above")]
    Spool(#[source] crate::spool::Error),
}

impl Error {
    /// Names what was being done to a path, for `map_err`.
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
