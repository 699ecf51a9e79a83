//! The ranking service: which localities are lowest.

use phuxanh_proto::{
    convert::query::to_level,
    model::{Level, Period},
    v1::{self, ranking_service_server::RankingService},
};
use tonic::{Request, Response, Status};

use super::{
    Context, Error,
    answer::{Reader, count},
    page::{self, Binding},
    request,
    sheet::{Place, Sheet},
};
use crate::{
    ranking::{Query, Unranked},
    rollup::{Key, Order, Value},
};

/// Neighbours on each side where the request does not say.
const NEIGHBOURS_DEFAULT: usize = 5;
/// Most neighbours on each side.
const NEIGHBOURS_MAX: usize = 50;

/// Ranks localities by an indicator.
#[derive(Debug, Clone)]
pub struct Rankings {
    context: Context,
}

/// A ranking that was asked for.
struct Asked {
    query: Query,
    section: v1::Section,
    /// `None` for the default.
    period: Option<Period>,
}

impl Rankings {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }

    fn rank(
        &self,
        request: &v1::RankLocalitiesRequest,
    ) -> Result<v1::RankLocalitiesResponse, Error> {
        let reader = self.context.reader();
        let asked = Asked::read(request, &reader)?;
        let size = page::size(request.page_size)?;
        let indicator = &reader.view.catalogue().indicators[asked.query.indicator].definition.id;
        let binding = asked.binding(indicator);
        let place = match binding.open(&request.page_token)? {
            None => None,
            Some(numbers) => Some(Place::of_numbers(numbers).ok_or(Error::ForeignPageToken)?),
        };
        let period = place
            .as_ref()
            .map(|place| place.period)
            .or(asked.period)
            .unwrap_or_else(|| reader.default_period());
        let nation = reader.view.nation(period);
        let ranking = nation.ranking(&asked.query);
        let sheet = Sheet { reader: &reader, nation: &nation, query: &asked.query };
        let (rows, next) = sheet.page(asked.section, &ranking, place.as_ref(), size);
        Ok(v1::RankLocalitiesResponse {
            rows,
            next_page_token: next.map(|place| place.token(&binding)).unwrap_or_default(),
            indicator: indicator.clone(),
            level: to_level(asked.query.scope.level()).into(),
            within: asked.query.scope.within().to_string(),
            period: period.to_string(),
            order: to_order(asked.query.order).into(),
            view_version: reader.view.version().to_owned(),
            ranked_count: count(ranking.ranked_count()),
            unknown_count: count(ranking.unranked_count(Unranked::Unknown)),
            untested_count: count(ranking.unranked_count(Unranked::Untested)),
        })
    }

    fn standing(&self, request: &v1::GetStandingRequest) -> Result<v1::GetStandingResponse, Error> {
        let reader = self.context.reader();
        let gazetteer = reader.view.gazetteer();
        let locality = request::locality("code", &request.code, gazetteer)?;
        let indicator = request::indicator(&request.indicator, reader.view.catalogue())?;
        let within = request::within(&request.within, gazetteer)?;
        let level = locality.code.level();
        let scope = match (level, within) {
            (Level::Commune, Some(within)) if locality.province != Some(within) => {
                return Err(Error::LocalityOutsideScope { code: locality.code, within });
            }
            (level, within) => request::scope("code", level, within)?,
        };
        let query = Query { scope, indicator, order: request::order(request.order)? };
        let neighbour_max = neighbours(request.neighbour_max)?;
        let period = request::period(&request.period)?.unwrap_or_else(|| reader.default_period());

        let nation = reader.view.nation(period);
        let ranking = nation.ranking(&query);
        let sheet = Sheet { reader: &reader, nation: &nation, query: &query };
        let standing = match nation.rollup(locality, indicator).value() {
            Value::Known(value) => {
                Some(ranking.standing(Key { value, code: locality.code }, neighbour_max))
            }
            Value::Unknown | Value::Untested => None,
        };
        let rank = standing.as_ref().map_or(0, |standing| standing.row.rank);
        let (before, behind) = standing
            .map(|standing| (sheet.rows(&standing.before), sheet.rows(&standing.behind)))
            .unwrap_or_default();
        Ok(v1::GetStandingResponse {
            locality: sheet.row(rank, locality.code),
            before,
            behind,
            level: to_level(level).into(),
            within: scope.within().to_string(),
            period: period.to_string(),
            order: to_order(query.order).into(),
            view_version: reader.view.version().to_owned(),
            ranked_count: count(ranking.ranked_count()),
        })
    }
}

impl Asked {
    fn read(request: &v1::RankLocalitiesRequest, reader: &Reader) -> Result<Self, Error> {
        let view = &reader.view;
        let within = request::within(&request.within, view.gazetteer())?;
        let expected = "SECTION_RANKED, SECTION_UNKNOWN or SECTION_UNTESTED";
        Ok(Self {
            query: Query {
                scope: request::scope("level", request::level(request.level)?, within)?,
                indicator: request::indicator(&request.indicator, view.catalogue())?,
                order: request::order(request.order)?,
            },
            section: request::word("section", request.section, expected)?,
            period: request::period(&request.period)?,
        })
    }

    fn binding(&self, indicator: &str) -> Binding {
        Binding::new("RankLocalities")
            .text(indicator)
            .number(i32::from(to_level(self.query.scope.level())).into())
            .number(self.query.scope.within().number().into())
            .number(self.period.map_or(0, |period| period.number().into()))
            .number(i32::from(to_order(self.query.order)).into())
            .number(i32::from(self.section).into())
    }
}

const fn to_order(order: Order) -> v1::Order {
    match order {
        Order::Lowest => v1::Order::Lowest,
        Order::Highest => v1::Order::Highest,
    }
}

fn neighbours(neighbour_max: i32) -> Result<usize, Error> {
    match usize::try_from(neighbour_max) {
        Ok(0) => Ok(NEIGHBOURS_DEFAULT),
        Ok(max) => Ok(max.min(NEIGHBOURS_MAX)),
        Err(_) => Err(Error::malformed("neighbour_max", "0 for the default, or 1 to 50")),
    }
}

#[tonic::async_trait]
impl RankingService for Rankings {
    async fn rank_localities(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Result<Response<v1::RankLocalitiesResponse>, Status> {
        Ok(Response::new(self.rank(request.get_ref())?))
    }

    async fn get_standing(
        &self,
        request: Request<v1::GetStandingRequest>,
    ) -> Result<Response<v1::GetStandingResponse>, Status> {
        Ok(Response::new(self.standing(request.get_ref())?))
    }
}
