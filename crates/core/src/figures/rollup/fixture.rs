//! A small country for the tests of the read side, and a naive computation to hold them against.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;

use crate::{
    Basis, CellKey, LocalityCode, LogId, Observation, Period, Timestamp,
    catalogue::Catalogue,
    figures::fold::{Changes, Contents, Fold, Record},
    gazetteer::Gazetteer,
};

/// Green asks for `a` and `b`, not for `c`; `rate` is m ÷ n, `burden` (m + o) ÷ (m + n).
const CATALOGUE: &str = r#"
version = 1
[[criterion]]
id = "a"
vi = "a"
en = "a"
origin = "ours"
[[criterion]]
id = "b"
vi = "b"
en = "b"
origin = "ours"
[[criterion]]
id = "c"
vi = "c"
en = "c"
required = false
origin = "ours"
[[measure]]
id = "m"
vi = "m"
en = "m"
origin = "ours"
[[measure]]
id = "n"
vi = "n"
en = "n"
origin = "ours"
[[measure]]
id = "o"
vi = "o"
en = "o"
origin = "ours"
[[measure]]
id = "s"
vi = "s"
en = "s"
sum = "m + n"
origin = "ours"
[[indicator]]
id = "rate"
vi = "rate"
en = "rate"
numerator = "m"
denominator = "n"
origin = "ours"
[[indicator]]
id = "green_coverage"
vi = "green"
en = "green"
legend = { green_from = 0.7, yellow_from = 0.5 }
origin = "ours"
[[indicator]]
id = "burden"
vi = "burden"
en = "burden"
numerator = "m + o"
denominator = "s"
direction = "down"
legend = { green_from = 0.5, yellow_from = 1.0 }
origin = "ours"
"#;

/// Codes of the provinces' communes interleave; 00007 ends and 00008 begins with August; the
/// last province has no communes.
const GAZETTEER: &str = "\
code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases
00,nation,Việt Nam,,,2025-07-01,,,
01,thanh_pho,Hà Nội,Hanoi,,2025-07-01,,,
04,tinh,Cao Bằng,,,2025-07-01,,,
08,tinh,Tuyên Quang,,,2025-07-01,,,Hà Giang
12,tinh,Lai Châu,,,2025-07-01,,,
00001,phuong,Tân Thành,,01,2025-07-01,,,
00004,phuong,Ba Đình,,01,2025-07-01,,,
00007,phuong,Cũ,,01,2025-07-01,2025-08-01,,
00008,phuong,Mới,,01,2025-08-01,,,
00002,xa,Tân Thành,,04,2025-07-01,,,
00005,xa,Nà Sác,,04,2025-07-01,,,
00009,xa,Đàm Thủy,,04,2025-07-01,,,
00003,xa,Tân Thành,,08,2025-07-01,,,
";

pub const PROVINCES: [&str; 4] = ["01", "04", "08", "12"];

#[must_use]
pub fn catalogue() -> Arc<Catalogue> {
    static PARSED: LazyLock<Arc<Catalogue>> =
        LazyLock::new(|| Arc::new(Catalogue::parse(CATALOGUE.as_bytes()).expect("a catalogue")));
    Arc::clone(&PARSED)
}

#[must_use]
pub fn gazetteer() -> Arc<Gazetteer> {
    static PARSED: LazyLock<Arc<Gazetteer>> =
        LazyLock::new(|| Arc::new(Gazetteer::parse(GAZETTEER.as_bytes()).expect("a gazetteer")));
    Arc::clone(&PARSED)
}

#[must_use]
pub fn code(text: &str) -> LocalityCode {
    text.parse().expect("a code")
}

#[must_use]
pub fn period(text: &str) -> Period {
    text.parse().expect("a period")
}

/// Noon on a day of July 2025.
#[must_use]
pub fn july(day: u32) -> Timestamp {
    format!("2025-07-{day:02} 12:00").parse().expect("a time")
}

/// Every month that a test may ask for: before, between and behind those with cells.
pub fn months() -> impl Iterator<Item = Period> {
    let first = period("2025-04").number();
    (first..first + 9).map(|number| Period::from_number(number.into()).expect("in range"))
}

#[must_use]
pub fn observation(
    locality: &str,
    metric: &str,
    month: &str,
    value: Option<i64>,
    observed: Timestamp,
) -> Observation {
    Observation {
        key: CellKey {
            locality: code(locality),
            metric: metric.parse().expect("an id"),
            period: period(month),
        },
        value,
        observed,
        revision: 0,
        basis: Basis::Reported,
    }
}

