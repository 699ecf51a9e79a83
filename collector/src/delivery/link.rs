//! One stream to one aggregator.

use std::{fmt, pin::Pin, time::Duration};

use phuxanh_core::{
    LocalityCode,
    delivery::sender::Cause,
    frame::{FromAggregator, FromCollector},
};
use phuxanh_daemon::{
    settings::Fault,
    tls::PemFile,
    token::{self, Token},
};
use phuxanh_proto::{
    convert,
    v1::{
        DeliverRequest, DeliverResponse, ListOtherValuesRequest, ListOtherValuesResponse,
        collection_service_client::CollectionServiceClient,
    },
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport,
};

use super::{
    connection::{self, Connection, CurrentTls, Dial, Findings, Tether},
    diagnosis,
    failure::{Failure, Kind},
};

/// Frames that wait for the connection. The credit keeps batches far below it; a peer that reads
/// nothing until it is reached is given up.
const FRAMES_MAX: usize = 4_096;

/// Address of an aggregator.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: String,
    transport: transport::Endpoint,
    dial: Dial,
    /// TLS for a URL of `https`.
    tls: Option<CurrentTls>,
    /// File that is read for each stream, so that a new token is soon used.
    token: Option<PemFile>,
}

/// A URL that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not the URL of an aggregator: expected for example http://127.0.0.1:7400 or \
     https://centre.example:7400"
)]
pub struct EndpointError(String);

impl Endpoint {
    /// The endpoint of a URL.
    pub fn new(url: &str, connect_timeout: Duration) -> Result<Self, EndpointError> {
        let faulty = || EndpointError(url.to_owned());
        let transport = transport::Endpoint::from_shared(url.to_owned()).map_err(|_| faulty())?;
        let is_known = matches!(transport.uri().scheme_str(), Some("http" | "https"));
        if !is_known || transport.uri().host().is_none() {
            return Err(faulty());
        }
        // No HTTP/2 keepalive: its answer waits behind all that is on its way, for longer than any
        // constant where the link is slow. Heartbeats show the same and more.
        let transport = transport.connect_timeout(connect_timeout);
        Ok(Self { url: url.to_owned(), transport, dial: connection::tcp, tls: None, token: None })
    }

    /// True if its connections are of TLS.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.transport.uri().scheme_str() == Some("https")
    }

    /// The same endpoint with this TLS, which one of `https` needs.
    #[must_use]
    pub fn secured_by(self, tls: CurrentTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The same endpoint with the token of a file, which goes over TLS or stays on the machine.
    pub fn with_token(self, file: &PemFile) -> Result<Self, Fault> {
        let uri = self.transport.uri();
        if !token::may_go(uri.scheme_str(), uri.host()) {
            let message =
                format!("a token goes over TLS only: use https:// instead of {}", self.url);
            return Err(Fault::new(file.setting, message));
        }
        Token::read(file)?;
        Ok(Self { token: Some(file.clone()), ..self })
    }

    /// The same endpoint, dialled in another way than over TCP.
    #[must_use]
    pub fn dialled_by(self, dial: Dial) -> Self {
        Self { dial, ..self }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// An open stream. Dropping it ends the stream.
pub(super) struct Link {
    /// Empty once half-closed.
    frames: Option<mpsc::Sender<DeliverRequest>>,
    inbound: Streaming<DeliverResponse>,
    asker: Asker,
    findings: Findings,
    /// Last, so that the stream is gone before its connection.
    _tether: Tether,
}

/// Asks the aggregator on the connection of a stream, and ends with it.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    client: CollectionServiceClient<transport::Channel>,
    authorization: Option<MetadataValue<Ascii>>,
}

impl Asker {
    pub(super) async fn other_values(
        &mut self,
        request: ListOtherValuesRequest,
    ) -> Result<ListOtherValuesResponse, Status> {
        let request = self.authorized(request);
        Ok(self.client.list_other_values(request).await?.into_inner())
    }

    fn authorized<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(value) = self.authorization.clone() {
            request.metadata_mut().insert("authorization", value);
        }
        request
    }
}

