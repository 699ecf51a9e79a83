//! Random countries for the tests of insight: kept as the plain table that they were made from, so
//! that a test can work out from first principles what the view should say.

pub mod deliveries;

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use crate::{
    LocalityCode, Observation, Period,
    catalogue::Catalogue,
    figures::{
        fold::Changes,
        rollup::{
            ProvinceRollup,
            fixture::{Log, code, july, observation, period},
        },
        view::View,
    },
    gazetteer::Gazetteer,
};

/// Criteria in the catalogue's order; the last is not required.
pub const CRITERIA: [&str; 6] = ["a", "b", "c", "d", "e", "x"];
/// Number of required criteria: the first ones.
pub const REQUIRED: usize = 5;
/// Measures in the catalogue's order; the last two count obstacles.
pub const MEASURES: [&str; 6] = ["m", "n", "p", "q", "o1", "o2"];
/// Criteria with evidence: place, numerator, denominator, `full_at` in hundredths.
pub const EVIDENCE: [(usize, usize, usize, i128); 3] =
    [(0, 0, 1, 50), (2, 2, 3, 100), (5, 0, 3, 80)];
/// Places of the indicators in the catalogue.
pub const COVERAGE: usize = 0;
pub const RATE: usize = 1;
pub const BURDEN: usize = 4;

const INDICATORS: &str = r#"
[[indicator]]
id = "green_coverage"
vi = "g"
en = "g"
legend = { green_from = 0.7, yellow_from = 0.5 }
origin = "ours"
[[indicator]]
id = "rate"
vi = "r"
en = "r"
numerator = "m"
denominator = "n"
full_at = 0.5
legend = { green_from = 0.75, yellow_from = 0.25 }
origin = "ours"
[[indicator]]
id = "load"
vi = "l"
en = "l"
numerator = "p"
denominator = "q"
origin = "ours"
[[indicator]]
id = "other"
vi = "o"
en = "o"
numerator = "m"
denominator = "q"
full_at = 0.8
origin = "ours"
[[indicator]]
id = "burden"
vi = "b"
en = "b"
numerator = "p"
denominator = "n"
direction = "down"
legend = { green_from = 0.5, yellow_from = 1.0 }
origin = "ours"
"#;

/// Codes of the provinces' communes interleave; 00008 begins with August, 12 has no communes.
const GAZETTEER: &str = "\
code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases
00,nation,Việt Nam,,,2025-07-01,,,
01,thanh_pho,Hà Nội,Hanoi,,2025-07-01,,,
04,tinh,Cao Bằng,,,2025-07-01,,,
08,tinh,Tuyên Quang,,,2025-07-01,,,
12,tinh,Lai Châu,,,2025-07-01,,,
00001,phuong,A,,01,2025-07-01,,,
00004,phuong,B,,01,2025-07-01,,,
00006,phuong,C,,01,2025-07-01,,,
00007,phuong,D,,01,2025-07-01,,,
00011,phuong,E,,01,2025-07-01,,,
00008,phuong,F,,01,2025-08-01,,,
00002,xa,G,,04,2025-07-01,,,
00005,xa,H,,04,2025-07-01,,,
00009,xa,I,,04,2025-07-01,,,
00010,xa,J,,04,2025-07-01,,,
00003,xa,K,,08,2025-07-01,,,
";

/// The communes in force in July, with their province.
const COMMUNES: [(&str, &str); 10] = [
    ("00001", "01"),
    ("00002", "04"),
    ("00003", "08"),
    ("00004", "01"),
    ("00005", "04"),
    ("00006", "01"),
    ("00007", "01"),
    ("00009", "04"),
    ("00010", "04"),
    ("00011", "01"),
];

pub const PROVINCES: [&str; 4] = ["01", "04", "08", "12"];

/// One commune's report for July.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub code: LocalityCode,
    pub province: LocalityCode,
    pub criteria: [Option<bool>; CRITERIA.len()],
    pub measures: [Option<i64>; MEASURES.len()],
}

impl Told {
    /// Required criteria that are unmet, and those not reported.
    #[must_use]
    pub fn lacks(&self) -> (Vec<usize>, Vec<usize>) {
        let of = |wanted| {
            (0..REQUIRED).filter(move |at| self.criteria[*at] == wanted).collect::<Vec<_>>()
        };
        (of(Some(false)), of(None))
    }

