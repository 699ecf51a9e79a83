//! The quality service: how far the numbers can be relied on.

mod completeness;
mod flag;
mod history;
mod receipt;

use phuxanh_proto::v1::{self, quality_service_server::QualityService};
use tonic::{Request, Response, Status};

use super::Context;
pub use history::Log;
#[cfg(test)]
pub(super) use history::fixture::Kept;

/// Says how far the numbers can be relied on.
#[derive(Debug, Clone)]
pub struct Quality {
    context: Context,
    log: Log,
}

impl Quality {
    #[must_use]
    pub const fn new(context: Context, log: Log) -> Self {
        Self { context, log }
    }
}

#[tonic::async_trait]
impl QualityService for Quality {
    async fn get_completeness(
        &self,
        request: Request<v1::GetCompletenessRequest>,
    ) -> Result<Response<v1::GetCompletenessResponse>, Status> {
        self.context.heavy(request, |it, asked| completeness::answer(&it.reader(), asked)).await
    }

    async fn list_silent(
        &self,
        request: Request<v1::ListSilentRequest>,
    ) -> Result<Response<v1::ListSilentResponse>, Status> {
        self.context.heavy(request, completeness::silent).await
    }

    async fn list_flags(
        &self,
        request: Request<v1::ListFlagsRequest>,
    ) -> Result<Response<v1::ListFlagsResponse>, Status> {
        self.context.heavy(request, flag::list).await
    }

    async fn list_receipts(
        &self,
        request: Request<v1::ListReceiptsRequest>,
    ) -> Result<Response<v1::ListReceiptsResponse>, Status> {
        self.context.heavy(request, receipt::list).await
    }

    async fn list_history(
        &self,
        request: Request<v1::ListHistoryRequest>,
    ) -> Result<Response<v1::ListHistoryResponse>, Status> {
        let log = self.log.clone();
        self.context.heavy(request, move |it, asked| history::list(&it.reader(), &log, asked)).await
    }
}

#[cfg(test)]
mod tests;
