//! Comparisons of two months as messages.

use std::cmp::Ordering;

use phuxanh_core::{
    Level, LocalityCode, Period,
    catalogue::{Catalogue, calendar::WorkingDays},
    figures::{
        insight::{
            change::Change,
            comparison::{self, Comparison, Months, Sum},
        },
        rollup::{CommuneRollup, PeriodRollup, Ratio},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::v1;

use super::super::{
    Error,
    answer::{Reader, count, to_f64},
    hint::{self, Kind},
    request,
};

/// The measure where the request does not name one.
const MEASURE_DEFAULT: &str = "applications_received";

pub(super) fn answer(
    reader: &Reader,
    request: &v1::ComparePeriodsRequest,
) -> Result<v1::ComparePeriodsResponse, Error> {
    let catalogue = reader.view.catalogue();
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let measure = measure(&request.measure, catalogue)?;
    let periods = periods(reader, request)?;
    let days = Months {
        now: catalogue.calendar.working_days(periods.now),
        before: catalogue.calendar.working_days(periods.before),
    };
    let day_counts = Months { now: days.now.day_count, before: days.before.day_count };
    let nations =
        Months { now: reader.view.nation(periods.now), before: reader.view.nation(periods.before) };
    let (total, mut parts) = compared(&nations, locality, measure);
    comparison::sort(&mut parts, day_counts);
    let write = |code, found: &Comparison| write(reader, code, found, day_counts);
    Ok(v1::ComparePeriodsResponse {
        measure: catalogue.measures[measure].definition.id.clone(),
        view_version: reader.view.version().to_owned(),
        period: Some(working_days(periods.now, &days.now)),
        baseline: Some(working_days(periods.before, &days.before)),
        total: Some(write(locality.code, &total)),
        parts: parts.iter().map(|(code, found)| write(*code, found)).collect(),
        reports: reader.reports(&nations.now, locality.code),
    })
}

/// Place of a measure that communes report.
fn measure(text: &str, catalogue: &Catalogue) -> Result<usize, Error> {
    let id = if text.is_empty() { MEASURE_DEFAULT } else { text };
    let reported = |at: &usize| catalogue.measures[*at].level == Level::Commune;
    catalogue.measure_index(id).filter(reported).ok_or_else(|| {
        let measures = catalogue.measures.iter().filter(|one| one.level == Level::Commune);
        let known: Vec<_> = measures.map(|one| one.definition.id.as_str()).collect();
        let refused = Error::UnknownMeasure { id: id.to_owned(), known: known.join(", ") };
        refused.hinted(hint::of_name(id, &[Kind::Measure], catalogue))
    })
}

fn periods(reader: &Reader, request: &v1::ComparePeriodsRequest) -> Result<Months<Period>, Error> {
    let now = reader.period(&request.period)?;
    let before = request::period("baseline_period", &request.baseline_period, reader.now)?;
    let before = before.or(now.previous()).filter(|before| *before < now);
    let before = before.ok_or_else(|| request::not_before(now))?;
    Ok(Months { now, before })
}

/// A locality, and those in it.
fn compared(
    nations: &Months<NationRollup<'_>>,
    locality: &Locality,
    measure: usize,
) -> (Comparison, Vec<(LocalityCode, Comparison)>) {
    let province = |code| -> Vec<_> {
        let communes = nations.now.province(code).map_or(&[][..], PeriodRollup::communes);
        let before = nations.before.province(code);
        let earlier = |commune: &CommuneRollup| before?.commune(commune.code);
        let compare = |one: &CommuneRollup| (one.code, Comparison::new(one, earlier(one), measure));
        communes.iter().map(compare).collect()
    };
    let total = |parts: &[(_, Comparison)]| Comparison::total(parts.iter().map(|(_, one)| one));
    let code = locality.code;
    let parts = match (code.level(), locality.province) {
        (Level::Commune, Some(of)) => {
            let found = province(of).into_iter().find(|(found, _)| *found == code);
            return (found.map(|(_, one)| one).unwrap_or_default(), Vec::new());
        }
        (Level::Nation, _) => {
            let provinces = nations.now.provinces();
            provinces.map(|(one, _)| (one.code, total(&province(one.code)))).collect()
        }
        (Level::Province | Level::Commune, _) => province(code),
    };
    (total(&parts), parts)
}

fn working_days(period: Period, days: &WorkingDays<'_>) -> v1::WorkingDays {
    v1::WorkingDays {
        period: period.to_string(),
        day_count: count(days.day_count),
        weekday_count: count(days.weekday_count),
        holidays: days.holidays.iter().map(|holiday| holiday.name_vi.clone()).collect(),
        holidays_listed: days.is_listed,
    }
}

fn write(
    reader: &Reader,
    code: LocalityCode,
    found: &Comparison,
    day_counts: Months<u32>,
) -> v1::Comparison {
    let change = found.change(day_counts);
    let movement = match change.map(|change| change.up.cmp(&change.down)) {
        None => v1::Movement::Unspecified,
        Some(Ordering::Less) => v1::Movement::Fell,
        Some(Ordering::Equal) => v1::Movement::Equal,
        Some(Ordering::Greater) => v1::Movement::Rose,
    };
    let difference = change.map(Change::to_f64);
    let before = change.map(|change| to_f64(change.down)).filter(|before| *before > 0.0);
    v1::Comparison {
        locality: Some(reader.named(code)),
        compared_count: count(found.compared_count),
        commune_count: count(found.commune_count),
        now: Some(sum(reader, &found.sums.now, day_counts.now)),
        before: Some(sum(reader, &found.sums.before, day_counts.before)),
        movement: movement.into(),
        difference: difference.unwrap_or_default(),
        relative_difference: difference.zip(before).map(|(moved, before)| moved / before),
    }
}

fn sum(reader: &Reader, found: &Sum, day_count: u32) -> v1::ComparedSum {
    v1::ComparedSum {
        sum: found.sum,
        per_working_day: Ratio::new(found.sum, day_count.into()).map_or(0.0, to_f64),
        reported_count: count(found.reported_count),
        provenance: Some(reader.provenance(found.provenance)),
    }
}
