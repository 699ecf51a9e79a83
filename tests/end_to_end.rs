//! A small deployment from file to answer: two provinces, both shapes of a file, corrections, bad
//! rows, the command line, restarts.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use phuxanh_tests::harness::{
    Deployment, Facts, LOADED_WITHIN, Process, binary, eventually, files, free_port,
};
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;

/// Communes of Cao Bằng and of Lai Châu.
const CAO_BANG: [&str; 2] = ["01273", "01279"];
const LAI_CHAU: [&str; 2] = ["03388", "03390"];

const RATE: [&str; 2] = ["--indicator", "online_submission_rate"];

/// Batches of a collector that read one small file: the file's, and an empty one which says that
/// everything is there.
const BATCHES_OF_ONE_FILE: u64 = 2;

/// With a byte order mark, semicolons and Windows line ends, as a spreadsheet writes it.
const WIDE: &str = "\u{feff}locality;period;observed_time;applications_received;applications_online\r\n\
                    01273;2025-07;2025-07-31 16:00;200;50\r\n\
                    01279;2025-07;2025-07-31 16:00;100;\r\n";

const LONG: &str = "locality,metric,period,value,observed_time\n\
                    03388,applications_received,2025-07,10,2025-07-31T16:00:00+07:00\n\
                    03388,applications_online,2025-07,1,2025-07-31T16:00:00+07:00\n\
                    03390,applications_received,2025-07,0,2025-07-31T16:00:00+07:00\n\
                    03390,applications_online,2025-07,0,2025-07-31T16:00:00+07:00\n";

async fn small_deployment() -> anyhow::Result<Deployment> {
    let mut deployment = Deployment::start(&[], &Facts::default()).await?;
    deployment.report("04", "wide.csv", WIDE.as_bytes())?;
    deployment.report("12", "long.csv", LONG.as_bytes())?;
    ranked(&deployment, &["12=1/10", "04=50/200"]).await?;
    eventually("both logs are folded to their ends", LOADED_WITHIN, async || {
        let collectors = deployment.client()?.collectors().await?;
        let applied = collectors.iter().filter(|one| one.applied_through == BATCHES_OF_ONE_FILE);
        let applied: Vec<_> = applied.map(|one| one.reporter.as_str()).collect();
        ensure!(applied == ["04", "12"], "only {applied:?} stand at their ends");
        Ok(())
    })
    .await?;
    Ok(deployment)
}

#[tokio::test]
async fn files_of_both_shapes_become_a_ranking() -> anyhow::Result<()> {
    let deployment = small_deployment().await?;
    for (province, name) in [("04", "wide.csv"), ("12", "long.csv")] {
        eventually("the report says that the centre holds the file", LOADED_WITHIN, async || {
            let report = report(&deployment, province, &format!("accepted/{name}"))?;
            ensure!(report.contains("Held durably by the centre: 20"), "{report}");
            Ok(())
        })
        .await?;
        let accepted = files(&deployment.inbox(province).join("accepted"))?;
        assert_eq!(accepted, [name.to_owned(), format!("{name}.report.txt")]);
    }
    let answer = lowest(&deployment, &[])?;
    let row = &answer["rows"][0];
    assert_eq!(
        keys(&answer),
        set(
            "indicator level within period order view_version reports ranked_count rows unknown untested"
        )
    );
    assert_eq!(
        keys(row),
        set("rank code name name_en value numerator denominator data_time stale reported communes")
    );
    assert_eq!(
        [&row["rank"], &row["name"], &row["value"], &row["reported"], &row["communes"]],
        [&json!(1), &json!("Lai Châu"), &json!(0.1), &json!(2), &json!(38)]
    );
    assert_eq!(row["data_time"], json!("2025-07-31T16:00:00+07:00"));
    assert_eq!(answer["unknown"].as_array().map(Vec::len), Some(32));
    assert_eq!(answer["unknown"][0], json!({ "code": "01", "name": "Hà Nội", "name_en": "Hanoi" }));
    Ok(())
}

#[tokio::test]
async fn communes_are_ranked_within_a_province_found_by_name() -> anyhow::Result<()> {
    let deployment = small_deployment().await?;
    let answer = lowest(&deployment, &["--level", "commune", "--within", "lai chau"])?;
    assert_eq!(answer["within"], json!("12"));
    assert_eq!(codes(&answer["rows"]), [LAI_CHAU[0]]);
    assert_eq!(answer["rows"][0]["province"], json!("12"));
    assert_eq!(codes(&answer["untested"]), [LAI_CHAU[1]]);
    assert_eq!(answer["unknown"].as_array().map(Vec::len), Some(36));
    Ok(())
}

