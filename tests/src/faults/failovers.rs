//! Redis servers of which one takes the place of another, under load: a cluster that loses a master
//! and moves slots, and a master that sentinels replace. What copies have to hold before it is
//! durable is never lost; what they need not hold may be, and is restated by the collectors.

use std::time::Duration;

use anyhow::{Context, ensure};
use fastrand::Rng;

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_stands},
    replicas::everywhere,
    reporting::Reporting,
    restarts::{deliver, one_province_with},
    stores::{ANOTHER_LOG, RESTATES},
};
use crate::harness::{
    Deployment, Process, Servers, Setup, StoreSetup, Topology, eventually, random_moment, settings,
};

/// Longest pause around a fault: a few batches.
const PAUSE: Duration = Duration::from_millis(300);
/// Longest time in which a file becomes a record.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);
/// Longest time in which slots move.
const MOVED_WITHIN: Duration = Duration::from_mins(2);

/// A master is killed while a country reports, and with it what no copy was given; another takes its
/// place, and it comes back as a copy of that. In a cluster slots then move to another master. What
/// was lost had not been acknowledged, so no collector has to restate anything.
pub async fn failed_over(seed: u64, topology: Topology) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir()?;
    let mut servers = Servers::start(topology, folder.path()).await?;
    let mut reporting = Reporting::new(&mut random);
    let setup = Setup { replica_count: 1, ..over(&servers, reporting.setup(), "replicated") };
    let deployment = Deployment::start_with(&reporting.codes(), &setup).await?;
    let key = log_of(reporting.busiest());
    reporting.feed(&mut random, &deployment)?;
    everywhere(&reporting, &deployment).await?;

    let master = servers.master_of(&key).await?;
    let count = servers.ask::<u64>(master, &["XLEN", &key]).await?;
    let copies = servers.hold_copies(master).await?;
    eventually("a batch is written that no copy has", WRITTEN_WITHIN, async || {
        reporting.feed(&mut random, &deployment)?;
        let found = servers.ask::<u64>(master, &["XLEN", &key]).await?;
        ensure!(found > count, "{found} records as before");
        Ok(())
    })
    .await?;
    servers.kill(master)?;
    servers.release(&copies)?;
    reporting.feed(&mut random, &deployment)?;
    servers.replaced(master, &key).await?;
    reporting.feed(&mut random, &deployment)?;
    servers.restart(master).await?;
    everywhere(&reporting, &deployment).await?;

    if topology == Topology::Cluster {
        let mut moving = servers.reshard(&key).await?;
        let moved = eventually("the slots have moved", MOVED_WITHIN, async || {
            reporting.feed(&mut random, &deployment)?;
            random_moment(&mut random, PAUSE).await;
            moving.try_wait()?.context("they still move")
        })
        .await?;
        ensure!(moved.success(), "redis-cli: {moved}");
        everywhere(&reporting, &deployment).await?;
    }
    for code in reporting.codes() {
        let said = deployment.log(&Process::collector(code))?;
        let restated = said.lines().find(|line| line.contains(RESTATES));
        ensure!(restated.is_none(), "the collector of {code}: {restated:?}");
    }
    Ok(())
}

/// A master is killed that has acknowledged what no copy was given: the collectors restate it, and
/// the aggregators say that the log is another.
pub async fn tail_lost(seed: u64, topology: Topology) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut servers = Servers::start(topology, folder.path()).await?;
    let setup = over(&servers, pace::brisk(Bulk::facts()), "always");
    let setup = Setup { replica_count: 1, ..setup };
    let (mut bulk, deployment) = one_province_with(seed, &setup).await?;
    let client = deployment.client()?;
    let key = log_of(bulk.province());
    deliver(&mut bulk, &deployment)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;

    let master = servers.master_of(&key).await?;
    let copies = servers.hold_copies(master).await?;
    deliver(&mut bulk, &deployment)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    bulk_stands(&client, &bulk).await?;
    servers.kill(master)?;
    servers.release(&copies)?;
    servers.replaced(master, &key).await?;
    deployment.says(&Process::collector(bulk.province()), RESTATES).await?;
    for replica in deployment.replicas() {
        bulk_stands(&deployment.client_of(&replica)?, &bulk).await?;
        deployment.says(&replica, ANOTHER_LOG).await?;
    }
    servers.restart(master).await?;
    deliver(&mut bulk, &deployment)?;
    bulk_stands(&client, &bulk).await
}

/// A setup over these servers.
fn over(servers: &Servers, setup: Setup, durability: &str) -> Setup {
    let mut setup = Setup { store: StoreSetup::Embedded, ..setup };
    setup.aggregator.extend(servers.settings());
    setup.aggregator.extend(settings(&[("STORE__REDIS__DURABILITY", durability)]));
    setup
}

fn log_of(reporter: &str) -> String {
    format!("phuxanh:{{{reporter}}}:log")
}
