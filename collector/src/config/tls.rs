//! Section `tls`: whom the collector trusts, and by which certificate it is known.

use std::{path::PathBuf, sync::Arc, time::Duration};

use phuxanh_daemon::{
    settings::{Fault, Faults},
    tls::{Certificate, ClientConfig, ClientFiles, PemFile, Validity},
};
use serde::Deserialize;
use tokio::sync::watch;

use crate::delivery::Endpoint;

/// Section `tls`, for URLs of `https`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Authorities of the aggregators' certificates in PEM; none for the system's.
    pub authorities_file: Option<PathBuf>,
    /// Certificate of this collector in PEM, and those between it and its authority.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Time before the expiry of the certificate from which the log warns of it.
    #[serde(with = "humantime_serde")]
    pub expiry_warning: Duration,
}

/// Valid section `tls`.
#[derive(Debug, Clone)]
pub struct Tls {
    pub files: ClientFiles,
    /// Content of the files, for every endpoint of `https`.
    pub current: watch::Sender<Arc<ClientConfig>>,
    pub expiry_warning: Duration,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            authorities_file: None,
            certificate_file: None,
            key_file: None,
            expiry_warning: Duration::from_hours(14 * 24),
        }
    }
}

impl Tls {
    /// End of the collector's own certificate, as its file holds it now. A file that cannot be read is
    /// named when it is read for use.
    #[must_use]
    pub fn own_validity(&self) -> Vec<Validity> {
        let own =
            self.files.own.as_ref().map(|(certificate, _)| Certificate::read_file(certificate));
        let validity = |found: Certificate| Validity {
            subject: "this collector's certificate (tls.certificate_file)".to_owned(),
            expiry: found.expiry,
            advice: "renew it (phuxanh pki renew)",
        };
        own.and_then(Result::ok).map(validity).into_iter().collect()
    }
}

impl TlsSettings {
    fn files(&self) -> Result<ClientFiles, Fault> {
        let optional = PemFile::optional;
        ClientFiles::new(
            optional("tls.authorities_file", self.authorities_file.as_ref()),
            optional("tls.certificate_file", self.certificate_file.as_ref()),
            optional("tls.key_file", self.key_file.as_ref()),
        )
    }

    /// Reads the files where an endpoint needs them, and gives it what they hold.
    pub(super) fn secure(
        &self,
        endpoints: Vec<Endpoint>,
        faults: &mut Faults,
    ) -> (Vec<Endpoint>, Option<Tls>) {
        let read = self.files().and_then(|files| {
            let is_needed = endpoints.iter().any(Endpoint::is_secured);
            is_needed.then(|| Ok((files.load()?, files))).transpose()
        });
        let read = read.map_err(|fault| faults.0.push(fault)).ok().flatten();
        let Some((loaded, files)) = read else { return (endpoints, None) };
        let current = watch::Sender::new(loaded);
        let secure = |endpoint: Endpoint| {
            let is_secured = endpoint.is_secured();
            if is_secured { endpoint.secured_by(current.subscribe()) } else { endpoint }
        };
        let endpoints = endpoints.into_iter().map(secure).collect();
        (endpoints, Some(Tls { files, current, expiry_warning: self.expiry_warning }))
    }
}
