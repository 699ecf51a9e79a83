//! A collector that reaches no aggregator says why, in words that an operator can act on, and says
//! it once a minute at most. The aggregator misses whoever it does not hear.

use std::process::Command;

use anyhow::{Context, ensure};
use phuxanh_proto::v1::AlarmKind;
use phuxanh_tests::{
    harness::{
        Deployment, LOADED_WITHIN, Process, Settings, Setup, binary, eventually, free_port,
        settings,
    },
    secured::{AGGREGATOR, Authority, collector, deployment, has_applied, observe, start},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

const UNREACHED: &str = "cannot reach the aggregator";
const REFUSED: &str = "the aggregator refuses this collector";
/// Connections by which a collector has had reason to repeat its warning.
const TRIED_COUNT: usize = 5;

/// Address that is no good, and what must be said of it.
struct Case {
    province: &'static str,
    server: String,
    settings: Settings,
    message: &'static str,
    kind: &'static str,
    cause: &'static str,
}

/// Warnings of a process about its link.
fn warnings(deployment: &Deployment, process: &Process) -> anyhow::Result<Vec<Value>> {
    let mut found = Vec::new();
    for line in deployment.log(process)?.lines() {
        let entry: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let message = entry["fields"]["message"].as_str().unwrap_or_default();
        if entry["level"] == "WARN" && [UNREACHED, REFUSED].contains(&message) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Listens, and answers what every connection says first with these bytes, if with any. Tells how
/// many connections there were.
async fn answering(bytes: &'static [u8]) -> anyhow::Result<(u16, watch::Receiver<usize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (count, told) = watch::channel(0);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.send_modify(|count| *count += 1);
            open.push(tokio::spawn(converse(stream, bytes)));
        }
    });
    Ok((port, told))
}

async fn converse(mut stream: TcpStream, bytes: &'static [u8]) -> std::io::Result<()> {
    let mut heard = [0; 1_024];
    while stream.read(&mut heard).await? > 0 {
        stream.write_all(bytes).await?;
    }
    Ok(())
}

fn cases(
    authority: &Authority,
    stranger: &Authority,
    secured: &str,
    ports: [u16; 3],
) -> anyhow::Result<Vec<Case>> {
    let [closed, web, silent] = ports;
    let brisk = settings(&[("DELIVERY__BACKOFF_MIN", "20ms"), ("DELIVERY__BACKOFF_MAX", "50ms")]);
    let hasty = settings(&[("DELIVERY__CONNECT_TIMEOUT", "300ms")]);
    let case = |province, server: String, settings, kind, cause| {
        let message = if kind == "identity_refused" { REFUSED } else { UNREACHED };
        Case { province, server, settings, message, kind, cause }
    };
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let own = authority.of_collector(Some(&authority.collector("11")?));
    Ok(vec![
        case("01", at(closed), brisk.clone(), "connection_refused", "Connection refused"),
        case(
            "04",
            "http://no.such.host.invalid:7400".into(),
            Settings::new(),
            "name_not_found",
            "no.such.host.invalid: ",
        ),
        case("08", at(web), brisk, "not_grpc", "HTTP/1.1 400 Bad Request"),
        case("12", at(silent), hasty, "timed_out", "did not answer"),
        case(
            "15",
            secured.to_owned(),
            stranger.of_collector(None),
            "certificate_not_trusted",
            "is of an unknown authority",
        ),
        case("14", secured.to_owned(), own, "identity_refused", "may speak for 11, not for 14"),
    ])
}

