//! The connection under a stream, which ends with the one who holds its [`Tether`].
//!
//! Without it a channel keeps its connection for as long as a stream of it has something to send.
//! To an aggregator that lives and reads nothing that is for ever, so every link that was given up
//! would leave a connection behind, with all that was queued on it.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper_util::rt::TokioIo;
use phuxanh_daemon::tls::{self, ClientConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{oneshot, watch},
};
use tonic::{
    codegen::Service,
    transport::{Channel, Endpoint, Error, Uri},
};
use tracing::warn;

/// Holds a connection. Dropping it closes the connection, whatever is still queued there.
#[derive(Debug)]
pub(super) struct Tether {
    _held: oneshot::Sender<Infallible>,
}

/// Carrier of a connection's bytes.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<W: AsyncRead + AsyncWrite + Send + Unpin> Wire for W {}

/// Makes a connection to the host and port of a URI.
pub type Dial = fn(Uri) -> Dialing;
/// A connection that is being made.
pub type Dialing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send>>;

/// Dials over TCP.
pub(super) fn tcp(uri: Uri) -> Dialing {
    Box::pin(async move {
        let port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let stream = TcpStream::connect((host(&uri), uri.port_u16().unwrap_or(port))).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream) as Box<dyn Wire>)
    })
}

/// Name or address of the host, without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Opens a channel on a connection of its own, which is not made again once it is lost.
pub(super) async fn connect(
    endpoint: &Endpoint,
    dial: Dial,
    tls: Option<CurrentTls>,
) -> Result<(Channel, Tether), Error> {
    let (held, released) = oneshot::channel();
    let connector = Connector { dial, tls, released: Some(released) };
    let channel = endpoint.connect_with_connector(connector).await?;
    Ok((channel, Tether { _held: held }))
}

/// TLS of new connections, as the files hold it now.
pub type CurrentTls = watch::Receiver<Arc<ClientConfig>>;

/// Makes one connection.
struct Connector {
    dial: Dial,
    tls: Option<CurrentTls>,
    released: Option<oneshot::Receiver<Infallible>>,
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TokioIo<Tethered>>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Tethered>;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let (dial, tls, released) = (self.dial, self.tls.clone(), self.released.take());
        Box::pin(async move {
            let released =
                released.ok_or_else(|| io::Error::other("a link has one connection only"))?;
            let mut wire = dial(uri.clone()).await?;
            if let Some(tls) = tls {
                let config = Arc::clone(&tls.borrow());
                let secured = tls::connect(config, host(&uri), wire).await;
                wire = Box::new(secured.inspect_err(warn_of)?);
            }
            Ok(TokioIo::new(Tethered { wire, released: Some(released) }))
        })
    }
}

fn warn_of(error: &io::Error) {
    warn!(%error, "TLS connection failed");
}

/// A connection that fails once its tether is gone.
struct Tethered {
    wire: Box<dyn Wire>,
    /// Empty once it was found to be gone.
    released: Option<oneshot::Receiver<Infallible>>,
}

impl Tethered {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let is_held = match &mut self.released {
            Some(released) => Pin::new(released).poll(context).is_pending(),
            None => false,
        };
        if is_held {
            return Ok(());
        }
        self.released = None;
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the link was given up"))
    }
}

impl AsyncRead for Tethered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let read = Pin::new(&mut self.wire).poll_read(context, buffer);
        // An alert of the other end, which tells why it refuses this one.
        if let Poll::Ready(Err(error)) = &read
            && error.kind() == io::ErrorKind::InvalidData
        {
            warn_of(error);
        }
        read
    }
}

impl AsyncWrite for Tethered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }
}
