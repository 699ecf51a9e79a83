//! The insight service: how localities are spread, what would lift one, why it is low, and
//! whether what is declared is measured.

mod cause;
mod distribution;
mod gap;
mod lacking;
mod path;
mod shortfall;

use phuxanh_core::{
    Level, LocalityCode,
    figures::{
        rollup::{COVERAGE, Ratio, Rollup},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{
    refusal::Expected,
    v1::{self, insight_service_server::InsightService},
};
use tonic::{Request, Response, Status};

use super::{
    Context, Error,
    answer::{Reader, to_f64},
    request,
};

/// Says what a ranking does not.
#[derive(Debug, Clone)]
pub struct Insights {
    context: Context,
}

impl Insights {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }
}

#[tonic::async_trait]
impl InsightService for Insights {
    async fn get_distribution(
        &self,
        request: Request<v1::GetDistributionRequest>,
    ) -> Result<Response<v1::GetDistributionResponse>, Status> {
        self.context.heavy(request, |it, asked| distribution::answer(&it.reader(), asked)).await
    }

    async fn get_shortfalls(
        &self,
        request: Request<v1::GetShortfallsRequest>,
    ) -> Result<Response<v1::GetShortfallsResponse>, Status> {
        self.context.heavy(request, |it, asked| shortfall::answer(&it.reader(), asked)).await
    }

    async fn list_lacking(
        &self,
        request: Request<v1::ListLackingRequest>,
    ) -> Result<Response<v1::ListLackingResponse>, Status> {
        self.context.heavy(request, lacking::list).await
    }

    async fn get_path(
        &self,
        request: Request<v1::GetPathRequest>,
    ) -> Result<Response<v1::GetPathResponse>, Status> {
        self.context.heavy(request, |it, asked| path::answer(&it.reader(), asked)).await
    }

    async fn get_cause(
        &self,
        request: Request<v1::GetCauseRequest>,
    ) -> Result<Response<v1::GetCauseResponse>, Status> {
        self.context.heavy(request, |it, asked| cause::answer(&it.reader(), asked)).await
    }

    async fn get_gap(
        &self,
        request: Request<v1::GetGapRequest>,
    ) -> Result<Response<v1::GetGapResponse>, Status> {
        self.context.heavy(request, |it, asked| gap::answer(&it.reader(), asked)).await
    }

    async fn rank_gaps(
        &self,
        request: Request<v1::RankGapsRequest>,
    ) -> Result<Response<v1::RankGapsResponse>, Status> {
        self.context.heavy(request, gap::rank).await
    }
}

impl Reader {
    /// A locality's indicator as the wire has it.
    pub(super) fn figure(
        &self,
        nation: &NationRollup<'_>,
        locality: &Locality,
        indicator: usize,
    ) -> v1::Rollup {
        self.figure_of(indicator, &nation.rollup(locality, indicator))
    }

    fn figure_of(&self, indicator: usize, rollup: &Rollup) -> v1::Rollup {
        self.rollup(&self.view.catalogue().indicators[indicator], rollup)
    }

    /// Ids of criteria by their places in the catalogue.
    pub(super) fn criterion_ids(&self, places: &[usize]) -> Vec<String> {
        places.iter().map(|at| self.criterion_id(*at)).collect()
    }

    fn criterion_id(&self, place: usize) -> String {
        self.view.catalogue().criteria[place].definition.id.clone()
    }

    fn country(&self) -> Result<&Locality, Error> {
        let code = LocalityCode::NATION;
        self.view.gazetteer().locality(code).ok_or(Error::UnknownLocality(code))
    }
}

/// The province of a code; nothing else will do.
fn province<'a>(reader: &'a Reader, text: &str) -> Result<&'a Locality, Error> {
    let locality = request::locality("code", text, reader.view.gazetteer())?;
    match locality.code.level() {
        Level::Province => Ok(locality),
        Level::Nation | Level::Commune => {
            Err(Error::malformed("code", Expected::ProvinceCode, "the code of a province"))
        }
    }
}

/// Code of a commune's province; empty for others.
pub(super) fn province_code(locality: &Locality) -> String {
    locality.province.map(|code| code.to_string()).unwrap_or_default()
}

/// A fraction for reading.
pub(super) fn fraction(numerator: i64, denominator: i64) -> f64 {
    Ratio::new(numerator, denominator).map_or(0.0, to_f64)
}

#[cfg(test)]
mod tests;
