//! Pages of rankings, and their rows as messages.

use phuxanh_core::{
    LocalityCode,
    catalogue::Indicator,
    figures::{
        insight::change::Change,
        ranking::{self, Query, Ranking},
        rollup::{Key, Ratio, Rollup, Unranked},
        view::NationRollup,
    },
};
use phuxanh_proto::{refusal::Expected, v1};

use super::{
    Error,
    answer::{Reader, count},
    page::{self, Page},
    request,
};

/// Part of the localities that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Ranked,
    Stale,
    Unranked(Unranked),
}

/// Ranked value, which a token holds as numbers.
pub(super) trait Placed: Ord + Copy {
    fn numbers(self) -> [i64; 4];
    /// Inverse of [`Self::numbers`].
    fn of_numbers(numbers: [i64; 4]) -> Option<Self>;
}

/// Sort key of a row of any ranking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Zeros in a section without ranks.
    numbers: [i64; 4],
    code: LocalityCode,
}

/// A locality of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// 0 for none.
    pub(super) rank: usize,
    place: Place,
}

/// Rows of a section behind the page before, one more than the page shows if there are more.
pub(super) struct Fetched {
    pub(super) rows: Vec<Row>,
    /// Stale localities, where they are what is listed.
    pub(super) stale_count: usize,
}

/// View, period and query that rows are written from.
pub(super) struct Sheet<'a> {
    pub(super) reader: &'a Reader,
    pub(super) nation: &'a NationRollup<'a>,
    pub(super) query: &'a Query,
}

impl Section {
    pub(super) fn read(number: i32) -> Result<Self, Error> {
        let expected = "SECTION_RANKED or another section of this version";
        Ok(match request::word("section", number, Expected::Section, expected)? {
            v1::Section::Unspecified | v1::Section::Ranked => Self::Ranked,
            v1::Section::Unknown => Self::Unranked(Unranked::Unknown),
            v1::Section::Untested => Self::Unranked(Unranked::Untested),
            v1::Section::Small => Self::Unranked(Unranked::Small),
            v1::Section::OneSided => Self::Unranked(Unranked::OneSided),
            v1::Section::Stale => Self::Stale,
        })
    }
}

impl Placed for Ratio {
    fn numbers(self) -> [i64; 4] {
        [self.numerator(), self.denominator(), 0, 0]
    }

    fn of_numbers([numerator, denominator, ..]: [i64; 4]) -> Option<Self> {
        Self::new(numerator, denominator)
    }
}

impl Placed for Change {
    fn numbers(self) -> [i64; 4] {
        let Self { up, down } = self;
        [up.numerator(), up.denominator(), down.numerator(), down.denominator()]
    }

    fn of_numbers([a, b, c, d]: [i64; 4]) -> Option<Self> {
        Some(Self { up: Ratio::new(a, b)?, down: Ratio::new(c, d)? })
    }
}

impl page::Place for Place {
    fn to_numbers(&self) -> Vec<i64> {
        let [a, b, c, d] = self.numbers;
        vec![a, b, c, d, self.code.number().into()]
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let (&[a, b, c, d], code) = numbers.split_first_chunk()?;
        Some(Self { numbers: [a, b, c, d], code: page::Place::from_numbers(code)? })
    }
}

impl Row {
    pub(super) const fn code(&self) -> LocalityCode {
        self.place.code
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }
}

/// Fetches the rows of a page; `is_stale` tells whether a locality is stale.
pub(super) fn fetch<V: Placed>(
    ranking: &Ranking<V>,
    section: Section,
    page: &Page<Place>,
    is_stale: impl Fn(LocalityCode) -> bool,
) -> Fetched {
    let (after, count) = (page.after(), page.fetch_count());
    let key = after
        .and_then(|place| Some(Key { value: V::of_numbers(place.numbers)?, code: place.code }));
    let row = |row: ranking::Row<V>| Row {
        rank: row.rank,
        place: Place { numbers: row.key.value.numbers(), code: row.key.code },
    };
    match section {
        Section::Ranked => {
            let rows = ranking.rows_after(key.as_ref(), count).into_iter().map(row).collect();
            Fetched { rows, stale_count: 0 }
        }
        Section::Stale => {
            let mut rows = ranking.rows_after(None, usize::MAX);
            rows.retain(|row| is_stale(row.key.code));
            let stale_count = rows.len();
            let compare = ranking.compare();
            rows.retain(|row| key.is_none_or(|key| compare(&row.key, &key).is_gt()));
            rows.truncate(count);
            Fetched { rows: rows.into_iter().map(row).collect(), stale_count }
        }
        Section::Unranked(why) => {
            let codes = ranking.unranked_after(why, after.map(|place| place.code), count);
            let row = |code| Row { rank: 0, place: Place { numbers: [0; 4], code } };
            Fetched { rows: codes.into_iter().map(row).collect(), stale_count: 0 }
        }
    }
}

impl Sheet<'_> {
    pub(super) fn indicator(&self) -> &Indicator {
        &self.reader.view.catalogue().indicators[self.query.indicator]
    }

    /// The indicator of a locality in force.
    pub(super) fn rollup(&self, code: LocalityCode) -> Rollup {
        let locality = self.reader.view.gazetteer().locality(code);
        locality
            .map_or_else(Rollup::default, |found| self.nation.rollup(found, self.query.indicator))
    }

    /// Fetches the rows of a page.
    pub(super) fn fetch<V: Placed>(
        &self,
        ranking: &Ranking<V>,
        section: Section,
        page: &Page<Place>,
    ) -> Fetched {
        let is_stale = |code| self.reader.stale(self.rollup(code).provenance);
        fetch(ranking, section, page, is_stale)
    }

    pub(super) fn rows(&self, rows: &[ranking::Row]) -> Vec<v1::RankedLocality> {
        rows.iter().filter_map(|row| self.row(row.rank, row.key.code)).collect()
    }

    /// The row of a locality; `None` if the gazetteer does not hold it.
    pub(super) fn row(&self, rank: usize, code: LocalityCode) -> Option<v1::RankedLocality> {
        let locality = self.reader.view.gazetteer().locality(code)?;
        Some(v1::RankedLocality {
            rank: count(rank),
            code: code.to_string(),
            name: locality.name.clone(),
            province_code: locality.province.map(|code| code.to_string()).unwrap_or_default(),
            rollup: Some(self.reader.rollup(self.indicator(), &self.rollup(code))),
            change: None,
            confidence: None,
            name_en: locality.name_en.clone(),
        })
    }
}
