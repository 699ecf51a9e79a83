//! A Redis that dies, forgets, stands still, locks its users out or is full, while an aggregator
//! and a collector go on: neither is restarted, and the aggregator says what it sees.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use fastrand::Rng;
use tokio::time::Instant;

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_is_ranked, bulk_stands},
    restarts::{deliver, one_province_with, some_arrive},
};
use crate::harness::{
    Deployment, Process, Setup, StoreSetup, eventually, files, random_moment, settings,
};

/// Longest pause around a fault: a part of a file.
const PAUSE: Duration = Duration::from_millis(300);
const KILLS: usize = 4;
const STOPPED_FOR: Duration = Duration::from_secs(10);
const STOPPED_WITHIN: Duration = Duration::from_secs(15);
const PASSWORD: &str = "la-rung-ve-coi";

const REFUSES: &str = "the store refuses writes: collectors keep what they have";
const TAKES: &str = "the store takes writes again";
const OUT_OF_REACH: &str = "the store is out of reach";
const IN_REACH: &str = "the store is in reach again";
const ANOTHER_RUN: &str = "a redis server was restarted or replaced";
pub(super) const ANOTHER_LOG: &str = "the log was replaced or lost its tail: folding it again";
const WIPED: &str =
    "the store was wiped or replaced: collectors restate their cells, history is lost";
/// Log message of a collector that cannot continue its log.
pub(super) const RESTATES: &str = "a new log begins and restates the cells";
/// Part of a collector's log message for the status UNAVAILABLE.
const UNAVAILABLE: &str = "\"kind\":\"unavailable\"";

/// Redis's setting for bringing its writes to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    Always,
    Everysec,
}

impl Sync {
    const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Everysec => "everysec",
        }
    }
}

/// Redis is killed again and again while it is written to: everything is applied once.
pub async fn killed(seed: u64, sync: Sync) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let (mut bulk, mut deployment) = one_province_with(seed, &over_redis(sync)).await?;
    for _ in 0..KILLS {
        deliver(&mut bulk, &deployment)?;
        random_moment(&mut random, PAUSE).await;
        deployment.kill(&Process::Store)?;
        random_moment(&mut random, PAUSE).await;
        deployment.restart(&Process::Store)?;
    }
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await?;
    stands_and_says(&bulk, &deployment, &[OUT_OF_REACH, IN_REACH, ANOTHER_RUN]).await
}

/// Redis loses power while it is written to, and its file is cut at any byte in the middle half of
/// what the aggregator has folded: what the collector still has it sends again, the rest it
/// restates.
pub async fn cut(seed: u64, sync: Sync) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let mut setup = over_redis(sync);
    // What is cut off shall be records, and not the checkpoints and the cache beside them.
    let records_alone = [
        ("STORE__CHECKPOINT_EVERY", "100000"),
        ("CACHE__INTERVAL", "1h"),
        ("CACHE__TIME_TO_LIVE", "10h"),
    ];
    setup.aggregator.extend(settings(&records_alone));
    let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
    deliver(&mut bulk, &deployment)?;
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await?;
    let appends = deployment.redis()?.appends();
    let name = files(&appends)?.into_iter().find(|name| name.ends_with(".incr.aof"));
    let file = appends.join(name.context("an append-only file")?);
    let folded = fs::metadata(&file)?.len();
    deliver(&mut bulk, &deployment)?;
    random_moment(&mut random, PAUSE).await;
    deployment.kill(&Process::Store)?;
    OpenOptions::new().write(true).open(&file)?.set_len(random.u64(folded / 4..folded * 3 / 4))?;
    deployment.restart(&Process::Store)?;
    stands_and_says(&bulk, &deployment, &[ANOTHER_RUN, ANOTHER_LOG]).await?;
    if sync == Sync::Always {
        // What was durable, as far as the collector was told, is not in its spool any more.
        deployment.says(&Process::collector(bulk.province()), RESTATES).await?;
    }
    deliver(&mut bulk, &deployment)?;
    stands_and_says(&bulk, &deployment, &[]).await
}

/// Redis is emptied while it is written to: the collector restates its cells, the aggregator puts
/// back what records refer to, and says that history is lost.
pub async fn flushed(seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let (mut bulk, deployment) = one_province_with(seed, &over_redis(Sync::Always)).await?;
    deliver(&mut bulk, &deployment)?;
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await?;
    deliver(&mut bulk, &deployment)?;
    random_moment(&mut random, PAUSE).await;
    deployment.redis()?.ask::<()>(&["FLUSHALL"]).await?;
    stands_and_says(&bulk, &deployment, &[WIPED, ANOTHER_LOG]).await?;
    let references: u32 = deployment.redis()?.ask(&["HLEN", "phuxanh:references"]).await?;
    ensure!(references == 2, "{references} references are there, of a catalogue and a gazetteer");
    deliver(&mut bulk, &deployment)?;
    stands_and_says(&bulk, &deployment, &[]).await
}