/// Few values of few cells, so that ties, corrections and gaps abound.
pub fn observations(count_max: usize) -> impl Strategy<Value = Vec<Observation>> {
    let localities = ["00001", "00002", "00003", "00004", "00005", "00007", "00008", "00009"];
    let metrics = prop_oneof![
        (prop::sample::select(vec!["a", "b", "c"]), prop::option::weighted(0.9, 0..2_i64)),
        (prop::sample::select(vec!["a", "b"]), Just(Some(1))),
        (prop::sample::select(vec!["m", "n", "o"]), prop::option::weighted(0.9, 0..4_i64)),
    ];
    let months = prop::sample::select(vec!["2025-05", "2025-07", "2025-08", "2025-10"]);
    let bases = prop::sample::select(vec![Basis::Reported, Basis::Published, Basis::Synthetic]);
    let one = (prop::sample::select(localities.to_vec()), metrics, months, 1..9_u32, bases);
    let one = one.prop_map(|(locality, (metric, value), month, day, basis)| Observation {
        basis,
        ..observation(locality, metric, month, value, july(day))
    });
    prop::collection::vec(one, 0..count_max)
}

/// A log that is folded as it is written.
#[derive(Default)]
pub struct Log {
    fold: Fold,
    sequence: u64,
}

impl Log {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    pub fn write(&mut self, all: Vec<Observation>) -> Changes {
        self.receive(july(9), all)
    }

    pub fn receive(&mut self, receipt: Timestamp, all: Vec<Observation>) -> Changes {
        self.sequence += 1;
        self.fold.apply(&Record {
            receipt,
            log: LogId([7; 16]),
            log_epoch: 1,
            sequence: self.sequence,
            complete_through: None,
            host: "one".to_owned(),
            catalogue_digest: [3; 32],
            contents: Contents::Observations {
                all: all.into_iter().collect(),
                refused: BTreeSet::new(),
            },
        })
    }
}

/// The observations of one province.
#[must_use]
pub fn of_province(all: &[Observation], province: &str) -> Vec<Observation> {
    let communes: Vec<_> =
        gazetteer().communes(code(province)).map(|commune| commune.code).collect();
    all.iter().filter(|one| communes.contains(&one.key.locality)).cloned().collect()
}

/// Numerator, denominator and whether anything was reported, as a reader of the definitions
/// would work them out from the observations by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Naive {
    pub numerator: i64,
    pub denominator: i64,
    pub reported_count: u32,
    pub commune_count: u32,
}

impl Naive {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            numerator: self.numerator + other.numerator,
            denominator: self.denominator + other.denominator,
            reported_count: self.reported_count + other.reported_count,
            commune_count: self.commune_count + other.commune_count,
        }
    }
}

/// Computes a commune in force; the indicators in the catalogue's order: green coverage, rate,
/// burden.
#[must_use]
pub fn naive(all: &[Observation], commune: LocalityCode, period: Period) -> [Naive; 3] {
    let mut cells = BTreeMap::new();
    for (at, one) in all.iter().enumerate().filter(|(_, one)| one.key.locality == commune) {
        let cell = cells.entry((one.key.metric.as_str(), one.key.period)).or_insert((one, at));
        if (cell.0.observed, cell.1) < (one.observed, at) {
            *cell = (one, at);
        }
    }
    let measure = |id| cells.get(&(id, period)).and_then(|(one, _)| one.value);
    let held = |id| {
        let earlier = cells.iter().filter(|((metric, at), _)| *metric == id && *at <= period);
        earlier.filter_map(|(_, (one, _))| one.value).next_back()
    };
    let silent = Naive { commune_count: 1, ..Naive::default() };
    let ratio = |numerator: Option<i64>, denominator: Option<i64>| match (numerator, denominator) {
        (Some(numerator), Some(denominator)) => {
            Naive { numerator, denominator, reported_count: 1, ..silent }
        }
        (_, _) => silent,
    };
    let (m, n, o) = (measure("m"), measure("n"), measure("o"));
    let sum = |one: Option<i64>, other: Option<i64>| Some(one? + other?);
    let coverage = match (held("a"), held("b")) {
        (Some(0), _) | (_, Some(0)) => ratio(Some(0), Some(1)),
        (Some(_), Some(_)) => ratio(Some(1), Some(1)),
        (_, _) => Naive { denominator: 1, ..silent },
    };
    [coverage, ratio(m, n), ratio(sum(m, o), sum(m, n))]
}
