//! Pages of a ranking, and its rows as an answer shows them.

use phuxanh_core::{
    LocalityCode, Period,
    catalogue::Indicator,
    figures::{
        insight::change::Change,
        ranking::{Query, Ranking, Row},
        rollup::{Key, Ratio, Rollup, Unranked},
        view::NationRollup,
    },
};
use phuxanh_proto::v1;

use super::{
    Error,
    answer::{Reader, count},
    page::{self, Binding, Walk},
    request,
};

/// Which part of the localities is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Ranked,
    Stale,
    Unranked(Unranked),
}

/// What is ranked, as a token holds it.
pub(super) trait Placed: Ord + Copy {
    fn numbers(self) -> [i64; 4];
    /// What [`Self::numbers`] gave.
    fn of_numbers(numbers: [i64; 4]) -> Option<Self>;
}

/// Where a page goes on.
pub(super) struct Place {
    pub(super) walk: Walk,
    /// Nothing in a section without ranks.
    numbers: [i64; 4],
    code: LocalityCode,
}

/// Which page is asked for.
pub(super) struct Asked<'a> {
    pub(super) section: Section,
    pub(super) after: Option<&'a Place>,
    pub(super) size: usize,
}

/// A page: ranks (0 for none) and codes, and where the next one goes on.
pub(super) struct Page {
    pub(super) rows: Vec<(usize, LocalityCode)>,
    pub(super) next: Option<Place>,
    /// Stale localities, where they are what is listed.
    pub(super) stale_count: usize,
}

/// What rows are written from.
pub(super) struct Sheet<'a> {
    pub(super) reader: &'a Reader,
    pub(super) nation: &'a NationRollup<'a>,
    pub(super) query: &'a Query,
}

impl Section {
    pub(super) fn read(number: i32) -> Result<Self, Error> {
        let expected = "SECTION_RANKED or another section of this version";
        Ok(match request::word("section", number, expected)? {
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

impl Place {
    /// The place of a token; `None` for the first page.
    pub(super) fn open(binding: &Binding, token: &str) -> Result<Option<Self>, Error> {
        let Some((walk, [a, b, c, d, code])) = binding.open_walk(token)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            walk,
            numbers: [a, b, c, d],
            code: LocalityCode::from_number(code).map_err(|_| Error::ForeignPageToken)?,
        }))
    }

    pub(super) fn token(&self, binding: &Binding) -> String {
        let [a, b, c, d] = self.numbers;
        binding.seal_walk(self.walk, [a, b, c, d, self.code.number().into()])
    }

    fn key<V: Placed>(&self) -> Option<Key<V>> {
        Some(Key { value: V::of_numbers(self.numbers)?, code: self.code })
    }
}

impl Page {
    /// Cuts what was fetched, one more than asked for.
    fn new(walk: Walk, size: usize, mut fetched: Vec<(usize, [i64; 4], LocalityCode)>) -> Self {
        let more = page::cut(&mut fetched, size);
        let next = fetched.last().filter(|_| more);
        Self {
            next: next.map(|&(_, numbers, code)| Place { walk, numbers, code }),
            rows: fetched.into_iter().map(|(rank, _, code)| (rank, code)).collect(),
            stale_count: 0,
        }
    }
}

impl Reader {
    /// One page of a ranking; `is_stale` tells of its localities whether they are.
    pub(super) fn page<V: Placed>(
        &self,
        period: Period,
        ranking: &Ranking<V>,
        asked: &Asked<'_>,
        is_stale: impl Fn(LocalityCode) -> bool,
    ) -> Page {
        let Asked { section, after, size } = *asked;
        let walk = Walk { version: self.view.version_number(), period };
        let key = after.and_then(Place::key::<V>);
        let cut = |rows: Vec<Row<V>>| {
            let placed = |row: Row<V>| (row.rank, row.key.value.numbers(), row.key.code);
            Page::new(walk, size, rows.into_iter().map(placed).collect())
        };
        match section {
            Section::Ranked => cut(ranking.rows_after(key.as_ref(), size + 1)),
            Section::Stale => {
                let mut rows = ranking.rows_after(None, usize::MAX);
                rows.retain(|row| is_stale(row.key.code));
                let stale_count = rows.len();
                let compare = ranking.compare();
                rows.retain(|row| key.is_none_or(|key| compare(&row.key, &key).is_gt()));
                rows.truncate(size + 1);
                Page { stale_count, ..cut(rows) }
            }
            Section::Unranked(why) => {
                let after = after.map(|place| place.code);
                let codes = ranking.unranked_after(why, after, size + 1).into_iter();
                let fetched = codes.map(|code| (0, [0; 4], code)).collect();
                Page::new(walk, size, fetched)
            }
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

    /// One page of a ranking.
    pub(super) fn page<V: Placed>(&self, ranking: &Ranking<V>, asked: &Asked<'_>) -> Page {
        let is_stale = |code| self.reader.stale(self.rollup(code).provenance);
        self.reader.page(self.nation.period(), ranking, asked, is_stale)
    }

    pub(super) fn rows(&self, rows: &[Row]) -> Vec<v1::RankedLocality> {
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
        })
    }
}
