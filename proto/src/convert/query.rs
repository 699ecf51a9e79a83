//! What queries answer with: localities, the catalogue, and the words that rollups use.

use crate::{
    catalogue::{Catalogue, Definition, Direction, Formula, Indicator, Measure, Status},
    gazetteer::{Gazetteer, Kind, Locality},
    model::{Basis, Level, MetricId},
    v1,
};

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
        measures: catalogue.measures.iter().map(to_measure).collect(),
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
    }
}

fn to_measure(measure: &Measure) -> v1::Measure {
    let Definition { id, name_vi, name_en, origin: _ } = measure.definition.clone();
    v1::Measure {
        id,
        name_vi,
        name_en,
        level: to_level(measure.level).into(),
        sum: ids(&measure.sum),
        obstacle: measure.obstacle,
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
        let down = message.indicators.iter().find(|found| found.id == "obstacle_rate");
        assert_eq!(down.map(v1::Indicator::direction), Some(v1::Direction::Down));
    }
}
