//! The locality service: finds localities and tells what is known of one.

use phuxanh_core::{
    Level, LocalityCode,
    catalogue::Formula,
    gazetteer::{Gazetteer, Locality},
};
use phuxanh_proto::{
    convert::query::to_level,
    refusal::Expected,
    v1::{self, locality_service_server::LocalityService},
};
use tonic::{Request, Response, Status};

use super::{
    Context, Error,
    answer::count,
    page::{Binding, Page},
    request,
};

/// Longest text to look for, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// Finds localities and says how one of them stands.
#[derive(Debug, Clone)]
pub struct Localities {
    context: Context,
}

impl Localities {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }
}

fn locality(
    context: &Context,
    request: &v1::GetLocalityRequest,
) -> Result<v1::GetLocalityResponse, Error> {
    let reader = context.reader();
    let found = request::locality("code", &request.code, reader.view.gazetteer())?;
    Ok(v1::GetLocalityResponse { locality: Some(reader.locality(found)) })
}

fn list(
    context: &Context,
    request: &v1::ListLocalitiesRequest,
) -> Result<v1::ListLocalitiesResponse, Error> {
    let reader = context.reader();
    let gazetteer = reader.view.gazetteer();
    let level = request::level(request.level)?;
    let within = request::within(&request.within, gazetteer)?;
    let binding = Binding::new("ListLocalities")
        .number(i32::from(to_level(level)).into())
        .number(within.map_or(0, |code| code.number().into()));
    let page = Page::read(binding, request.page_size, &request.page_token)?;
    let all = listed(level, within, gazetteer)?;
    let (rows, next_page_token) = page.select(&all, |locality| locality.code);
    Ok(v1::ListLocalitiesResponse {
        next_page_token,
        localities: rows.into_iter().map(|locality| reader.locality(locality)).collect(),
        total_size: count(all.len()),
    })
}

fn search(
    context: &Context,
    request: &v1::SearchLocalitiesRequest,
) -> Result<v1::SearchLocalitiesResponse, Error> {
    let reader = context.reader();
    let text = request.text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        let expected = format!("a name, part of one or a code, at most {TEXT_BYTES_MAX} bytes");
        let refused = Error::malformed("text", Expected::SearchText, expected);
        return Err(refused.with("bytes", &TEXT_BYTES_MAX));
    }
    let binding = Binding::new("SearchLocalities").text(text);
    let page = Page::read(binding, request.page_size, &request.page_token)?;
    let all = reader.view.gazetteer().search(text);
    let (rows, next_page_token) = page.select((0_i64..).zip(&all), |(at, _)| [*at]);
    let matches = rows.into_iter().map(|(_, found)| v1::LocalityMatch {
        locality: Some(reader.locality(found.locality)),
        exact: found.exact,
    });
    Ok(v1::SearchLocalitiesResponse {
        matches: matches.collect(),
        next_page_token,
        total_size: count(all.len()),
    })
}

fn scorecard(
    context: &Context,
    request: &v1::GetScorecardRequest,
) -> Result<v1::GetScorecardResponse, Error> {
    let reader = context.reader();
    let view = &reader.view;
    let locality = request::locality("code", &request.code, view.gazetteer())?;
    let period = reader.period(&request.period)?;
    let nation = view.nation(period);
    let figures = nation.figures(locality);
    let (coverage, indicators): (Vec<_>, Vec<_>) = view
        .catalogue()
        .indicators
        .iter()
        .zip(&figures.rollups)
        .partition(|(indicator, _)| indicator.formula == Formula::Coverage);
    let criteria = view.catalogue().criteria.iter().zip(&figures.criteria);
    let mut coverage = coverage.into_iter();
    Ok(v1::GetScorecardResponse {
        locality: Some(reader.locality(locality)),
        period: period.to_string(),
        view_version: view.version().to_owned(),
        coverage: coverage.next().map(|(indicator, rollup)| reader.rollup(indicator, rollup)),
        criteria: criteria.map(|(criterion, rollup)| reader.criterion(criterion, rollup)).collect(),
        indicators: indicators
            .into_iter()
            .map(|(indicator, rollup)| reader.rollup(indicator, rollup))
            .collect(),
        reports: reader.reports(&nation, locality.code),
    })
}

/// The localities of a level, by code.
fn listed(
    level: Level,
    within: Option<LocalityCode>,
    gazetteer: &Gazetteer,
) -> Result<Vec<&Locality>, Error> {
    match (level, within) {
        (Level::Commune, Some(province)) => Ok(gazetteer.communes(province).collect()),
        (_, None) => {
            Ok(gazetteer.localities().filter(|found| found.code.level() == level).collect())
        }
        (Level::Nation | Level::Province, Some(within)) => Err(Error::LevelOutsideScope { within }),
    }
}

#[tonic::async_trait]
impl LocalityService for Localities {
    async fn get_locality(
        &self,
        request: Request<v1::GetLocalityRequest>,
    ) -> Result<Response<v1::GetLocalityResponse>, Status> {
        self.context.light(&request, locality)
    }

    async fn list_localities(
        &self,
        request: Request<v1::ListLocalitiesRequest>,
    ) -> Result<Response<v1::ListLocalitiesResponse>, Status> {
        self.context.light(&request, list)
    }

    async fn search_localities(
        &self,
        request: Request<v1::SearchLocalitiesRequest>,
    ) -> Result<Response<v1::SearchLocalitiesResponse>, Status> {
        self.context.light(&request, search)
    }

    async fn get_scorecard(
        &self,
        request: Request<v1::GetScorecardRequest>,
    ) -> Result<Response<v1::GetScorecardResponse>, Status> {
        self.context.light(&request, scorecard)
    }
}
