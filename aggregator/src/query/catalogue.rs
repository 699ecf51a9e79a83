//! The catalogue service.

use phuxanh_proto::{
    convert::query::to_catalogue,
    v1::{self, catalogue_service_server::CatalogueService},
};
use tonic::{Request, Response, Status};

use super::Context;

/// Says what is measured and how.
#[derive(Debug, Clone)]
pub struct Catalogue {
    context: Context,
}

impl Catalogue {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }
}

#[tonic::async_trait]
impl CatalogueService for Catalogue {
    async fn get_catalogue(
        &self,
        request: Request<v1::GetCatalogueRequest>,
    ) -> Result<Response<v1::GetCatalogueResponse>, Status> {
        self.context
            .light(&request, |context, _| Ok(to_catalogue(context.reader().view.catalogue())))
    }
}
