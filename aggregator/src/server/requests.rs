//! Bounds of a request: that it came by TLS where TLS is served, its pace, its size, the time until it is
//! complete and answered, and the answers that wait to be read.
//!
//! ```text
//! request ─ too fast? ─▶ turn: few answers unread ─▶ service ─▶ answer, holds its turn until sent
//! └────────────────── limits.request_timeout ──────────────────┘
//! ```
//!
//! A stream is answered as soon as it is opened, so neither ends one. The session of a collector
//! has deadlines of its own.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use metrics::{counter, histogram};
use phuxanh_proto::refusal::Reason;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status, body::Body, service::Routes};
use tonic_types::StatusExt;
use tower::{Layer, Service};

use super::incoming::{Handle, Turn};
use crate::{
    access::{self, Gate},
    config::LimitSettings,
    metrics::{REQUEST_DURATION, REQUESTS},
    refusal,
};

/// Beginning of tonic's text about a request that is too large. It does not name the setting.
const TOO_LARGE: &str = "Error, decoded message length too large";
/// Wait before a caller may ask again who has asked too fast.
const PACE_DELAY: Duration = Duration::from_secs(1);

/// Layer that bounds the requests of all services, and lets in those that may come.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub limits: LimitSettings,
    pub gate: Gate,
}

/// Services whose requests are bounded.
#[derive(Debug, Clone)]
pub struct Bounded {
    services: Routes,
    limits: LimitSettings,
    gate: Gate,
}

impl Layer<Routes> for Bounds {
    type Service = Bounded;

    fn layer(&self, services: Routes) -> Bounded {
        Bounded { services, limits: self.limits, gate: self.gate.clone() }
    }
}

impl Service<Request<Body>> for Bounded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.services, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let limits = self.limits;
        let handle = request.extensions().get::<Handle>().cloned();
        let (method, began) = (method(request.uri().path()), Instant::now());
        if let Err(status) = self.admit(&mut request, handle.as_ref()) {
            record(method, status.code(), began);
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let (gate, path) = (self.gate.clone(), request.uri().path().to_owned());
        // The one that is ready answers; its copy may not be.
        let copy = self.services.clone();
        let mut services = mem::replace(&mut self.services, copy);
        Box::pin(async move {
            let answering = async {
                let turn = match &handle {
                    Some(handle) => Some(handle.turn().await),
                    None => None,
                };
                Ok::<_, Infallible>((services.call(request).await?, turn))
            };
            let Ok(answer) = timeout(limits.request_timeout, answering).await else {
                record(method, Code::DeadlineExceeded, began);
                return Ok(too_slow(limits.request_timeout).into_http());
            };
            let (answer, turn) = answer?;
            let status = Status::from_header_map(answer.headers());
            record(method, status.as_ref().map_or(Code::Ok, Status::code), began);
            match status {
                Some(status) if is_too_large(&status) => {
                    return Ok(too_large(limits.request_bytes_max).into_http());
                }
                // A service has looked at what was asked, and the role does not reach so far.
                Some(status) if status.code() == Code::PermissionDenied => {
                    let peer = handle.as_ref().map(|handle| &**handle.peer());
                    gate.note_refused(&path, peer, status.message());
                }
                _ => {}
            }
            Ok(answer.map(|body| Body::new(Answer { body, turn, has_begun: false })))
        })
    }
}

/// Method as a label. Whoever asks writes the path, so only one that is served is told.
fn method(path: &str) -> &'static str {
    let served = access::paths().find(|served| *served == path);
    served.map_or("unknown", |path| path.trim_start_matches('/'))
}

/// Records a request whose answer begins now.
fn record(method: &'static str, code: Code, began: Instant) {
    histogram!(REQUEST_DURATION.name, "method" => method).record(began.elapsed());
    counter!(REQUESTS.name, "method" => method, "code" => format!("{code:?}")).increment(1);
}

impl Bounded {
    /// Lets a request in that comes by the right way, in time, from a caller who may.
    fn admit(&self, request: &mut Request<Body>, handle: Option<&Handle>) -> Result<(), Status> {
        let peer = handle.map(Handle::peer);
        if handle.is_some_and(Handle::is_plain_to_tls) {
            let refused = plain_to_tls();
            self.gate.note_refused(
                request.uri().path(),
                peer.map(AsRef::as_ref),
                refused.message(),
            );
            return Err(refused);
        }
        let per_second = self.limits.requests_per_second_max;
        if handle.is_some_and(|handle| !handle.admits()) {
            return Err(too_fast("connection", per_second));
        }
        match self.gate.admit(request, peer)? {
            Some(share) if !share.admits() => Err(too_fast("identity", per_second)),
            _ => Ok(()),
        }
    }
}

/// Answer that holds its turn until its first message is on its way to the peer.
struct Answer {
    body: Body,
    turn: Option<Turn>,
    has_begun: bool,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // HTTP/2 asks for more only once the peer's window has had room for what it was given before.
        if self.has_begun {
            self.turn = None;
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.has_begun |= frame.is_ready();
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn is_too_large(status: &Status) -> bool {
    status.code() == Code::OutOfRange && status.message().starts_with(TOO_LARGE)
}

fn plain_to_tls() -> Status {
    let message = "plain text came where TLS is served: use https:// in the address";
    let details = refusal::details(Reason::TlsRequired, Vec::new());
    Status::with_error_details(Code::Unauthenticated, message, details)
}

fn too_fast(of: &str, per_second: u32) -> Status {
    let message = format!(
        "from this {of} more requests came than limits.requests_per_second_max ({per_second}): \
         ask again later"
    );
    let parameters = vec![("per_second", per_second.to_string())];
    let mut details = refusal::details(Reason::TooManyRequests, parameters);
    details.set_retry_info(Some(PACE_DELAY));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

fn too_slow(after: Duration) -> Status {
    let message =
        format!("request was not completed and answered within limits.request_timeout ({after:?})");
    let details = refusal::details(
        Reason::RequestTimeout,
        vec![("seconds", after.as_secs_f64().to_string())],
    );
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

fn too_large(bytes_max: usize) -> Status {
    let message = format!("request is larger than limits.request_bytes_max ({bytes_max} bytes)");
    let details = refusal::details(Reason::RequestTooLarge, vec![("bytes", bytes_max.to_string())]);
    Status::with_error_details(Code::OutOfRange, message, details)
}
