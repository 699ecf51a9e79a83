//! Where a file goes when it has been read, and its report next to it.
//!
//! `accepted/` and `rejected/` lie in the inbox; `.working/` beside them holds what is not
//! finished: the entries and the draft of a report, and a note of the move that is under way.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::fs;

use super::Error;

/// Separates the two names in the note of a move: no file name holds it.
const NOTE_SEPARATOR: char = '\0';

/// A folder for files that have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tray {
    Accepted,
    Rejected,
}

/// A move from the inbox to `accepted/`, by the names here and there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: String,
    pub to: String,
}

/// An inbox with its trays.
#[derive(Debug, Clone)]
pub struct Filing {
    inbox: PathBuf,
}

impl Tray {
    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl Filing {
    /// Creates the inbox and its trays where they are missing.
    pub async fn open(inbox: PathBuf) -> Result<Self, Error> {
        let filing = Self { inbox };
        let trays = [Tray::Accepted.name(), Tray::Rejected.name(), WORKING];
        for folder in trays.map(|name| filing.inbox.join(name)) {
            fs::create_dir_all(&folder).await.map_err(Error::io("creating", folder))?;
        }
        Ok(filing)
    }

    pub fn inbox(&self) -> &Path {
        &self.inbox
    }

    /// A file that has not been read yet.
    pub fn waiting(&self, name: &str) -> PathBuf {
        self.inbox.join(name)
    }

    /// The report of a file in a tray.
    pub fn report(&self, tray: Tray, name: &str) -> PathBuf {
        self.inbox.join(tray.name()).join(format!("{name}.report.txt"))
    }

    /// Entries of the report that is being written.
    pub fn entries(&self) -> PathBuf {
        self.inbox.join(WORKING).join("entries")
    }

    /// The report that is being written.
    pub fn draft(&self) -> PathBuf {
        self.inbox.join(WORKING).join("draft")
    }

    /// A name that is free in a tray: the file's own, or with `-2`, `-3`… before the extension.
    pub async fn free_name(&self, tray: Tray, name: &str) -> Result<String, Error> {
        let mut number = 1_u64;
        loop {
            let candidate = numbered(name, number);
            let path = self.inbox.join(tray.name()).join(&candidate);
            if !fs::try_exists(&path).await.map_err(Error::io("looking for", path))? {
                return Ok(candidate);
            }
            number += 1;
        }
    }

    /// Moves a file from the inbox to a tray.
    pub async fn move_to(&self, tray: Tray, step: &Move) -> Result<(), Error> {
        let (from, to) = (self.waiting(&step.from), self.inbox.join(tray.name()).join(&step.to));
        fs::rename(&from, to).await.map_err(Error::io("moving", from))
    }

    /// Notes a move before it is made, so that it can be completed after a crash.
    pub async fn note(&self, step: &Move) -> Result<(), Error> {
        let text = format!("{}{NOTE_SEPARATOR}{}", step.from, step.to);
        fs::write(self.note_path(), text).await.map_err(Error::io("writing", self.note_path()))
    }

    /// The move that was noted and not cleared.
    pub async fn noted(&self) -> Result<Option<Move>, Error> {
        let text = match fs::read_to_string(self.note_path()).await {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("reading", self.note_path())(error)),
        };
        let names = text.split_once(NOTE_SEPARATOR);
        Ok(names.map(|(from, to)| Move { from: from.to_owned(), to: to.to_owned() }))
    }

    pub async fn clear_note(&self) -> Result<(), Error> {
        fs::remove_file(self.note_path()).await.map_err(Error::io("removing", self.note_path()))
    }

    fn note_path(&self) -> PathBuf {
        self.inbox.join(WORKING).join("move")
    }
}

const WORKING: &str = ".working";

fn numbered(name: &str, number: u64) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) => format!("{stem}-{number}.{extension}"),
        (_, None) => format!("{name}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_extension() {
        assert_eq!(numbered("a.b.csv", 1), "a.b.csv");
        assert_eq!(numbered("a.b.csv", 2), "a.b-2.csv");
        assert_eq!(numbered("a", 3), "a-3");
    }
}
