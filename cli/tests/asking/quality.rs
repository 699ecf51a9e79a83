//! Reliability of the numbers: completeness, silent, flags, receipts.

use std::collections::BTreeSet;

use crate::{ask, ask_json, fake::Fake, insights::line, keys};

#[test]
fn completeness_is_counted_by_the_deadline_and_since() {
    let fake = Fake::start();
    let text = ask(&fake, &["completeness"]).output();
    let heading = "Communes of Việt Nam (00) that reported 2025-07, by the deadline and since";
    assert!(text.starts_with(heading), "{text}");
    let words = line(&text, "01");
    assert_eq!(words[..6], ["01", "Hà", "Nội", "56", "54", "96.43"]);
    assert_eq!(words[words.len() - 2..], ["2025-07-31", "16:00"]);
    let words = line(&text, "04");
    assert_eq!((words[4], words[words.len() - 1]), ("0", "–"));
    assert!(text.contains("received before 2025-08-06 00:00 (passed)"), "{text}");
    let text = ask(&fake, &["completeness", "--within", "cao bang"]).output();
    assert!(text.starts_with("Communes of Cao Bằng (04)"), "{text}");

    let answer = ask_json(&fake, &["completeness"]);
    let expected =
        ["period", "view_version", "deadline_time", "deadline_passed", "total", "provinces"];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(answer["deadline_time"], "2025-08-06T00:00:00+07:00");
    let cao_bang = serde_json::json!({
        "code": "04", "name": "Cao Bằng", "name_en": "Cao Bang", "communes": 56, "in_time": 0, "reported": 54,
        "in_time_share": 0.25, "reported_share": 0.75,
    });
    assert_eq!(answer["provinces"][1], cao_bang);
    assert_eq!(ask_json(&fake, &["completeness", "--within", "04"]).get("provinces"), None);
}

#[test]
fn the_silent_are_listed_with_their_last_report() {
    let fake = Fake::start();
    let text = ask(&fake, &["silent"]).output();
    let heading = "Silent on 2025-07: 2 of 56 communes of Việt Nam (00) have not reported it\n";
    assert!(text.starts_with(heading), "{text}");
    let words = line(&text, "01273");
    assert_eq!(words[words.len() - 4..], ["Cao", "Bằng", "(04)", "2025-06"]);
    assert!(line(&text, "01279").ends_with(&["never"]) && !text.contains("--limit"), "{text}");
    let text = ask(&fake, &["silent", "--limit", "1"]).output();
    assert!(text.ends_with("\n1 of them; --limit 0 shows all\n"), "{text}");
    let text = ask(&fake, &["silent", "--within", "04", "--by-deadline"]).output();
    assert!(text.contains("of Cao Bằng (04) had not reported it by\n2025-08-06 00:00"), "{text}");
    assert!(line(&text, "01279").ends_with(&["2025-08-06", "00:00"]), "{text}");

    let answer = ask_json(&fake, &["silent", "--level", "province"]);
    let expected = [
        "level",
        "within",
        "period",
        "view_version",
        "deadline_time",
        "by_deadline",
        "silent_count",
        "locality_count",
        "rows",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(
        answer["rows"],
        serde_json::json!([{ "code": "04", "name": "Cao Bằng", "name_en": "Cao Bang" }])
    );
    let answer = ask_json(&fake, &["silent", "--by-deadline"]);
    let late = serde_json::json!({
        "code": "01279", "name": answer["rows"][1]["name"], "province": "04",
        "first_receipt_time": "2025-08-06T00:00:00+07:00",
    });
    assert_eq!(answer["rows"][1], late);
    ask(&fake, &["silent", "--level", "nation"]).failure(2);
}

#[test]
fn flags_tell_what_was_found() {
    let fake = Fake::start();
    let text = ask(&fake, &["flags", "-o", "wide"]).output();
    let heading = "Implausible data of Việt Nam (00), 2025-07: part 1, total 1, frozen 1, copied 1, \
                   eve 1\n";
    assert!(text.starts_with(heading), "{text}");
    for part in [
        "Cao Bằng (04)  records_synchronised 1,202 > applications_received 1,200",
        "declared_green_communes 6, but green_coverage of its communes 3 to 5 (54 of 56 known)",
        "applications_post 70 in 3 months in a row",
        "2 measures as in Thục Phán (01273): applications_post, fees_due",
        "green, 1 criteria first met on the eve of the month's report (2025-08-06 00:00): digital_s",
        "they change no value",
        "synthetic: made up to fit the published totals",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(line(&text, "total").ends_with(&["known)", "stale,", "published"]), "{text}");
    let text = ask(&fake, &["flags", "--within", "cao bang", "--limit", "2"]).output();
    assert!(text.contains("\n2 of 5 flags; --limit 0 shows all\n"), "{text}");
    let text = ask(&fake, &["flags", "--rule", "eve"]).output();
    assert!(!text.contains("--limit") && !text.contains("applications_post 70"), "{text}");
    ask(&fake, &["flags", "--rule", "ugly"]).failure(2);
}

#[test]
fn flags_have_the_keys_of_their_rule() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["flags"]);
    let expected = ["within", "period", "view_version", "counts", "flags", "evidence"];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(answer["counts"]["copied"], 1);
    let evidence = serde_json::json!({
        "flag": 1, "code": "01273", "name": "Thục Phán", "metric": "records_synchronised",
        "period": "2025-07", "value": 1_202, "observed_time": "2025-07-31T16:00:00+07:00",
        "unchanged_since_time": "2025-07-31T16:00:00+07:00", "receipt_time": "2025-08-06T00:00:00+07:00",
        "basis": "synthetic", "reporter": "04", "host": "cao-bang-1", "log_id": "cd".repeat(16), "log_epoch": 2,
        "sequence": 11, "index": 3, "catalogue_digest": "ab".repeat(32), "catalogue_version": 1,
    });
    assert_eq!(answer["evidence"][0], evidence);
    let part = serde_json::json!({
        "rule": "part", "code": "01273", "name": "Thục Phán", "province": "04", "extent": 2,
        "part": "records_synchronised", "whole": "applications_received", "part_value": 1_202,
        "whole_value": 1_200,
    });
    assert_eq!(answer["flags"][0], part);
    let own = |at: usize, key: &str| answer["flags"][at][key].clone();
    assert_eq!((own(1, "sum_least"), own(1, "sum_most")), (3.into(), 5.into()));
    assert_eq!(own(1, "sum_behind")["basis"], "published");
    assert_eq!((own(2, "measure"), own(2, "periods")), ("applications_post".into(), 3.into()));
    assert_eq!(own(3, "original")["code"], "01273");
    assert_eq!(own(4, "criteria")[0], "digital_signatures");
    assert_eq!(own(4, "deadline_time"), "2025-08-06T00:00:00+07:00");
    assert_eq!(answer["flags"][4].get("deadline"), None);
}

