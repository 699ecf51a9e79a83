//! Questions to a running product that holds the sample of three provinces, answered by its own
//! commands and held against the sample's files, read without the collector's code.

use anyhow::{Context, ensure};
use phuxanh_core::{Level, LocalityCode};
use phuxanh_proto::v1::{RankLocalitiesRequest, ranking_service_client::RankingServiceClient};
use phuxanh_tests::{
    harness::{Deployment, Facts, LOADED_WITHIN, Process, Setup, eventually, settings},
    oracle::Report,
    sample::Sample,
};
use serde_json::{Value, json};

/// Hà Nội, Cao Bằng, Hồ Chí Minh City.
const PROVINCES: [&str; 3] = ["01", "04", "79"];

const RATE: [&str; 2] = ["--indicator", "online_submission_rate"];

/// A deployment that holds the sample, and what is in it.
async fn loaded() -> anyhow::Result<(Deployment, Vec<Report>)> {
    let deployment = Deployment::start(&PROVINCES, &Facts::default()).await?;
    let mut reports = Vec::new();
    for province in PROVINCES {
        let sample = Sample::of(province)?;
        for (number, piece) in (0..).zip(sample.pieces(2)) {
            deployment.put_file(province, &format!("piece-{number}.csv"), piece.as_bytes())?;
        }
        reports.extend(sample.reports()?);
    }
    let communes = reports.iter().filter(|one| one.locality.level() == Level::Commune);
    let mut codes: Vec<_> = communes.map(|one| one.locality).collect();
    codes.sort_unstable();
    codes.dedup();
    eventually("everything is ranked", LOADED_WITHIN, async || {
        for period in ["2025-06", "2025-07"] {
            let arguments = ["lowest", "--level", "commune", "--limit", "0", "--period", period];
            let answer = deployment.ask(&[&arguments, &RATE[..]].concat())?;
            ensure!(rows(&answer).len() == codes.len(), "{} ranked", rows(&answer).len());
        }
        Ok(())
    })
    .await?;
    Ok((deployment, reports))
}

fn rows(answer: &Value) -> &[Value] {
    answer["rows"].as_array().map_or(&[], Vec::as_slice)
}

/// Sum of a measure over the communes for which a filter holds.
fn sum(
    reports: &[Report],
    metric: &str,
    period: &str,
    of: impl Fn(LocalityCode) -> bool,
) -> anyhow::Result<i64> {
    let period = period.parse()?;
    let all = reports.iter().filter(|one| one.metric == metric && one.period == period);
    all.filter(|one| of(one.locality)).map(|one| one.value.context("a value")).sum()
}

/// Numerator and denominator of the rate of a commune in a month.
fn rate(reports: &[Report], code: &str, period: &str) -> anyhow::Result<(i64, i64)> {
    let code: LocalityCode = code.parse()?;
    let part = |metric| sum(reports, metric, period, |locality| locality == code);
    Ok((part("applications_online")?, part("applications_received")?))
}

#[tokio::test]
async fn the_sample_is_ranked_by_change_by_confidence_and_page_by_page() -> anyhow::Result<()> {
    let (deployment, reports) = loaded().await?;
    changes_are_those_of_the_files(&deployment, &reports)?;
    a_confident_rank_respects_small_numbers(&deployment)?;
    a_standing_has_a_past(&deployment)?;
    a_citys_applications_fell_per_working_day(&deployment, &reports)?;
    months_stand_side_by_side(&deployment, &reports)?;
    a_month_without_reports_says_so(&deployment)?;
    provinces_have_english_names(&deployment)?;
    a_walk_is_of_one_version(&deployment).await
}

fn changes_are_those_of_the_files(
    deployment: &Deployment,
    reports: &[Report],
) -> anyhow::Result<()> {
    let arguments = ["changes", "--within", "cao bang", "--limit", "0"];
    let answer = deployment.ask(&[&arguments, &RATE[..]].concat())?;
    assert_eq!(answer["baseline_period"], "2025-06");
    let mut last = f64::NEG_INFINITY;
    for row in rows(&answer) {
        let code = row["code"].as_str().context("a code")?;
        let ((a, b), (c, d)) = (rate(reports, code, "2025-07")?, rate(reports, code, "2025-06")?);
        let before = &row["change"]["baseline"];
        let found = [&row["numerator"], &row["denominator"], &before["numerator"]];
        assert_eq!(found.map(Value::as_i64), [a, b, c].map(Some), "{row}");
        assert_eq!(before["denominator"].as_i64(), Some(d));
        let difference = row["change"]["difference"].as_f64().context("a difference")?;
        #[expect(clippy::cast_precision_loss, reason = "both are compared as doubles")]
        let expected = (a * d - c * b) as f64 / (b * d) as f64;
        assert!((difference - expected).abs() < 1e-12, "{row}");
        assert!(difference >= last, "{row} follows {last}");
        last = difference;
    }
    assert_eq!(rows(&answer).len(), 56);
    Ok(())
}

