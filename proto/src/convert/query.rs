//! Answers of queries: localities, the catalogue, and the words that rollups use.

use phuxanh_core::{
    Basis, Level, MetricId,
    catalogue::{
        Catalogue, Definition, Direction, Formula, GREEN_COVERAGE, Indicator, Measure,
        Plausibility, Status, Whole,
    },
    gazetteer::{Gazetteer, Kind, Locality},
};

use super::wire_time;
use crate::v1;

/// The wire's word for a level.
#[must_use]
pub const fn to_level(level: Level) -> v1::Level {
    match level {
        Level::Nation => v1::Level::Nation,
        Level::Province => v1::Level::Province,
        Level::Commune => v1::Level::Commune,
    }
}

/// The level of a wire's word; `None` where it is not stated.
#[must_use]
pub const fn from_level(level: v1::Level) -> Option<Level> {
    match level {
        v1::Level::Unspecified => None,
        v1::Level::Nation => Some(Level::Nation),
        v1::Level::Province => Some(Level::Province),
        v1::Level::Commune => Some(Level::Commune),
    }
}

/// The wire's word for a basis.
#[must_use]
pub const fn to_basis(basis: Basis) -> v1::Basis {
    match basis {
        Basis::Reported => v1::Basis::Unspecified,
        Basis::Published => v1::Basis::Published,
        Basis::Synthetic => v1::Basis::Synthetic,
    }
}

/// The wire's word for a colour.
#[must_use]
pub const fn to_status(status: Status) -> v1::Status {
    match status {
        Status::Green => v1::Status::Green,
        Status::Yellow => v1::Status::Yellow,
        Status::Red => v1::Status::Red,
        Status::Grey => v1::Status::Grey,
    }
}

/// The wire's word for a direction.
#[must_use]
pub const fn to_direction(direction: Direction) -> v1::Direction {
    match direction {
        Direction::Up => v1::Direction::Up,
        Direction::Down => v1::Direction::Down,
    }
}

/// Writes a locality, with the name of its province.
#[must_use]
pub fn to_locality(locality: &Locality, gazetteer: &Gazetteer) -> v1::Locality {
    let province = locality.province.and_then(|code| gazetteer.locality(code));
    v1::Locality {
        code: locality.code.to_string(),
        name: locality.name.clone(),
        name_en: locality.name_en.clone(),
        kind: to_kind(locality.kind).into(),
        province_code: province.map(|found| found.code.to_string()).unwrap_or_default(),
        province_name: province.map(|found| found.name.clone()).unwrap_or_default(),
        valid_from: locality.valid_from.to_string(),
        valid_until: locality.valid_until.map(|day| day.to_string()).unwrap_or_default(),
        served_by: locality.served_by.map(|code| code.to_string()).unwrap_or_default(),
        aliases: locality.aliases.clone(),
        province_name_en: province.map(|found| found.name_en.clone()).unwrap_or_default(),
    }
}

/// The wire's word for a kind.
#[must_use]
pub const fn to_kind(kind: Kind) -> v1::LocalityKind {
    match kind {
        Kind::Nation => v1::LocalityKind::Nation,
        Kind::Province => v1::LocalityKind::Province,
        Kind::City => v1::LocalityKind::City,
        Kind::Commune => v1::LocalityKind::Commune,
        Kind::Ward => v1::LocalityKind::Ward,
        Kind::SpecialZone => v1::LocalityKind::SpecialZone,
    }
}

/// The kind of a wire's word; `None` where it is not stated.
#[must_use]
pub const fn from_kind(kind: v1::LocalityKind) -> Option<Kind> {
    match kind {
        v1::LocalityKind::Unspecified => None,
        v1::LocalityKind::Nation => Some(Kind::Nation),
        v1::LocalityKind::Province => Some(Kind::Province),
        v1::LocalityKind::City => Some(Kind::City),
        v1::LocalityKind::Commune => Some(Kind::Commune),
        v1::LocalityKind::Ward => Some(Kind::Ward),
        v1::LocalityKind::SpecialZone => Some(Kind::SpecialZone),
    }
}

/// Writes a catalogue.
#[must_use]
pub fn to_catalogue(catalogue: &Catalogue) -> v1::GetCatalogueResponse {
    let evidence = |at: Option<usize>| {
        let indicator = at.and_then(|at| catalogue.indicators.get(at));
        indicator.map(|indicator| indicator.definition.id.clone()).unwrap_or_default()
    };
    v1::GetCatalogueResponse {
        version: catalogue.version,
        digest: catalogue.digest().to_vec(),
        criteria: catalogue
            .criteria
            .iter()
            .map(|criterion| {
                let Definition { id, name_vi, name_en, origin } = criterion.definition.clone();
                let evidence = evidence(criterion.evidence);
                v1::Criterion {
                    id,
                    name_vi,
                    name_en,
                    required: criterion.required,
                    evidence,
                    origin,
                }
            })
            .collect(),
        measures: (0..)
            .zip(&catalogue.measures)
            .map(|(at, one)| to_measure(catalogue, at, one))
            .collect(),
        indicators: catalogue.indicators.iter().map(to_indicator).collect(),
        task_groups: catalogue
            .task_groups
            .iter()
            .map(|group| {
                let Definition { id, name_vi, name_en, origin: _ } = group.definition.clone();
                let overdue_published_count = group.overdue_published;
                v1::TaskGroup { id, name_vi, name_en, overdue_published_count }
            })
            .collect(),
        plausibility: Some(to_plausibility(&catalogue.plausibility)),
    }
}

