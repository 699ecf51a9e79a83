//! Both ends of the delivery, side by side.

use std::collections::BTreeSet;

use crate::{Run, ask, ask_json, fake::Fake, keys};

/// Returns the message of a run that gave its answer and found a disagreement.
fn disagreement(run: &Run) -> &str {
    assert_eq!(run.exit_code, Some(1), "{}", run.err);
    assert!(!run.out.is_empty());
    &run.err
}

/// The words of the line that begins with a code.
fn line<'a>(text: &'a str, code: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.trim_start().starts_with(code));
    found.expect("its line").split_whitespace().collect()
}

#[test]
fn ends_that_disagree_are_shown_and_fail_the_command() {
    let fake = Fake::start();
    let run = ask(&fake, &["audit", "-o", "wide"]);
    let complaint = disagreement(&run);
    assert!(
        complaint.starts_with(
            "phuxanh: what these collectors hold is not what arrived of it: Lai Châu (12)\n"
        ),
        "{complaint}"
    );
    for other in ["Cao Bằng", "Tuyên Quang", "Hà Nội"] {
        assert!(!complaint.contains(other), "{complaint}");
    }
    for advice in ["phuxanh collectors", "phuxanh audit CODE -o json", "spool verify"] {
        assert!(complaint.contains(advice), "{complaint}");
    }
    let figures = ["1,456", "1,400", "50", "5", "1", "=", "1", "0"];
    let expected = |name: &[&'static str], end: &[&'static str]| {
        [name, &["12", "of", "12"], &figures, end].concat()
    };
    let agrees = expected(
        &["04", "Cao", "Bằng", "agrees", "2025-07-31", "16:00"],
        &["56", "=", "56", "38383838", "=", "38383838"],
    );
    assert_eq!(line(&run.out, "04"), agrees);
    let disagrees = expected(
        &["12", "Lai", "Châu", "disagrees", "2025-07-31", "16:00"],
        &["57", "≠", "56", "39393939", "≠", "38383838"],
    );
    assert_eq!(line(&run.out, "12"), disagrees);
    assert!(run.out.contains("the collector's side stands first."), "{}", run.out);
}

#[test]
fn what_is_pending_or_silent_does_not_fail_the_command() {
    let fake = Fake::start();
    let pending = ask(&fake, &["audit", "08", "-o", "wide"]).output();
    let words = line(&pending, "08");
    assert_eq!(words[3], "pending");
    assert_eq!(words[6..10], ["12", "of", "13", "1,500"]);
    assert!(pending.contains("   44  60 ≠ 56"), "{pending}");
    let silent = ask(&fake, &["audit", "01", "-o", "wide"]).output();
    let words = line(&silent, "01");
    assert_eq!(words[3..7], ["silent", "–", "–", "–"]);
    assert!(silent.contains("–, 1  –        –, 56  –, 38383838"), "{silent}");
}

#[test]
fn what_fail_on_names_fails_the_command_once_it_is_there() {
    let fake = Fake::start();
    let quiet = ask(&fake, &["audit", "08", "--fail-on", "silent,alarm"]);
    assert!(!quiet.output().is_empty());
    let silent = ask(&fake, &["audit", "01", "--fail-on", "silent"]);
    let silent = disagreement(&silent);
    assert!(silent.contains("1 collector is not heard (--fail-on silent)"), "{silent}");
    assert!(silent.contains("(01)"), "{silent}");
    assert!(
        ask(&fake, &["audit", "01", "--fail-on", "alarm,disagreement"]).output().contains("01")
    );
    let alarm = ask(&fake, &["collectors", "--fail-on", "alarm"]);
    let alarm = disagreement(&alarm);
    assert!(alarm.contains("alarms stand (--fail-on alarm)"), "{alarm}");
    let unheard = ask(&fake, &["collectors", "--fail-on", "silent"]);
    let unheard = disagreement(&unheard);
    assert!(unheard.contains("not heard (--fail-on silent): "), "{unheard}");
    let usage = ask(&fake, &["collectors", "--fail-on", "disagreement"]).failure(2);
    assert!(usage.contains("phuxanh audit --fail-on disagreement"), "{usage}");
}

#[test]
fn an_audit_fails_while_the_store_refuses_writes_and_says_how_old_it_is() {
    let fake = Fake::start();
    let run = ask(&fake, &["audit", "46"]);
    let complaint = disagreement(&run);
    let cause = "the store refuses writes, so nothing arrives and no verdict is newer than its \
                 \"As of\": since 2025-07-31 16:00, the server answers writes with OOM: raise \
                 maxmemory\n";
    assert!(complaint.contains(cause), "{complaint}");
    let words = line(&run.out, "46");
    assert_eq!(words[2..5], ["outdated", "2025-07-31", "16:00"]);
    assert!(run.out.contains("store refuses writes"), "{}", run.out);
    let json = ask(&fake, &["audit", "46", "--json"]);
    assert!(json.out.contains("\"store_alarms\": [") && json.exit_code == Some(1), "{}", json.out);
}

