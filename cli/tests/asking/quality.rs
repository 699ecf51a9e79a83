//! How far the numbers can be relied on: completeness, silent.

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
    let expected = ["period", "view_version", "deadline", "deadline_passed", "total", "provinces"];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(answer["deadline"], "2025-08-06T00:00:00+07:00");
    let cao_bang = serde_json::json!({
        "code": "04", "name": "Cao Bằng", "communes": 56, "in_time": 0, "reported": 54,
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
    assert!(text.contains("of Cao Bằng (04) had not reported it by 2025-08-06 00:00"), "{text}");
    assert!(line(&text, "01279").ends_with(&["2025-08-06", "00:00"]), "{text}");

    let answer = ask_json(&fake, &["silent", "--level", "province"]);
    let expected = [
        "level",
        "within",
        "period",
        "view_version",
        "deadline",
        "by_deadline",
        "silent",
        "localities",
        "rows",
    ];
    assert_eq!(keys(&answer), BTreeSet::from(expected));
    assert_eq!(answer["rows"], serde_json::json!([{ "code": "04", "name": "Cao Bằng" }]));
    let answer = ask_json(&fake, &["silent", "--by-deadline"]);
    let late = serde_json::json!({
        "code": "01279", "name": answer["rows"][1]["name"], "province": "04",
        "first_receipt": "2025-08-06T00:00:00+07:00",
    });
    assert_eq!(answer["rows"][1], late);
    ask(&fake, &["silent", "--level", "nation"]).failure(2);
}
