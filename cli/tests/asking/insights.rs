//! Insights: distribution, shortfalls, path, why, gap.

use std::collections::BTreeSet;

use crate::{ask, ask_json, fake::Fake, keys};

/// The words of the line that begins with a text.
pub fn line<'a>(text: &'a str, beginning: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.trim_start().starts_with(beginning));
    found.unwrap_or_else(|| panic!("{beginning} in\n{text}")).split_whitespace().collect()
}

const SYNTHETIC: &str = "synthetic: made up to fit the published totals";

#[test]
fn a_distribution_is_a_table_of_bands() {
    let fake = Fake::start();
    let text = ask(&fake, &["distribution"]).output();
    let heading = "Tỷ lệ phủ xanh (green_coverage): 34 provinces of Việt Nam (00) by band, 2025-07";
    assert!(text.starts_with(heading), "{text}");
    assert_eq!(line(&text, "full"), ["full", "8", "10", "Hà", "Nội,", "Huế"]);
    assert_eq!(line(&text, "green"), ["green", "70", "%", "5", "20"]);
    assert_eq!(line(&text, "unknown"), ["unknown", "0"]);
    assert!(text.contains(SYNTHETIC), "{text}");
    let text = ask(&fake, &["distribution", "--level", "commune"]).output();
    assert_eq!(line(&text, "04")[..8], ["04", "Cao", "Bằng", "56", "3", "0", "0", "53"]);
    let text = ask(&fake, &["distribution", "--within", "cao bang"]).output();
    assert!(text.contains("34 communes of Cao Bằng (04)"), "{text}");
    let complaint = ask(&fake, &["distribution", "--indicator", "online_submission_rate"]);
    assert!(complaint.failure(2).contains("has no legend"));
}

#[test]
fn a_distribution_has_exactly_the_keys_of_its_contract() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["distribution", "--level", "commune"]);
    let expected = [
        "indicator",
        "level",
        "period",
        "view_version",
        "green_from",
        "yellow_from",
        "direction",
        "total",
        "provinces",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    let province = &answer["provinces"][0];
    assert_eq!((&province["code"], &province["localities"]), (&"04".into(), &56.into()));
    assert_eq!((&province["basis"], &province["stale"]), (&"synthetic".into(), &false.into()));
    assert_eq!((&province["below"], &province["unknown"]), (&53.into(), &0.into()));
    let answer = ask_json(&fake, &["distribution"]);
    let below = serde_json::json!({ "band": "below", "localities": 15, "at_least": 40 });
    assert_eq!(answer["total"]["bands"][3], below);
    let unknown = serde_json::json!({ "band": "unknown", "localities": 0 });
    assert_eq!(answer["total"]["bands"][4], unknown);
    let full = &answer["total"]["bands"][0]["provinces"];
    assert_eq!(full[1], serde_json::json!({ "code": "46", "name": "Huế", "name_en": "Hue" }));
}

#[test]
fn shortfalls_show_what_would_flip() {
    let fake = Fake::start();
    let text = ask(&fake, &["shortfalls"]).output();
    assert!(
        text.starts_with(
            "Shortfalls of Việt Nam (00), 2025-07: 3 of 56 green (5.36 %)\n\
                          Blocked by exactly one unmet criterion: 2 communes\n"
        ),
        "{text}"
    );
    let words = line(&text, "Cán bộ có chữ ký số");
    assert_eq!(words[words.len() - 4..], ["80", "1", "2", "synthetic"]);
    assert!(line(&text, "Hội nghị").contains(&"required"), "{text}");
    assert!(text.contains("Would flip: ") && text.contains(SYNTHETIC), "{text}");
    let text = ask(&fake, &["shortfalls", "--criterion", "digital_signatures"]).output();
    assert_eq!(line(&text, "12")[..7], ["12", "Lai", "Châu", "3", "of", "56", "20"]);
    assert_eq!(line(&text, "00")[..7], ["00", "Việt", "Nam", "3", "of", "56", "80"]);
    let answer = ask_json(&fake, &["shortfalls", "--criterion", "digital_signatures"]);
    assert_eq!(answer["provinces"].as_array().map(Vec::len), Some(2));
    assert_eq!((&answer["total"]["code"], &answer["total"]["unmet"]), (&"00".into(), &80.into()));
    let complaint = ask(&fake, &["shortfalls", "--criterion", "happiness"]).failure(2);
    assert!(complaint.contains("no criterion \"happiness\""), "{complaint}");

    let answer = ask_json(&fake, &["shortfalls"]);
    assert_eq!(answer["provinces"].as_array().map(Vec::len), Some(4));
    assert_eq!(answer["provinces"][3]["criterion"], "online_meetings");
    let expected = serde_json::json!({
        "criterion": "digital_signatures", "required": true, "unmet": 80, "unknown": 1, "flip": 2,
        "flip_unknown": 0, "data_time": "2025-07-31T16:00:00+07:00", "stale": false,
        "basis": "synthetic",
    });
    assert_eq!(answer["total"]["shortfalls"][0], expected);
    assert_eq!(answer["total"]["coverage"]["not_green"], 53);
    assert_eq!(answer["total"]["flip"], 2);
    let within = ask_json(&fake, &["shortfalls", "--within", "04"]);
    assert_eq!((&within["total"]["code"], within.get("provinces")), (&"04".into(), None));
}

