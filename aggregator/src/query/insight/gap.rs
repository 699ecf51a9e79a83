//! Gaps and their ranking as messages.

use phuxanh_core::{
    figures::{
        insight::gap::{self, Finding, Gap, Gaps},
        ranking::Scope,
        rollup::{Unranked, Value},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{convert::query::to_level, refusal::Expected, v1};

use super::{
    super::{
        Context, Error,
        answer::{Reader, count},
        page::Binding,
        request,
        sheet::{Row, Section, fetch},
        walk,
    },
    fraction, province_code,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetGapRequest,
) -> Result<v1::GetGapResponse, Error> {
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let period = reader.period(&request.period)?;
    let nation = reader.view.nation(period);
    let gaps = gaps(reader, &nation, locality);
    Ok(v1::GetGapResponse {
        locality: Some(reader.named(locality.code)),
        province_code: province_code(locality),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        gap: Some(mean(reader, &gaps)),
        criteria: gaps.0.iter().map(|one| criterion(reader, one)).collect(),
        reports: reader.reports(&nation, locality.code),
    })
}

pub(super) fn rank(
    context: &Context,
    request: &v1::RankGapsRequest,
) -> Result<v1::RankGapsResponse, Error> {
    let present = context.reader();
    let within = request::within(&request.within, present.view.gazetteer())?;
    let scope = request::scope("level", request::level(request.level)?, within)?;
    let section = section(request.section)?;
    let asked = walk::Asked {
        binding: Binding::new("RankGaps")
            .number(i32::from(to_level(scope.level())).into())
            .number(scope.within().number().into())
            .number(request.section.into()),
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let (reader, period) = (&walk.reader, walk.period);
    let nation = reader.view.nation(period);
    let ranking = gap::ranking(&nation, reader.view.catalogue(), scope);
    // Stale gaps are no section of their own.
    let fetched = fetch(&ranking, section, &walk.page, |_| false);
    let (page, next_page_token) = walk.cut(fetched.rows, Row::place);
    Ok(v1::RankGapsResponse {
        rows: page.iter().filter_map(|found| row(reader, &nation, found)).collect(),
        next_page_token,
        level: to_level(scope.level()).into(),
        within: Scope::within(scope).to_string(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        ranked_count: count(ranking.ranked_count()),
        unknown_count: count(ranking.unranked_count(Unranked::Unknown)),
        untested_count: count(ranking.unranked_count(Unranked::Untested)),
        view_changed: walk.view_changed,
        reports: reader.reports(&nation, Scope::within(scope)),
    })
}

fn section(number: i32) -> Result<Section, Error> {
    match Section::read(number)? {
        Section::Stale | Section::Unranked(Unranked::Small | Unranked::OneSided) => {
            let expected = "SECTION_RANKED, SECTION_UNKNOWN or SECTION_UNTESTED";
            Err(Error::malformed("section", Expected::Section, expected))
        }
        section => Ok(section),
    }
}

/// The row of a locality; `None` if the gazetteer does not hold it.
fn row(reader: &Reader, nation: &NationRollup<'_>, found: &Row) -> Option<v1::RankedGap> {
    let locality = reader.view.gazetteer().locality(found.code())?;
    let gaps = gaps(reader, nation, locality);
    let widest = gaps.widest();
    Some(v1::RankedGap {
        rank: count(found.rank),
        locality: Some(reader.named(locality.code)),
        province_code: province_code(locality),
        gap: Some(mean(reader, &gaps)),
        widest_criterion: widest.map(|(at, _)| reader.criterion_id(at)).unwrap_or_default(),
        widest_gap_billionths: widest.map_or(0, |(_, gap)| gap),
    })
}

fn gaps(reader: &Reader, nation: &NationRollup<'_>, locality: &Locality) -> Gaps {
    let figures = nation.figures(locality);
    Gaps::new(reader.view.catalogue(), figures.criteria.iter().copied(), &figures.rollups)
}

fn mean(reader: &Reader, gaps: &Gaps) -> v1::Gap {
    let (state, numerator, denominator) = match gaps.mean() {
        Value::Known(mean) => (v1::RollupState::Known, mean.numerator(), mean.denominator()),
        Value::Unknown => (v1::RollupState::Unknown, 0, 0),
        Value::Untested => (v1::RollupState::Untested, 0, 0),
    };
    let known_count = gaps.known().count();
    v1::Gap {
        state: state.into(),
        numerator,
        denominator,
        value: fraction(numerator, denominator),
        criterion_count: count(known_count),
        without_gap_count: count(gaps.0.len() - known_count),
        provenance: Some(reader.provenance(gaps.provenance())),
    }
}

fn criterion(reader: &Reader, found: &Finding) -> v1::CriterionGap {
    let (state, gap_billionths) = match found.gap {
        Gap::Known(gap) => (v1::GapState::Known, gap),
        Gap::Undeclared => (v1::GapState::Undeclared, 0),
        Gap::Unknown => (v1::GapState::Unknown, 0),
        Gap::Untested => (v1::GapState::Untested, 0),
    };
    v1::CriterionGap {
        state: state.into(),
        gap_billionths,
        criterion: reader.criterion_id(found.criterion),
        met_count: count(found.declared.met_count),
        unmet_count: count(found.declared.unmet_count),
        unknown_count: count(found.declared.unknown_count),
        declared_provenance: Some(reader.provenance(found.declared.provenance)),
        measured: Some(reader.figure_of(found.evidence, &found.measured)),
        full_at: reader.view.catalogue().indicators[found.evidence].full_at.to_f64(),
    }
}