fn to_plausibility(plausibility: &Plausibility) -> v1::Plausibility {
    let deadlines = plausibility.deadlines.iter().map(|deadline| {
        let Definition { id, name_vi, name_en, origin } = deadline.definition.clone();
        let deadline_time = Some(wire_time(deadline.time));
        v1::Deadline { id, name_vi, name_en, deadline_time, origin }
    });
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    v1::Plausibility {
        deadline_day: plausibility.deadline_day.into(),
        deadlines: deadlines.collect(),
        eve_hours: u32::try_from(plausibility.eve.as_secs() / 3_600).unwrap_or(u32::MAX),
        frozen_periods: count(plausibility.frozen_period_count),
        copied_measures: count(plausibility.copied_measure_count),
        value_min: plausibility.value_min,
    }
}

/// The id of what a total adds up.
#[must_use]
pub fn whole_id(catalogue: &Catalogue, whole: Whole) -> String {
    match whole {
        Whole::GreenCommunes => GREEN_COVERAGE.to_owned(),
        Whole::Measure(at) => catalogue.measures[at].definition.id.clone(),
    }
}

fn to_measure(catalogue: &Catalogue, at: usize, measure: &Measure) -> v1::Measure {
    let Definition { id, name_vi, name_en, origin: _ } = measure.definition.clone();
    let Plausibility { parts, totals, varying, .. } = &catalogue.plausibility;
    let part = parts.iter().find(|rule| rule.part == at);
    let total = totals.iter().find(|rule| rule.declared == at);
    v1::Measure {
        id,
        name_vi,
        name_en,
        level: to_level(measure.level).into(),
        sum: ids(&measure.sum),
        obstacle: measure.obstacle,
        part_of: part
            .map(|rule| whole_id(catalogue, Whole::Measure(rule.whole)))
            .unwrap_or_default(),
        total_of: total.map(|rule| whole_id(catalogue, rule.of)).unwrap_or_default(),
        varies: varying.contains(&at),
    }
}

fn to_indicator(indicator: &Indicator) -> v1::Indicator {
    let Definition { id, name_vi, name_en, origin } = indicator.definition.clone();
    let (numerator, denominator) = match &indicator.formula {
        Formula::Coverage => (Vec::new(), Vec::new()),
        Formula::Ratio { numerator, denominator } => (ids(numerator), ids(denominator)),
    };
    v1::Indicator {
        id,
        name_vi,
        name_en,
        numerator,
        denominator,
        direction: to_direction(indicator.direction).into(),
        unit: indicator.unit.clone(),
        legend: indicator.legend.map(|legend| v1::Legend {
            green_from: legend.green_from.to_f64(),
            yellow_from: legend.yellow_from.to_f64(),
        }),
        full_at: indicator.full_at.to_f64(),
        origin,
    }
}

fn ids(metrics: &[MetricId]) -> Vec<String> {
    metrics.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commune_bears_the_name_of_its_province() {
        let gazetteer = Gazetteer::builtin();
        let commune = gazetteer.locality("00004".parse().expect("a code")).expect("Ba Đình");
        let message = to_locality(commune, &gazetteer);
        assert_eq!((message.code.as_str(), message.province_code.as_str()), ("00004", "01"));
        assert_eq!(message.province_name, "Hà Nội");
        assert_eq!(message.kind(), v1::LocalityKind::Ward);
        assert_eq!((message.valid_from.as_str(), message.valid_until.as_str()), ("2025-07-01", ""));
    }

    #[test]
    fn the_catalogue_is_written_whole() {
        let catalogue = Catalogue::builtin();
        let message = to_catalogue(&catalogue);
        assert_eq!(message.criteria.len(), catalogue.criteria.len());
        assert_eq!(message.measures.len(), catalogue.measures.len());
        assert_eq!(message.indicators.len(), catalogue.indicators.len());
        assert_eq!(message.indicators[0].id, "green_coverage");
        assert!(message.indicators[0].numerator.is_empty());
        let evidence = message.criteria.iter().find(|found| found.id == "digital_signatures");
        assert_eq!(evidence.map(|found| found.evidence.as_str()), Some("results_signed_rate"));
        let measure = |id: &str| message.measures.iter().find(|found| found.id == id).expect(id);
        assert_eq!(measure("records_synchronised").part_of, "applications_received");
        assert_eq!(measure("declared_green_communes").total_of, "green_coverage");
        assert!(measure("fees_due").varies && !measure("working_days").varies);
        let plausibility = message.plausibility.as_ref().expect("thresholds");
        assert_eq!((plausibility.eve_hours, plausibility.deadlines.len()), (24, 1));
        let down = message.indicators.iter().find(|found| found.id == "obstacle_rate");
        assert_eq!(down.map(v1::Indicator::direction), Some(v1::Direction::Down));
    }
}
