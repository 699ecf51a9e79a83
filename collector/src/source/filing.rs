//! Places of files that have been read, and of their reports.
//!
//! `accepted/` and `rejected/` lie in the inbox, and may be links to another disk. `.working/` beside
//! them holds notes of moves that are under way.

mod names;
mod note;

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tokio::{
    fs::{self, File},
    io::AsyncWriteExt,
};

pub use note::Move;

use super::{Error, report::Report};
use names::{NAME_BYTES_MAX, numbered, report_name};

/// A folder in which a source file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Inbox,
    Accepted,
    Rejected,
}

/// An inbox with its trays.
#[derive(Debug, Clone)]
pub struct Filing {
    inbox: PathBuf,
}

const WORKING: &str = ".working";
/// Name of a report, and of a file that is copied, until it is complete.
const UNFINISHED: &str = ".unfinished";

impl Place {
    /// Name of the folder below the inbox.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl Filing {
    pub const fn new(inbox: PathBuf) -> Self {
        Self { inbox }
    }

    /// Makes the inbox and its folders where they are missing.
    pub async fn make(&self) -> Result<(), Error> {
        let names = [Place::Accepted.name(), Place::Rejected.name(), WORKING];
        for folder in names.map(|name| self.inbox.join(name)) {
            fs::create_dir_all(&folder).await.map_err(Error::io("creating", folder))?;
        }
        Ok(())
    }

    pub fn folder(&self, place: Place) -> PathBuf {
        match place {
            Place::Inbox => self.inbox.clone(),
            Place::Accepted | Place::Rejected => self.inbox.join(place.name()),
        }
    }

    pub fn path(&self, place: Place, name: &OsStr) -> PathBuf {
        self.folder(place).join(name)
    }

    /// Path of the text report number so much of a file in a tray.
    pub fn report(&self, tray: Place, name: &OsStr, number: u64) -> PathBuf {
        self.path(tray, &report_name(name, number, "txt", NAME_BYTES_MAX))
    }

    /// A name that is free in a tray, for a file and its report: the file's own, or with `-2`,
    /// `-3`… before the extension.
    pub async fn free_name(&self, tray: Place, name: &OsStr) -> Result<OsString, Error> {
        let mut number = 1;
        loop {
            let candidate = numbered(name, number, NAME_BYTES_MAX);
            let report = self.report(tray, &candidate, 1);
            if !exists(&self.path(tray, &candidate)).await? && !exists(&report).await? {
                return Ok(candidate);
            }
            number += 1;
        }
    }

    /// Number of the next report of a file that stays in its tray.
    pub async fn next_report(&self, tray: Place, name: &OsStr) -> Result<u64, Error> {
        let mut number = 1;
        while exists(&self.report(tray, name, number)).await? {
            number += 1;
        }
        Ok(number)
    }

    /// Writes a report. Each of its files appears whole under its name.
    pub async fn write_report(
        &self,
        tray: Place,
        name: &OsStr,
        number: u64,
        report: &Report,
    ) -> Result<PathBuf, Error> {
        let unfinished = self.path(tray, OsStr::new(UNFINISHED));
        let parts = [("csv", report.table.as_deref()), ("txt", Some(report.text.as_str()))];
        for (ending, text) in parts {
            let Some(text) = text else { continue };
            let path = self.path(tray, &report_name(name, number, ending, NAME_BYTES_MAX));
            write_whole(&unfinished, text.as_bytes()).await?;
            fs::rename(&unfinished, &path).await.map_err(Error::io("writing", path))?;
        }
        Ok(self.report(tray, name, number))
    }

    /// Puts another text in the place of a report, whole, and with the time of the report.
    pub async fn replace_report(
        &self,
        path: &Path,
        text: &str,
        written: SystemTime,
    ) -> io::Result<()> {
        let unfinished = path.with_file_name(UNFINISHED);
        let mut file = File::create(&unfinished).await?;
        file.write_all(text.as_bytes()).await?;
        file.flush().await?;
        let file = file.into_std().await;
        file.set_modified(written)?;
        file.sync_all()?;
        fs::rename(unfinished, path).await
    }

    /// Moves a file to a tray, also to one on another disk. Safe to repeat: where the copy is in its
    /// tray already, only the original is removed.
    pub async fn move_file(&self, step: &Move) -> Result<(), Error> {
        let from = self.path(step.place, &step.from);
        let to = self.path(step.tray, &step.to);
        match fs::rename(&from, &to).await {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            moved => return moved.map_err(Error::io("moving", from)),
        }
        if !exists(&to).await? {
            let unfinished = self.path(step.tray, OsStr::new(UNFINISHED));
            fs::copy(&from, &unfinished).await.map_err(Error::io("copying", &from))?;
            sync(&unfinished).await?;
            fs::rename(&unfinished, &to).await.map_err(Error::io("copying", &from))?;
        }
        fs::remove_file(&from).await.map_err(Error::io("removing", from))
    }

    /// Reads a small file of the source's own; `None` where there is none.
    pub async fn read_own(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.inbox.join(WORKING).join(name);
        match fs::read(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("reading", path)(error)),
        }
    }

    /// Writes a small file of the source's own. It is not synced: what a power loss takes of it
    /// costs no more than reading a file once more.
    pub async fn write_own(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.inbox.join(WORKING);
        let unfinished = folder.join(UNFINISHED);
        fs::write(&unfinished, bytes).await.map_err(Error::io("writing", &unfinished))?;
        let path = folder.join(name);
        fs::rename(unfinished, &path).await.map_err(Error::io("writing", path))
    }
}

async fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).await.map_err(Error::io("writing", path))?;
    sync(path).await
}

async fn sync(path: &Path) -> Result<(), Error> {
    let file = File::open(path).await.map_err(Error::io("opening", path))?;
    file.sync_all().await.map_err(Error::io("writing", path))
}

async fn exists(path: &Path) -> Result<bool, Error> {
    // A dangling link is something, too.
    match fs::symlink_metadata(path).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("looking for", path)(error)),
    }
}
