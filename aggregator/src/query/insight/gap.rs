//! Gaps and their ranking as messages.

use phuxanh_proto::{convert::query::to_level, gazetteer::Locality, model::LocalityCode, v1};

use super::{
    super::{
        Error,
        answer::{Reader, count},
        page::{self, Binding},
        request,
        sheet::Place,
    },
    fraction, province_code,
};
use crate::{
    insight::gap::{self, Finding, Gap, Gaps},
    ranking::{Ranking, Scope, Unranked},
    rollup::{Key, Value},
    view::NationRollup,
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
    reader: &Reader,
    request: &v1::RankGapsRequest,
) -> Result<v1::RankGapsResponse, Error> {
    let within = request::within(&request.within, reader.view.gazetteer())?;
    let scope = request::scope("level", request::level(request.level)?, within)?;
    let expected = "SECTION_RANKED, SECTION_UNKNOWN or SECTION_UNTESTED";
    let section: v1::Section = request::word("section", request.section, expected)?;
    let size = page::size(request.page_size)?;
    let asked_period = request::period(&request.period)?;
    let binding = Binding::new("RankGaps")
        .number(i32::from(to_level(scope.level())).into())
        .number(scope.within().number().into())
        .number(asked_period.map_or(0, |period| period.number().into()))
        .number(i32::from(section).into());
    let place = match binding.open(&request.page_token)? {
        None => None,
        Some(numbers) => Some(Place::of_numbers(numbers).ok_or(Error::ForeignPageToken)?),
    };
    let period = place
        .as_ref()
        .map(|place| place.period)
        .or(asked_period)
        .unwrap_or_else(|| reader.default_period());
    let nation = reader.view.nation(period);
    let ranking = gap::ranking(&nation, reader.view.catalogue(), scope);
    let sheet = Sheet { reader, nation: &nation, ranking: &ranking };
    let (rows, next) = sheet.page(section, place.as_ref(), size);
    Ok(v1::RankGapsResponse {
        rows,
        next_page_token: next.map(|place| place.token(&binding)).unwrap_or_default(),
        level: to_level(scope.level()).into(),
        within: Scope::within(scope).to_string(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        ranked_count: count(ranking.ranked_count()),
        unknown_count: count(ranking.unranked_count(Unranked::Unknown)),
        untested_count: count(ranking.unranked_count(Unranked::Untested)),
    })
}

/// What rows are written from.
struct Sheet<'a> {
    reader: &'a Reader,
    nation: &'a NationRollup<'a>,
    ranking: &'a Ranking,
}

impl Sheet<'_> {
    /// One page behind a place, and the place behind it if more follow.
    fn page(
        &self,
        section: v1::Section,
        after: Option<&Place>,
        size: usize,
    ) -> (Vec<v1::RankedGap>, Option<Place>) {
        let mut rows: Vec<_> = match section {
            v1::Section::Unspecified | v1::Section::Ranked => {
                let after =
                    after.and_then(|place| Some(Key { value: place.value?, code: place.code }));
                let rows = self.ranking.rows_after(after.as_ref(), size + 1).into_iter();
                rows.map(|row| (row.rank, Some(row.key.value), row.key.code)).collect()
            }
            v1::Section::Unknown => self.unranked(Unranked::Unknown, after, size),
            v1::Section::Untested => self.unranked(Unranked::Untested, after, size),
        };
        let more = page::cut(&mut rows, size);
        let place = |&(_, value, code): &_| Place { period: self.nation.period(), value, code };
        let next = rows.last().filter(|_| more).map(place);
        (rows.into_iter().filter_map(|(rank, _, code)| self.row(rank, code)).collect(), next)
    }

    fn unranked<T>(
        &self,
        section: Unranked,
        after: Option<&Place>,
        size: usize,
    ) -> Vec<(usize, Option<T>, LocalityCode)> {
        let codes = self.ranking.unranked_after(section, after.map(|place| place.code), size + 1);
        codes.into_iter().map(|code| (0, None, code)).collect()
    }

    /// The row of a locality; `None` if the gazetteer does not hold it.
    fn row(&self, rank: usize, code: LocalityCode) -> Option<v1::RankedGap> {
        let locality = self.reader.view.gazetteer().locality(code)?;
        let gaps = gaps(self.reader, self.nation, locality);
        let widest = gaps.widest();
        Some(v1::RankedGap {
            rank: count(rank),
            locality: Some(self.reader.named(code)),
            province_code: province_code(locality),
            gap: Some(mean(self.reader, &gaps)),
            widest_criterion: widest
                .map(|(at, _)| self.reader.criterion_id(at))
                .unwrap_or_default(),
            widest_gap_billionths: widest.map_or(0, |(_, gap)| gap),
        })
    }
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
