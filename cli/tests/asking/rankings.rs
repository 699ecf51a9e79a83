//! Rankings of more than values: kinds, least denominators, changes, confidence, what is stale.

use phuxanh_proto::v1::{Level, LocalityKind, Order, RankBy, Section};

use crate::{ask, ask_json, fake::Fake};

const RATE: [&str; 2] = ["--indicator", "online_submission_rate"];

/// The first line that holds a part.
fn line<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} in\n{text}"))
}

#[test]
fn a_kind_and_a_least_denominator_reach_the_server_and_the_heading() {
    let fake = Fake::start();
    let args = ["lowest", "--kind", "ward", "--min-denominator", "30"];
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    let heading =
        "lowest first: communes of kind ward with a denominator of 30 or more of Việt Nam";
    assert!(text.contains(heading), "{text}");
    assert!(text.contains("Small, the denominator is below 30: 1\n"), "{text}");
    let first = &fake.asked()[0];
    assert_eq!((first.level(), first.kind()), (Level::Commune, LocalityKind::Ward));
    assert_eq!((first.denominator_min, first.by()), (30, RankBy::Value));
    let answer = ask_json(&fake, &args);
    assert_eq!((&answer["kind"], &answer["denominator_min"]), (&"ward".into(), &30.into()));
    assert_eq!(answer["small"].as_array().map(Vec::len), Some(1));
    ask(&fake, &["lowest", "--min-denominator", "-1"]).failure(2);
}

#[test]
fn changes_show_the_value_before_and_the_difference() {
    let fake = Fake::start();
    let args = [&["changes", "--since", "2025-06"][..], &RATE].concat();
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    let heading = "(online_submission_rate), change since 2025-06, most declined first: provinces";
    assert!(text.contains(heading), "{text}");
    let fell = line(&text, "Cao Bằng");
    assert!(fell.contains("32.73 %  40.23 %  -7.50 pp"), "{text}");
    assert!(line(&text, "Lai Châu").contains("40.23 %         –"), "{text}");
    assert!(text.contains("Known in only one of 2025-06 and 2025-07: 1\n"), "{text}");
    let answer = ask_json(&fake, &args);
    let change = &answer["rows"][0]["change"];
    assert_eq!(
        (&change["difference"], &change["baseline"]["numerator"]),
        (&(-0.075).into(), &4_023.into())
    );
    assert_eq!((&answer["by"], &answer["baseline_period"]), (&"change".into(), &"2025-06".into()));
    assert_eq!(answer["one_sided"].as_array().map(Vec::len), Some(1));

    let text = ask(&fake, &["changes", "--improved"]).output();
    assert!(text.contains("most improved first"), "{text}");
    let asked = fake.asked();
    let last = asked.last().expect("a ranking was asked for");
    assert_eq!((last.order(), last.by()), (Order::Highest, RankBy::Change));
    assert_eq!(last.baseline_period, "");
}

#[test]
fn confidence_shows_the_interval_and_the_ranks_that_it_allows() {
    let fake = Fake::start();
    let args = [&["lowest", "--confident"][..], &RATE].concat();
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    assert!(text.contains("confidently lowest first"), "{text}");
    assert!(line(&text, "Ba Đình").contains("0.00–16.11 %            1–3"), "{text}");
    assert_eq!(fake.asked()[0].level(), Level::Commune);
    let expected = serde_json::json!({
        "lower": 0.0, "upper": 0.161_13, "rank_from": 1, "rank_to": 3,
    });
    assert_eq!(ask_json(&fake, &args)["rows"][0]["confidence"], expected);
}

#[test]
fn coverage_is_a_band_where_communes_are_silent() {
    let fake = Fake::start();
    let args = ["lowest", "--period", "2025-04"];
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    assert!(
        line(&text, "Cao Bằng").contains("3 of 56         47        6  16.07 %  red"),
        "{text}"
    );
    assert!(line(&text, "Rank").contains("Unknown    Up to  Status"), "{text}");
    assert_eq!(ask_json(&fake, &args)["rows"][0]["green_max"], 9);
    assert!(!ask(&fake, &["lowest"]).output().contains("Up to"));
}

#[test]
fn what_is_stale_can_be_listed_alone() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest", "--stale"]).output();
    assert!(text.contains("2 of 2 stale among 2 ranked provinces\n"), "{text}");
    assert_eq!(fake.asked()[0].section(), Section::Stale);
    let answer = ask_json(&fake, &["lowest", "--stale", "--limit", "1"]);
    assert_eq!((&answer["stale_count"], &answer["rows"][0]["rank"]), (&2.into(), &2.into()));
}

#[test]
fn a_standing_says_how_it_was_a_month_before() {
    let fake = Fake::start();
    let args = [&["standing", "12"][..], &RATE].concat();
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    let past =
        "In 2025-06 it had rank 5 of 33 with 40.23 %\nNow it is 3 ranks nearer to the lowest\n";
    assert!(text.contains(past), "{text}");
    let previous = &ask_json(&fake, &args)["previous"];
    assert_eq!((&previous["rank"], &previous["rank_change"]), (&5.into(), &(-3).into()));
    assert_eq!((&previous["period"], &previous["value"]), (&"2025-06".into(), &0.5.into()));
    let args = ["standing", "12"];
    let text = ask(&fake, &[&args[..], &["-o", "wide"]].concat()).output();
    assert!(text.contains("In 2025-06 it had no rank: unknown\n"), "{text}");
    let expected = serde_json::json!({
        "period": "2025-06", "ranked_count": 33, "state": "unknown",
    });
    assert_eq!(ask_json(&fake, &args)["previous"], expected);
}
