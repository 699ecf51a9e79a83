//! A certificate and its key as files.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use phuxanh_daemon::modes;

use super::Error;

/// Files of a certificate and of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Pair {
    /// `NAME.pem` and `NAME-key.pem` of a folder.
    pub(super) fn named(folder: &Path, name: &str) -> Result<Self, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_allowed) {
            return Err(Error::Name(name.to_owned()));
        }
        Ok(Self::of_certificate(&folder.join(format!("{name}.pem"))))
    }

    /// The pair of a certificate's file.
    pub(super) fn of_certificate(certificate: &Path) -> Self {
        let mut name = certificate.file_stem().unwrap_or_default().to_owned();
        name.push("-key.pem");
        Self { certificate: certificate.to_owned(), key: certificate.with_file_name(name) }
    }

    /// Checks that neither file exists.
    pub(super) fn is_new(&self) -> Result<(), Error> {
        let existing = [&self.certificate, &self.key].into_iter().find(|path| path.exists());
        existing.map_or(Ok(()), |path| Err(Error::Exists(path.clone())))
    }

    /// Writes both files, the key for its owner alone. Each is whole whenever it is there.
    pub(super) fn write(&self, certificate: &str, key: &str) -> Result<(), Error> {
        let staged = [(&self.key, key, 0o600), (&self.certificate, certificate, 0o644)];
        replace(&staged)
    }
}

/// Writes files with their modes. Each is whole whenever it is there.
pub(super) fn replace(files: &[(&PathBuf, &str, u32)]) -> Result<(), Error> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| Error::File { path, source }
    };
    for &(path, text, mode) in files {
        stage(path, text, mode).map_err(at(path))?;
    }
    for &(path, ..) in files {
        fs::rename(staging(path), path).map_err(at(path))?;
    }
    Ok(())
}

/// File beside another one, until it takes its place.
fn staging(path: &Path) -> PathBuf {
    path.with_extension("pem.new")
}

fn stage(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mut file = modes::create_file(&staging(path))?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}
