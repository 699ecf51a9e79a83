//! The query services: they read the view. Light questions are answered at once, heavy ones off the
//! workers.
//!
//! A request is read once into values of the model; what it says wrong is a [`Error`] that names
//! the field. One request is answered from one view at one time. Contents of requests are never
//! logged.

mod answer;
mod catalogue;
mod error;
pub mod heavy;
mod hint;
mod insight;
mod locality;
pub mod page;
mod quality;
mod ranking;
mod reach;
pub mod recent_views;
mod request;
mod sheet;
mod trend;
mod walk;

use std::{sync::Arc, time::Duration};

use phuxanh_core::figures::view::View;
use phuxanh_proto::v1::{
    catalogue_service_server::CatalogueServiceServer, insight_service_server::InsightServiceServer,
    locality_service_server::LocalityServiceServer, quality_service_server::QualityServiceServer,
    ranking_service_server::RankingServiceServer, trend_service_server::TrendServiceServer,
};
use prost::Message;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

pub use catalogue::Catalogue;
pub use error::Error;
use heavy::{Heavy, Moment};
pub use insight::Insights;
pub use locality::Localities;
pub use quality::{Log, Quality};
pub use ranking::Rankings;
pub use recent_views::RecentViews;
pub use trend::Trends;

use crate::access::Admitted;
use phuxanh_daemon::clock::Clock;

use answer::Reader;
use reach::Asks;

/// Parts that the query services answer from.
#[derive(Debug, Clone)]
pub struct Context {
    pub view: watch::Receiver<Arc<View>>,
    pub clock: Clock,
    /// Age from which an observation is stale.
    pub stale_after: Duration,
    /// Views that walks over pages resume.
    recent_views: Arc<RecentViews>,
    heavy: Arc<Heavy>,
}

impl Context {
    #[must_use]
    pub fn new(
        view: watch::Receiver<Arc<View>>,
        clock: Clock,
        stale_after: Duration,
        recent_views: recent_views::Rules,
        heavy: heavy::Rules,
    ) -> Self {
        let recent_views = Arc::new(RecentViews::new(recent_views));
        Self { view, clock, stale_after, recent_views, heavy: Arc::new(Heavy::new(heavy)) }
    }

    /// The present view, for one request.
    fn reader(&self) -> Reader {
        Reader {
            view: Arc::clone(&self.view.borrow()),
            now: (self.clock)(),
            stale_after: self.stale_after,
        }
    }

    /// Answers a light request at once.
    fn light<Q: Asks, A>(
        &self,
        request: &Request<Q>,
        answer: fn(&Self, &Q) -> Result<A, Error>,
    ) -> Result<Response<A>, Status> {
        reach::check(request, self.view.borrow().gazetteer())?;
        Ok(Response::new(answer(self, request.get_ref())?))
    }

    /// Answers a heavy request off the workers.
    async fn heavy<Q: Asks + Message + 'static, A: Clone + Send + Sync + 'static>(
        &self,
        request: Request<Q>,
        answer: impl FnOnce(&Self, &Q) -> Result<A, Error> + Send + 'static,
    ) -> Result<Response<A>, Status> {
        reach::check(&request, self.view.borrow().gazetteer())?;
        let share = request.extensions().get::<Admitted>().and_then(|it| it.share.clone());
        let _place = match share {
            Some(share) => Some(share.heavy().map_err(|allowed| Error::ShareUsedUp { allowed })?),
            None => None,
        };
        let request = request.into_inner();
        let moment = Moment::new(self.view.borrow().version_number(), (self.clock)());
        let (bytes, context) = (request.encode_to_vec(), self.clone());
        let answer = move || answer(&context, &request);
        Ok(Response::new(self.heavy.answer::<Q, A>(moment, bytes, answer).await?))
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

/// The services over one context, and over the log.
#[must_use]
pub fn services(context: &Context, log: Log) -> Services {
    (
        RankingServiceServer::new(Rankings::new(context.clone())),
        LocalityServiceServer::new(Localities::new(context.clone())),
        CatalogueServiceServer::new(Catalogue::new(context.clone())),
        InsightServiceServer::new(Insights::new(context.clone())),
        TrendServiceServer::new(Trends::new(context.clone())),
        QualityServiceServer::new(Quality::new(context.clone(), log)),
    )
}

#[cfg(test)]
mod tests;
