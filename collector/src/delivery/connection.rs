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
    net::{TcpStream, lookup_host},
    sync::{mpsc, oneshot, watch},
};
use tonic::{
    codegen::Service,
    transport::{Channel, Endpoint, Uri},
};

use super::{
    diagnosis::{self, Unresolved},
    failure::Failure,
};

/// Findings of a connection that wait to be read; the first one says it all.
const FINDINGS_MAX: usize = 1;

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
        let host = host(&uri);
        let found = lookup_host((host, uri.port_u16().unwrap_or(port))).await;
        let unresolved = |source| Unresolved { host: host.to_owned(), source };
        let addresses: Vec<_> = found
            .map_err(|error| io::Error::new(io::ErrorKind::NotFound, unresolved(error)))?
            .collect();
        let stream = TcpStream::connect(&addresses[..]).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream) as Box<dyn Wire>)
    })
}

/// Name or address of the host, without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// A channel on a connection of its own, which is not made again once it is lost.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) channel: Channel,
    pub(super) findings: Findings,
    pub(super) tether: Tether,
}

/// What a connection finds wrong in the bytes of the other end. gRPC hands on only that it broke.
#[derive(Debug)]
pub(super) struct Findings(mpsc::Receiver<Failure>);

impl Findings {
    pub(super) fn take(&mut self) -> Option<Failure> {
        self.0.try_recv().ok()
    }
}

pub(super) async fn connect(
    endpoint: &Endpoint,
    dial: Dial,
    tls: Option<CurrentTls>,
) -> Result<Connection, Failure> {
    let (held, released) = oneshot::channel();
    let (finder, findings) = mpsc::channel(FINDINGS_MAX);
    let connector = Connector { dial, tls, finder, released: Some(released) };
    let connected = endpoint.connect_with_connector(connector).await;
    let channel = connected.map_err(|error| diagnosis::of_error(&error))?;
    Ok(Connection { channel, findings: Findings(findings), tether: Tether { _held: held } })
}

/// TLS of new connections, as the files hold it now.
pub type CurrentTls = watch::Receiver<Arc<ClientConfig>>;

/// Makes one connection.
struct Connector {
    dial: Dial,
    tls: Option<CurrentTls>,
    finder: mpsc::Sender<Failure>,
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
        let finder = self.finder.clone();
        Box::pin(async move {
            let released =
                released.ok_or_else(|| io::Error::other("a link has one connection only"))?;
            let mut wire = dial(uri.clone()).await?;
            if let Some(tls) = tls {
                let config = Arc::clone(&tls.borrow());
                wire = Box::new(tls::connect(config, host(&uri), wire).await?);
            }
            let tethered = Tethered { wire, released: Some(released), finder, has_read: false };
            Ok(TokioIo::new(tethered))
        })
    }
}

/// A connection that fails once its tether is gone.
struct Tethered {
    wire: Box<dyn Wire>,
    /// Empty once it was found to be gone.
    released: Option<oneshot::Receiver<Infallible>>,
    finder: mpsc::Sender<Failure>,
    has_read: bool,
}

impl Tethered {
    /// Looks at what was read for a reason why nothing of gRPC will come.
    fn find(&mut self, read: &io::Result<()>, bytes: &[u8]) {
        let found = match read {
            // An alert of the other end, which tells why it refuses this one.
            Err(error) => {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<tls::Advised>());
                let is_alert = error.kind() == io::ErrorKind::InvalidData;
                inner.filter(|_| is_alert).map(diagnosis::of_tls)
            }
            Ok(()) if self.has_read => None,
            Ok(()) => diagnosis::of_first_bytes(bytes),
        };
        self.has_read = true;
        if let Some(failure) = found {
            // An earlier finding is nearer to the cause.
            drop(self.finder.try_send(failure));
        }
    }

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
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(context, buffer);
        if let Poll::Ready(read) = &read {
            self.find(read, &buffer.filled()[before..]);
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
