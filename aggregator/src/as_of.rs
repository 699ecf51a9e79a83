//! Marks every answer that may be outdated with the time through which it is complete.
//!
//! An aggregator whose store is out of reach goes on answering from its view. The view lacks
//! everything that other aggregators have stored since then, so each response carries that time
//! as metadata.

use http::{HeaderName, HeaderValue, Response};
use phuxanh_proto::AS_OF;
use tokio::sync::watch;
use tonic::body::Body;
use tower::util::MapResponseLayer;

use crate::store::Trouble;

/// Function that marks a response.
pub trait Mark: Fn(Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static {}

impl<T: Fn(Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static> Mark for T {}

/// Layer that marks the responses of all services.
#[must_use]
pub fn layer(trouble: watch::Receiver<Option<Trouble>>) -> MapResponseLayer<impl Mark> {
    MapResponseLayer::new(move |mut response: Response<Body>| {
        let since = trouble.borrow().as_ref().map(|trouble| trouble.since.to_string());
        if let Some(value) = since.and_then(|since| HeaderValue::try_from(since).ok()) {
            response.headers_mut().insert(HeaderName::from_static(AS_OF), value);
        }
        response
    })
}