fn a_confident_rank_respects_small_numbers(deployment: &Deployment) -> anyhow::Result<()> {
    let arguments = ["lowest", "--confident", "--within", "01", "--limit", "0"];
    let answer = deployment.ask(&[&arguments, &RATE[..]].concat())?;
    let ends = |row: &Value| row["confidence"]["upper"].as_f64();
    let ends: Vec<_> = rows(&answer).iter().map(ends).collect();
    assert_eq!(ends.len(), 126);
    assert!(ends.is_sorted(), "{ends:?}");
    for row in rows(&answer) {
        let number = |key| row["confidence"][key].as_i64();
        assert!(number("rank_from") <= row["rank"].as_i64(), "{row}");
        assert!(number("rank_to") <= Some(126) && number("rank_from") <= number("rank_to"));
    }
    let wards = ["lowest", "--kind", "ward", "--within", "01", "--min-denominator", "1000"];
    for row in rows(&deployment.ask(&[&wards, &RATE[..]].concat())?) {
        assert!(row["denominator"].as_i64() >= Some(1_000), "{row}");
    }
    // The sample is of July 2025, long ago.
    let stale = deployment.ask(&["lowest", "--stale", "--limit", "0"])?;
    assert_eq!((&stale["stale_count"], rows(&stale).len()), (&3.into(), 3));
    Ok(())
}

fn a_standing_has_a_past(deployment: &Deployment) -> anyhow::Result<()> {
    let arguments = ["standing", "79", "--indicator", "applications_per_day"];
    let standing = deployment.ask(&arguments)?;
    let previous = &standing["previous"];
    assert_eq!((&previous["period"], &previous["ranked_count"]), (&"2025-06".into(), &3.into()));
    let value = |place: &Value| place["value"].as_f64();
    assert!(value(&standing["locality"]) < value(previous), "{standing}");
    // Nobody reported a criterion for June.
    let previous = &deployment.ask(&["standing", "79"])?["previous"];
    assert_eq!((&previous["state"], previous.get("rank")), (&"unknown".into(), None));
    Ok(())
}

/// The report says that Hồ Chí Minh City received fewer applications per day in July than in June.
fn a_citys_applications_fell_per_working_day(
    deployment: &Deployment,
    reports: &[Report],
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["compare", "TP.HCM"])?;
    let total = &answer["total"];
    assert_eq!((&total["name"], &total["movement"]), (&"Hồ Chí Minh".into(), &"fell".into()));
    let days = ["period", "baseline"].map(|month| &answer[month]["working_days"]);
    assert_eq!(days, [&Value::from(23), &Value::from(21)]);
    let measure = "applications_received";
    let of_city = Sample::of("79")?.reports()?;
    for (month, key) in [("2025-07", "now"), ("2025-06", "before")] {
        let expected = sum(&of_city, measure, month, |_| true)?;
        assert_eq!(total[key]["sum"].as_i64(), Some(expected), "{month}");
    }

    let arguments = ["compare", "01", "--measure", "records_synchronised", "--limit", "0"];
    let answer = deployment.ask(&arguments)?;
    let parts = answer["parts"].as_array().context("parts")?;
    assert_eq!(parts.len(), 126);
    for part in parts {
        let code: LocalityCode = part["code"].as_str().context("a code")?.parse()?;
        let of = |month| sum(reports, "records_synchronised", month, |found| found == code);
        let found = ["now", "before"].map(|key| part[key]["sum"].as_i64());
        assert_eq!(found, [Some(of("2025-07")?), Some(of("2025-06")?)], "{part}");
    }
    Ok(())
}

