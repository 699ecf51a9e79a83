//! Listing of the inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
};

use tokio::fs::{self, DirEntry};

use super::Folder;
use crate::source::{
    Error,
    filing::Place,
    opening::stamp_of,
    settling::{Name, Stamp},
};

/// Result of a scan.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) files: BTreeMap<OsString, Stamp>,
    /// Names that are left alone, and whether they may hold data.
    pub(super) strangers: BTreeSet<(OsString, Stranger)>,
    /// There are more files than a scan considers.
    pub(super) is_cut: bool,
}

/// Something in the inbox that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stranger {
    /// The file may hold data in another format.
    OtherFormat,
    /// The entry is named like a table and is a link, a pipe or a device.
    NotRegular,
    Other,
}

impl Stranger {
    /// Word for logs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OtherFormat => "other_format",
            Self::NotRegular => "not_regular",
            Self::Other => "other",
        }
    }
}

enum Sort {
    Nothing,
    Stranger(Stranger),
    Table(Stamp),
}

impl Folder {
    /// Lists the inbox. Files that were read or cannot be read now take no place from others.
    pub(super) async fn list(&self) -> Result<Listing, Error> {
        let inbox = self.filing.folder(Place::Inbox);
        let room = self.intake.limits.scan_files_max;
        let mut listing = Listing::default();
        let mut entries = fs::read_dir(&inbox).await.map_err(Error::io("listing", &inbox))?;
        while let Some(entry) = entries.next_entry().await.map_err(Error::io("listing", &inbox))? {
            let name = entry.file_name();
            match sort(&entry).await.map_err(Error::io("looking at", entry.path()))? {
                Sort::Nothing => {}
                Sort::Stranger(kind) => {
                    if listing.strangers.len() < room {
                        listing.strangers.insert((name, kind));
                    }
                }
                Sort::Table(stamp) => {
                    let source = (Place::Inbox, name);
                    let step = self.pending.get(&source);
                    if step.is_some_and(|step| step.stamp == stamp)
                        || self.setbacks.waits(&source, tokio::time::Instant::now())
                    {
                        continue;
                    }
                    if listing.files.len() < room {
                        listing.files.insert(source.1, stamp);
                    } else {
                        listing.is_cut = true;
                    }
                }
            }
        }
        Ok(listing)
    }
}

async fn sort(entry: &DirEntry) -> io::Result<Sort> {
    let metadata = match entry.metadata().await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sort::Nothing),
        metadata => metadata?,
    };
    if metadata.is_dir() {
        return Ok(Sort::Nothing);
    }
    Ok(match Name::classify(&entry.file_name()) {
        Name::Passing => Sort::Nothing,
        Name::Table if metadata.is_file() => Sort::Table(stamp_of(&metadata)?),
        // The trays may be links to folders of another disk, and so may others.
        Name::Table => Sort::Stranger(Stranger::NotRegular),
        Name::OtherFormat => Sort::Stranger(Stranger::OtherFormat),
        Name::Other => Sort::Stranger(Stranger::Other),
    })
}