#[test]
fn receipts_say_where_a_number_comes_from() {
    let fake = Fake::start();
    let args = ["receipts", "cao bang", "--indicator", "online_submission_rate", "-o", "wide"];
    let text = ask(&fake, &args).output();
    let heading = "Cao Bằng (04): Tỷ lệ hồ sơ nộp trực tuyến (online_submission_rate) 30.00 %, \
                   1,200 of 4,000, 2025-07: 2 observations\n";
    assert!(text.starts_with(heading), "{text}");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("01273")).collect();
    for part in [
        "Thục Phán  applications_online",
        "2025-07  1,200  2025-07-31 16:00  2025-08-06 00:00  04         cao-bang-1",
        "cdcdcdcd      2     11      3          1",
    ] {
        assert!(rows[0].contains(part), "{part} in\n{text}");
    }
    let text = ask(&fake, &["receipts", "04", "--metric", "applications_online"]).output();
    assert!(text.contains("(applications_online) 1,200, reported by 1\nof 56, 2025-07"), "{text}");
    assert!(text.contains("\n1 of 2 observations; --limit 0 shows all\n"), "{text}");
    let silent = ["receipts", "04", "--metric", "applications_received"];
    let text = ask(&fake, &[&silent[..], &["-o", "wide"]].concat()).output();
    assert!(text.contains("(applications_received) unknown, reported by 0 of 56"), "{text}");
    let answer = ask_json(&fake, &silent);
    assert_eq!(answer.get("sum"), None);
    assert_eq!((&answer["reported"], &answer["localities"]), (&0.into(), &56.into()));
    let text = ask(&fake, &["receipts", "04", "--metric", "digital_signatures"]).output();
    assert!(text.contains("(digital_signatures) met 1, unmet\n0, unknown 55"), "{text}");
    let text = ask(&fake, &["receipts", "04"]).output();
    assert!(text.starts_with("Cao Bằng (04): Tỷ lệ phủ xanh (green_coverage) 5.36 %"), "{text}");
    ask(&fake, &["receipts", "04", "--metric", "a", "--indicator", "b"]).failure(2);
}

#[test]
fn receipts_have_exactly_the_keys_of_their_contract() {
    let fake = Fake::start();
    let args = ["receipts", "04", "--indicator", "online_submission_rate"];
    let answer = ask_json(&fake, &args);
    let expected = [
        "code",
        "name",
        "name_en",
        "period",
        "view_version",
        "indicator",
        "number",
        "receipt_count",
        "receipts",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(answer["number"]["numerator"], 1_200);
    let row = &answer["receipts"][1];
    assert_eq!((&row["numerator_factor"], &row["denominator_factor"]), (&0.into(), &1.into()));
    assert_eq!((&row["log_id"], &row["sequence"]), (&"cd".repeat(16).into(), &11.into()));
    assert_eq!(row.get("catalogue_version"), None);
    let answer = ask_json(&fake, &["receipts", "04", "--metric", "applications_online"]);
    assert_eq!((&answer["sum"], &answer["reported"]), (&1_200.into(), &1.into()));
}
