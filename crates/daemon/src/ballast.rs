//! The ballast: a file of bytes that mean nothing, given up when the disk is full.
//!
//! On a full disk even an acknowledgement cannot be written down, since redb copies what it
//! changes, and a file that was not closed cannot be opened. The ballast's room is for that; nothing
//! else is written until it is back.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use crate::modes;

const CHUNK_BYTES: usize = 64 << 10;

/// The file, and whether it is there.
#[derive(Debug)]
pub struct Ballast {
    /// `None` where none is to be kept.
    path: Option<PathBuf>,
    bytes: u64,
    is_kept: bool,
}

impl Ballast {
    /// The ballast at a path, as it is. None is kept where `bytes` is 0.
    #[must_use]
    pub fn find(path: Option<PathBuf>, bytes: u64) -> Self {
        let path = path.filter(|_| bytes > 0);
        let is_kept = path
            .as_ref()
            .is_none_or(|path| fs::metadata(path).is_ok_and(|found| found.len() == bytes));
        Self { path, bytes, is_kept }
    }

    /// True if all of it is there.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Makes room; false where there is nothing to give.
    pub fn give_up(&mut self) -> io::Result<bool> {
        let Some(path) = &self.path else { return Ok(false) };
        let was_kept = self.is_kept;
        self.is_kept = false;
        match fs::remove_file(path) {
            Ok(()) => Ok(was_kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Fills it again. Leaves nothing behind where there is no room.
    pub fn restore(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.is_kept {
            return Ok(());
        }
        let filled = modes::create_file(path).and_then(|file| fill(file, self.bytes));
        if let Err(error) = filled {
            // The half of it would be in the way of what it is for.
            drop(fs::remove_file(path));
            return Err(error);
        }
        self.is_kept = true;
        Ok(())
    }
}

/// Writes bytes that no file system stores in less room.
fn fill(mut file: File, bytes: u64) -> io::Result<()> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0 {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while chunk.len() < CHUNK_BYTES {
            // xorshift64
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            chunk.extend_from_slice(&random.to_le_bytes());
        }
        chunk.truncate(left);
        file.write_all(&chunk)?;
        left -= chunk.len();
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ballast");
        let find = || Ballast::find(Some(path.clone()), 100_000);
        let mut ballast = find();
        assert!(!ballast.is_kept());
        ballast.restore().expect("there is room");
        assert!(ballast.is_kept() && find().is_kept());
        assert_eq!(fs::metadata(&path).expect("a file").len(), 100_000);
        fs::write(&path, "half of it").expect("written");
        assert!(!find().is_kept());
        assert!(ballast.give_up().expect("removed"));
        assert!(!path.exists() && !ballast.is_kept());
        assert!(!ballast.give_up().expect("nothing there"));
    }

    #[test]
    fn none_is_always_whole_and_gives_nothing() {
        let mut ballast = Ballast::find(Some("nowhere/ballast".into()), 0);
        assert!(ballast.is_kept());
        assert!(!ballast.give_up().expect("nothing to do"));
    }
}
