//! Connections of TLS to the aggregator.

use std::{io, path::PathBuf, sync::Arc};

use hyper_util::rt::TokioIo;
use phuxanh_daemon::{
    tls::{self, ClientConfig, ClientFiles, ClientStream, PemFile},
    token::{self, Token},
};
use tokio::net::TcpStream;
use tonic::{
    codegen::Service,
    metadata::{Ascii, MetadataValue},
    transport::Uri,
};
use tower::service_fn;

use super::Tls;
use crate::error::Error;

/// Reads the files that the options name.
pub fn load(options: &Tls) -> Result<Arc<ClientConfig>, Error> {
    let optional = PemFile::optional;
    let files = ClientFiles::new(
        optional("--tls-authorities", options.authorities.as_ref()),
        optional("--tls-certificate", options.certificate.as_ref()),
        optional("--tls-key", options.key.as_ref()),
    );
    Ok(files.and_then(|files| files.load())?)
}

/// Reads the token that an option names, if it may go to the server.
pub fn token(file: Option<&PathBuf>, server: &Uri) -> Result<Option<MetadataValue<Ascii>>, Error> {
    let Some(file) = PemFile::optional("--token-file", file) else { return Ok(None) };
    if !token::may_go(server.scheme_str(), server.host()) {
        return Err(Error::ExposedToken);
    }
    let mut value: MetadataValue<Ascii> = Token::read(&file)?
        .bearer()
        .parse()
        .map_err(|_| Error::Contract("the token is no header field".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Makes connections with this TLS.
pub fn connector(
    config: Arc<ClientConfig>,
) -> impl Service<Uri, Response = TokioIo<ClientStream<TcpStream>>, Error = io::Error, Future: Send>
+ Send
+ 'static {
    service_fn(move |uri: Uri| {
        let config = Arc::clone(&config);
        async move {
            let host = uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(tls::connect(config, host, stream).await?))
        }
    })
}
