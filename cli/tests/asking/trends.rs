//! Changes from month to month, and within a month: trend, days, compare.

use std::collections::BTreeSet;

use crate::{ask, ask_json, fake::Fake, keys};

/// The words of the first line that begins with a text.
fn line<'a>(text: &'a str, beginning: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.starts_with(beginning));
    found.unwrap_or_else(|| panic!("{beginning} in\n{text}")).split_whitespace().collect()
}

#[test]
fn a_trend_shows_every_month_and_who_swings() {
    let fake = Fake::start();
    let text = ask(&fake, &["trend", "cao bang", "-o", "wide"]).output();
    let heading = "Cao Bằng (04): Tỷ lệ phủ xanh (green_coverage) month by month\n";
    assert!(text.starts_with(heading), "{text}");
    assert_eq!(line(&text, "2025-06")[..4], ["2025-06", "10.71", "%", "–"]);
    let july = line(&text, "2025-07");
    let expected =
        ["2025-07", "5.36", "%", "-5.36", "pp", "3", "of", "56", "53", "0", "1", "4", "red"];
    assert_eq!(july[..13], expected);
    let flapping = "Flapping, turned twice or more: 2\n\nCode   Name       Turns\n";
    assert!(text.contains(flapping) && text.contains("01273  Thục Phán      3\n"), "{text}");

    let args = ["trend", "04", "--indicator", "online_submission_rate"];
    let text = ask(&fake, &args).output();
    assert!(!text.contains("Turned") && !text.contains("Flapping"), "{text}");
    assert_eq!(line(&text, "2025-07")[5..11], ["3", "of", "56", "54", "of", "56"]);
}

#[test]
fn a_trend_has_exactly_the_keys_of_its_contract() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["trend", "04", "--from", "2025-06", "--to", "2025-07"]);
    let expected = [
        "code",
        "name",
        "name_en",
        "indicator",
        "view_version",
        "points",
        "flapping_count",
        "flapping",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    let point = &answer["points"][1];
    assert_eq!((&point["period"], &point["numerator"]), (&"2025-07".into(), &3.into()));
    assert_eq!((&point["turned_green"], &point["turned_not_green"]), (&1.into(), &4.into()));
    assert_eq!(answer["points"][0].get("difference"), None);
    let expected = serde_json::json!([{ "code": "01273", "name": "Thục Phán", "turns": 3 }]);
    assert_eq!(answer["flapping"], expected);
}

#[test]
fn days_show_who_was_green_and_who_turned() {
    let fake = Fake::start();
    let days = ["days", "cao bang", "--limit", "1", "-o", "wide"];
    let text = ask(&fake, &days).output();
    let heading =
        "Cao Bằng (04): days of 2025-07 on which communes were green, of 31 that have begun\n";
    assert!(text.starts_with(heading), "{text}");
    let words = line(&text, "01273");
    assert_eq!(words[..7], ["01273", "Thục", "Phán", "8", "12", "11", "3"]);
    assert_eq!(words[7..], ["2025-07-31", "16:00"]);
    assert!(text.contains("\nsynthetic: made up"), "{text}");
    assert!(text.contains("\n1 of 2 communes; --limit 0 shows all\n"), "{text}");
    assert!(
        text.contains("\nFlapping, turned twice or more: 1\n") && text.contains("\ncut: "),
        "{text}"
    );

    let args = ["days", "00", "--criterion", "digital_signatures", "--limit", "0"];
    let text = ask(&fake, &args).output();
    assert!(
        text.contains("communes met Cán bộ có chữ ký số chuyên\ndùng (digital_signatures)"),
        "{text}"
    );
    assert!(text.contains("Province") && text.contains("Unmet"), "{text}");
    assert!(line(&text, "01279").starts_with(&["01279", "Nùng", "Trí", "Cao", "Cao", "Bằng"]));
    assert!(text.contains("\n2 communes\n"), "{text}");
}

#[test]
fn days_have_exactly_the_keys_of_their_contract() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["days", "04"]);
    let row = serde_json::json!({
        "code": "01273", "name": "Thục Phán", "province": "04", "met": 8, "unmet": 12,
        "unknown": 11, "turns": 3, "cut": true, "data_time": "2025-07-31T16:00:00+07:00",
        "stale": false, "basis": "synthetic",
    });
    let expected = [
        "code",
        "name",
        "name_en",
        "period",
        "view_version",
        "day_count",
        "commune_count",
        "flapping_count",
        "rows",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!((&answer["rows"][0], &answer["flapping_count"]), (&row, &1.into()));
}

#[test]
fn a_comparison_is_per_working_day() {
    let fake = Fake::start();
    let args = ["compare", "00", "--measure", "applications_online", "-o", "wide"];
    let text = ask(&fake, &args).output();
    let heading = "Việt Nam (00): Hồ sơ nộp trực tuyến (applications_online) per working day, \
                   2025-07 against 2025-06: fell\n";
    assert!(text.starts_with(heading), "{text}");
    assert!(text.contains("2025-07: 23 working days, without Quốc khánh\n"), "{text}");
    assert!(text.contains("2025-06: 21 working days\n"), "{text}");
    let fell = line(&text, "79");
    let expected = ["7,546.83", "8,410.05", "-863.23", "-10.26", "%", "fell", "173,577", "176,611"];
    assert_eq!(fell[4..12], expected);
    assert_eq!(fell[12..], ["167", "of", "168"]);
    assert_eq!(line(&text, "04")[3..8], ["–", "–", "–", "unknown", "–"]);
    assert_eq!(line(&text, "00")[..3], ["00", "Việt", "Nam"]);

    let text = ask(&fake, &[&args[..], &["--limit", "1", "--against", "2025-05"]].concat());
    let text = text.output();
    assert!(text.contains("1 of 2 localities; --limit 0 shows all\n"), "{text}");
    assert!(text.contains("holidays of this year are not listed\n"), "{text}");
}

#[test]
fn a_comparison_has_exactly_the_keys_of_its_contract() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["compare", "hcm"]);
    let expected =
        ["measure", "view_version", "period", "baseline", "total", "locality_count", "parts"];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    let expected = serde_json::json!({
        "period": "2025-07", "working_days": 23, "weekdays": 24, "holidays": ["Quốc khánh"],
        "holidays_listed": true,
    });
    assert_eq!(answer["period"], expected);
    let total = &answer["total"];
    assert_eq!((&total["code"], &total["movement"]), (&"79".into(), &"fell".into()));
    assert_eq!((&total["compared"], &total["now"]["sum"]), (&167.into(), &173_577.into()));
    let silent = &answer["parts"][1];
    let absent = (silent.get("difference"), silent.get("relative_difference"));
    assert_eq!((&silent["movement"], absent), (&"unknown".into(), (None, None)));

    let cut = ask_json(&fake, &["compare", "hcm", "--limit", "1"]);
    assert_eq!(
        (&cut["locality_count"], cut["parts"].as_array().map(Vec::len)),
        (&2.into(), Some(1))
    );
}