fn months_stand_side_by_side(deployment: &Deployment, reports: &[Report]) -> anyhow::Result<()> {
    let trend = deployment.ask(&[&["trend", "01273"], &RATE[..]].concat())?;
    let points = trend["points"].as_array().context("points")?;
    let months: Vec<_> = points.iter().map(|point| point["period"].as_str()).collect();
    assert_eq!(months, [Some("2025-06"), Some("2025-07")]);
    for point in points {
        let (above, below) = rate(reports, "01273", point["period"].as_str().unwrap_or_default())?;
        let found = ["numerator", "denominator"].map(|key| point[key].as_i64());
        assert_eq!(found, [Some(above), Some(below)]);
    }
    // Nobody reported a criterion for June, so that nobody turned.
    let coverage = deployment.ask(&["trend", "04", "--from", "2025-06"])?;
    let july = &coverage["points"][1];
    assert_eq!((&july["green"], &july["turned_green"]), (&3.into(), &0.into()));
    Ok(())
}

/// Nobody reported August, so that July's criteria hold on. The sample has no criteria before July.
fn a_month_without_reports_says_so(deployment: &Deployment) -> anyhow::Result<()> {
    let questions: [(&[&str], [i64; 2]); 15] = [
        (&["lowest"], [350, 3_321]),
        (&["changes", RATE[0], RATE[1]], [350, 3_321]),
        (&["standing", "04"], [350, 3_321]),
        (&["scorecard", "04"], [56, 56]),
        (&["distribution", "--within", "01"], [126, 126]),
        (&["shortfalls"], [350, 3_321]),
        (&["lacking", "--within", "04"], [56, 56]),
        (&["path", "04"], [56, 56]),
        (&["why", "04"], [56, 56]),
        (&["gap"], [350, 3_321]),
        (&["gap", "01273"], [1, 1]),
        (&["flags"], [350, 3_321]),
        (&["receipts", "04"], [56, 56]),
        (&["days", "04"], [56, 56]),
        (&["compare", "04"], [56, 56]),
    ];
    for (question, [reported, communes]) in questions {
        let in_month = |month| [question, &["--period", month]].concat();
        let answer = deployment.ask(&in_month("2025-07"))?;
        let expected = json!({ "reported": reported, "communes": communes });
        assert_eq!(answer["reports"], expected, "{question:?}");
        let answer = deployment.ask(&in_month("2025-08"))?;
        let expected = json!({ "reported": 0, "communes": communes, "carried_from": "2025-07" });
        assert_eq!(answer["reports"], expected, "{question:?}");
        for (lang, said) in [
            ("en", "reported 2025-08; criteria carried over from 2025-07"),
            ("vi", "xã đã báo cáo tháng 2025-08; tiêu chí giữ theo tháng 2025-07"),
        ] {
            let text = |month| {
                let form = ["-o", "wide", "--lang", lang];
                let output = deployment.phuxanh(&[&in_month(month)[..], &form].concat())?;
                Ok::<_, anyhow::Error>(String::from_utf8(output.stdout)?)
            };
            let (silent, told) = (text("2025-08")?, text("2025-07")?);
            let line = silent.lines().find(|line| line.ends_with(said));
            ensure!(line.is_some_and(|line| line.starts_with("0 ")), "{question:?}: {silent}");
            ensure!(!told.contains("2025-08") && !told.contains("carried over"), "{told}");
        }
    }
    let before = deployment.phuxanh(&["lowest", "--period", "2025-05", "--lang", "en"])?;
    let before = String::from_utf8(before.stdout)?;
    let said = "0 of 3,321 communes reported 2025-05; no criteria from before\n";
    ensure!(before.contains(said), "{before}");
    Ok(())
}

/// Wherever the aggregator names a province or the nation.
fn provinces_have_english_names(deployment: &Deployment) -> anyhow::Result<()> {
    let places: [(&[&str], &str, &str); 8] = [
        (&["lowest"], "/rows/0", "Cao Bang"),
        (&["standing", "04"], "/locality", "Cao Bang"),
        (&["scorecard", "04"], "", "Cao Bang"),
        (&["distribution"], "/total", "Viet Nam"),
        (&["path", "04"], "", "Cao Bang"),
        (&["collectors"], "/collectors/1", "Cao Bang"),
        (&["audit", "04"], "/audits/0", "Cao Bang"),
        (&["search", "TP.HCM"], "/matches/0", "Ho Chi Minh City"),
    ];
    for (question, place, name) in places {
        let answer = deployment.ask(question)?;
        let named = answer.pointer(place).with_context(|| format!("{question:?}: {answer}"))?;
        assert_eq!(named["name_en"], name, "{question:?}");
        let output = deployment.phuxanh(&[question, &["--lang", "en"]].concat())?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(text.contains(name) && !text.contains("Cao Bằng"), "{question:?}\n{text}");
    }
    let commune = &deployment.ask(&["search", "Thục Phán"])?["matches"][0];
    assert_eq!(commune["province_name_en"], "Cao Bang");
    assert_eq!(commune.get("name_en"), None);
    Ok(())
}

