use std::{sync::LazyLock, time::Duration};

use phuxanh_core::{catalogue::Catalogue, gazetteer::Gazetteer};

use super::*;

const LONG: &str = "locality,metric,period,value,observed_time,basis";
const WIDE: &str = "locality,period,observed_time,digital_signatures,working_days";

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);
static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::builtin);

fn rules() -> Rules<'static> {
    Rules {
        reporter: "01".parse().expect("a code"),
        catalogue: &CATALOGUE,
        gazetteer: &GAZETTEER,
        now: "2025-08-01 09:00".parse().expect("a time"),
        ahead_max: Duration::from_mins(5),
        restated_months_max: 1,
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.split(',').map(str::trim).collect()
}

fn read(header: &str, line: &str) -> Option<Row> {
    let table = Table::read_header(&cells(header), ',', &CATALOGUE).expect("a header").table;
    table.read_row(&cells(line), &rules())
}

type Observed = Vec<(String, Option<i64>)>;
type Refusals = Vec<(String, Reason)>;

/// The observations of a line as metric and value, and its refusals as column and reason.
fn told(header: &str, line: &str) -> (Observed, Refusals) {
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for reading in read(header, line).expect("not blank").readings {
        match reading {
            Ok(Good { observation, .. }) => {
                good.push((observation.key.metric.to_string(), observation.value));
            }
            Err(Refusal { cell, reason }) => {
                let column = cell.column.map_or(String::new(), |column| column.name.to_string());
                refused.push((column, reason));
            }
        }
    }
    (good, refused)
}

fn refusals(header: &str, line: &str) -> Refusals {
    let (good, refused) = told(header, line);
    assert_eq!(good, [], "{line}");
    refused
}

#[test]
fn a_long_row_is_one_observation() {
    let line = "00004, Digital_Signatures ,2025-07,Có,2025-07-31 16:00,synthetic";
    let row = read(LONG, line).expect("not blank");
    let [Ok(good)] = &row.readings[..] else { panic!("not one") };
    assert_eq!((good.column.index, &*good.column.name), (3, "value"));
    let observation = Observation {
        key: CellKey {
            locality: "00004".parse().expect("a code"),
            metric: "digital_signatures".parse().expect("an id"),
            period: "2025-07".parse().expect("a period"),
        },
        value: Some(1),
        observed: "2025-07-31T16:00:00+07:00".parse().expect("a time"),
        revision: 0,
        basis: Basis::Synthetic,
    };
    assert_eq!(good.observation, observation);
    assert_eq!((row.locality, row.is_day_only), (Some(observation.key.locality), false));
}

#[test]
fn a_day_without_a_time_is_told() {
    assert!(read(WIDE, "00004,2025-07,2025-07-31,1,").expect("not blank").is_day_only);
}

#[test]
fn a_wide_row_is_an_observation_for_each_cell_that_is_not_empty() {
    let given = |signatures: &str, days: &str| {
        told(WIDE, &format!("00004,2025-07,2025-07-31 16:00,{signatures},{days}"))
    };
    let signatures = |value| ("digital_signatures".to_owned(), value);
    let days = |value| ("working_days".to_owned(), value);
    assert_eq!(given("không", "22"), (vec![signatures(Some(0)), days(Some(22))], vec![]));
    assert_eq!(given("", "rút"), (vec![days(None)], vec![]));
    assert_eq!(given("", ""), (vec![], vec![]));
    let bad = ("digital_signatures".to_owned(), Reason::Value(ValueFault::Criterion));
    assert_eq!(given("maybe", "22"), (vec![days(Some(22))], vec![bad]));
}

#[test]
fn every_fault_of_a_row_is_named_in_the_order_of_the_columns() {
    let example = "00004".parse().expect("a code");
    let key = |column: &str, fault| (column.to_owned(), Reason::Key(fault));
    let unknown = MetricFault::Unknown { example: "centre_operating".into() };
    assert_eq!(
        refusals(LONG, "4,happiness,07/2025,,yesterday,guessed"),
        [
            key("locality", KeyFault::Locality { example }),
            ("metric".into(), Reason::Metric(unknown)),
            key("period", KeyFault::Period),
            ("value".into(), Reason::Value(ValueFault::Missing)),
            key("observed_time", KeyFault::Time),
            key("basis", KeyFault::Basis),
        ]
    );
    assert_eq!(
        refusals(WIDE, "4,2025-07,2025-07-31 16:00,maybe,1.5"),
        [
            key("locality", KeyFault::Locality { example }),
            ("digital_signatures".into(), Reason::Value(ValueFault::Criterion)),
            ("working_days".into(), Reason::Value(ValueFault::Count)),
        ]
    );
}

