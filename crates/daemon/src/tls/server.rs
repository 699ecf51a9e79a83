//! Side of the server: its certificate, and whose certificates it accepts.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};

use super::{ALPN, PemFile, provider};
use crate::settings::Fault;

/// Files of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, and those between it and the authority.
    pub certificate: PemFile,
    pub key: PemFile,
    /// Authorities of client certificates. With them a client may show a certificate, which must be of
    /// one of them; without them none is asked for.
    pub client_authorities: Option<PemFile>,
}

impl ServerFiles {
    /// Every file.
    #[must_use]
    pub fn all(&self) -> Vec<PemFile> {
        let Self { certificate, key, client_authorities } = self;
        [Some(certificate), Some(key), client_authorities.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// Reads the files. TLS 1.2 and 1.3 are served.
    pub fn load(&self) -> Result<Arc<ServerConfig>, Fault> {
        let (chain, key) = (self.certificate.certificates()?, self.key.key()?);
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| self.certificate.fault(&error.to_string()))?;
        let builder = match &self.client_authorities {
            None => versions.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(file.authorities()?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| file.fault(&error.to_string()))?;
                versions.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| self.key.fault(&format!("does not fit the certificate: {error}")))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session would skip the check of the client's certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}