#[test]
fn a_path_lists_what_to_fix() {
    let fake = Fake::start();
    let text = ask(&fake, &["path", "cao bang", "--target", "7"]).output();
    assert!(
        text.starts_with("Cao Bằng (04), 2025-07: 3 of 56 green (5.36 %); 7 % asks for 4"),
        "{text}"
    );
    let words = line(&text, "01273");
    assert_eq!(words[words.len() - 2..], ["digital_signatures", "online_meetings"]);
    for part in [
        "The cheapest way: 1 commune, 1 unmet criterion to fix, 1 unreported one",
        "no smaller set reaches the\ntarget",
        "30 unmet criteria to fix",
        "  Cán bộ có chữ ký số chuyên dùng (digital_signatures)",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let text = ask(&fake, &["path", "04", "--target", "90"]).output();
    assert!(text.contains("(found greedily; no set of\nfewer than 1 reaches it)"), "{text}");
    let text = ask(&fake, &["path", "04", "--target", "1"]).output();
    assert!(text.contains("The target is reached.\n"), "{text}");
    ask(&fake, &["path", "04", "--target", "101"]).failure(2);

    let answer = ask_json(&fake, &["path", "04"]);
    assert_eq!((&answer["target_percent"], &answer["needed_count"]), (&70.into(), &1.into()));
    assert_eq!(answer["coverage"]["stale"], true);
    let expected = serde_json::json!([{
        "code": "01273", "name": "Thục Phán", "unmet": ["digital_signatures"],
        "unknown": ["online_meetings"],
    }]);
    assert_eq!(answer["communes"], expected);
    let expected = serde_json::json!({
        "criteria": ["digital_signatures"], "exact": true, "lower_bound": 1, "turned_count": 2,
        "unmet_fixes": 30, "unknown_fixes": 1,
    });
    assert_eq!(answer["criterion_set"], expected);
}

#[test]
fn why_splits_coverage_over_criteria_with_the_obstacles_beside_it() {
    let fake = Fake::start();
    let text = ask(&fake, &["why", "cao bang"]).output();
    let heading =
        "Cao Bằng (04): Tỷ lệ phủ xanh (green_coverage), 2025-07: 5.36 %; the nation\n59.65 %";
    assert!(text.starts_with(heading), "{text}");
    assert!(text.contains("+54.29 pp"), "{text}");
    let words = line(&text, "Hội nghị");
    assert_eq!(words[words.len() - 6..], ["-1.00", "pp", "-0.71", "pp", "-1.71", "pp"]);
    assert_eq!(line(&text, "Sum"), ["Sum", "+55.00", "pp", "-0.71", "pp", "+54.29", "pp"]);
    let words = line(&text, "Hồ sơ nộp trực tuyến");
    assert_eq!(words[5..9], ["1,234", "56", "of", "56"]);
    assert!(text.contains("unknown   0 of 56"), "{text}");
    assert!(!text.contains("ounded"), "the parts add up as shown\n{text}");
    let text = ask(&fake, &["why", "04", "--period", "2025-04", "-o", "wide"]).output();
    let heading = "2025-04: 5.36 % (up to 16.07 %); the nation 59.65 % (up to 60.22 %)\n";
    assert!(text.contains(heading), "{text}");

    let answer = ask_json(&fake, &["why", "04"]);
    assert_eq!(
        (&answer["distance_numerator"], &answer["part_denominator"]),
        (&5_429.into(), &10_000.into())
    );
    assert_eq!(["value", "nation"].map(|key| &answer[key]["stale"]), [true, true]);
    let expected = serde_json::json!({
        "criterion": "online_meetings", "unmet_numerator": -100, "unknown_numerator": -71,
        "part_numerator": -171, "part": 0.25,
    });
    assert_eq!(answer["criteria"][1], expected);
    assert_eq!(
        (&answer["obstacles"][0]["sum"], &answer["obstacles"][1]["reported"]),
        (&1_234.into(), &0.into())
    );
}

#[test]
fn why_splits_a_ratio_over_communes() {
    let fake = Fake::start();
    let args = ["why", "04", "--indicator", "online_submission_rate"];
    let text = ask(&fake, &args).output();
    let words = line(&text, "01273");
    assert_eq!(words[words.len() - 5..], ["1,200", "/", "4,000", "+18.00", "pp"]);
    assert!(text.contains("and 55 more communes, -0.70 pp together"), "{text}");
    let answer = ask_json(&fake, &args);
    assert_eq!((&answer["rest_count"], &answer["rest_numerator"]), (&55.into(), &(-7).into()));
    assert_eq!(answer["communes"][0]["part_numerator"], 180);

    let args = ["why", "04", "--indicator", "untested_rate"];
    assert!(ask(&fake, &args).output().contains("Nothing can be split"));
    assert_eq!(ask_json(&fake, &args).get("distance"), None);
}

#[test]
fn gaps_are_ranked_or_told_by_criterion() {
    let fake = Fake::start();
    let text = ask(&fake, &["gap", "-o", "wide"]).output();
    let words = line(&text, "1");
    assert_eq!(words[..6], ["1", "01", "Hà", "Nội", "+64.62", "pp"]);
    assert!(words.contains(&"+94.70"), "{text}");
    assert_eq!(words[6..9], ["2", "1", "2025-07-31"]);
    assert!(text.contains("2 ranked provinces\n"), "{text}");
    assert!(text.contains("Unknown, no gap can be told: 1\n"), "{text}");
    assert!(text.contains(SYNTHETIC), "{text}");
    let answer = ask_json(&fake, &["gap", "--within", "04", "--period", "2025-07"]);
    let expected = [
        "level",
        "within",
        "period",
        "view_version",
        "ranked_count",
        "rows",
        "unknown",
        "untested",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!((&answer["level"], &answer["within"]), (&"commune".into(), &"04".into()));
    let row = &answer["rows"][1];
    assert_eq!(
        (&row["rank"], &row["numerator"], &row["code"]),
        (&2.into(), &10.into(), &"04".into())
    );
    assert_eq!(answer["unknown"][0]["name"], "Lai Châu");

    let text = ask(&fake, &["gap", "ha noi", "-o", "wide"]).output();
    assert!(
        text.starts_with("Hà Nội (01), 2025-07: gap +64.62 pp, the mean over 2 criteria; 1 with"),
        "{text}"
    );
    let words = line(&text, "Cán bộ có chữ ký số");
    for part in ["32.73", "0.5", "+34.54", "published"] {
        assert!(words.contains(&part), "{part} in\n{text}");
    }
    let answer = ask_json(&fake, &["gap", "01"]);
    assert_eq!(answer["mean"]["numerator"], 1_292_400_000_i64);
    assert_eq!(answer["criteria"][0]["gap_billionths"], 345_400_000);
    assert_eq!(answer["criteria"][0]["declared"]["basis"], "published");
    let untested = &answer["criteria"][1];
    assert_eq!((&untested["state"], untested.get("gap_billionths")), (&"untested".into(), None));
    ask(&fake, &["gap", "01", "--limit", "3"]).failure(2);
}