#[tokio::test]
async fn whoever_reaches_no_aggregator_says_why_once_a_minute() -> anyhow::Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let mut deployment = deployment(&authority).await?;
    let secured = deployment.secured_server()?.to_owned();
    let (web, mut asked) = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
    let (silent, _) = answering(b"").await?;
    let cases = cases(&authority, &stranger, &secured, [free_port()?, web, silent])?;
    let mut started = Vec::new();
    for case in &cases {
        let settings = case.settings.clone();
        started.push(start(&mut deployment, case.province, &case.server, settings)?);
    }
    for (process, case) in started.iter().zip(&cases) {
        let told = eventually(case.kind, LOADED_WITHIN, async || {
            warnings(&deployment, process)?.into_iter().next().context("no warning yet")
        });
        let fields = told.await?["fields"].clone();
        let text = |key: &str| fields[key].as_str().unwrap_or_default().to_owned();
        ensure!(text("kind") == case.kind && text("message") == case.message, "{fields}");
        ensure!(text("cause").contains(case.cause), "{}: {fields}", case.kind);
        ensure!(text("aggregator") == case.server && !text("advice").is_empty(), "{fields}");
    }
    tokio::time::timeout(LOADED_WITHIN, asked.wait_for(|count| *count >= TRIED_COUNT)).await??;
    let warned = warnings(&deployment, &started[2])?;
    ensure!(warned.len() == 1, "{warned:?}");
    Ok(())
}

/// Link of a collector, as `spool stat` shows it.
fn link(deployment: &Deployment, process: &Process) -> anyhow::Result<Value> {
    let mut command = Command::new(binary("phuxanh-collector")?);
    command.arg("--data-dir").arg(deployment.data_dir(process));
    let output = command.args(["spool", "--json", "stat"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stat: Value = serde_json::from_slice(&output.stdout)?;
    Ok(stat["link"].clone())
}

#[tokio::test]
async fn spool_stat_shows_the_link_its_last_error_and_the_last_durable_ack() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let mut deployment = deployment(&authority).await?;
    let server = deployment.secured_server()?.to_owned();
    let own = authority.of_collector(Some(&authority.collector("04")?));
    let process = start(&mut deployment, "04", &server, own)?;
    observe(&deployment, 1)?;
    has_applied(&deployment.client()?, 1).await?;
    let open = eventually("the ack is durable", LOADED_WITHIN, async || {
        let link = link(&deployment, &process)?;
        let through = link["last_durable_ack"]["through"].as_u64();
        ensure!(through.is_some_and(|through| through > 0), "{link}");
        Ok(link)
    })
    .await?;
    ensure!(open["connected_to"] == server.as_str() && open["last_error"].is_null(), "{open}");
    ensure!(open["since_time"].is_string() && open["last_durable_ack"]["time"].is_string());

    deployment.kill(&AGGREGATOR)?;
    let lost = eventually("the aggregator is missed", LOADED_WITHIN, async || {
        let link = link(&deployment, &process)?;
        ensure!(link["last_error"]["kind"] == "connection_refused", "{link}");
        Ok(link)
    })
    .await?;
    ensure!(lost["connected_to"].is_null() && lost["since_time"] != open["since_time"], "{lost}");
    ensure!(lost["last_error"]["url"] == server.as_str(), "{lost}");
    ensure!(lost["last_durable_ack"] == open["last_durable_ack"], "{lost}");

    deployment.terminate(&process).await?;
    ensure!(link(&deployment, &process)?.is_null(), "nobody knows of a link");
    Ok(())
}

#[tokio::test]
async fn a_province_that_is_not_heard_is_an_alarm_until_it_connects() -> anyhow::Result<()> {
    let aggregator =
        settings(&[("INGEST__HEARTBEAT_INTERVAL", "100ms"), ("MESH__SILENT_AFTER", "1s")]);
    let setup = Setup { aggregator, ..Setup::default() };
    let mut deployment = Deployment::start_with(&["04"], &setup).await?;
    let client = deployment.client()?;
    let is_missed = async |reporter: &str, expected: bool| {
        eventually(&format!("{reporter} is missed: {expected}"), LOADED_WITHIN, async || {
            let found = collector(&client, reporter).await?;
            let is_missed = found.alarms.iter().any(|it| it.kind() == AlarmKind::Unheard);
            ensure!(is_missed == expected && found.connected != expected, "{found:?}");
            Ok(())
        })
        .await
    };
    is_missed("01", true).await?;
    is_missed("04", false).await?;
    let process = Process::collector("04");
    deployment.terminate(&process).await?;
    is_missed("04", true).await?;
    let output = deployment.phuxanh(&["--lang", "vi", "collectors", "--fail-on", "alarm"])?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(1) && told.contains("không có tin"), "{told}");
    deployment.restart(&process)?;
    is_missed("04", false).await
}
