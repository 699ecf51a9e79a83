//! `phuxanh-soak MINUTES SEED [SCENARIO...]`: every scenario of [`phuxanh_tests::faults`] and
//! [`phuxanh_tests::network`], or those that are named, in rounds, each round with a seed of its
//! own, until the time is over or one fails. `tests/soak` builds and starts it.

use std::{env, process::ExitCode, time::Duration};

use anyhow::Context;
use phuxanh_tests::{
    faults::{
        clones, crashes, disks, failovers, links, links::Break, moves, peers, replicas, restarts,
        stores, stores::Sync,
    },
    harness::Topology,
    network,
};
use tokio::time::Instant;

/// Time for which processes are killed in a round.
const KILLING: Duration = Duration::from_mins(1);
/// Time for which the simulated network is broken in a round, in its own time.
const UNREST: Duration = Duration::from_mins(10);
const FLOOD_FRAMES: usize = 4_000;
const SILENT_SESSIONS: u64 = 200;

#[derive(Debug, Clone, Copy)]
enum Scenario {
    Kills,
    Links,
    SlowLink,
    Network,
    Quota,
    FullDisk,
    FilledDisk,
    CopiedSpool,
    RestoredSpool,
    DeafCollector,
    SilentAggregator,
    IdlePeers,
    WipedStore,
    RegressedStore,
    MovedStore,
    RestoredBackup,
    KilledRedis,
    CutRedis,
    FlushedRedis,
    StoppedRedis,
    LockedRedis,
    FullRedis,
    KilledReplicas,
    RolledReplicas,
    SlowReplica,
    DeletedCache,
    ClusterFailover,
    SentinelFailover,
    ClusterTailLost,
    SentinelTailLost,
}

impl Scenario {
    const ALL: [Self; 30] = [
        Self::Kills,
        Self::Links,
        Self::SlowLink,
        Self::Network,
        Self::Quota,
        Self::FullDisk,
        Self::FilledDisk,
        Self::CopiedSpool,
        Self::RestoredSpool,
        Self::DeafCollector,
        Self::SilentAggregator,
        Self::IdlePeers,
        Self::WipedStore,
        Self::RegressedStore,
        Self::MovedStore,
        Self::RestoredBackup,
        Self::KilledRedis,
        Self::CutRedis,
        Self::FlushedRedis,
        Self::StoppedRedis,
        Self::LockedRedis,
        Self::FullRedis,
        Self::KilledReplicas,
        Self::RolledReplicas,
        Self::SlowReplica,
        Self::DeletedCache,
        Self::ClusterFailover,
        Self::SentinelFailover,
        Self::ClusterTailLost,
        Self::SentinelTailLost,
    ];

    async fn run(self, seed: u64) -> anyhow::Result<()> {
        match self {
            Self::Kills => crashes::kill_for(seed, KILLING).await.map(drop),
            Self::Links => links::deliver_through(seed, &shuffled(seed)).await,
            Self::SlowLink => links::deliver_slowly(seed).await,
            Self::Network => {
                // It brings runtimes of its own, whose clocks are virtual.
                let delivered = move || network::deliver(seed, UNREST);
                tokio::task::spawn_blocking(delivered).await?.map(drop)
            }
            Self::Quota => disks::quota_reached(seed).await,
            Self::FullDisk => disks::disk_full(seed).await,
            Self::FilledDisk => disks::disk_filled(seed).await,
            Self::CopiedSpool => clones::copied_spool(seed).await,
            Self::RestoredSpool => clones::restored_spool(seed).await,
            Self::DeafCollector => peers::collector_that_never_reads(FLOOD_FRAMES).await,
            Self::SilentAggregator => {
                peers::aggregator_that_never_acknowledges(seed, SILENT_SESSIONS).await
            }
            Self::IdlePeers => restarts::restart_with_idle_peers(seed).await,
            Self::WipedStore => restarts::wiped_store(seed).await,
            Self::RegressedStore => restarts::regressed_store(seed).await,
            Self::MovedStore => moves::moved_between_stores(seed).await,
            Self::RestoredBackup => moves::backup_restored(seed).await,
            Self::KilledRedis => stores::killed(seed, sync(seed)).await,
            Self::CutRedis => stores::cut(seed, sync(seed)).await,
            Self::FlushedRedis => stores::flushed(seed).await,
            Self::StoppedRedis => stores::stopped(seed).await,
            Self::LockedRedis => stores::locked_out(seed).await,
            Self::FullRedis => stores::full(seed).await,
            Self::KilledReplicas => replicas::killed_for(seed, KILLING).await.map(drop),
            Self::RolledReplicas => replicas::rolled(seed).await,
            Self::SlowReplica => replicas::ready_when_complete(seed).await,
            Self::DeletedCache => replicas::cache_deleted(seed).await,
            Self::ClusterFailover => failovers::failed_over(seed, Topology::Cluster).await,
            Self::SentinelFailover => failovers::failed_over(seed, Topology::Sentinel).await,
            Self::ClusterTailLost => failovers::tail_lost(seed, Topology::Cluster).await,
            Self::SentinelTailLost => failovers::tail_lost(seed, Topology::Sentinel).await,
        }
    }
}

/// One of the two levels in every other round.
const fn sync(seed: u64) -> Sync {
    if seed.is_multiple_of(2) { Sync::Always } else { Sync::Everysec }
}

/// Every way in which a link breaks, in another order for every seed.
fn shuffled(seed: u64) -> Vec<Break> {
    let mut breaks = Break::ALL.to_vec();
    fastrand::Rng::with_seed(seed).shuffle(&mut breaks);
    breaks
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match soak().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn soak() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let mut number = |what: &str| -> anyhow::Result<u64> {
        let text = arguments.next().with_context(|| format!("the {what} is missing"))?;
        text.parse().with_context(|| format!("the {what}: \"{text}\" is no number"))
    };
    let (minutes, first) = (number("number of minutes")?, number("seed")?);
    let scenarios = named(&arguments.collect::<Vec<_>>())?;
    let end = Instant::now() + Duration::from_mins(minutes);
    let mut seed = first;
    loop {
        for scenario in &scenarios {
            let began = Instant::now();
            let outcome = scenario.run(seed).await;
            outcome.with_context(|| {
                format!(
                    "{scenario:?} of seed {seed}; again by tests/soak --seed {seed} {scenario:?}"
                )
            })?;
            say(&format!("seed {seed}: {scenario:?} held, {:.1} s", began.elapsed().as_secs_f64()));
        }
        seed += 1;
        if Instant::now() >= end {
            say(&format!("{} rounds held", seed - first));
            return Ok(());
        }
    }
}

/// The scenarios of these names; all where none is named.
fn named(names: &[String]) -> anyhow::Result<Vec<Scenario>> {
    if names.is_empty() {
        return Ok(Scenario::ALL.to_vec());
    }
    let find = |name: &String| {
        let found = Scenario::ALL.into_iter().find(|scenario| format!("{scenario:?}") == *name);
        found.with_context(|| format!("\"{name}\" is none of {:?}", Scenario::ALL))
    };
    names.iter().map(find).collect()
}

#[expect(clippy::print_stdout, reason = "a command says what it is at")]
fn say(text: &str) {
    println!("{text}");
}
