//! Answers for tools: JSON, paging, warnings.

use std::collections::BTreeSet;

use phuxanh_proto::v1::{Level, Order, Section};

use crate::{
    ask, ask_json, command,
    fake::{self, Fake},
    keys,
};

#[test]
fn lowest_has_exactly_the_keys_of_its_contract() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest"]);
    let expected = [
        "indicator",
        "level",
        "within",
        "period",
        "order",
        "view_version",
        "ranked_count",
        "rows",
        "unknown",
        "untested",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!((&answer["order"], &answer["ranked_count"]), (&"lowest".into(), &3.into()));
    assert_eq!(answer["indicator"], "green_coverage");
    assert_eq!(answer["level"], "province");
    assert_eq!(answer["within"], "00");
    assert_eq!(answer["period"], "2025-07");
    let expected = serde_json::json!({
        "rank": 1, "code": "04", "name": "Cao Bằng", "name_en": "Cao Bang", "value": 3.0 / 56.0,
        "numerator": 3, "denominator": 56, "status": "red",
        "data_time": "2025-07-31T16:00:00+07:00", "green": 3, "not_green": 53, "unknown": 0,
        "green_max": 3, "stale": true,
    });
    assert_eq!(answer["rows"][0], expected);
    assert_eq!(answer["rows"][2]["basis"], "synthetic");
}

#[test]
fn a_ratio_says_how_many_communes_reported_and_has_no_status_without_a_legend() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest", "--indicator", "online_submission_rate"]);
    let expected = serde_json::json!({
        "rank": 1, "code": "04", "name": "Cao Bằng", "name_en": "Cao Bang", "value": 0.5,
        "numerator": 3_273, "denominator": 10_000,
        "data_time": "2025-07-31T16:00:00+07:00", "reported": 54, "communes": 56,
        "stale": false,
    });
    assert_eq!(answer["rows"][0], expected);
}

#[test]
fn communes_name_their_province() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest", "--within", "04"]);
    let rows = answer["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row["province"] == "04"), "{rows:?}");
}

#[test]
fn those_left_out_are_listed_whole() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest", "--limit", "1"]);
    let unknown = answer["unknown"].as_array().expect("unknown");
    assert_eq!(unknown.len(), fake::UNKNOWN);
    assert_eq!(keys(&unknown[0]), BTreeSet::from(["code", "name"]));
    assert_eq!(answer["untested"].as_array().map(Vec::len), Some(fake::UNTESTED));
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(1));
}

fn page_sizes(fake: &Fake) -> Vec<i32> {
    let asked = fake.asked();
    let ranked = asked.iter().filter(|ask| ask.section() == Section::Ranked);
    ranked.map(|ask| ask.page_size).collect()
}

#[test]
fn a_limit_beyond_one_page_is_fetched_page_by_page() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest", "--level", "commune", "--limit", "1500"]);
    let rows = answer["rows"].as_array().expect("rows");
    let codes: BTreeSet<_> = rows.iter().map(|row| row["code"].as_str()).collect();
    assert_eq!((rows.len(), codes.len()), (1_500, 1_500));
    assert_eq!(page_sizes(&fake), [1_000, 500]);
}

#[test]
fn limit_zero_means_all() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["lowest", "--level", "commune", "--limit", "0"]);
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(fake::COMMUNES));
    assert_eq!(page_sizes(&fake), [1_000, 1_000, 1_000]);
}

#[test]
fn flags_reach_the_server() {
    let fake = Fake::start();
    let answer = ask_json(
        &fake,
        &["lowest", "--within", "lai chau", "--highest", "--period", "2025-05", "--limit", "3"],
    );
    assert_eq!((&answer["level"], &answer["order"]), (&"commune".into(), &"highest".into()));
    let first = &fake.asked()[0];
    assert_eq!((first.within.as_str(), first.level()), ("12", Level::Commune));
    assert_eq!((first.order(), first.period.as_str()), (Order::Highest, "2025-05"));
    assert_eq!(first.page_size, 3);
}

