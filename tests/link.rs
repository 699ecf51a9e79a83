//! A collector that reaches no aggregator says why, in words that an operator can act on, and says
//! it once a minute at most.

use anyhow::{Context, ensure};
use phuxanh_tests::{
    harness::{Deployment, LOADED_WITHIN, Process, Settings, eventually, free_port, settings},
    secured::{Authority, deployment, start},
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
