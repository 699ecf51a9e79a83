//! A host that delivers for a province that is not its own does harm that an operator can undo: its
//! values are left out of the store, and the province's collector restates its own.

use std::{fs, process::Command};

use anyhow::{Context, ensure};
use phuxanh_core::gazetteer::Gazetteer;
use phuxanh_proto::v1::{
    self, list_receipts_request, quality_service_client::QualityServiceClient,
};
use phuxanh_tests::harness::{
    Client, CollectorSetup, Deployment, LOADED_WITHIN, Process, Setup, StoreSetup, binary,
    eventually, settings,
};

const AGGREGATOR: Process = Process::Aggregator;
const METRIC: &str = "applications_received";

/// Code of the first commune of a province.
fn commune(province: &str) -> anyhow::Result<String> {
    let gazetteer = Gazetteer::builtin();
    let found = gazetteer.communes(province.parse()?).next().context("a commune")?;
    Ok(found.code.to_string())
}

fn put(
    deployment: &Deployment,
    collector: &str,
    province: &str,
    (value, observed): (i64, &str),
) -> anyhow::Result<()> {
    let head = "locality,metric,period,value,observed_time\n";
    let row = format!("{},{METRIC},2025-07,{value},{observed}\n", commune(province)?);
    deployment.put_file(collector, &format!("{value}.csv"), format!("{head}{row}").as_bytes())
}

/// Waits until the value of a province's commune is this, brought by this host.
async fn stands(client: &Client, province: &str, value: i64, host: &str) -> anyhow::Result<()> {
    eventually(&format!("{province} has {value} of {host}"), LOADED_WITHIN, async || {
        let request = v1::ListReceiptsRequest {
            code: commune(province)?,
            subject: Some(list_receipts_request::Subject::Metric(METRIC.to_owned())),
            period: "2025-07".to_owned(),
            ..v1::ListReceiptsRequest::default()
        };
        let answer = QualityServiceClient::new(client.channel()).list_receipts(request).await?;
        let receipts = answer.into_inner().receipts;
        let found = receipts.iter().filter_map(|counted| counted.receipt.as_ref());
        let found: Vec<_> = found.map(|it| (it.value, it.host.as_str())).collect();
        ensure!(found == [(value, host)], "{found:?}");
        Ok(())
    })
    .await
}

/// Runs a command of the aggregator over a file; returns whether it was done, and what it said.
fn transfer(deployment: &Deployment, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let output = Command::new(binary("phuxanh-aggregator")?)
        .arg("--data-dir")
        .arg(deployment.data_dir(&AGGREGATOR))
        .args(arguments)
        .env_clear()
        .output()?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[tokio::test]
async fn what_a_wrong_host_delivered_is_left_out_and_the_collector_restates() -> anyhow::Result<()>
{
    let brisk = settings(&[
        ("INGEST__HEARTBEAT_INTERVAL", "300ms"),
        // A lease lasts for as long as the largest batch needs at this rate.
        ("INGEST__LINK_BYTES_PER_SECOND_MIN", "1000000"),
    ]);
    let setup = Setup { store: StoreSetup::Embedded, aggregator: brisk, ..Setup::default() };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let client = deployment.client()?;
    let start = |deployment: &mut Deployment, name: &str, province: &str, host: &str| {
        let own = settings(&[
            ("HOST", host),
            ("DELIVERY__BACKOFF_REFUSED", "1s"),
            ("DELIVERY__BACKOFF_MAX", "1s"),
        ]);
        let setup =
            CollectorSetup { name: name.to_owned(), settings: own, ..CollectorSetup::of(province) };
        let collector = deployment.add_collector(&setup)?;
        deployment.restart(&collector)?;
        Ok::<_, anyhow::Error>(collector)
    };
    let honest = start(&mut deployment, "04", "04", "honest")?;
    start(&mut deployment, "96", "96", "other")?;
    put(&deployment, "04", "04", (5, "2025-08-01T08:00:00+07:00"))?;
    put(&deployment, "96", "96", (7, "2025-08-01T08:00:00+07:00"))?;
    stands(&client, "04", 5, "honest").await?;
    stands(&client, "96", 7, "other").await?;

    // The province's own host is down while another one speaks for it, of a later time.
    ensure!(deployment.terminate(&honest).await? == Some(0));
    let wrong = start(&mut deployment, "wrong", "04", "wrong")?;
    put(&deployment, "wrong", "04", (999, "2025-08-02T08:00:00+07:00"))?;
    stands(&client, "04", 999, "wrong").await?;
    ensure!(deployment.terminate(&wrong).await? == Some(0));
    deployment.restart(&honest)?;
    put(&deployment, "04", "04", (6, "2025-08-01T09:00:00+07:00"))?;
    deployment.files_are_read().await?;
    deployment.says(&honest, "a new log begins and restates the cells").await?;
    // The honest value is of an earlier time, so restating does not help.
    stands(&client, "04", 999, "wrong").await?;
    told(&deployment, "6.csv").await?;

    let before = record_counts(&client).await?;
    ensure!(deployment.terminate(&AGGREGATOR).await? == Some(0));
    let file = deployment.root().join("store.export").display().to_string();
    let (done, said) = transfer(&deployment, &["export-store", &file])?;
    ensure!(done, "{said}");
    let data = deployment.data_dir(&AGGREGATOR);
    fs::rename(data.join("store.redb"), deployment.root().join("evidence.redb"))?;
    let (done, said) = transfer(&deployment, &["import-store", &file, "--without", "05"])?;
    ensure!(!done && said.contains("holds no reporter 05"), "{said}");
    let (done, said) = transfer(&deployment, &["import-store", &file, "--without", "04"])?;
    ensure!(done && said.contains("of 04 left out, which its collector restates"), "{said}");
    let entry = deployment.audit_log(&AGGREGATOR)?.pop().context("an entry")?;
    ensure!(entry["action"] == "store_imported", "{entry}");
    ensure!(entry["detail"].to_string().contains("records of 04 left out"), "{entry}");

    deployment.restart(&AGGREGATOR)?;
    deployment.serving().await?;
    stands(&client, "04", 6, "honest").await?;
    stands(&client, "96", 7, "other").await?;
    let after = record_counts(&client).await?;
    ensure!(after.1 == before.1, "96 restated: {before:?} became {after:?}");
    Ok(())
}

/// Waits until the officer whose file it was reads which value stands in its place.
async fn told(deployment: &Deployment, file: &str) -> anyhow::Result<()> {
    let report = deployment.root().join("inbox/04/accepted").join(format!("{file}.report-2.txt"));
    eventually("the officer is told", LOADED_WITHIN, async || {
        let text = fs::read_to_string(&report)?;
        let said = "999, observed at 2025-08-02T08:00:00+07:00, from host \"wrong\"";
        ensure!(text.contains(said), "{text}");
        ensure!(text.contains("Trung tâm có giá trị mới hơn của ô này: 999"), "{text}");
        Ok(())
    })
    .await
}

/// Records of 04 and of 96.
async fn record_counts(client: &Client) -> anyhow::Result<(u64, u64)> {
    let collectors = client.collectors().await?;
    let count = |reporter: &str| {
        let found = collectors.iter().find(|it| it.reporter == reporter);
        Ok::<_, anyhow::Error>(found.context(reporter.to_owned())?.record_count)
    };
    Ok((count("04")?, count("96")?))
}
