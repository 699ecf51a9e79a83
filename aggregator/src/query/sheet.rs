//! Rows of a ranking as an answer shows them.

use phuxanh_proto::{
    catalogue::Indicator,
    model::{LocalityCode, Period},
    v1,
};

use super::{
    answer::{Reader, count},
    page::{self, Binding},
};
use crate::{
    ranking::{Query, Ranking, Row, Unranked},
    rollup::{Key, Ratio},
    view::NationRollup,
};

/// Where a page goes on.
pub(super) struct Place {
    /// Of the first page, so that a default does not change on the way.
    pub(super) period: Period,
    /// `None` in a section without ranks.
    pub(super) value: Option<Ratio>,
    pub(super) code: LocalityCode,
}

/// What rows are written from.
pub(super) struct Sheet<'a> {
    pub(super) reader: &'a Reader,
    pub(super) nation: &'a NationRollup<'a>,
    pub(super) query: &'a Query,
}

impl Place {
    pub(super) fn token(&self, binding: &Binding) -> String {
        let (numerator, denominator) =
            self.value.map_or((0, 0), |value| (value.numerator(), value.denominator()));
        let (period, code) = (self.period.number(), self.code.number());
        binding.seal([period.into(), numerator, denominator, code.into()])
    }

    /// The place of [`Self::token`]'s numbers.
    pub(super) fn of_numbers(numbers: [i64; 4]) -> Option<Self> {
        let [period, numerator, denominator, code] = numbers;
        Some(Self {
            period: Period::from_number(period).ok()?,
            value: Ratio::new(numerator, denominator),
            code: LocalityCode::from_number(code).ok()?,
        })
    }
}

impl Sheet<'_> {
    pub(super) fn indicator(&self) -> &Indicator {
        &self.reader.view.catalogue().indicators[self.query.indicator]
    }

    /// One page behind a place, and the place behind it if more follow.
    pub(super) fn page(
        &self,
        section: v1::Section,
        ranking: &Ranking,
        after: Option<&Place>,
        size: usize,
    ) -> (Vec<v1::RankedLocality>, Option<Place>) {
        let unranked = match section {
            v1::Section::Unspecified | v1::Section::Ranked => {
                return self.ranked(ranking, after, size);
            }
            v1::Section::Unknown => Unranked::Unknown,
            v1::Section::Untested => Unranked::Untested,
        };
        let after = after.map(|place| place.code);
        let mut codes = ranking.unranked_after(unranked, after, size + 1);
        let more = page::cut(&mut codes, size);
        let next = codes.last().filter(|_| more).map(|code| self.place(None, *code));
        (codes.into_iter().filter_map(|code| self.row(0, code)).collect(), next)
    }

    fn ranked(
        &self,
        ranking: &Ranking,
        after: Option<&Place>,
        size: usize,
    ) -> (Vec<v1::RankedLocality>, Option<Place>) {
        let after = after.and_then(|place| Some(Key { value: place.value?, code: place.code }));
        let mut rows = ranking.rows_after(after.as_ref(), size + 1);
        let more = page::cut(&mut rows, size);
        let next = rows.last().filter(|_| more);
        let next = next.map(|row| self.place(Some(row.key.value), row.key.code));
        (self.rows(&rows), next)
    }

    fn place(&self, value: Option<Ratio>, code: LocalityCode) -> Place {
        Place { period: self.nation.period(), value, code }
    }

    pub(super) fn rows(&self, rows: &[Row]) -> Vec<v1::RankedLocality> {
        rows.iter().filter_map(|row| self.row(row.rank, row.key.code)).collect()
    }

    /// The row of a locality; `None` if the gazetteer does not hold it.
    pub(super) fn row(&self, rank: usize, code: LocalityCode) -> Option<v1::RankedLocality> {
        let locality = self.reader.view.gazetteer().locality(code)?;
        let rollup = self.nation.rollup(locality, self.query.indicator);
        Some(v1::RankedLocality {
            rank: count(rank),
            code: code.to_string(),
            name: locality.name.clone(),
            province_code: locality.province.map(|code| code.to_string()).unwrap_or_default(),
            rollup: Some(self.reader.rollup(self.indicator(), &rollup)),
        })
    }
}
