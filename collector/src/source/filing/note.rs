//! Notes of moves: which files were read, and are on their way to a tray.
//!
//! A note is written before the report and removed after the move, so that whatever interrupts the
//! two, the file is not read as a new one.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use phuxanh_core::Timestamp;
use sha2::{Digest, Sha256};
use tokio::fs;

use super::{Filing, Place, WORKING, names::hex};
use crate::source::{Error, settling::Stamp};

const PREFIX: &str = "move-";
/// Separates the fields of a note: no file name holds it.
const SEPARATOR: u8 = 0;

/// A move from the inbox or a tray to a tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub place: Place,
    pub from: OsString,
    pub tray: Place,
    pub to: OsString,
    /// The file that was read.
    pub stamp: Stamp,
}

impl Filing {
    /// Notes a move before it is made.
    pub async fn note(&self, step: &Move) -> Result<(), Error> {
        self.write_own(&note_name(step.place, &step.from), &write(step)).await
    }

    /// Removes the note of a move.
    pub async fn clear_note(&self, step: &Move) -> Result<(), Error> {
        let path = self.inbox.join(WORKING).join(note_name(step.place, &step.from));
        match fs::remove_file(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(Error::io("removing", path)),
        }
    }

    /// The moves that were noted and not cleared. A note that cannot be read is passed over: its
    /// file is read again.
    pub async fn noted(&self) -> Result<Vec<Move>, Error> {
        let folder = self.inbox.join(WORKING);
        let mut entries = fs::read_dir(&folder).await.map_err(Error::io("listing", &folder))?;
        let mut moves = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(Error::io("listing", &folder))? {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let bytes = self.read_own(name).await?;
            moves.extend(bytes.and_then(|bytes| read(&bytes)));
        }
        Ok(moves)
    }
}

fn note_name(place: Place, from: &OsStr) -> String {
    let hash = Sha256::new().chain_update(place.name()).chain_update(from.as_bytes()).finalize();
    format!("{PREFIX}{}", hex(&hash[..8]))
}

fn write(step: &Move) -> Vec<u8> {
    let Stamp { size_bytes, modified, device, inode } = step.stamp;
    let stamp = format!("{size_bytes} {} {device} {inode}", modified.micros());
    let fields = [
        step.place.name().as_bytes(),
        step.from.as_bytes(),
        step.tray.name().as_bytes(),
        step.to.as_bytes(),
        stamp.as_bytes(),
    ];
    fields.join(&SEPARATOR)
}

fn read(bytes: &[u8]) -> Option<Move> {
    let fields: Vec<_> = bytes.split(|byte| *byte == SEPARATOR).collect();
    let [place, from, tray, to, stamp] = fields[..] else { return None };
    let name = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let mut numbers = str::from_utf8(stamp).ok()?.split(' ');
    let size_bytes = numbers.next()?.parse().ok()?;
    let modified = Timestamp::from_micros(numbers.next()?.parse().ok()?).ok()?;
    let (device, inode) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(Move {
        place: place_of(place)?,
        from: name(from),
        tray: place_of(tray)?,
        to: name(to),
        stamp: Stamp { size_bytes, modified, device, inode },
    })
}

fn place_of(name: &[u8]) -> Option<Place> {
    let places = [Place::Inbox, Place::Accepted, Place::Rejected];
    places.into_iter().find(|place| place.name().as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_with_any_name() {
        let step = Move {
            place: Place::Inbox,
            from: OsString::from_vec(b"b\xe1o c\xe1o\n.csv".to_vec()),
            tray: Place::Accepted,
            to: "báo cáo-2.csv".into(),
            stamp: Stamp {
                size_bytes: 7,
                modified: "2025-08-01 09:00".parse().expect("a time"),
                device: 1,
                inode: u64::MAX,
            },
        };
        assert_eq!(read(&write(&step)), Some(step));
        assert_eq!(read(b"a.csv\0a.csv"), None);
    }
}