#[test]
fn what_breaks_a_rule_of_the_row_is_named_once() {
    let (now, example) = (rules().now, "00004".parse().expect("a code"));
    let observed = "2025-07-31 16:00".parse().expect("a time");
    let (reporter, since) = (rules().reporter, jiff::civil::date(2025, 7, 1));
    let outside = KeyFault::PeriodOutside { since, until: None, restated_months_max: Some(1) };
    let cases = [
        ("00005,2025-07,2025-07-31 16:00", "locality", KeyFault::UnknownLocality { example }),
        (
            "01273,2025-07,2025-07-31 16:00",
            "locality",
            KeyFault::ForeignLocality { reporter, example },
        ),
        ("00004,2025-07,2025-08-01 09:06", "observed_time", KeyFault::TimeAhead { now }),
        ("00004,2025-08,2025-07-31 16:00", "period", KeyFault::PeriodAhead { observed }),
        ("00004,2025-06,2025-06-30 16:00", "observed_time", KeyFault::BeforeLocality { since }),
        ("00004,2025-05,2025-07-31 16:00", "period", outside),
    ];
    for (keys, column, fault) in cases {
        let refused = refusals(WIDE, &format!("{keys},1,22"));
        assert_eq!(refused, [(column.to_owned(), Reason::Key(fault))], "{keys}");
    }
    assert_eq!(told(WIDE, "00004,2025-06,2025-07-01 00:00,1,22").0.len(), 2);
}

#[test]
fn values_out_of_range_and_at_the_wrong_level_are_refused() {
    let row = |start: &str| format!("{start},2025-07-31 16:00,");
    let value = |fault| vec![("value".to_owned(), fault)];
    let range = Reason::Value(ValueFault::CountRange);
    assert_eq!(refusals(LONG, &row("00004,working_days,2025-07,-1")), value(range.clone()));
    let many = "9".repeat(30);
    assert_eq!(refusals(LONG, &row(&format!("00004,working_days,2025-07,{many}"))), value(range));
    let missing = Reason::Value(ValueFault::Missing);
    assert_eq!(refusals(LONG, &row("00004,working_days,2025-07,")), value(missing));
    let wrong = |metric: &str, expected, found, example: &str| {
        Reason::Metric(MetricFault::WrongLevel {
            metric: metric.parse().expect("an id"),
            expected,
            found,
            example: example.parse().expect("a code"),
        })
    };
    let province = wrong("declared_green_communes", Level::Province, Level::Commune, "01");
    let line = row("00004,declared_green_communes,2025-07,1");
    assert_eq!(refusals(LONG, &line), value(province));
    let commune = wrong("digital_signatures", Level::Commune, Level::Province, "00004");
    assert_eq!(refusals(LONG, &row("01,digital_signatures,2025-07,1")), value(commune));
}

#[test]
fn a_row_with_other_cells_than_the_header_is_refused() {
    let line = |fault| [(String::new(), Reason::Line(fault))];
    let many = |found, expected| LineFault::TooManyCells { found, expected };
    let short = LineFault::TooFewCells { found: 3, expected: 5, separator: ',' };
    assert_eq!(refusals(WIDE, "00004,2025-07,1"), line(short));
    assert_eq!(refusals(WIDE, "00004,2025-07,2025-07-31,1,1,412"), line(many(6, 5)));
    assert_eq!(refusals(WIDE, "00004,2025-07,2025-07-31,1,1,"), line(many(6, 5)));
    let tail = format!("{WIDE},,");
    assert_eq!(told(&tail, "00004,2025-07,2025-07-31,1,1,,").0.len(), 2);
    assert_eq!(told(&tail, "00004,2025-07,2025-07-31,1,1").0.len(), 2);
    let unnamed = LineFault::UnnamedCell { number: 6 };
    let moved = |found| LineFault::TooFewCells { found, expected: 7, separator: ',' };
    assert_eq!(refusals(&tail, "00004,2025-07,2025-07-31,1,,"), line(moved(6)));
    assert_eq!(refusals(&tail, "00004,2025-07,2025-07-31,1,"), line(moved(5)));
    assert_eq!(refusals(&tail, "00004,2025-07,2025-07-31,1,1,412,"), line(unnamed));
    assert_eq!(refusals(&tail, "00004,2025-07,2025-07-31,1,1,,,"), line(many(8, 7)));
    for blank in ["", "  ", ",,,,", ",", ",,,,,,,"] {
        assert_eq!(read(WIDE, blank), None, "{blank}");
    }
}