#[tokio::test]
async fn green_coverage_shows_green_not_green_and_unknown() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["04"], &Facts::default()).await?;
    let catalogue = phuxanh_core::catalogue::Catalogue::builtin();
    let ids: Vec<_> = catalogue.criteria.iter().map(|found| found.definition.id.clone()).collect();
    let row = |code: &str, value: &str| {
        let values = vec![value; ids.len()].join(",");
        format!("{code},2025-07,2025-07-31 16:00,{values}\n")
    };
    let header = format!("locality,period,observed_time,{}\n", ids.join(","));
    let text = header + &row(CAO_BANG[0], "có") + &row(CAO_BANG[1], "không");
    deployment.put_file("04", "criteria.csv", text.as_bytes())?;
    eventually("green coverage is known", LOADED_WITHIN, async || {
        let answer = deployment.ask(&["lowest"])?;
        ensure!(answer["indicator"] == "green_coverage" && answer["within"] == "00", "{answer}");
        let row = &answer["rows"][0];
        ensure!(row["code"] == "04", "{answer}");
        let counts = ["green", "not_green", "unknown", "numerator", "denominator"];
        ensure!(counts.map(|key| row[key].as_i64()) == [1, 1, 54, 1, 56].map(Some), "{row}");
        ensure!(row["status"] == "red" && row.get("reported").is_none(), "{row}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn corrections_and_withdrawals_replace_and_late_old_values_do_not() -> anyhow::Result<()> {
    let deployment = small_deployment().await?;
    let head = "locality,metric,period,value,observed_time\n";
    let steps = [
        // A correction observed at the same time.
        ("03388,applications_online,2025-07,4,2025-07-31 16:00", ["04=50/200", "12=4/10"]),
        // An older value that comes late, and a newer one beside it.
        (
            "03388,applications_online,2025-07,9,2025-07-30\n\
             03390,applications_received,2025-07,30,2025-08-01",
            ["12=4/40", "04=50/200"],
        ),
        // What was withdrawn was never reported.
        ("03390,applications_online,2025-07,withdraw,2025-08-02", ["04=50/200", "12=4/10"]),
    ];
    for (number, (rows, expected)) in (1..).zip(steps) {
        let text = format!("{head}{rows}\n");
        deployment.put_file("12", &format!("step-{number}.csv"), text.as_bytes())?;
        ranked(&deployment, &expected).await.context(number)?;
    }
    let report = report(&deployment, "12", "accepted/step-2.csv")?;
    assert!(report.contains("Superseded: 1\n") && report.contains("another value stands: 4"));
    // The values that were replaced stay in the log; the late old one was not delivered at all.
    let fates = |asked: [&str; 2]| -> anyhow::Result<Vec<(Value, Value, Value)>> {
        let [code, metric] = asked;
        let answer = deployment.ask(&["history", code, metric, "--period", "2025-07"])?;
        let rows = answer["observations"].as_array().into_iter().flatten();
        let row = |row: &Value| (row["value"].clone(), row["fate"].clone(), row["other"].clone());
        Ok(rows.map(row).collect())
    };
    let corrected = fates(["03388", "applications_online"])?;
    assert_eq!(json!(corrected[1..]), json!([[4, "in_force", null]]));
    assert_eq!(json!([&corrected[0].1, &corrected[0].2]), json!(["replaced", 2]));
    let withdrawn = fates(["03390", "applications_online"])?;
    let last = withdrawn.last().context("a withdrawal")?;
    assert_eq!(json!(last), json!(["withdrawn", "in_force", null]));
    Ok(())
}

#[tokio::test]
async fn an_identical_file_is_named_as_such_and_changes_nothing() -> anyhow::Result<()> {
    let deployment = small_deployment().await?;
    let version = lowest(&deployment, &[])?["view_version"].clone();
    deployment.put_file("04", "again.csv", WIDE.as_bytes())?;
    deployment.files_are_read().await?;
    let report = report(&deployment, "04", "accepted/again.csv")?;
    assert!(report.contains("The file is identical to wide.csv"), "{report}");
    assert_eq!(lowest(&deployment, &[])?["view_version"], version);
    Ok(())
}

#[tokio::test]
async fn bad_rows_are_reported_and_good_rows_kept() -> anyhow::Result<()> {
    let deployment = small_deployment().await?;
    let text = "locality,metric,period,value,observed_time\n\
                03388,applications_online,2025-07,many,2025-08-01\n\
                01273,applications_online,2025-07,1,2025-08-01\n\
                99999,applications_online,2025-07,1,2025-08-01\n\
                03388,no_such_metric,2025-07,1,2025-08-01\n\
                03388,applications_online,2025-13,1,2025-08-01\n\
                03388,applications_online,2025-07,-4,2025-08-01\n\
                03388,applications_online,2025-07,5,someday\n\
                03388,applications_online,2025-07,6,2025-08-02\n";
    deployment.put_file("12", "mixed.csv", text.as_bytes())?;
    deployment.put_file("12", "bad.csv", b"locality,metric\n03388,applications_online\n")?;
    ranked(&deployment, &["04=50/200", "12=6/10"]).await?;
    deployment.files_are_read().await?;
    let report = report(&deployment, "12", "accepted/mixed.csv")?;
    for line in 2..=8 {
        assert!(report.contains(&format!("Dòng / Line: {line} ")), "line {line}: {report}");
    }
    assert!(!report.contains("Dòng / Line: 9 "), "{report}");
    assert!(report.contains("Observations taken: 1\n"), "{report}");
    let rejected = files(&deployment.inbox("12").join("rejected"))?;
    assert_eq!(rejected, ["bad.csv", "bad.csv.report.csv", "bad.csv.report.txt"]);
    Ok(())
}

#[tokio::test]
async fn a_report_waits_for_the_centre_also_over_a_restart() -> anyhow::Result<()> {
    let mut deployment = small_deployment().await?;
    deployment.kill(&Process::Aggregator)?;
    let row = "03388,applications_online,2025-07,5,2025-08-01T00:00:00Z\n";
    let text = format!("locality,metric,period,value,observed_time\n{row}");
    deployment.put_file("12", "late.csv", text.as_bytes())?;
    deployment.files_are_read().await?;
    let path = deployment.inbox("12").join("accepted/late.csv.report.txt");
    let written = fs::metadata(&path)?.modified()?;
    let collector = Process::collector("12");
    deployment.terminate(&collector).await?;
    deployment.restart(&collector)?;
    deployment.says(&collector, "watching the inbox").await?;
    let held = "Held durably by the centre: ";
    ensure!(!fs::read_to_string(&path)?.contains(held), "nobody held it");
    deployment.restart(&Process::Aggregator)?;
    eventually("the centre holds it", LOADED_WITHIN, async || {
        let report = fs::read_to_string(&path)?;
        ensure!(report.matches(held).count() == 1, "{report}");
        Ok(())
    })
    .await?;
    ensure!(fs::metadata(&path)?.modified()? == written, "it tells when the file was filed");
    Ok(())
}

#[tokio::test]
async fn both_daemons_end_in_order_and_answer_again_at_once() -> anyhow::Result<()> {
    let mut deployment = small_deployment().await?;
    let before = lowest(&deployment, &[])?;
    for process in [Process::Collector("04".to_owned()), Process::Aggregator] {
        assert_eq!(deployment.terminate(&process).await?, Some(0), "{process:?}");
    }
    let unreachable = run(&["--server", deployment.server(), "lowest"])?;
    assert_eq!(unreachable.status.code(), Some(69));
    deployment.restart(&Process::Aggregator)?;
    let began = tokio::time::Instant::now();
    deployment.serving().await?;
    assert_eq!(lowest(&deployment, &[])?, before);
    let elapsed = began.elapsed();
    assert!(elapsed < Duration::from_secs(1), "it answered only after {elapsed:?}");
    deployment.restart(&Process::Collector("04".to_owned()))?;
    let more = "locality,metric,period,value,observed_time\n\
                01279,applications_online,2025-07,1,2025-07-31 16:00\n";
    deployment.put_file("04", "more.csv", more.as_bytes())?;
    ranked(&deployment, &["12=1/10", "04=51/300"]).await
}

#[tokio::test]
async fn reflection_lists_every_service_in_both_versions() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[], &Facts::default()).await?;
    let services =
        ["Catalogue", "Collection", "Insight", "Locality", "Mesh", "Quality", "Ranking", "Trend"];
    let channel = deployment.client()?.channel();
    for found in [reflected_v1(channel.clone()).await?, reflected_v1alpha(channel).await?] {
        for service in services {
            let name = format!("phuxanh.v1.{service}Service");
            assert!(found.contains(&name), "{name} is not among {found:?}");
        }
        assert!(found.contains("grpc.health.v1.Health"), "{found:?}");
        for service in found {
            let status = deployment.client()?.health(&service).await?;
            assert_eq!(status, ServingStatus::Serving, "{service}");
        }
    }
    Ok(())
}

