//! Opening a file that somebody else may exchange at any moment.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::UNIX_EPOCH,
};

use phuxanh_core::Timestamp;
use rustix::fs::OFlags;

use super::settling::Stamp;

/// Opens a regular file to be read. A link is not followed, and a pipe is not waited for. A thread
/// of its own waits for a file server that does not answer.
pub async fn open(path: &Path) -> io::Result<(File, Stamp)> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || open_now(&path)).await?
}

/// True if the last line of a file has a line end, in UTF-8 or UTF-16. An empty file has none.
pub async fn is_terminated(path: &Path) -> io::Result<bool> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || is_terminated_now(&path)).await?
}

fn open_now(path: &Path) -> io::Result<(File, Stamp)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).expect("flags of open fit");
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let message = "not a regular file: links, pipes and devices are not read";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let stamp = stamp_of(&metadata)?;
    Ok((file, stamp))
}

/// Returns what a scan compares of a file.
pub fn stamp_of(metadata: &Metadata) -> io::Result<Stamp> {
    let modified = time_of(metadata)?;
    let (device, inode) = (metadata.dev(), metadata.ino());
    Ok(Stamp { size_bytes: metadata.len(), modified, device, inode })
}

/// Time of the last write to a file.
pub fn time_of(metadata: &Metadata) -> io::Result<Timestamp> {
    let age = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_micros(0).expect("1970 is in range").plus(age))
}

fn is_terminated_now(path: &Path) -> io::Result<bool> {
    let (mut file, stamp) = open_now(path)?;
    let count = stamp.size_bytes.min(2);
    file.seek(SeekFrom::End(-i64::try_from(count).expect("at most 2")))?;
    let mut end = Vec::new();
    file.take(count).read_to_end(&mut end)?;
    Ok(matches!(end[..], [.., b'\n' | b'\r'] | [b'\n' | b'\r', 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), "1\n").expect("written");
        std::os::unix::fs::symlink(path("a"), path("link")).expect("made");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), kind, mode, 0).expect("made");
        assert_eq!(open_now(&path("a")).expect("opened").1.size_bytes, 2);
        for name in ["link", "pipe", "."] {
            assert!(open_now(&path(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_line_end_is_told_in_each_encoding() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let cases: [(&[u8], bool); 8] = [
            (b"a\n", true),
            (b"a\r", true),
            (b"\n\0", true),
            (b"\0\n", true),
            (b"a\0", false),
            (b"a", false),
            (b"\n", true),
            (b"", false),
        ];
        for (bytes, expected) in cases {
            std::fs::write(&path, bytes).expect("written");
            assert_eq!(is_terminated_now(&path).expect("read"), expected, "{bytes:?}");
        }
    }
}
