//! Deliveries of the collectors of all provinces at once, into either store, beside the same frames
//! over bare streams, and beside what Redis takes of the same bytes from its own benchmark.
//!
//! Processes are not put on cores here: collectors, aggregator and Redis share what there is.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_tests::harness::Redis;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    cores::Cores,
    delivering::{self, Watch, Way},
    peer::{Peer, Store},
    report::Report,
    spooled::Spooled,
    workload::Workload,
};

/// Writes that each connection of redis-benchmark has on its way.
const PIPELINE: usize = 4;

/// Cases that take turns; another one is first in every round.
const TURNS: [&str; 4] = ["embedded", "bare", "redis", "appended"];

/// Measurements of each round.
#[derive(Debug, Default)]
pub struct Ingested {
    pub embedded: Vec<Way>,
    pub redis: Vec<Way>,
    pub bare: Vec<Way>,
    /// The same bytes, batch by batch, appended to streams by redis-benchmark.
    pub appended: Vec<Duration>,
}

/// Measures with `count` observations, an equal part of them for each reporter.
pub async fn measure(
    count: usize,
    rounds: u32,
    root: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let workloads = Workload::of_every_province(count);
    let mut all = Vec::with_capacity(workloads.len());
    for workload in &workloads {
        let folder = root.join(format!("spool-{}", workload.reporter));
        all.push(Spooled::fill(workload, &folder).await?);
    }
    let mut ingested = Ingested::default();
    for round in 0..rounds {
        let folder = root.join(format!("round-{round}"));
        let mut turns = TURNS;
        turns.rotate_left(usize::try_from(round)? % TURNS.len());
        for turn in turns {
            fs::create_dir_all(&folder)?;
            match turn {
                "embedded" => ingested.embedded.push(into(&all, Store::Embedded, &folder).await?),
                "bare" => ingested.bare.push(bare(&all, &folder).await?),
                "redis" => {
                    let mut redis = Redis::start(&folder.join("redis"), &[]).await?;
                    ingested.redis.push(into(&all, Store::Redis(redis.url()), &folder).await?);
                    redis.kill()?;
                }
                _ => {
                    let mut redis = Redis::start(&folder.join("redis"), &[]).await?;
                    ingested.appended.push(appended(&all, &redis.url())?);
                    redis.kill()?;
                }
            }
            fs::remove_dir_all(&folder)?;
        }
    }
    report.ingested(&all, &ingested)
}

/// Delivers every spool, all at once, into an empty store.
async fn into(all: &[Spooled<'_>], store: Store, folder: &Path) -> anyhow::Result<Way> {
    let peer = Peer::start(&Cores::Shared, &folder.join("aggregator"), &store)?;
    let mut deliveries = Vec::with_capacity(all.len());
    for spooled in all {
        let directory = folder.join(spooled.workload.reporter.to_string());
        spooled.copy(&directory)?;
        deliveries.push(delivering::open(spooled, &directory, &peer)?);
    }
    let watch = Watch::start(&peer);
    let running: Vec<_> = deliveries.into_iter().map(delivering::Opened::begin).collect();
    let mut ending = Vec::with_capacity(running.len());
    for delivery in running {
        ending.push(delivery.released().await?);
    }
    let way = watch.stop();
    for (spooled, delivery) in all.iter().zip(ending) {
        delivering::everything_is_applied(spooled, &peer).await?;
        delivery.end().await?;
    }
    peer.end()?;
    Ok(way)
}

/// Sends the frames of every spool, all at once, to the service that only counts.
async fn bare(all: &[Spooled<'_>], folder: &Path) -> anyhow::Result<Way> {
    let peer = Peer::start(&Cores::Shared, &folder.join("aggregator"), &Store::Embedded)?;
    let watch = Watch::start(&peer);
    let mut streams = JoinSet::new();
    for spooled in all {
        streams.spawn(delivering::counted(spooled.batches.clone(), peer.bare.clone()));
    }
    streams.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let way = watch.stop();
    peer.end()?;
    Ok(way)
}

/// As many appends as there are batches, each of a batch's mean size, from as many connections as
/// there are collectors.
fn appended(all: &[Spooled<'_>], url: &str) -> anyhow::Result<Duration> {
    let batches: usize = all.iter().map(|spooled| spooled.batches.len()).sum();
    let bytes: usize = all.iter().map(Spooled::payload_bytes).sum();
    let mut benchmark = Command::new("redis-benchmark");
    benchmark
        .args(["-u", url, "-q", "-n", &batches.to_string()])
        .args(["-c", &all.len().to_string(), "-P", &PIPELINE.to_string()])
        .args(["-r", &all.len().to_string(), "XADD", "bench:__rand_int__", "*", "r"])
        .arg("x".repeat(bytes / batches));
    let began = Instant::now();
    let output = benchmark.output().context("redis-benchmark")?;
    let took = began.elapsed();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}
