//! A locality's standing: its rank, its neighbours, and how it stood a month before.

use phuxanh_core::{
    Level,
    figures::{
        ranking::{Query, Ranking, Standing},
        rollup::{Key, Value},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{convert::query::to_level, v1};

use super::{
    super::{
        Error,
        answer::{Reader, count},
        request,
        sheet::Sheet,
    },
    to_order,
};

/// Neighbours on each side where the request does not say.
const NEIGHBOURS_DEFAULT: usize = 5;
/// Most neighbours on each side.
const NEIGHBOURS_MAX: usize = 50;

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetStandingRequest,
) -> Result<v1::GetStandingResponse, Error> {
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
    let query = Query::all(scope, indicator, request::order(request.order)?);
    let neighbour_max = neighbours(request.neighbour_max)?;
    let period = reader.period(&request.period)?;

    let nation = reader.view.nation(period);
    let ranking = nation.ranking(&query);
    let sheet = Sheet { reader, nation: &nation, query: &query };
    let standing = standing(&nation, &ranking, locality, &query, neighbour_max);
    let rank = standing.as_ref().map(|standing| standing.row.rank);
    let before = period.previous().map(|month| reader.view.nation(month));
    let previous = before.and_then(|nation| {
        previous(&Sheet { reader, nation: &nation, query: &query }, locality, rank)
    });
    let (before, behind) = standing
        .map(|standing| (sheet.rows(&standing.before), sheet.rows(&standing.behind)))
        .unwrap_or_default();
    Ok(v1::GetStandingResponse {
        locality: sheet.row(rank.unwrap_or(0), locality.code),
        before,
        behind,
        level: to_level(level).into(),
        within: scope.within().to_string(),
        period: period.to_string(),
        order: to_order(query.order).into(),
        view_version: reader.view.version().to_owned(),
        ranked_count: count(ranking.ranked_count()),
        previous,
        reports: reader.reports(&nation, scope.within()),
    })
}

/// `None` where the locality has no value.
fn standing(
    nation: &NationRollup<'_>,
    ranking: &Ranking,
    locality: &Locality,
    query: &Query,
    neighbour_max: usize,
) -> Option<Standing> {
    match nation.rollup(locality, query.indicator).value() {
        Value::Known(value) => {
            Some(ranking.standing(Key { value, code: locality.code }, neighbour_max))
        }
        Value::Unknown | Value::Untested => None,
    }
}

/// The standing in the month of a sheet, ranked or not, for one that has a rank now or none.
fn previous(
    sheet: &Sheet<'_>,
    locality: &Locality,
    rank_now: Option<usize>,
) -> Option<v1::PreviousStanding> {
    let ranking = sheet.nation.ranking(sheet.query);
    let standing = standing(sheet.nation, &ranking, locality, sheet.query, 0);
    let rank = standing.map(|standing| standing.row.rank);
    Some(v1::PreviousStanding {
        period: sheet.nation.period().to_string(),
        rank: count(rank.unwrap_or(0)),
        ranked_count: count(ranking.ranked_count()),
        rollup: sheet.row(rank.unwrap_or(0), locality.code)?.rollup,
        rank_change: rank_now.zip(rank).map(|(now, then)| count(now) - count(then)),
    })
}

fn neighbours(neighbour_max: i32) -> Result<usize, Error> {
    match usize::try_from(neighbour_max) {
        Ok(0) => Ok(NEIGHBOURS_DEFAULT),
        Ok(max) => Ok(max.min(NEIGHBOURS_MAX)),
        Err(_) => Err(Error::out_of_range("neighbour_max", NEIGHBOURS_MAX)),
    }
}