#[test]
fn a_view_that_changes_between_pages_is_told() {
    let fake = Fake::start();
    let args = ["lowest", "--level", "commune", "--period", "2025-06", "--limit", "0", "--json"];
    let run = ask(&fake, &args);
    assert_eq!(run.exit_code, Some(0));
    assert!(run.err.contains("view_version v1, then v2"), "{}", run.err);
    let answer: serde_json::Value = serde_json::from_str(&run.out).expect("JSON all the same");
    assert_eq!(answer["view_version"], "v1");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let fake = Fake::start();
    let args = ["lowest", "--level", "commune", "--limit", "0", "--json"];
    let mut child = command(&fake.server(), &args).spawn().expect("phuxanh runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("phuxanh ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn standing_and_scorecard_have_stable_keys() {
    let fake = Fake::start();
    let standing = ask_json(&fake, &["standing", "12"]);
    let expected = [
        "indicator",
        "level",
        "within",
        "period",
        "order",
        "view_version",
        "ranked_count",
        "locality",
        "before",
        "behind",
        "previous",
    ];
    assert_eq!(keys(&standing), BTreeSet::from(expected));
    assert_eq!(standing["locality"]["rank"], 2);
    assert_eq!(standing["before"][0]["code"], "04");
    assert_eq!(standing["behind"][0]["basis"], "synthetic");

    let scorecard = ask_json(&fake, &["scorecard", "cao bang"]);
    let expected = [
        "code",
        "name",
        "name_en",
        "kind",
        "period",
        "view_version",
        "coverage",
        "criteria",
        "indicators",
    ];
    assert_eq!(keys(&scorecard), BTreeSet::from(expected));
    assert_eq!(scorecard["coverage"]["not_green"], 53);
    let expected = serde_json::json!({
        "criterion": "digital_signatures", "required": true, "met": 50, "unmet": 6, "unknown": 0,
        "data_time": "2025-07-31T16:00:00+07:00", "stale": false,
    });
    assert_eq!(scorecard["criteria"][0], expected);
    let expected = serde_json::json!({
        "indicator": "untested_rate", "state": "untested", "numerator": 0, "denominator": 0,
        "status": "grey", "stale": false,
    });
    assert_eq!(scorecard["indicators"][1], expected);
}

#[test]
fn a_locality_without_a_value_has_no_rank() {
    let fake = Fake::start();
    let args = ["standing", "12", "--indicator", "untested_rate"];
    let answer = ask_json(&fake, &args);
    let locality = &answer["locality"];
    assert_eq!((locality.get("rank"), locality.get("value")), (None, None));
    assert_eq!(locality["state"], "untested");
    let text = ask(&fake, &args).output();
    assert!(text.contains("Lai Châu (12) has no rank: untested"), "{text}");
}

#[test]
fn search_collectors_and_catalogue_have_stable_keys() {
    let fake = Fake::start();
    let found = ask_json(&fake, &["search", "da nang"]);
    assert_eq!(found["matches"][0]["code"], "48");
    assert_eq!(found["matches"][0]["exact"], true);
    assert_eq!(found["matches"][0]["kind"], "city");

    let collectors = ask_json(&fake, &["collectors"]);
    let first = &collectors["collectors"][0];
    assert_eq!((&first["applied_through"], &first["produced_through"]), (&11.into(), &12.into()));
    assert_eq!(first["ledger"]["applied"], 1_456);
    assert_eq!(first["since_time"], "2025-07-31T16:00:00+07:00");
    assert_eq!(collectors["collectors"][1].get("since_time"), None);

    let catalogue = ask_json(&fake, &["catalogue"]);
    let expected =
        ["version", "digest", "criteria", "measures", "indicators", "task_groups", "plausibility"];
    assert_eq!(keys(&catalogue), BTreeSet::from(expected));
    assert_eq!(catalogue["digest"], "ab".repeat(32));
    assert_eq!(catalogue["indicators"][2]["unit"], "per commune and day");
}
