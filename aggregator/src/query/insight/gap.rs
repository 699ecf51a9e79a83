//! Gaps and their ranking as messages.

use phuxanh_core::{
    LocalityCode,
    figures::{
        insight::gap::{self, Finding, Gap, Gaps},
        ranking::Scope,
        rollup::{Unranked, Value},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{convert::query::to_level, v1};

use super::{
    super::{
        Context, Error,
        answer::{Reader, count},
        page::{self, Binding},
        request,
        sheet::{self, Place, Section},
    },
    fraction, province_code,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetGapRequest,
) -> Result<v1::GetGapResponse, Error> {
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let period = reader.period(&request.period)?;
    let gaps = gaps(reader, &reader.view.nation(period), locality);
    Ok(v1::GetGapResponse {
        locality: Some(reader.named(locality.code)),
        province_code: province_code(locality),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        gap: Some(mean(reader, &gaps)),
        criteria: gaps.0.iter().map(|one| criterion(reader, one)).collect(),
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
    let size = page::size(request.page_size)?;
    let asked_period = request::period("period", &request.period, present.now)?;
    let binding = Binding::new("RankGaps")
        .number(i32::from(to_level(scope.level())).into())
        .number(scope.within().number().into())
        .number(asked_period.map_or(0, |period| period.number().into()))
        .number(request.section.into());
    let place = Place::open(&binding, &request.page_token)?;
    let before = place.as_ref().map(|place| place.walk);
    let (reader, walk, view_changed) = context.resume(&present, before, asked_period);
    let period = walk.period;
    let nation = reader.view.nation(period);
    let ranking = gap::ranking(&nation, reader.view.catalogue(), scope);
    let asked = sheet::Asked { section, after: place.as_ref(), size };
    // Stale gaps are no section of their own.
    let page = reader.page(period, &ranking, &asked, |_| false);
    if page.next.is_some() {
        context.keep(&reader);
    }
    let rows = page.rows.into_iter().filter_map(|(rank, code)| row(&reader, &nation, rank, code));
    Ok(v1::RankGapsResponse {
        rows: rows.collect(),
        next_page_token: page.next.map(|place| place.token(&binding)).unwrap_or_default(),
        level: to_level(scope.level()).into(),
        within: Scope::within(scope).to_string(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        ranked_count: count(ranking.ranked_count()),
        unknown_count: count(ranking.unranked_count(Unranked::Unknown)),
        untested_count: count(ranking.unranked_count(Unranked::Untested)),
        view_changed,
    })
}

fn section(number: i32) -> Result<Section, Error> {
    match Section::read(number)? {
        Section::Stale | Section::Unranked(Unranked::Small | Unranked::OneSided) => {
            let expected = "SECTION_RANKED, SECTION_UNKNOWN or SECTION_UNTESTED";
            Err(Error::malformed("section", expected))
        }
        section => Ok(section),
    }
}

/// The row of a locality; `None` if the gazetteer does not hold it.
fn row(
    reader: &Reader,
    nation: &NationRollup<'_>,
    rank: usize,
    code: LocalityCode,
) -> Option<v1::RankedGap> {
    let locality = reader.view.gazetteer().locality(code)?;
    let gaps = gaps(reader, nation, locality);
    let widest = gaps.widest();
    Some(v1::RankedGap {
        rank: count(rank),
        locality: Some(reader.named(code)),
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