/// A stream that is being opened.
pub(super) type Opening = Pin<Box<dyn Future<Output = Result<Link, Failure>> + Send>>;

/// Opens a stream on a connection of its own.
pub(super) fn open(endpoint: &Endpoint) -> Opening {
    let (transport, dial) = (endpoint.transport.clone(), endpoint.dial);
    let (tls, token) = (endpoint.tls.clone(), endpoint.token.clone());
    Box::pin(async move {
        let authorization = token.map(|file| authorization(&file)).transpose()?;
        let Connection { channel, mut findings, tether } =
            connection::connect(&transport, dial, tls).await?;
        let (frames, outbound) = mpsc::channel(FRAMES_MAX);
        let mut asker = Asker { client: CollectionServiceClient::new(channel), authorization };
        let request = asker.authorized(ReceiverStream::new(outbound));
        let response = asker.client.deliver(request).await;
        let inbound = response.map_err(|status| ended(&status, &mut findings))?.into_inner();
        Ok(Link { frames: Some(frames), inbound, asker, findings, _tether: tether })
    })
}

/// Connects to an aggregator, and asks it a question that only a collector of the reporter may ask.
/// Opens no stream, which would end one that is open.
pub async fn probe(
    endpoint: &Endpoint,
    reporter: LocalityCode,
    within: Duration,
) -> Result<(), Failure> {
    let asking = async {
        let authorization = endpoint.token.as_ref().map(authorization).transpose()?;
        let (dial, tls) = (endpoint.dial, endpoint.tls.clone());
        let connected = connection::connect(&endpoint.transport, dial, tls).await?;
        let Connection { channel, mut findings, tether: _tether } = connected;
        let mut asker = Asker { client: CollectionServiceClient::new(channel), authorization };
        let (reporter, after_locality) = (reporter.to_string(), String::new());
        let request = ListOtherValuesRequest { reporter, log_epoch: 0, after_locality };
        let Err(status) = asker.other_values(request).await else { return Ok(()) };
        let failure = ended(&status, &mut findings);
        // An aggregator of an earlier version does not know the question, and was reached.
        let is_unknown = status.code() == Code::Unimplemented && failure.kind == Kind::Refused;
        if is_unknown { Ok(()) } else { Err(failure) }
    };
    let late = |_| Failure::passing(Kind::TimedOut, "the aggregator did not answer");
    timeout(within, asking).await.map_err(late)?
}

/// Header field with the token. While the file cannot be used, nothing is delivered.
fn authorization(file: &PemFile) -> Result<MetadataValue<Ascii>, Failure> {
    let unreadable = |detail: String| {
        Failure::passing(Kind::TokenUnreadable, format!("{}: {detail}", file.setting))
    };
    let token = Token::read(file).map_err(|fault| unreadable(fault.message))?;
    // The error would tell of the token.
    token.bearer().parse().map_err(|_| unreadable("the token has characters that none has".into()))
}

/// Failure of a stream: what its connection found, else what its status says.
fn ended(status: &Status, findings: &mut Findings) -> Failure {
    findings.take().unwrap_or_else(|| diagnosis::of_status(status))
}

impl Link {
    /// Sends a frame; false where the stream is gone or its peer reads nothing.
    pub(super) fn send(&self, frame: FromCollector) -> bool {
        let frame = convert::to_collector(frame);
        self.frames.as_ref().is_some_and(|frames| frames.try_send(frame).is_ok())
    }

    pub(super) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    pub(super) fn half_close(&mut self) {
        self.frames = None;
    }

    /// Returns the next frame, or why there is none. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Result<FromAggregator, Failure> {
        match self.inbound.message().await {
            Ok(Some(frame)) => convert::from_aggregator(frame).map_err(|error| {
                let detail = format!("a malformed frame came from the aggregator: {error}");
                Failure::new(Kind::Refused, detail, Cause::Refused)
            }),
            Ok(None) => Err(Failure::new(Kind::Closed, "by the aggregator", Cause::Closed)),
            Err(status) => Err(ended(&status, &mut self.findings)),
        }
    }
}
