//! Completeness and the silent localities as messages.

use phuxanh_core::{
    LocalityCode, Period,
    figures::{
        insight::completeness::{Completeness, Report, last_period, reports},
        ranking::Scope,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{
    convert::{query::to_level, wire_time},
    v1,
};

use super::super::{
    Context, Error,
    answer::{Reader, count},
    insight::{fraction, province_code},
    page::Binding,
    request, walk,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetCompletenessRequest,
) -> Result<v1::GetCompletenessResponse, Error> {
    let within = request::within(&request.within, reader.view.gazetteer())?;
    let period = reader.period(&request.period)?;
    let deadline = reader.view.catalogue().deadline(period);
    let nation = reader.view.nation(period);
    let provinces: Vec<_> = reports(&reader.view, &nation)
        .filter(|(province, _)| within.is_none_or(|within| within == province.code))
        .map(|(province, reports)| (province.code, Completeness::new(&reports, deadline)))
        .collect();
    let total = provinces.iter().fold(Completeness::default(), |sum, (_, one)| sum.plus(*one));
    let listed = if within.is_none() { provinces.as_slice() } else { &[] };
    Ok(v1::GetCompletenessResponse {
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        deadline_time: Some(wire_time(deadline)),
        deadline_passed: reader.now >= deadline,
        total: Some(write(reader, within.unwrap_or(LocalityCode::NATION), &total)),
        provinces: listed.iter().map(|(code, one)| write(reader, *code, one)).collect(),
    })
}

pub(super) fn silent(
    context: &Context,
    request: &v1::ListSilentRequest,
) -> Result<v1::ListSilentResponse, Error> {
    let present = context.reader();
    let within = request::within(&request.within, present.view.gazetteer())?;
    let scope = request::scope("level", request::level(request.level)?, within)?;
    let asked = walk::Asked {
        binding: Binding::new("ListSilent")
            .number(i32::from(to_level(scope.level())).into())
            .number(scope.within().number().into())
            .number(request.by_deadline.into()),
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let (reader, period) = (&walk.reader, walk.period);
    let deadline = reader.view.catalogue().deadline(period);
    let all = localities(reader, scope, period);
    let locality_count = all.len();
    let silent: Vec<_> = all
        .into_iter()
        .filter(|report| {
            let since = request.by_deadline && !report.is_in_time(deadline);
            since || report.first_receipt.is_none()
        })
        .collect();
    let silent_count = silent.len();
    let (page, next_page_token) = walk.select(silent, |report| report.locality);
    Ok(v1::ListSilentResponse {
        rows: page.iter().filter_map(|report| row(reader, report, period)).collect(),
        next_page_token,
        level: to_level(scope.level()).into(),
        within: scope.within().to_string(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        deadline_time: Some(wire_time(deadline)),
        silent_count: count(silent_count),
        locality_count: count(locality_count),
        view_changed: walk.view_changed,
    })
}

/// The localities of a scope, by code. A province has reported when the first of its communes has.
fn localities(reader: &Reader, scope: Scope, period: Period) -> Vec<Report> {
    let nation = reader.view.nation(period);
    let provinces = reports(&reader.view, &nation);
    match scope {
        Scope::Provinces => provinces
            .map(|(province, reports)| Report {
                locality: province.code,
                first_receipt: reports.iter().filter_map(|report| report.first_receipt).min(),
            })
            .collect(),
        Scope::Communes { within } => {
            let inside = provinces
                .filter(|(province, _)| within.is_none_or(|within| within == province.code));
            let mut all: Vec<_> = inside.flat_map(|(_, reports)| reports).collect();
            all.sort_unstable_by_key(|report| report.locality);
            all
        }
    }
}

/// The row of a locality; `None` if the gazetteer does not hold it.
fn row(reader: &Reader, report: &Report, period: Period) -> Option<v1::SilentLocality> {
    let gazetteer = reader.view.gazetteer();
    let locality = gazetteer.locality(report.locality)?;
    let reporter = reader.view.reporter(owner(locality));
    let last = reporter.and_then(|reporter| last_period(reporter, gazetteer, locality, period));
    Some(v1::SilentLocality {
        locality: Some(reader.named(locality.code)),
        province_code: province_code(locality),
        first_receipt_time: report.first_receipt.map(wire_time),
        last_period: last.map(|period| period.to_string()).unwrap_or_default(),
    })
}

fn owner(locality: &Locality) -> LocalityCode {
    locality.province.unwrap_or(locality.code)
}

fn write(reader: &Reader, scope: LocalityCode, found: &Completeness) -> v1::Completeness {
    let share = |part: u32| fraction(part.into(), found.commune_count.into());
    v1::Completeness {
        scope: Some(reader.named(scope)),
        commune_count: count(found.commune_count),
        in_time_count: count(found.in_time_count),
        reported_count: count(found.reported_count),
        in_time_share: share(found.in_time_count),
        reported_share: share(found.reported_count),
        first_receipt_time: found.first_receipt.map(wire_time),
    }
}
