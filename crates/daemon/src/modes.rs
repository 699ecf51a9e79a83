//! Modes of files and directories: what a daemon keeps is for its own user, whatever the umask.
//!
//! What is there already keeps its mode, since an operator may have chosen it. Data that others can
//! reach are a warning, secrets are refused.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tracing::warn;

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Bits of a mode by which others than the owner reach a file.
const OF_OTHERS: u32 = 0o077;
/// Bits by which anybody reads a secret, or a group changes it. A group may read it: that is how
/// containers are given theirs.
const OF_ANYBODY: u32 = 0o027;

/// Makes a directory for the daemon's own user, and those above it.
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)
}

/// Options to open a file for reading and writing; one that is made is for the daemon's own user.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(FILE);
    options
}

/// Makes an empty file for the daemon's own user. One that a crash left there is emptied, and loses a
/// wider mode.
pub fn create_file(path: &Path) -> io::Result<File> {
    let file = private_file().truncate(true).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    Ok(file)
}

/// Warns of data that others can reach.
pub fn warn_if_open(path: &Path) {
    if let Ok(found) = fs::metadata(path) {
        let mode = found.permissions().mode() & 0o777;
        if mode & OF_OTHERS != 0 {
            let (path, mode) = (path.display(), format!("{mode:o}"));
            let wanted = if found.is_dir() { DIRECTORY } else { FILE };
            let wanted = format!("{wanted:o}");
            warn!(%path, mode, wanted, "others than this user can reach the data: chmod it");
        }
    }
}

/// A secret that others reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found mode {mode:o}, expected {FILE:o}: chmod {FILE:o} {}", path.display())]
pub struct OpenToOthers {
    pub mode: u32,
    pub path: PathBuf,
}

/// Reason why a secret is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    Open(#[from] OpenToOthers),
}

/// Refuses a secret that anybody can read, or a group can change.
pub fn check_secret(path: &Path) -> Result<(), Refused> {
    let found = fs::metadata(path)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & OF_ANYBODY == 0 {
        return Ok(());
    }
    Err(OpenToOthers { mode, path: path.to_owned() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_the_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("a/b");
        make_directory(&inner).expect("made");
        let file = inner.join("file");
        drop(private_file().open(&file).expect("made"));
        assert_eq!(
            [mode(&inner), mode(&folder.path().join("a")), mode(&file)],
            [0o700, 0o700, 0o600]
        );
    }

    #[test]
    fn what_a_crash_left_is_emptied_and_loses_a_wider_mode() {
        let left = tempfile::NamedTempFile::new().expect("a file");
        fs::write(left.path(), "half of it").expect("written");
        fs::set_permissions(left.path(), Permissions::from_mode(0o666)).expect("set");
        let made = create_file(left.path()).expect("made");
        assert_eq!((mode(left.path()), made.metadata().expect("open").len()), (0o600, 0));
    }

    #[test]
    fn a_secret_that_anybody_can_read_or_a_group_can_change_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (mode, is_kept) in
            [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o660, false)]
        {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).expect("set");
            let checked = check_secret(file.path());
            assert_eq!(checked.is_ok(), is_kept, "{mode:o}: {checked:?}");
        }
        let refused = check_secret(file.path()).expect_err("660").to_string();
        assert!(refused.starts_with("found mode 660, expected 600: chmod 600 "), "{refused}");
    }
}
