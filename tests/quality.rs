//! Reliability of the numbers, over real processes: who reported and when, what is implausible, and
//! the receipt of a number; the same after a correction and after a crash.

use anyhow::ensure;
use phuxanh_core::{Period, catalogue::Catalogue};
use phuxanh_daemon::clock;
use phuxanh_tests::harness::{
    Deployment, Facts, LOADED_WITHIN, Process, Setup, eventually, settings,
};
use serde_json::{Value, json};

/// Communes of Cao Bằng.
const SOUND: &str = "01273";
const COPY: &str = "01279";

const HEAD: &str = "locality,metric,period,value,observed_time\n";

/// More is synchronised than was received, the province declares less than its communes received,
/// mail is the same in three months, five values are those of another commune, and all criteria are
/// met an hour before the report.
fn implausible(this_month: Period) -> String {
    let mut text = HEAD.to_owned();
    let mut row = |locality: &str, metric: &str, month: &str, value: i64| {
        let line = format!("{locality},{metric},{month},{value},2025-07-31 15:00\n");
        text.push_str(&line);
    };
    row(SOUND, "applications_received", "2025-07", 100);
    row(SOUND, "records_synchronised", "2025-07", 120);
    row("04", "declared_applications_received", "2025-07", 90);
    row(SOUND, "applications_post", "2025-05", 50);
    row(SOUND, "applications_post", "2025-06", 50);
    let copied = ["applications_post", "fees_due", "petitions_received", "results_due"];
    for (value, metric) in (50..).zip(copied.into_iter().chain(["applications_completed"])) {
        row(SOUND, metric, "2025-07", value);
        row(COPY, metric, "2025-07", value);
    }
    for criterion in &Catalogue::builtin().criteria {
        row(COPY, &criterion.definition.id, "2025-07", 1);
    }
    let now = clock::now();
    text + &format!("{COPY},applications_post,{this_month},1,{now}\n")
}

#[tokio::test]
async fn numbers_have_reports_flags_and_receipts_behind_them() -> anyhow::Result<()> {
    let setup = Setup {
        facts: Facts::default(),
        // May is restated, so that a series of three months ends in July.
        aggregator: settings(&[
            ("STORE__CHECKPOINT_EVERY", "1"),
            ("INGEST__RESTATED_MONTHS_MAX", "2"),
        ]),
        collector: settings(&[("FOLDER__RESTATED_MONTHS_MAX", "2")]),
        ..Setup::default()
    };
    let mut deployment = Deployment::start_with(&["04"], &setup).await?;
    let this_month = Period::containing(clock::now());
    deployment.put_file("04", "july.csv", implausible(this_month).as_bytes())?;
    let counts =
        |part: i32| json!({ "part": part, "total": 1, "frozen": 1, "copied": 1, "eve": 1 });
    flagged(&deployment, &counts(1)).await?;
    completeness_and_silence(&deployment, this_month)?;

    let before = receipts(&deployment)?;
    let told = |answer: &Value| {
        let rows = answer["receipts"].as_array().into_iter().flatten();
        rows.map(|row| (row["metric"].clone(), row["value"].clone())).collect::<Vec<_>>()
    };
    let expected = |synchronised: i32| {
        let both = [("records_synchronised", synchronised), ("applications_received", 100)];
        both.map(|(metric, value)| (json!(metric), json!(value))).to_vec()
    };
    assert_eq!(told(&before), expected(120));
    let receipt = &before["receipts"][0];
    let audit = deployment.ask(&["audit", "04"])?;
    assert_eq!(receipt["log_id"], audit["audits"][0]["log_id"], "{audit}");
    let collectors = deployment.ask(&["collectors"])?;
    let delivers = |one: &&Value| one["reporter"] == "04";
    let delivering = collectors["collectors"].as_array().into_iter().flatten().find(delivers);
    assert_eq!(Some(&receipt["host"]), delivering.map(|one| &one["host"]), "{collectors}");
    assert_eq!(receipt["reporter"], json!("04"));
    assert_eq!(receipt["observed_time"], json!("2025-07-31T15:00:00+07:00"));
    let catalogue = deployment.ask(&["catalogue"])?;
    assert_eq!(
        (&receipt["catalogue_digest"], &receipt["catalogue_version"]),
        (&catalogue["digest"], &catalogue["version"])
    );

    // A correction takes its flag away and has a receipt of its own; the report is no later for it.
    let first = first_receipt(&deployment)?;
    let correction = format!("{HEAD}{SOUND},records_synchronised,2025-07,95,2025-08-01 08:00\n");
    deployment.put_file("04", "correction.csv", correction.as_bytes())?;
    flagged(&deployment, &counts(0)).await?;
    let after = receipts(&deployment)?;
    assert_eq!(told(&after), expected(95));
    let batch = |answer: &Value| answer["receipts"][0]["sequence"].as_u64();
    assert!(batch(&after) > batch(&before), "{after}");
    assert_eq!(after["receipts"][1], before["receipts"][1]);
    assert_eq!(first_receipt(&deployment)?, first);

    let flags = deployment.ask(&["flags", "--period", "2025-07", "--limit", "0"])?;
    deployment.kill(&Process::Aggregator)?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    assert_eq!(deployment.ask(&["flags", "--period", "2025-07", "--limit", "0"])?, flags);
    assert_eq!(receipts(&deployment)?, after);
    assert_eq!(first_receipt(&deployment)?, first);
    Ok(())
}

/// July is long past its deadline; this month's is still ahead.
fn completeness_and_silence(deployment: &Deployment, this_month: Period) -> anyhow::Result<()> {
    let counts = |period: &str| -> anyhow::Result<[Value; 3]> {
        let answer = deployment.ask(&["completeness", "--within", "04", "--period", period])?;
        Ok(["communes", "in_time", "reported"].map(|key| answer["total"][key].clone()))
    };
    assert_eq!(counts("2025-07")?, [56, 0, 2].map(Value::from));
    assert_eq!(counts(&this_month.to_string())?, [56, 1, 1].map(Value::from));
    let month = this_month.to_string();
    let silent = deployment.ask(&["silent", "--within", "04", "--period", &month])?;
    assert_eq!((&silent["silent_count"], &silent["locality_count"]), (&json!(55), &json!(56)));
    let last = json!({
        "code": SOUND, "name": silent["rows"][0]["name"], "province": "04",
        "last_period": "2025-07",
    });
    assert_eq!(silent["rows"][0], last);
    Ok(())
}

fn first_receipt(deployment: &Deployment) -> anyhow::Result<Value> {
    let answer = deployment.ask(&["completeness", "--within", "04", "--period", "2025-07"])?;
    ensure!(answer["total"]["first_receipt_time"].is_string(), "{answer}");
    Ok(answer["total"]["first_receipt_time"].clone())
}

fn receipts(deployment: &Deployment) -> anyhow::Result<Value> {
    let rate = ["--indicator", "synchronisation_rate", "--period", "2025-07"];
    let mut answer = deployment.ask(&[&["receipts", "04"], &rate[..]].concat())?;
    // A correction moves it, whether it touches the number or not.
    answer["view_version"].take();
    Ok(answer)
}

async fn flagged(deployment: &Deployment, counts: &Value) -> anyhow::Result<()> {
    eventually("the flags are those expected", LOADED_WITHIN, async || {
        let answer = deployment.ask(&["flags", "--period", "2025-07"])?;
        ensure!(answer["counts"] == *counts, "{} instead of {counts}", answer["counts"]);
        Ok(())
    })
    .await
}
