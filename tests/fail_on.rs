//! `--fail-on` of `collectors` and `audit`, as cron uses it: exit code 1 once what it names is
//! there, and not before.

use anyhow::{Context, ensure};
use phuxanh_core::{
    CellDigest, LogId, Position, Timestamp,
    frame::{CollectorAudit, Durability, FromCollector, Heartbeat, Hello, IntakeTrouble, PROTOCOL},
};
use phuxanh_proto::{
    convert,
    v1::{DeliverRequest, DeliverResponse, collection_service_client::CollectionServiceClient},
};
use phuxanh_tests::harness::{Deployment, LOADED_WITHIN, Process, Setup, eventually, settings};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// Exit code and complaint of the command line.
fn run(deployment: &Deployment, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let output = deployment.phuxanh(arguments)?;
    ensure!(!output.stdout.is_empty(), "{arguments:?} gives no answer");
    Ok((output.status.code(), String::from_utf8(output.stderr)?))
}

/// Ensures that the command gives its answer, fails with code 1 and says why.
fn fails(deployment: &Deployment, arguments: &[&str], why: &str) -> anyhow::Result<()> {
    let (code, told) = run(deployment, arguments)?;
    ensure!(code == Some(1) && told.contains(why), "{arguments:?}: {code:?} {told}");
    Ok(())
}

fn succeeds(deployment: &Deployment, arguments: &[&str]) -> anyhow::Result<()> {
    let found = run(deployment, arguments)?;
    ensure!(found == (Some(0), String::new()), "{arguments:?}: {found:?}");
    Ok(())
}

#[tokio::test]
async fn cron_fails_on_what_it_names_and_on_nothing_else() -> anyhow::Result<()> {
    let setup =
        Setup { aggregator: settings(&[("INGEST__HEARTBEAT_INTERVAL", "1s")]), ..Setup::default() };
    let deployment = Deployment::start_with(&["04"], &setup).await?;
    let file = "locality,metric,period,value,observed_time\n\
                01273,applications_received,2025-07,412,2025-07-31 16:00\n";
    deployment.put_file("04", "july.csv", file.as_bytes())?;
    deployment.files_are_read().await?;
    eventually("both ends of 04 agree", LOADED_WITHIN, async || {
        let answer = deployment.ask(&["audit", "04"])?;
        let audit = &answer["audits"][0];
        ensure!(audit["verdict"] == "agrees" && audit["aggregator"]["cells"] == 1, "{audit}");
        Ok(())
    })
    .await?;
    succeeds(&deployment, &["audit", "04", "--fail-on", "alarm,silent,disagreement"])?;
    succeeds(&deployment, &["collectors", "--fail-on", "alarm"])?;
    silence_fails_where_it_is_named(deployment).await
}

/// Nobody delivers for Lai Châu (12), and then nobody for Cao Bằng (04) either.
async fn silence_fails_where_it_is_named(mut deployment: Deployment) -> anyhow::Result<()> {
    succeeds(&deployment, &["audit", "12"])?;
    succeeds(&deployment, &["audit", "12", "--fail-on", "alarm,disagreement"])?;
    let why = "1 collector is not heard (--fail-on silent): Lai Châu (12)";
    fails(&deployment, &["audit", "12", "--fail-on", "silent"], why)?;
    succeeds(&deployment, &["collectors"])?;
    let silent = ["collectors", "--fail-on", "silent"];
    let why = "33 collectors are not heard (--fail-on silent): Hà Nội (01), Tuyên Quang (08), ";
    fails(&deployment, &silent, why)?;
    deployment.kill(&Process::collector("04"))?;
    eventually("the one that stopped is named", LOADED_WITHIN, async || {
        let why = "34 collectors are not heard (--fail-on silent): Hà Nội (01), Cao Bằng (04), ";
        fails(&deployment, &silent, why)
    })
    .await?;
    disagreements_and_alarms_fail_where_they_are_named(&deployment).await
}

/// A collector tells a cell that never arrived, by a clock that stands in 1970.
async fn disagreements_and_alarms_fail_where_they_are_named(
    deployment: &Deployment,
) -> anyhow::Result<()> {
    succeeds(deployment, &["audit", "08", "--fail-on", "disagreement"])?;
    let _liar = Liar::connect(deployment.server(), "08").await?;
    let why = "what these collectors hold is not what arrived of it: Tuyên Quang (08)";
    eventually("the ends of 08 disagree", LOADED_WITHIN, async || {
        fails(deployment, &["audit", "08"], why)
    })
    .await?;
    for named in ["disagreement", "silent", "alarm"] {
        fails(deployment, &["audit", "08", "--fail-on", named], why)?;
    }
    fails(deployment, &["audit", "--fail-on", "disagreement"], why)?;
    succeeds(deployment, &["collectors"])?;
    let why = "1 alarm stands (--fail-on alarm)";
    fails(deployment, &["collectors", "--fail-on", "alarm,silent"], why)?;
    let alarms = &deployment.ask(&["collectors"])?["alarms"];
    ensure!(alarms[0]["kind"] == "clock_offset" && alarms[1].is_null(), "{alarms}");
    Ok(())
}

/// A collector that delivers nothing and says that it holds a cell. It is connected while it stands.
struct Liar {
    _frames: mpsc::Sender<DeliverRequest>,
    _answers: Streaming<DeliverResponse>,
}

impl Liar {
    async fn connect(server: &str, reporter: &str) -> anyhow::Result<Self> {
        const FRAMES_MAX: usize = 2;
        let log = LogId([8; 16]);
        let hello = Hello {
            protocol: PROTOCOL,
            reporter: reporter.parse()?,
            log,
            log_epoch: 0,
            produced: Position::start(log),
            released: Position::start(log),
            host: "liar".to_owned(),
            catalogue_digest: [0; 32],
            least_durability: Durability::None,
            software: String::new(),
            catalogue_version: 1,
        };
        let audit = CollectorAudit {
            produced_through: 0,
            produced_observation_count: 0,
            rejected_observation_count: 0,
            cells: CellDigest { count: 1, sum: 1 },
        };
        let heartbeat = Heartbeat {
            produced_through: 0,
            spool_batch_count: 0,
            spool_bytes: 0,
            dead_letter_count: 0,
            sent: Timestamp::from_micros(0).context("1970 is a time")?,
            complete_through: None,
            audit: Some(audit),
            intake_trouble: IntakeTrouble::default(),
        };
        let (frames, outbound) = mpsc::channel(FRAMES_MAX);
        for frame in [FromCollector::Hello(hello), FromCollector::Heartbeat(heartbeat)] {
            frames.send(convert::to_collector(frame)).await?;
        }
        let mut client = CollectionServiceClient::connect(server.to_owned()).await?;
        let answers = client.deliver(ReceiverStream::new(outbound)).await?.into_inner();
        Ok(Self { _frames: frames, _answers: answers })
    }
}
