//! Says of every answer how old it is, where it is older than the question.
//!
//! An aggregator whose store is out of reach goes on answering from its view. What others have
//! taken in since then is missing from it, so each response carries the time through which it
//! is complete, as metadata.

use http::{HeaderName, HeaderValue, Response};
use phuxanh_proto::AS_OF;
use tokio::sync::watch;
use tonic::body::Body;
use tower::util::MapResponseLayer;

use crate::store::Trouble;

/// Function that marks a response.
pub trait Mark: Fn(Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static {}

impl<T: Fn(Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static> Mark for T {}

/// Marks the responses of all services.
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