#[test]
fn a_faulty_configuration_is_named_by_its_key() -> anyhow::Result<()> {
    let check = |program: &str, variables: &[(&str, &str)]| -> anyhow::Result<Output> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(binary(program)?);
        command.env_clear().envs(variables.iter().copied()).current_dir(folder.path());
        Ok(command.args(["--data-dir", "data"]).arg("check-config").output()?)
    };
    let said = |output: &Output| {
        let Output { stdout, stderr, .. } = output;
        String::from_utf8_lossy(&[&stdout[..], stderr].concat()).into_owned()
    };
    let faulty = check("phuxanh-aggregator", &[("PHUXANH__LISTEN", "nowhere")])?;
    assert_eq!(faulty.status.code(), Some(1));
    assert!(said(&faulty).contains("listen"), "{}", said(&faulty));
    let sound = check("phuxanh-aggregator", &[("PHUXANH__LISTEN", "127.0.0.1:7400")])?;
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    let faulty = check("phuxanh-collector", &[("PHUXANH__REPORTER", "4")])?;
    assert_eq!(faulty.status.code(), Some(1));
    assert!(said(&faulty).contains("reporter"), "{}", said(&faulty));
    let sound = check("phuxanh-collector", &[("PHUXANH__REPORTER", "04")])?;
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    // A list is separated by commas.
    let redis = |urls| [("PHUXANH__STORE__KIND", "redis"), ("PHUXANH__STORE__REDIS__URLS", urls)];
    let faulty = check("phuxanh-aggregator", &redis("redis://one:6379,two"))?;
    assert_eq!(faulty.status.code(), Some(1));
    assert!(said(&faulty).contains("store.redis.urls: address 2"), "{}", said(&faulty));
    let faulty = check("phuxanh-aggregator", &redis("redis://user:hunter2@one:6379"))?;
    assert_eq!(faulty.status.code(), Some(1));
    let text = said(&faulty);
    assert!(text.contains("without a password") && !text.contains("hunter2"), "{text}");
    let sound = check("phuxanh-aggregator", &redis("redis://one:6379,redis://two:6379"))?;
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    Ok(())
}