/// Redis stands still for ten seconds: all questions are answered meanwhile, the collector is told
/// to come back later, and everything goes on by itself.
pub async fn stopped(seed: u64) -> anyhow::Result<()> {
    let mut setup = over_redis(Sync::Always);
    setup.aggregator.extend(settings(&[
        ("STORE__REDIS__RESPONSE_TIMEOUT", "1s"),
        // Here one caller asks as fast as it is answered, for as long as Redis stands still.
        ("LIMITS__REQUESTS_PER_SECOND_MAX", "100000"),
    ]));
    let (mut bulk, deployment) = one_province_with(seed, &setup).await?;
    let client = deployment.client()?;
    deliver(&mut bulk, &deployment)?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    bulk_is_ranked(&client, &bulk).await?;
    let oracle = bulk.oracle()?;
    let questions = Bulk::questions(&oracle);

    deployment.signal(&Process::Store, "STOP")?;
    let began = Instant::now();
    deliver(&mut bulk, &deployment)?;
    let answered = eventually("Redis has stood still for long", STOPPED_WITHIN, async || {
        match client.agrees(&oracle, &questions, 100).await {
            // That is what this is about, and not to be tried again.
            Err(error) => Ok(Err(error)),
            Ok(_) if began.elapsed() >= STOPPED_FOR => Ok(Ok(())),
            Ok(_) => bail!("only for {:?}", began.elapsed()),
        }
    });
    answered.await?.context("while Redis stood still")?;
    deployment.says(&Process::collector(bulk.province()), UNAVAILABLE).await?;
    ensure!(client.as_of().await?.is_some(), "an answer from the past is passed off as present");
    deployment.signal(&Process::Store, "CONT")?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    let as_of = client.as_of().await?;
    ensure!(as_of.is_none(), "the present is passed off as {as_of:?}");
    stands_and_says(&bulk, &deployment, &[OUT_OF_REACH, IN_REACH]).await
}

/// The aggregator is given a wrong password: it says so, without the password, and ends.
pub async fn locked_out(seed: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("password");
    fs::write(&file, format!("{PASSWORD}\n"))?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    let mut setup = pace::brisk(Bulk::facts());
    setup.store = StoreSetup::Redis(vec![("requirepass", PASSWORD)]);
    let path = file.display().to_string();
    setup.aggregator.extend(settings(&[("STORE__REDIS__PASSWORD_FILE", &path)]));
    let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
    deliver(&mut bulk, &deployment)?;
    some_arrive(&deployment, &bulk).await?;
    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));

    let wrong = "da-trang-xe-cat";
    fs::write(&file, wrong)?;
    deployment.restart(&Process::Aggregator)?;
    let code = deployment.ended(&Process::Aggregator).await?;
    ensure!(code == Some(1), "it ended with {code:?}");
    let said = deployment.log(&Process::Aggregator)?;
    ensure!(said.contains("store.redis.password_file: "), "{said}");
    ensure!(!said.contains(wrong) && !said.contains(PASSWORD), "{said}");

    fs::write(&file, PASSWORD)?;
    deployment.restart(&Process::Aggregator)?;
    stands_and_says(&bulk, &deployment, &[]).await
}

/// Redis has no memory left for what is written: the collector is told to come back later, and
/// everything goes on by itself once there is room.
pub async fn full(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, deployment) = one_province_with(seed, &over_redis(Sync::Always)).await?;
    let redis = deployment.redis()?;
    deliver(&mut bulk, &deployment)?;
    some_arrive(&deployment, &bulk).await?;
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    deliver(&mut bulk, &deployment)?;
    deployment.says(&Process::collector(bulk.province()), UNAVAILABLE).await?;
    let held: u64 = redis.ask(&["XLEN", "phuxanh:{01}:log"]).await?;
    deliver(&mut bulk, &deployment)?;
    deployment.files_are_read().await?;
    let still: u64 = redis.ask(&["XLEN", "phuxanh:{01}:log"]).await?;
    ensure!(held == still, "a full store has taken {still} records, and had {held}");
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await?;
    stands_and_says(&bulk, &deployment, &[REFUSES, TAKES]).await?;
    let said = deployment.log(&Process::Aggregator)?;
    ensure!(!said.contains(OUT_OF_REACH), "a full store is in reach: {said}");
    Ok(())
}

/// A managed Redis has no CONFIG: where anything durable is asked for the aggregator says what to set
/// and ends; where nothing is, it serves.
pub async fn managed(seed: u64) -> anyhow::Result<()> {
    let mut setup = pace::brisk(Bulk::facts());
    setup.store = StoreSetup::Redis(vec![("rename-command", "CONFIG ")]);
    setup.aggregator.extend(settings(&[("STORE__REDIS__DURABILITY", "none")]));
    setup.collector.extend(settings(&[("DELIVERY__LEAST_DURABILITY", "none")]));
    let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
    deliver(&mut bulk, &deployment)?;
    bulk_stands(&deployment.client()?, &bulk).await?;

    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));
    let demanding = settings(&[("STORE__REDIS__DURABILITY", "everysec")]);
    deployment.set(&Process::Aggregator, &demanding)?;
    deployment.restart(&Process::Aggregator)?;
    let code = deployment.ended(&Process::Aggregator).await?;
    ensure!(code == Some(1), "it ended with {code:?}");
    let said = deployment.log(&Process::Aggregator)?;
    ensure!(said.contains("set store.redis.durability = \"none\""), "{said}");
    Ok(())
}

pub(super) fn over_redis(sync: Sync) -> Setup {
    let mut setup = pace::brisk(Bulk::facts());
    setup.store = StoreSetup::Redis(vec![("appendfsync", sync.word())]);
    setup.aggregator.extend(settings(&[("STORE__REDIS__DURABILITY", sync.word())]));
    setup
}

/// Waits until all that was reported has arrived, and the aggregator has said what it saw.
pub(super) async fn stands_and_says(
    bulk: &Bulk,
    deployment: &Deployment,
    lines: &[&str],
) -> anyhow::Result<()> {
    bulk_stands(&deployment.client()?, bulk).await?;
    for line in lines {
        deployment.says(&Process::Aggregator, line).await?;
    }
    Ok(())
}
