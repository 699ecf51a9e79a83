//! The spool's directory: its file is made so that a crash cannot leave half of one, and is never
//! emptied.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use phuxanh_core::LogId;
use phuxanh_daemon::modes;
use redb::{StorageBackend, backends::FileBackend};

use super::{
    FatalError,
    file::{File, Medium},
    format,
    tables::Head,
};

const FILE: &str = "spool.redb";
const BALLAST: &str = "spool.ballast";
const REDB_MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
const REDB_FORMAT: u8 = 3;
const REDB_VERSIONS_AT: [usize; 2] = [64, 192];
const REDB_HEAD_BYTES: usize = 320;
/// Unreadable files that are kept beside the spool before the daemon refuses to start.
const MOVED_ASIDE_MAX: u32 = 100;

/// Error that keeps a spool from being opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot prepare the spool's directory {path}")]
    Directory { path: String, source: io::Error },
    #[error("there is no spool in {path}")]
    Absent { path: String },
    #[error("the spool {path} is in use: is another collector running on this directory?")]
    InUse { path: String },
    #[error("the spool {path} is damaged; a collector that starts on it moves it aside")]
    Unreadable { path: String, source: FatalError },
    #[error(
        "{path}: the file is of redb file format {found}, and this program reads format \
         {REDB_FORMAT}: use the version of the collector that wrote it; nothing was changed"
    )]
    FileFormat { path: String, found: u8 },
    #[error("there are {MOVED_ASIDE_MAX} unreadable spools in {path}: move them elsewhere")]
    TooManyMovedAside { path: String },
    #[error(transparent)]
    Fatal(#[from] FatalError),
}

/// An open file, and where an unreadable one before it went.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) head: Head,
    pub(super) moved_aside: Option<PathBuf>,
}

/// Sizes of the file and the ballast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) quota_bytes: u64,
    pub(super) ballast_bytes: u64,
}

/// Opens the file of a directory, or makes one whose log is `fresh`. A file that cannot be read is
/// moved aside, since what it holds may still be worth an expert's time.
pub(super) fn open(directory: &Path, sizes: Sizes, fresh: LogId) -> Result<Opened, OpenError> {
    let at_directory =
        |source| OpenError::Directory { path: directory.display().to_string(), source };
    make_directory(directory).map_err(at_directory)?;
    for path in [directory.to_owned(), directory.join(FILE)] {
        modes::warn_if_open(&path);
    }
    let moved_aside = match open_existing(directory, sizes) {
        Err(OpenError::Absent { .. }) => None,
        Err(OpenError::Unreadable { .. }) => {
            let path = directory.join(FILE);
            let aside = free_name(&path)?;
            fs::rename(&path, &aside).map_err(at_directory)?;
            Some(aside)
        }
        opened => return opened,
    };
    make(directory, sizes, fresh)?;
    Ok(Opened { moved_aside, ..open_existing(directory, sizes)? })
}

/// Opens the file of a directory and changes nothing where it cannot be read.
pub(super) fn open_existing(directory: &Path, sizes: Sizes) -> Result<Opened, OpenError> {
    let path = directory.join(FILE);
    let named = path.display().to_string();
    match fs::metadata(&path) {
        Ok(found) if found.len() == 0 => {
            let source = FatalError::Corrupt("header");
            return Err(OpenError::Unreadable { path: named, source });
        }
        Ok(_) => other_redb_format(&path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Absent { path: directory.display().to_string() });
        }
        Err(source) => return Err(OpenError::Directory { path: named, source }),
    }
    let medium = medium(&path, Some(directory.join(BALLAST)));
    open_on(medium, sizes, None).map_err(|error| match error {
        error if error.is_lock() => OpenError::InUse { path: named },
        error if error.is_damage() => OpenError::Unreadable { path: named, source: error },
        error => OpenError::Fatal(error),
    })
}

/// Opens a medium. An empty one becomes a spool whose log is `fresh`, if one is given.
pub(super) fn open_on(
    medium: Medium,
    sizes: Sizes,
    fresh: Option<LogId>,
) -> Result<Opened, FatalError> {
    let mut file = File::open(medium, sizes.quota_bytes, sizes.ballast_bytes)?;
    match fresh {
        Some(fresh) if file.is_empty()? => file.make_tables(fresh)?,
        Some(_) | None => format::bring_up_to_date(&mut file)?,
    }
    let head = Head::read(&file.read()?)?;
    Ok(Opened { file, head, moved_aside: None })
}

/// Refuses a file that another version of redb has written, which would seem to be damaged. Both of
/// its transactions begin with the version; where they differ, one of them is damaged.
fn other_redb_format(path: &Path) -> Result<(), OpenError> {
    let named = || path.display().to_string();
    let mut head = [0; REDB_HEAD_BYTES];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if let Err(source) = read {
        return match source.kind() {
            io::ErrorKind::UnexpectedEof => Ok(()),
            _ => Err(OpenError::Directory { path: named(), source }),
        };
    }
    let versions = REDB_VERSIONS_AT.map(|at| head[at]);
    let is_other =
        head.starts_with(REDB_MAGIC) && versions[0] == versions[1] && versions[0] != REDB_FORMAT;
    if is_other { Err(OpenError::FileFormat { path: named(), found: versions[0] }) } else { Ok(()) }
}

/// Counts the unreadable files beside the spool of a directory.
#[must_use]
pub fn moved_aside_count(directory: &Path) -> u64 {
    let path = directory.join(FILE);
    let count = (1..=MOVED_ASIDE_MAX).filter(|number| aside(&path, *number).exists()).count();
    u64::try_from(count).expect("64 bits fit")
}

/// Makes the file under another name, and gives it its own when all of it is on disk.
fn make(directory: &Path, sizes: Sizes, fresh: LogId) -> Result<(), OpenError> {
    let at_directory =
        |source| OpenError::Directory { path: directory.display().to_string(), source };
    let unfinished = directory.join(format!("{FILE}.new"));
    remove(&unfinished).map_err(at_directory)?;
    drop(open_on(medium(&unfinished, None), sizes, Some(fresh))?);
    let name = || {
        fs::File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, directory.join(FILE))?;
        fs::File::open(directory)?.sync_all()
    };
    name().map_err(at_directory)
}

fn medium(path: &Path, ballast: Option<PathBuf>) -> Medium {
    let path = path.to_owned();
    let open = move || -> io::Result<Box<dyn StorageBackend>> {
        let file = modes::private_file().truncate(false).open(&path)?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(backend))
    };
    Medium::new(open, ballast)
}

/// Makes a directory and those above it, so that a crash does not lose the path to the spool.
fn make_directory(directory: &Path) -> io::Result<()> {
    let absent: Vec<_> = directory.ancestors().take_while(|path| !path.exists()).collect();
    modes::make_directory(directory)?;
    for made in absent {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => fs::File::open(parent)?.sync_all()?,
            Some(_) => fs::File::open(".")?.sync_all()?,
            None => {}
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn free_name(path: &Path) -> Result<PathBuf, OpenError> {
    (1..=MOVED_ASIDE_MAX)
        .map(|number| aside(path, number))
        .find(|candidate| !candidate.exists())
        .ok_or_else(|| OpenError::TooManyMovedAside { path: path.display().to_string() })
}

fn aside(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("redb.unreadable-{number}"))
}