    #[must_use]
    pub fn is_green(&self) -> bool {
        self.criteria[..REQUIRED].iter().all(|told| *told == Some(true))
    }
}

/// The communes of a province, or all for the nation.
#[must_use]
pub fn told_in<'a>(all: &'a [Told], scope: &str) -> Vec<&'a Told> {
    all.iter().filter(|told| scope == "00" || told.province == code(scope)).collect()
}

#[must_use]
pub fn catalogue() -> Arc<Catalogue> {
    static PARSED: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
        let evidence =
            ["evidence = \"rate\"", "", "evidence = \"load\"", "", "", "evidence = \"other\""];
        let mut text = String::from("version = 1\n");
        let named = |kind: &str, id: &str, rest: &str| {
            let names = "vi = \"v\"\nen = \"e\"\norigin = \"ours\"";
            format!("[[{kind}]]\nid = \"{id}\"\n{names}\n{rest}")
        };
        for ((at, id), evidence) in CRITERIA.iter().enumerate().zip(evidence) {
            let required = at < REQUIRED;
            text.push_str(&named("criterion", id, &format!("required = {required}\n{evidence}\n")));
        }
        for id in MEASURES {
            let obstacle = id.starts_with('o');
            text.push_str(&named("measure", id, &format!("obstacle = {obstacle}\n")));
        }
        let text = text + INDICATORS;
        Arc::new(Catalogue::parse(text.as_bytes()).expect("a catalogue"))
    });
    Arc::clone(&PARSED)
}

#[must_use]
pub fn gazetteer() -> Arc<Gazetteer> {
    static PARSED: LazyLock<Arc<Gazetteer>> =
        LazyLock::new(|| Arc::new(Gazetteer::parse(GAZETTEER.as_bytes()).expect("a gazetteer")));
    Arc::clone(&PARSED)
}

#[must_use]
pub fn month() -> Period {
    period("2025-07")
}

/// Few values, so that ties, blocks by a single criterion and zero denominators abound.
pub fn country() -> impl Strategy<Value = Vec<Told>> {
    let criterion = prop_oneof![6 => Just(Some(true)), 3 => Just(Some(false)), 1 => Just(None)];
    let measure = prop_oneof![1 => Just(None), 6 => (0..5_i64).prop_map(Some)];
    let told = (proptest::array::uniform6(criterion), proptest::array::uniform6(measure));
    prop::collection::vec(told, COMMUNES.len()).prop_map(|all| {
        let told = COMMUNES.iter().zip(all).map(|((commune, province), (criteria, measures))| {
            Told { code: code(commune), province: code(province), criteria, measures }
        });
        told.collect()
    })
}

/// The view once everything told has been reported; 00008 reports too, but is not in force.
#[must_use]
pub fn view(all: &[Told]) -> View {
    view_of(&[("2025-07", all)])
}

/// The same once everything told has been reported for several months.
#[must_use]
pub fn view_of(months: &[(&str, &[Told])]) -> View {
    let empty = View::empty(catalogue(), gazetteer());
    let changed = PROVINCES.map(|province| {
        let mut log = Log::new();
        let told = |&(month, all): &(_, _)| {
            told_in(all, province).into_iter().flat_map(move |told| observed(told, month))
        };
        let mut observations: Vec<_> = months.iter().flat_map(told).collect();
        if province == "01" {
            observations.push(observation("00008", "a", "2025-07", Some(0), july(1)));
        }
        log.write(observations);
        Arc::new(ProvinceRollup::build(
            code(province),
            log.fold(),
            empty.catalogue(),
            empty.gazetteer(),
            None,
            &Changes::new(),
        ))
    });
    empty.with(changed.to_vec())
}

fn observed(told: &Told, month: &str) -> Vec<Observation> {
    let commune = told.code.to_string();
    let criteria =
        CRITERIA.iter().zip(told.criteria).filter_map(|(id, met)| Some((*id, i64::from(met?))));
    let measures = MEASURES.iter().zip(told.measures).filter_map(|(id, count)| Some((*id, count?)));
    criteria
        .chain(measures)
        .map(|(id, value)| observation(&commune, id, month, Some(value), july(1)))
        .collect()
}
