//! The query services: they read the view and never wait for anything.
//!
//! A request is read once into values of the model; what it says wrong is a [`Error`] that names
//! the field. One request is answered from one view at one time. Contents of requests are never
//! logged.

mod answer;
mod catalogue;
mod error;
mod insight;
mod locality;
pub mod page;
mod quality;
mod ranking;
mod request;
mod sheet;
pub mod shelf;
mod trend;

use std::{sync::Arc, time::Duration};

use phuxanh_core::{Period, figures::view::View};
use phuxanh_proto::v1::{
    catalogue_service_server::CatalogueServiceServer, insight_service_server::InsightServiceServer,
    locality_service_server::LocalityServiceServer, quality_service_server::QualityServiceServer,
    ranking_service_server::RankingServiceServer, trend_service_server::TrendServiceServer,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

pub use catalogue::Catalogue;
pub use error::Error;
pub use insight::Insights;
pub use locality::Localities;
pub use quality::Quality;
pub use ranking::Rankings;
pub use shelf::Shelf;
pub use trend::Trends;

use phuxanh_daemon::clock::Clock;

use answer::Reader;
use page::Walk;

/// What the query services answer from.
#[derive(Debug, Clone)]
pub struct Context {
    pub view: watch::Receiver<Arc<View>>,
    pub clock: Clock,
    /// Age from which an observation is stale.
    pub stale_after: Duration,
    /// Views that walks over pages are on.
    pub shelf: Arc<Shelf>,
}

impl Context {
    /// The present view, for one request.
    fn reader(&self) -> Reader {
        Reader {
            view: Arc::clone(&self.view.borrow()),
            now: (self.clock)(),
            stale_after: self.stale_after,
        }
    }

    /// Answers one request from the present view.
    fn answer<Q, A>(
        &self,
        request: &Request<Q>,
        answer: fn(&Reader, &Q) -> Result<A, Error>,
    ) -> Result<Response<A>, Status> {
        Ok(Response::new(answer(&self.reader(), request.get_ref())?))
    }

    /// What a page is answered from: the view of the page before where that is still kept, else
    /// the present one; what it hands on; and whether that is another version.
    fn resume(
        &self,
        present: &Reader,
        before: Option<Walk>,
        asked: Option<Period>,
    ) -> (Reader, Walk, bool) {
        let kept = before.and_then(|before| self.shelf.resume(before.version));
        let view = kept.unwrap_or_else(|| Arc::clone(&present.view));
        let reader = Reader { view, ..*present };
        let period = before.map(|before| before.period).or(asked);
        let period = period.unwrap_or_else(|| reader.default_period());
        let walk = Walk { version: reader.view.version_number(), period };
        let view_changed = before.is_some_and(|before| before.version != walk.version);
        (reader, walk, view_changed)
    }

    /// Keeps the view of a page that another one follows.
    fn keep(&self, reader: &Reader) {
        self.shelf.keep(&reader.view, reader.now);
    }
}

/// The services that read the view.
pub type Services = (
    RankingServiceServer<Rankings>,
    LocalityServiceServer<Localities>,
    CatalogueServiceServer<Catalogue>,
    InsightServiceServer<Insights>,
    TrendServiceServer<Trends>,
    QualityServiceServer<Quality>,
);

/// The services over one context.
#[must_use]
pub fn services(context: &Context) -> Services {
    (
        RankingServiceServer::new(Rankings::new(context.clone())),
        LocalityServiceServer::new(Localities::new(context.clone())),
        CatalogueServiceServer::new(Catalogue::new(context.clone())),
        InsightServiceServer::new(Insights::new(context.clone())),
        TrendServiceServer::new(Trends::new(context.clone())),
        QualityServiceServer::new(Quality::new(context.clone())),
    )
}

#[cfg(test)]
mod tests;
