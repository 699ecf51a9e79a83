//! The oracle is checked by hand, on a country small enough to reckon on paper.

use super::*;

const CATALOGUE: &str = r#"
version = 1
[[criterion]]
id = "desk"
vi = "a"
en = "a"
origin = "ours"
[[criterion]]
id = "signed"
vi = "b"
en = "b"
origin = "ours"
[[measure]]
id = "received"
vi = "c"
en = "c"
origin = "ours"
[[measure]]
id = "online"
vi = "d"
en = "d"
origin = "ours"
[[indicator]]
id = "green_coverage"
vi = "e"
en = "e"
origin = "ours"
[[indicator]]
id = "online_rate"
vi = "f"
en = "f"
numerator = "online"
denominator = "received"
origin = "ours"
"#;

const GAZETTEER: &str = "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases
00,nation,N,,,2025-07-01,,,
01,tinh,P,,,2025-07-01,,,
02,tinh,Q,,,2025-07-01,,,
00001,xa,A,,01,2025-07-01,,,
00002,xa,B,,01,2025-07-01,,,
00003,xa,C,,02,2025-07-01,,,
00004,xa,D,,02,2025-07-01,2025-08-01,,
";

fn reports(rows: &[(&str, &str, &str, Option<i64>, u32)]) -> Vec<Report> {
    rows.iter()
        .map(|&(locality, metric, period, value, day)| Report {
            locality: locality.parse().expect("a code"),
            metric: metric.to_owned(),
            period: period.parse().expect("a period"),
            value,
            observed: format!("2025-08-{day:02}").parse().expect("a time"),
            basis: Basis::Reported,
        })
        .collect()
}

fn ask(rows: &[(&str, &str, &str, Option<i64>, u32)], level: Level, indicator: &str) -> String {
    let catalogue = Catalogue::parse(CATALOGUE.as_bytes()).expect("a catalogue");
    let gazetteer = Gazetteer::parse(GAZETTEER.as_bytes()).expect("a gazetteer");
    let oracle = Oracle::new(catalogue, gazetteer, &reports(rows));
    let ranking = oracle.ranking(&Question {
        indicator: indicator.to_owned(),
        level,
        within: LocalityCode::NATION,
        period: oracle.default_period().expect("something was reported"),
        is_highest_first: false,
    });
    let rows = ranking.rows.iter();
    let rows =
        rows.map(|row| format!("{}:{}={}/{}", row.rank, row.code, row.numerator, row.denominator));
    let codes = |codes: &[LocalityCode]| {
        codes.iter().fold(String::new(), |text, code| text + " " + &code.to_string())
    };
    format!(
        "{} unknown{} untested{}",
        rows.collect::<Vec<_>>().join(" "),
        codes(&ranking.unknown),
        codes(&ranking.untested)
    )
}

#[test]
fn one_unmet_criterion_tells_more_than_one_missing() {
    let rows = [
        ("00001", "desk", "2025-07", Some(1), 1),
        ("00001", "signed", "2025-07", Some(1), 1),
        ("00002", "desk", "2025-07", Some(0), 1),
        ("00003", "desk", "2025-07", Some(1), 1),
    ];
    assert_eq!(
        ask(&rows, Level::Commune, "green_coverage"),
        "1:00002=0/1 2:00001=1/1 unknown 00003 00004 untested"
    );
    assert_eq!(ask(&rows, Level::Province, "green_coverage"), "1:01=1/2 unknown 02 untested");
}

#[test]
fn the_latest_observed_stands_and_the_last_of_equals() {
    let rows = [
        ("00001", "desk", "2025-07", Some(1), 1),
        ("00002", "desk", "2025-07", Some(1), 1),
        ("00001", "received", "2025-07", Some(10), 5),
        ("00001", "received", "2025-07", Some(99), 4),
        ("00001", "online", "2025-07", Some(3), 5),
        ("00001", "online", "2025-07", Some(4), 5),
    ];
    assert_eq!(
        ask(&rows, Level::Commune, "online_rate"),
        "1:00001=4/10 unknown 00002 00003 00004 untested"
    );
}

#[test]
fn only_communes_that_reported_both_parts_are_summed() {
    let rows = [
        ("00001", "received", "2025-07", Some(10), 1),
        ("00001", "online", "2025-07", Some(4), 1),
        ("00002", "received", "2025-07", Some(90), 1),
        ("00003", "received", "2025-07", Some(0), 1),
        ("00003", "online", "2025-07", Some(0), 1),
    ];
    assert_eq!(ask(&rows, Level::Province, "online_rate"), "1:01=4/10 unknown untested 02");
}

#[test]
fn a_criterion_holds_until_replaced_and_a_withdrawn_one_was_never_said() {
    let rows = [
        ("00001", "desk", "2025-07", Some(1), 1),
        ("00001", "signed", "2025-06", Some(1), 1),
        ("00002", "desk", "2025-08", Some(0), 1),
        ("00003", "desk", "2025-07", Some(0), 1),
        ("00003", "desk", "2025-08", Some(1), 2),
        ("00003", "desk", "2025-08", None, 3),
        ("00001", "received", "2025-08", Some(1), 1),
    ];
    // In August 00004 is no longer in force, and two of three communes reported.
    assert_eq!(
        ask(&rows, Level::Commune, "green_coverage"),
        "1:00002=0/1 1:00003=0/1 3:00001=1/1 unknown untested"
    );
}

#[test]
fn an_early_period_is_the_default_while_few_reported_the_next() {
    let rows = [
        ("00001", "desk", "2025-07", Some(0), 1),
        ("00002", "desk", "2025-07", Some(0), 1),
        ("00001", "desk", "2025-08", Some(1), 1),
    ];
    let rest = "unknown 00003 00004 untested";
    assert_eq!(
        ask(&rows, Level::Commune, "green_coverage"),
        format!("1:00001=0/1 1:00002=0/1 {rest}")
    );
}
