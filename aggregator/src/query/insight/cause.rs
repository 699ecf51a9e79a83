//! Causes as messages.

use std::slice;

use phuxanh_core::{
    Level,
    catalogue::{Formula, Measure},
    figures::{
        insight::cause::{self, CommunesSplit, CriteriaSplit, Obstacle},
        rollup::{CommuneRollup, Value},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{
    refusal::Expected,
    v1::{self, get_cause_response::Split},
};

use super::{
    super::{
        Error,
        answer::{Reader, count},
        page, request,
    },
    fraction, province_code,
};

/// Communes of a split where the request does not say.
const PARTS_DEFAULT: usize = 20;

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetCauseRequest,
) -> Result<v1::GetCauseResponse, Error> {
    let catalogue = reader.view.catalogue();
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let at = request::indicator(&request.indicator, catalogue)?;
    let part_max = part_max(request.part_max)?;
    let period = reader.period(&request.period)?;
    let nation = reader.view.nation(period);
    let communes = communes(&nation, locality)?;
    let country = reader.country()?;
    let indicator = &catalogue.indicators[at];
    let split = match (&indicator.formula, nation.rollup(country, at).value()) {
        (Formula::Coverage, _) => {
            CriteriaSplit::new(communes.iter(), nation.communes(), catalogue)?
                .map(|split| Split::Criteria(criteria(reader, &split)))
        }
        (Formula::Ratio { .. }, Value::Known(ratio)) => {
            let split = CommunesSplit::new(communes.iter(), at, ratio, indicator.direction)?;
            let written = split.map(|split| self::split(reader, split, part_max)).transpose()?;
            written.map(Split::Communes)
        }
        (Formula::Ratio { .. }, Value::Unknown | Value::Untested) => None,
    };
    let obstacles = cause::obstacles(communes, catalogue);
    let measures = catalogue.obstacles().zip(&obstacles);
    Ok(v1::GetCauseResponse {
        locality: Some(reader.named(locality.code)),
        province_code: province_code(locality),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        value: Some(reader.figure(&nation, locality, at)),
        nation: Some(reader.figure(&nation, country, at)),
        obstacles: measures.map(|(measure, one)| obstacle(reader, measure, one)).collect(),
        split,
        reports: reader.reports(&nation, locality.code),
    })
}

/// The communes in force of a locality; a commune is its own.
fn communes<'a>(
    nation: &'a NationRollup<'_>,
    locality: &Locality,
) -> Result<&'a [CommuneRollup], Error> {
    let province = |code| nation.province(code).ok_or(Error::UnknownLocality(code));
    match (locality.code.level(), locality.province) {
        (Level::Province, _) => Ok(province(locality.code)?.communes()),
        (Level::Commune, Some(code)) => {
            let found = province(code)?.commune(locality.code);
            Ok(found.map_or(&[], slice::from_ref))
        }
        (Level::Nation, _) | (Level::Commune, None) => Err(Error::malformed(
            "code",
            Expected::NotNation,
            "a province or a commune: the nation has no distance",
        )),
    }
}

fn part_max(part_max: i32) -> Result<usize, Error> {
    match usize::try_from(part_max) {
        Ok(0) => Ok(PARTS_DEFAULT),
        Ok(max) => Ok(max.min(page::SIZE_MAX)),
        Err(_) => Err(Error::out_of_range("part_max", page::SIZE_MAX)),
    }
}

fn criteria(reader: &Reader, split: &CriteriaSplit) -> v1::CriteriaSplit {
    let parts = split.parts.iter().map(|part| v1::CriterionPart {
        criterion: reader.criterion_id(part.criterion),
        unmet_numerator: part.unmet,
        unknown_numerator: part.unknown,
        numerator: part.sum,
        value: fraction(part.sum, split.denominator),
    });
    v1::CriteriaSplit {
        denominator: split.denominator,
        distance_numerator: split.distance,
        distance: fraction(split.distance, split.denominator),
        unmet_numerator: split.unmet,
        unknown_numerator: split.unknown,
        parts: parts.collect(),
    }
}

fn split(
    reader: &Reader,
    split: CommunesSplit,
    part_max: usize,
) -> Result<v1::CommunesSplit, Error> {
    let (split, rest_count, rest_numerator) = split.cut(part_max)?;
    let parts = split.parts.iter().map(|part| v1::CommunePart {
        commune: Some(reader.named(part.code)),
        numerator: part.part,
        value: fraction(part.part, split.denominator),
        commune_numerator: part.rollup.numerator,
        commune_denominator: part.rollup.denominator,
    });
    Ok(v1::CommunesSplit {
        denominator: split.denominator,
        distance_numerator: split.distance,
        distance: fraction(split.distance, split.denominator),
        parts: parts.collect(),
        rest_count: count(rest_count),
        rest_numerator,
    })
}

fn obstacle(reader: &Reader, measure: &Measure, obstacle: &Obstacle) -> v1::Obstacle {
    v1::Obstacle {
        measure: measure.definition.id.clone(),
        reported: obstacle.count,
        reported_count: count(obstacle.reported_count),
        commune_count: count(obstacle.commune_count),
        provenance: Some(reader.provenance(obstacle.provenance)),
    }
}