/// Corrections come in while a walk is under way.
async fn a_walk_is_of_one_version(deployment: &Deployment) -> anyhow::Result<()> {
    let mut client = RankingServiceClient::new(deployment.client()?.channel());
    let mut request = RankLocalitiesRequest {
        indicator: "online_submission_rate".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let first = client.rank_localities(request.clone()).await?.into_inner();
    let correction = "locality,metric,period,value,observed_time\n\
                      01273,applications_online,2025-07,0,2025-08-01 08:00\n";
    deployment.put_file("04", "correction.csv", correction.as_bytes())?;
    eventually("the correction is in the view", LOADED_WITHIN, async || {
        let mut client = RankingServiceClient::new(deployment.client()?.channel());
        let fresh = client.rank_localities(RankLocalitiesRequest::default()).await?.into_inner();
        ensure!(fresh.view_version != first.view_version, "still {}", fresh.view_version);
        Ok(())
    })
    .await?;
    request.page_token.clone_from(&first.next_page_token);
    for rank in 2..=3 {
        let page = client.rank_localities(request.clone()).await?.into_inner();
        assert_eq!(
            (page.view_version.as_str(), page.view_changed),
            (first.view_version.as_str(), false)
        );
        assert_eq!(page.rows.iter().map(|row| row.rank).collect::<Vec<_>>(), [rank]);
        request.page_token = page.next_page_token;
    }
    assert_eq!(request.page_token, "");
    Ok(())
}

/// Communes of Cao Bằng: one turns on two days and is corrected on one of them, one turns once. It is
/// the same after a crash, from the log and from a checkpoint.
#[tokio::test]
async fn days_within_a_month_follow_the_observations_and_survive_a_crash() -> anyhow::Result<()> {
    let setup =
        Setup { aggregator: settings(&[("STORE__CHECKPOINT_EVERY", "2")]), ..Setup::default() };
    let mut deployment = Deployment::start_with(&["04"], &setup).await?;
    let files = [
        ("01273", "2025-07-04 09:00", 1),
        ("01279", "2025-07-02 09:00", 0),
        ("01273", "2025-07-10 09:00", 0),
        // Corrected on the day itself, at the same time: it did not turn then.
        ("01273", "2025-07-10 09:00", 1),
        ("01273", "2025-07-20 23:59:59", 0),
        ("01279", "2025-07-15 09:00", 1),
        ("01273", "2025-07-21 00:00", 1),
        ("01273", "2025-08-02 09:00", 0),
    ];
    for (number, (commune, observed, value)) in (0..).zip(files) {
        let text = format!(
            "locality,metric,period,value,observed_time\n\
             {commune},digital_signatures,2025-07,{value},{observed}\n"
        );
        deployment.put_file("04", &format!("{number}.csv"), text.as_bytes())?;
        deployment.files_are_read().await?;
    }
    let args = ["days", "04", "--criterion", "digital_signatures", "--period", "2025-07"];
    let expected = json!([
        { "code": "01273", "met": 27, "unmet": 1, "unknown": 3, "turns": 2 },
        { "code": "01279", "met": 17, "unmet": 13, "unknown": 1, "turns": 1 },
    ]);
    let answered = async |deployment: &Deployment| {
        eventually("the days are counted", LOADED_WITHIN, async || {
            let answer = deployment.ask(&args)?;
            let keys = ["code", "met", "unmet", "unknown", "turns"];
            let row = |row: &Value| Value::from_iter(keys.map(|key| (key, row[key].clone())));
            let found: Vec<_> = rows(&answer).iter().take(2).map(row).collect();
            ensure!(json!(found) == expected, "{found:?}");
            assert_eq!(
                (&answer["flapping_count"], &answer["commune_count"]),
                (&1.into(), &56.into())
            );
            Ok(())
        })
        .await
    };
    answered(&deployment).await?;
    deployment.kill(&Process::Aggregator)?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    answered(&deployment).await
}