#[test]
fn an_audit_fails_while_the_aggregators_clock_is_not_trusted() {
    let fake = Fake::start();
    let run = ask(&fake, &["audit", "48"]);
    let complaint = disagreement(&run);
    let cause = "the aggregator's clock is not trusted, so nothing arrives and no verdict is newer \
                 than its \"As of\": the aggregator's clock was stepped by 3600 s\n";
    assert!(complaint.contains(cause), "{complaint}");
    assert!(run.out.contains("aggregator  aggregator clock"), "{}", run.out);
}

#[test]
fn a_province_is_named_as_people_name_it() {
    let fake = Fake::start();
    let audits = ask_json(&fake, &["audit", "cao bang"]);
    let audits = audits["audits"].as_array().expect("audits");
    assert_eq!((audits.len(), &audits[0]["reporter"]), (1, &"04".into()));
    let complaint = ask(&fake, &["audit", "quoc tu giam"]).failure(1);
    assert!(complaint.contains("communes have no collector"), "{complaint}");
}

#[test]
fn json_has_exactly_the_keys_of_its_contract_even_where_ends_disagree() {
    let fake = Fake::start();
    let run = ask(&fake, &["audit", "--json"]);
    assert!(disagreement(&run).contains("Lai Châu (12)"), "{}", run.err);
    let answer: serde_json::Value = serde_json::from_str(&run.out).expect("one JSON object");
    let audits = answer["audits"].as_array().expect("audits");
    let verdicts: Vec<_> = audits.iter().map(|audit| audit["verdict"].as_str()).collect();
    let expected = ["agrees", "disagrees", "pending", "silent"];
    assert_eq!(verdicts, expected.map(Some));
    let expected = serde_json::json!({
        "reporter": "12", "name": "Lai Châu", "name_en": "Lai Chau", "verdict": "disagrees",
        "as_of_time": "2025-07-31T16:00:00+07:00", "log_id": "c4".repeat(16),
        "collector": {
            "produced_through": 12, "produced": 1_456, "rejected": 1,
            "cells": 57, "cell_digest": "39".repeat(16),
        },
        "aggregator": {
            "folded_through": 12,
            "ledger": { "applied": 1_400, "repeated": 50, "superseded": 5, "rejected": 1 },
            "cells": 56, "cell_digest": "38".repeat(16),
        },
        "pending": 0,
    });
    assert_eq!(audits[1], expected);
    let silent = ["reporter", "name", "name_en", "verdict", "log_id", "aggregator"];
    assert_eq!(keys(&audits[3]), BTreeSet::from(silent));
}

#[test]
fn collectors_are_listed_with_their_alarms() {
    let fake = Fake::start();
    let text = ask(&fake, &["collectors", "-o", "wide"]).output();
    let (table, alarms) = text.split_once("\nAlarms\n\n").expect("two sections");
    let words = line(table, "04");
    assert_eq!(
        words[words.len() - 9..],
        ["3", "65,536", "7", "-90.500", "s", "phuxanh-collector", "0.1.0", "2", "no"]
    );
    assert_eq!(line(table, "12").last(), Some(&"–"));
    let lines: Vec<_> = alarms.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "      store     store refuses writes  2025-07-31 16:00  the server answers writes with \
             OOM: raise maxmemory",
            "04    Cao Bằng  two collectors        –                 b wants to deliver too",
            "04    Cao Bằng  rejected data         2025-07-31 16:00  7 observations",
        ]
    );
}

#[test]
fn collectors_and_alarms_have_stable_keys() {
    let fake = Fake::start();
    let answer = ask_json(&fake, &["collectors"]);
    let (first, second) = (&answer["collectors"][0], &answer["collectors"][1]);
    let spool = (&first["spool_batches"], &first["spool_bytes"], &first["dead_letters"]);
    assert_eq!(spool, (&3.into(), &65_536.into(), &7.into()));
    assert_eq!(first["clock_offset_micros"], -90_500_000);
    let expected = serde_json::json!([
        {
            "reporter": "04", "name": "Cao Bằng", "name_en": "Cao Bang", "kind": "two_collectors",
            "detail": "b wants to deliver too",
        },
        {
            "reporter": "04", "name": "Cao Bằng", "name_en": "Cao Bang", "kind": "rejected_data", "since_time": "2025-07-31T16:00:00+07:00",
            "detail": "7 observations",
        },
    ]);
    assert_eq!(answer["alarms"], expected);
    let of_store = serde_json::json!([{
        "kind": "store_refuses_writes", "since_time": "2025-07-31T16:00:00+07:00",
        "detail": "the server answers writes with OOM: raise maxmemory",
    }]);
    assert_eq!(answer["store_alarms"], of_store);
    assert_eq!(second.get("clock_offset_micros"), None);
}
