//! Spools that exist twice: copied to another host, or brought back from a backup.

use std::{fs, path::Path, time::Duration};

use anyhow::ensure;
use phuxanh_proto::v1::AlarmKind;

use super::{
    bulk::Bulk,
    pace,
    proof::{alarmed, applied_once, bulk_is_ranked, bulk_stands, collector},
};
use crate::harness::{
    Client, CollectorSetup, Deployment, Process, copy_files, eventually, settings,
};

/// Longest time in which one collector must be refused, or take over.
const DECIDED_WITHIN: Duration = Duration::from_secs(30);
const REFUSED: &str = "the aggregator refuses this collector";

/// A spool is copied and started on a second host while the first lives: the second is refused,
/// reported, and keeps its data; once the first has gone, it takes over.
pub async fn copied_spool(seed: u64) -> anyhow::Result<()> {
    let mut bulk = Bulk::new(seed);
    let mut setup = pace::brisk(Bulk::facts());
    // Long enough for a busy machine's collector not to be taken for dead.
    setup.aggregator.extend(settings(&[("INGEST__HEARTBEAT_INTERVAL", "1s")]));
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let client = deployment.client()?;
    let first = host(&mut deployment, "first")?;
    let second = host(&mut deployment, "second")?;

    deployment.restart(&first)?;
    deliver(&mut bulk, &deployment, &first)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    stop(&mut deployment, &first).await?;
    copy_files(&deployment.data_dir(&first), &deployment.data_dir(&second))?;
    deployment.restart(&first)?;
    deliver(&mut bulk, &deployment, &first)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;

    deployment.restart(&second)?;
    let detail = alarmed(&client, bulk.province(), AlarmKind::ClonedSpool).await?;
    ensure!(detail.contains("host-first") && detail.contains("host-second"), "{detail}");
    deployment.says(&second, REFUSED).await?;
    eventually("the refusal is in the audit log", DECIDED_WITHIN, async || {
        let audit_log = deployment.audit_log(&Process::Aggregator)?;
        let is_told = audit_log.iter().any(|line| {
            line["action"] == "collector_refused"
                && line["reporter"] == bulk.province()
                && line["host"] == "host-second"
        });
        ensure!(is_told, "{audit_log:?}");
        Ok(())
    })
    .await?;
    deliver(&mut bulk, &deployment, &first)?;
    let delivered = bulk.observation_count();
    // Observed last of all, so nothing that the first has delivered may take its place.
    deliver(&mut bulk, &deployment, &second)?;
    deployment.files_are_read().await?;
    applied_once(&client, bulk.province(), delivered).await?;
    ensure!(collector(&client, bulk.province()).await?.host == "host-first");

    stop(&mut deployment, &first).await?;
    takes_over(&client, &bulk, "host-second").await?;
    bulk_stands(&client, &bulk).await?;
    let ledger = collector(&client, bulk.province()).await?.ledger.unwrap_or_default();
    ensure!(ledger.applied_count == bulk.observation_count(), "{ledger:?}");
    ensure!(ledger.rejected_count == 0, "{ledger:?}");
    Ok(())
}

/// A spool is brought back from yesterday after corrections were delivered: that is reported, the
/// corrections stay, and what is observed next arrives.
pub async fn restored_spool(seed: u64) -> anyhow::Result<()> {
    let mut bulk = Bulk::new(seed);
    let mut deployment = Deployment::start_with(&[], &pace::brisk(Bulk::facts())).await?;
    let client = deployment.client()?;
    let only = host(&mut deployment, "only")?;
    let data = deployment.data_dir(&only);
    let yesterday = data.with_extension("yesterday");

    deployment.restart(&only)?;
    deliver(&mut bulk, &deployment, &only)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    let inbox = deployment.inbox("only");
    let first = confirmed_beyond(&inbox, "").await?;
    stop(&mut deployment, &only).await?;
    copy_files(&data, &yesterday)?;
    deployment.restart(&only)?;
    let (name, text) = bulk.next_corrections();
    deployment.put_file("only", &name, text.as_bytes())?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    // A file that is not confirmed would be read again into the older spool.
    confirmed_beyond(&inbox, &first).await?;

    stop(&mut deployment, &only).await?;
    fs::remove_dir_all(&data)?;
    fs::rename(&yesterday, &data)?;
    deployment.restart(&only)?;
    let detail = alarmed(&client, bulk.province(), AlarmKind::ClonedSpool).await?;
    ensure!(detail.contains("host-only"), "{detail}");
    // The old values are stated again and are known to be older than their corrections.
    let stated_again = bulk.observation_count() / 2;
    eventually("the old values are superseded", DECIDED_WITHIN, async || {
        let ledger = collector(&client, bulk.province()).await?.ledger.unwrap_or_default();
        ensure!(ledger.superseded_count >= stated_again, "{ledger:?}");
        ensure!(ledger.applied_count == bulk.observation_count(), "{ledger:?}");
        Ok(())
    })
    .await?;
    bulk_is_ranked(&client, &bulk).await?;
    deliver(&mut bulk, &deployment, &only)?;
    bulk_stands(&client, &bulk).await
}

/// A collector of the one province, on a host of its own.
fn host(deployment: &mut Deployment, name: &str) -> anyhow::Result<Process> {
    deployment.add_collector(&CollectorSetup {
        name: name.to_owned(),
        settings: settings(&[("HOST", &format!("host-{name}"))]),
        ..CollectorSetup::of("01")
    })
}

fn deliver(bulk: &mut Bulk, deployment: &Deployment, to: &Process) -> anyhow::Result<()> {
    let Process::Collector(to) = to else { anyhow::bail!("an aggregator reads no files") };
    let (name, text) = bulk.next_file();
    deployment.put_file(to, &name, text.as_bytes())
}

/// Waits until the inbox notes that the centre holds every accepted file, and that the newest one is
/// another than before.
async fn confirmed_beyond(inbox: &Path, before: &str) -> anyhow::Result<String> {
    let noted = inbox.join(".working/confirmed");
    eventually("the centre holds every accepted file", DECIDED_WITHIN, async || {
        let newest = fs::read_to_string(&noted)?;
        ensure!(newest != before, "only those until {before}");
        Ok(newest)
    })
    .await
}

async fn stop(deployment: &mut Deployment, process: &Process) -> anyhow::Result<()> {
    let code = deployment.terminate(process).await?;
    ensure!(code == Some(0), "{process:?} ended with {code:?}");
    Ok(())
}

async fn takes_over(client: &Client, bulk: &Bulk, host: &str) -> anyhow::Result<()> {
    eventually(&format!("{host} takes over"), DECIDED_WITHIN, async || {
        let found = collector(client, bulk.province()).await?;
        ensure!(found.connected && found.host == host, "{} delivers", found.host);
        Ok(())
    })
    .await
}
