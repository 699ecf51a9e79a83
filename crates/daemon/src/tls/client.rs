//! Side of the client: whom it trusts, and its own certificate.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig,
    client::Resumption,
    pki_types::{IpAddr, ServerName},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ALPN, PemFile, explain::Failure, pem::system_authorities, provider};
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

/// Connection of TLS to a server. Its failures say what to do, for what a server refuses reaches the
/// client only when it reads.
#[derive(Debug)]
pub struct ClientStream<S>(TlsStream<S>);

/// Makes a connection one of TLS, to the server of this host name or address.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<ClientConfig>,
    host: &str,
    stream: S,
) -> io::Result<ClientStream<S>> {
    let name = match host.parse::<std::net::IpAddr>() {
        Ok(address) => ServerName::IpAddress(IpAddr::from(address)),
        Err(_) => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
    };
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map(ClientStream).map_err(|error| explained(&error))
}

fn explained(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), Failure::of(error))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        read.map_err(|error| explained(&error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
