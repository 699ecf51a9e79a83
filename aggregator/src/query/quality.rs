//! The quality service: how far the numbers can be relied on.

mod completeness;
mod flag;
mod receipt;

use phuxanh_proto::v1::{self, quality_service_server::QualityService};
use tonic::{Request, Response, Status};

use super::{Context, Error, answer::Reader};

/// Says how far the numbers can be relied on.
#[derive(Debug, Clone)]
pub struct Quality {
    context: Context,
}

impl Quality {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }

    /// Answers one request from the present view.
    fn answer<Q, A>(
        &self,
        request: &Request<Q>,
        answer: fn(&Reader, &Q) -> Result<A, Error>,
    ) -> Result<Response<A>, Status> {
        Ok(Response::new(answer(&self.context.reader(), request.get_ref())?))
    }
}

#[tonic::async_trait]
impl QualityService for Quality {
    async fn get_completeness(
        &self,
        request: Request<v1::GetCompletenessRequest>,
    ) -> Result<Response<v1::GetCompletenessResponse>, Status> {
        self.answer(&request, completeness::answer)
    }

    async fn list_silent(
        &self,
        request: Request<v1::ListSilentRequest>,
    ) -> Result<Response<v1::ListSilentResponse>, Status> {
        self.answer(&request, completeness::silent)
    }

    async fn list_flags(
        &self,
        request: Request<v1::ListFlagsRequest>,
    ) -> Result<Response<v1::ListFlagsResponse>, Status> {
        self.answer(&request, flag::list)
    }

    async fn list_receipts(
        &self,
        request: Request<v1::ListReceiptsRequest>,
    ) -> Result<Response<v1::ListReceiptsResponse>, Status> {
        self.answer(&request, receipt::list)
    }
}

#[cfg(test)]
mod tests;
