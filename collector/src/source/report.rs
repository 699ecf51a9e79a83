//! Writing the report of a file.
//!
//! The counts stand at its top but are known at its end, so the entries go to a file of their own
//! while the table is read, and are copied behind the head when it is done. A report appears
//! whole under its name or not at all.

mod text;

use std::path::{Path, PathBuf};

use phuxanh_core::Timestamp;
use tokio::{
    fs::{self, File},
    io::{self, AsyncWriteExt, BufWriter},
};

pub use text::{Counts, Outcome, Summary};

use super::{
    Error,
    refusal::{Cell, Refusal},
};

/// The entries of a report that is being written.
pub struct Details {
    path: PathBuf,
    writer: BufWriter<File>,
    entries_max: u64,
    listed: u64,
    left_out: u64,
}

impl Details {
    /// Begins without entries; what stood under the path is replaced.
    pub async fn create(path: PathBuf, entries_max: u64) -> Result<Self, Error> {
        let file = File::create(&path).await.map_err(Error::io("creating", &path))?;
        Ok(Self { path, writer: BufWriter::new(file), entries_max, listed: 0, left_out: 0 })
    }

    /// Lists something refused.
    pub async fn refused(&mut self, line: u64, refusal: &Refusal) -> Result<(), Error> {
        self.list(|| text::refusal(line, refusal)).await
    }

    /// Lists a value that a newer one replaces.
    pub async fn superseded(
        &mut self,
        line: u64,
        cell: &Cell,
        newer: Option<i64>,
        observed: Timestamp,
    ) -> Result<(), Error> {
        self.list(|| text::superseded(line, cell, newer, observed)).await
    }

    async fn list(&mut self, entry: impl FnOnce() -> String) -> Result<(), Error> {
        if self.listed == self.entries_max {
            self.left_out += 1;
            return Ok(());
        }
        self.listed += 1;
        let written = self.writer.write_all(entry().as_bytes()).await;
        written.map_err(Error::io("writing", &self.path))
    }

    /// Puts the head before the entries, writes both under `draft` and renames it to `path`.
    pub async fn finish(
        mut self,
        summary: &Summary,
        draft: &Path,
        path: &Path,
    ) -> Result<(), Error> {
        self.writer.flush().await.map_err(Error::io("writing", &self.path))?;
        let head = text::summary(summary, self.left_out);
        self.write(&head, draft).await.map_err(Error::io("writing", draft))?;
        fs::rename(draft, path).await.map_err(Error::io("writing", path))?;
        fs::remove_file(&self.path).await.map_err(Error::io("removing", &self.path))
    }

    async fn write(&self, head: &str, draft: &Path) -> io::Result<()> {
        let mut entries = File::open(&self.path).await?;
        let mut report = File::create(draft).await?;
        report.write_all(head.as_bytes()).await?;
        io::copy(&mut entries, &mut report).await?;
        report.sync_all().await
    }
}
