//! Section `tls`: whom the collector trusts, and by which certificate it is known.

use std::{path::PathBuf, sync::Arc};

use phuxanh_daemon::{
    settings::{Fault, Faults},
    tls::{ClientConfig, ClientFiles, PemFile},
};
use serde::Deserialize;
use tokio::sync::watch;

use crate::delivery::Endpoint;

/// Section `tls`, for URLs of `https`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Authorities of the aggregators' certificates in PEM; none for the system's.
    pub authorities_file: Option<PathBuf>,
    /// Certificate of this collector in PEM, and those between it and its authority.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

/// Valid section `tls`.
#[derive(Debug, Clone)]
pub struct Tls {
    pub files: ClientFiles,
    /// Content of the files, for every endpoint of `https`.
    pub current: watch::Sender<Arc<ClientConfig>>,
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
        (endpoints.into_iter().map(secure).collect(), Some(Tls { files, current }))
    }
}
