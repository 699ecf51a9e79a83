//! Bounds of a request: the time until it is complete and answered, and its size.
//!
//! A stream is answered as soon as it is opened, so neither ends one. The session of a collector
//! has deadlines of its own.

use std::{collections::HashMap, convert::Infallible, pin::Pin, time::Duration};

use http::{Request, Response};
use phuxanh_proto::ERROR_DOMAIN;
use tokio::time::timeout;
use tonic::{Code, Status, body::Body, service::Routes};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Service, util::MapFutureLayer};

use crate::config::LimitSettings;

/// Beginning of tonic's text about a request that is too large. It does not name the setting.
const TOO_LARGE: &str = "Error, decoded message length too large";

type Answering = <Routes as Service<Request<Body>>>::Future;
type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Function that bounds an answer in time, and names the limit that a request broke.
pub(super) trait Bound: Fn(Answering) -> Answered + Clone + Send + Sync + 'static {}

impl<T: Fn(Answering) -> Answered + Clone + Send + Sync + 'static> Bound for T {}

/// Layer that bounds the requests of all services.
pub(super) fn layer(limits: LimitSettings) -> MapFutureLayer<impl Bound> {
    MapFutureLayer::new(move |answering: Answering| -> Answered {
        Box::pin(async move {
            let Ok(answer) = timeout(limits.request_timeout, answering).await else {
                return Ok(too_slow(limits.request_timeout).into_http());
            };
            let is_too_large = |answer: &Response<Body>| {
                let status = Status::from_header_map(answer.headers());
                status.is_some_and(|status| is_too_large(&status))
            };
            match answer {
                Ok(answer) if is_too_large(&answer) => {
                    Ok(too_large(limits.request_bytes_max).into_http())
                }
                answer => answer,
            }
        })
    })
}

fn is_too_large(status: &Status) -> bool {
    status.code() == Code::OutOfRange && status.message().starts_with(TOO_LARGE)
}

fn too_slow(after: Duration) -> Status {
    let message =
        format!("request was not completed and answered within limits.request_timeout ({after:?})");
    let details = ErrorDetails::with_error_info("REQUEST_TIMEOUT", ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

fn too_large(bytes_max: usize) -> Status {
    let message = format!("request is larger than limits.request_bytes_max ({bytes_max} bytes)");
    let details = ErrorDetails::with_error_info("REQUEST_TOO_LARGE", ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(Code::OutOfRange, message, details)
}
