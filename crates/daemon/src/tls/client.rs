//! Side of the client: whom it trusts, and its own certificate.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig,
    client::Resumption,
    pki_types::{IpAddr, ServerName},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ALPN, PemFile, explain, pem::system_authorities, provider};
use crate::settings::Fault;

/// Files of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// Authorities of servers; those of the operating system where there is none.
    pub authorities: Option<PemFile>,
    /// Its own certificate with its key, where it has one.
    pub own: Option<(PemFile, PemFile)>,
}

impl ClientFiles {
    /// Checks that a certificate and its key are named together.
    pub fn new(
        authorities: Option<PemFile>,
        certificate: Option<PemFile>,
        key: Option<PemFile>,
    ) -> Result<Self, Fault> {
        let own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(alone), None) => return Err(alone.fault("expected its key to be named, too")),
            (None, Some(alone)) => {
                return Err(alone.fault("expected its certificate to be named, too"));
            }
        };
        Ok(Self { authorities, own })
    }

    /// Every file.
    #[must_use]
    pub fn all(&self) -> Vec<PemFile> {
        let own = self.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.authorities.iter().chain(own).cloned().collect()
    }

    /// Reads the files. TLS 1.2 and 1.3 are spoken.
    pub fn load(&self) -> Result<Arc<ClientConfig>, Fault> {
        let unnamed = |message: String| Fault { key: "tls.authorities_file", message };
        let roots = match &self.authorities {
            Some(file) => file.authorities()?,
            None => system_authorities()
                .map_err(|error| unnamed(format!("{error}: name the file of an authority")))?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unnamed(error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificate.certificates()?, key.key()?)
                .map_err(|error| key.fault(&format!("does not fit the certificate: {error}")))?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// Makes a connection one of TLS, to the server of this host name or address.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<ClientConfig>,
    host: &str,
    stream: S,
) -> io::Result<TlsStream<S>> {
    let name = match host.parse::<std::net::IpAddr>() {
        Ok(address) => ServerName::IpAddress(IpAddr::from(address)),
        Err(_) => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
    };
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|error| io::Error::new(error.kind(), explain(&error)))
}
