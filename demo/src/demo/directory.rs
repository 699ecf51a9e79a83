//! Directory of the demo's data and logs.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::TempDir;

/// A directory that was given, or a fresh one.
#[derive(Debug)]
pub enum Directory {
    Given(PathBuf),
    Fresh(TempDir),
}

impl Directory {
    /// Makes the directory that was given, or a fresh one among the temporary files.
    pub fn prepare(given: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = given else {
            let fresh = tempfile::Builder::new().prefix("phuxanh-demo-").tempdir();
            return Ok(Self::Fresh(fresh.context("cannot make a directory for the demo")?));
        };
        fs::create_dir_all(path)
            .and_then(|()| path.canonicalize())
            .map(Self::Given)
            .with_context(|| format!("cannot make the directory {}", path.display()))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Fresh(directory) => directory.path(),
        }
    }

    /// Removes a fresh directory that nobody needs any more, and keeps any other.
    pub fn finish(self, done_with: bool) -> anyhow::Result<()> {
        match self {
            Self::Fresh(directory) if done_with => {
                let path = directory.path().display().to_string();
                directory.close().with_context(|| format!("cannot remove {path}"))
            }
            Self::Fresh(mut directory) => {
                directory.disable_cleanup(true);
                Ok(())
            }
            Self::Given(_) => Ok(()),
        }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(path) => write!(f, "{}", path.display()),
            Self::Fresh(directory) => {
                let path = directory.path().display();
                write!(f, "{path} (removed at the end; --dir chooses one that is kept)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_directory_is_removed_and_only_when_done_with() {
        let home = tempfile::tempdir().expect("a directory");
        let given = home.path().join("a/b");
        Directory::prepare(Some(&given)).expect("made").finish(true).expect("finished");
        assert!(given.is_dir());
        let fresh = Directory::prepare(None).expect("made");
        let path = fresh.path().to_owned();
        fresh.finish(true).expect("removed");
        assert!(!path.exists());
        let fresh = Directory::prepare(None).expect("made");
        let path = fresh.path().to_owned();
        fresh.finish(false).expect("kept");
        fs::remove_dir(path).expect("was kept");
    }
}
