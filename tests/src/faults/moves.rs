//! A deployment that moves between stores, and one that comes back from its backup.

use std::{fs, process::Command};

use anyhow::{Context, ensure};
use phuxanh_proto::v1::{RankLocalitiesRequest, ranking_service_client::RankingServiceClient};
use tempfile::TempDir;

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_stands, collector},
    restarts::{deliver, delivered_with_corrections, one_province_with, restated, some_arrive},
};
use crate::harness::{
    Client, Deployment, Process, Redis, Settings, Setup, StoreSetup, binary, settings,
};

/// Files that are on their way while a backup is taken.
const FILES: usize = 3;

/// From the embedded store to Redis and back, while the collector goes on: it is not asked to
/// restate anything, and what is answered is the same before and after.
pub async fn moved_between_stores(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = from_embedded(seed).await?;
    let away = Away::new().await?;
    delivered_with_corrections(&mut bulk, &deployment).await?;
    bulk_stands(&deployment.client()?, &bulk).await?;
    let version = view_version(&deployment.client()?).await?;

    let in_use = away.command(&deployment, &embedded(), "export-store");
    let refused = in_use.err().context("the aggregator runs")?.to_string();
    ensure!(refused.contains("is another aggregator running on this directory?"), "{refused}");
    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));
    away.command(&deployment, &embedded(), "export-store")?;
    away.command(&deployment, &away.settings(), "import-store")?;
    goes_on(&away.settings(), &version, &mut bulk, &mut deployment).await?;

    let version = view_version(&deployment.client()?).await?;
    away.command(&deployment, &away.settings(), "export-store")?;
    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));
    let refused = away.command(&deployment, &embedded(), "import-store");
    let refused = refused.err().context("the first store is still there")?.to_string();
    ensure!(refused.contains("the store is not empty"), "{refused}");
    fs::remove_dir_all(deployment.data_dir(&Process::Aggregator))?;
    away.command(&deployment, &embedded(), "import-store")?;
    goes_on(&embedded(), &version, &mut bulk, &mut deployment).await
}

/// Redis is lost, and its backup, taken while it was delivered to, knows less than the collector
/// has let go of: the collector restates.
pub async fn backup_restored(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = from_embedded(seed).await?;
    let mut away = Away::new().await?;
    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));
    deployment.set(&Process::Aggregator, &away.settings())?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    for _ in 0..FILES {
        deliver(&mut bulk, &deployment)?;
    }
    some_arrive(&deployment, &bulk).await?;
    away.command(&deployment, &away.settings(), "export-store")?;
    delivered_with_corrections(&mut bulk, &deployment).await?;

    deployment.kill(&Process::Aggregator)?;
    away.redis.kill()?;
    away.redis = Redis::start(&away.folder.path().join("another"), &[]).await?;
    away.command(&deployment, &away.settings(), "import-store")?;
    deployment.set(&Process::Aggregator, &away.settings())?;
    restated(&mut bulk, &mut deployment).await?;
    let client = deployment.client()?;
    let ledger = collector(&client, bulk.province()).await?.ledger.unwrap_or_default();
    // What had been replaced by then is restated by nobody.
    ensure!(ledger.applied_count < bulk.observation_count(), "nothing was lost: {ledger:?}");
    Ok(())
}

/// Whichever store the other scenarios use, the way begins at the embedded one.
async fn from_embedded(seed: u64) -> anyhow::Result<(Bulk, Deployment)> {
    let setup = Setup { store: StoreSetup::Embedded, ..pace::brisk(Bulk::facts()) };
    one_province_with(seed, &setup).await
}

/// The aggregator starts on another store and answers as before; then the collector goes on, and
/// sends nothing twice.
async fn goes_on(
    store: &Settings,
    version: &str,
    bulk: &mut Bulk,
    deployment: &mut Deployment,
) -> anyhow::Result<()> {
    deployment.set(&Process::Aggregator, store)?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    let client = deployment.client()?;
    let found = view_version(&client).await?;
    ensure!(found == version, "version {version} became {found}");
    bulk_stands(&client, bulk).await?;
    deliver(bulk, deployment)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    bulk_stands(&client, bulk).await
}

async fn view_version(client: &Client) -> anyhow::Result<String> {
    let mut rankings = RankingServiceClient::new(client.channel());
    let answer = rankings.rank_localities(RankLocalitiesRequest::default()).await?;
    Ok(answer.into_inner().view_version)
}

fn embedded() -> Settings {
    settings(&[("STORE__KIND", "embedded")])
}

/// A Redis, and a file on the way there or back.
struct Away {
    redis: Redis,
    folder: TempDir,
}

impl Away {
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let redis = Redis::start(&folder.path().join("redis"), &[]).await?;
        Ok(Self { redis, folder })
    }

    fn settings(&self) -> Settings {
        settings(&[("STORE__KIND", "redis"), ("STORE__REDIS__URLS", &self.redis.url())])
    }

    /// Exports the store of these settings, or imports into it; fails with what was said.
    fn command(
        &self,
        deployment: &Deployment,
        settings: &Settings,
        command: &str,
    ) -> anyhow::Result<()> {
        let output = Command::new(binary("phuxanh-aggregator")?)
            .arg("--data-dir")
            .arg(deployment.data_dir(&Process::Aggregator))
            .arg(command)
            .arg(self.folder.path().join("store.export"))
            .env_clear()
            .envs(settings.iter().map(|(key, value)| (key, value)))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command}: {}: {said}", output.status);
        ensure!(said.contains("1 reporters"), "{said}");
        let audit_log = deployment.audit_log(&Process::Aggregator)?;
        let action = command.replace("export-store", "store_exported");
        let action = action.replace("import-store", "store_imported");
        let last = audit_log.last().context("an empty audit log")?;
        ensure!(last["action"] == action, "{last}");
        ensure!(last["detail"].to_string().contains("1 reporters"), "{last}");
        Ok(())
    }
}