#[test]
fn the_command_line_tells_wrong_usage_from_a_missing_server() -> anyhow::Result<()> {
    assert_eq!(run(&["lowest", "--limit", "few"])?.status.code(), Some(2));
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let output = run(&["--server", &nobody, "lowest"])?;
    assert_eq!(output.status.code(), Some(69));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    Ok(())
}

macro_rules! reflected {
    ($function:ident, $version:ident) => {
        /// Names of the services that this version of reflection lists.
        async fn $function(channel: Channel) -> anyhow::Result<BTreeSet<String>> {
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest,
                server_reflection_response::MessageResponse,
            };
            let list = MessageRequest::ListServices(String::new());
            let request =
                ServerReflectionRequest { host: String::new(), message_request: Some(list) };
            let mut client = ServerReflectionClient::new(channel);
            let answers = client.server_reflection_info(tokio_stream::once(request)).await?;
            let answer = answers.into_inner().message().await?.context("no answer")?;
            match answer.message_response {
                Some(MessageResponse::ListServicesResponse(found)) => {
                    Ok(found.service.into_iter().map(|service| service.name).collect())
                }
                other => bail!("{other:?} is no list"),
            }
        }
    };
}

reflected!(reflected_v1, v1);
reflected!(reflected_v1alpha, v1alpha);

/// Waits until the provinces rank like this by the rate of online applications.
async fn ranked(deployment: &Deployment, expected: &[&str]) -> anyhow::Result<()> {
    eventually("the provinces are ranked", LOADED_WITHIN, async || {
        let answer = lowest(deployment, &[])?;
        let rows = answer["rows"].as_array().context("rows are a list")?;
        let text = |value: &Value| value.to_string().replace('"', "");
        let figure = |row: &Value| {
            let [code, above, below] =
                ["code", "numerator", "denominator"].map(|key| text(&row[key]));
            format!("{code}={above}/{below}")
        };
        let found: Vec<_> = rows.iter().map(figure).collect();
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        Ok(())
    })
    .await
}

fn lowest(deployment: &Deployment, arguments: &[&str]) -> anyhow::Result<Value> {
    deployment.ask(&[&["lowest", "--limit", "0"], &RATE[..], arguments].concat())
}

fn run(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(binary("phuxanh")?).args(arguments).env_clear().output()?)
}

fn report(deployment: &Deployment, province: &str, file: &str) -> anyhow::Result<String> {
    let path = deployment.inbox(province).join(format!("{file}.report.txt"));
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn codes(rows: &Value) -> Vec<&str> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["code"].as_str()).collect()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

fn set(keys: &str) -> BTreeSet<String> {
    keys.split(' ').map(str::to_owned).collect()
}
