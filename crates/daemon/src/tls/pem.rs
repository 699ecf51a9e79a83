//! Reads PEM files. An error names the setting, the file and what was expected.

use std::{fs, io};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Certificate, PemFile};
use crate::{
    modes,
    settings::{Fault, FileCause},
};

impl PemFile {
    /// Fault of the setting that names the file.
    pub(super) fn fault(&self, message: &str) -> Fault {
        Fault::new(self.setting, format!("{}: {message}", self.path.display()))
    }

    /// The same for a cause that users of a client meet, too.
    pub(super) fn unusable(&self, cause: FileCause) -> Fault {
        Fault::of_file(self.setting, &self.path, cause)
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, Fault> {
        fs::read(&self.path).map_err(|error| self.unusable(error.into()))
    }

    /// Certificates in the order of the file, each of which can be read.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let bytes = self.bytes()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found =
            found.map_err(|error| self.unusable(FileCause::NotCertificates(error.to_string())))?;
        if found.is_empty() {
            return Err(self.unusable(FileCause::NoCertificate));
        }
        for certificate in &found {
            Certificate::read(certificate)
                .map_err(|error| self.unusable(FileCause::MalformedCertificate(error)))?;
        }
        Ok(found)
    }

    /// Private key, in a file that others cannot read.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        modes::check_secret(&self.path).map_err(|refused| self.unusable(refused.into()))?;
        // The cause would tell of the key's bytes.
        PrivateKeyDer::from_pem_slice(&self.bytes()?).map_err(|_| self.unusable(FileCause::NoKey))
    }

    /// Certificates of authorities, as trust anchors.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Fault> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots
                .add(certificate)
                .map_err(|error| self.unusable(FileCause::NoAuthority(error.to_string())))?;
        }
        Ok(roots)
    }
}

/// Trust anchors of the operating system.
pub(super) fn system_authorities() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let cause = found.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(io::Error::other(format!("the system has no certificate authorities {cause}")));
    }
    Ok(roots)
}
