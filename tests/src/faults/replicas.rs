//! Several aggregators over one Redis: killed, restarted one after the other, started over a slow
//! link, robbed of their cache. Each of them must show all that any of them has acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_core::{Level, LocalityCode};
use tokio::time::Instant;

use super::{
    bulk::Bulk,
    pace,
    proof::applied_once,
    reporting::Reporting,
    restarts::{deliver, ends_in_time, one_province_with},
};
use crate::{
    harness::{
        Client, Deployment, Process, Redis, Setup, StoreSetup, eventually, random_moment, settings,
    },
    oracle::{Oracle, Question},
    proxy::{Direction, Flow, Proxy},
};

/// Aggregators beside the first.
const OTHERS: usize = 2;
/// Longest pause around a fault: a few batches, or a part of a start.
const PAUSE: Duration = Duration::from_millis(250);
/// Files of every province between two proofs.
const ROUNDS: usize = 8;
const DELETIONS: usize = 6;
/// Longest wait, for a look at the cache or a few announcements.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);
/// Files that are folded at a start, and a link on which they take seconds.
const FILES_HELD: usize = 4;
const SLOW_BYTES_PER_SECOND: usize = 64 << 10;

/// Kills aggregators, one to all of them at once, for a span of time while a country reports and
/// corrects itself. Returns how many kills that were.
pub async fn killed_for(seed: u64, span: Duration) -> anyhow::Result<usize> {
    let mut random = Rng::with_seed(seed);
    let (mut reporting, mut deployment) = three(&mut random, &[]).await?;
    let end = Instant::now() + span;
    let mut kill_count = 0;
    while Instant::now() < end {
        for _ in 0..ROUNDS {
            reporting.feed(&mut random, &deployment)?;
            let mut victims = deployment.replicas();
            random.shuffle(&mut victims);
            victims.truncate(random.usize(1..=victims.len()));
            random_moment(&mut random, PAUSE).await;
            for victim in &victims {
                deployment.kill(victim)?;
            }
            random_moment(&mut random, PAUSE).await;
            for victim in &victims {
                deployment.restart(victim)?;
            }
            kill_count += victims.len();
        }
        everywhere(&reporting, &deployment).await?;
    }
    Ok(kill_count)
}

/// Restarts the aggregators in order, one after the other, while a country reports: each ends in
/// time, and the others take its collectors over.
pub async fn rolled(seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let (mut reporting, mut deployment) = three(&mut random, &[]).await?;
    for replica in deployment.replicas() {
        reporting.feed(&mut random, &deployment)?;
        random_moment(&mut random, PAUSE).await;
        ends_in_time(&mut deployment, &replica).await?;
        reporting.feed(&mut random, &deployment)?;
        random_moment(&mut random, PAUSE).await;
        deployment.restart(&replica)?;
        deployment.serves(&replica).await?;
    }
    everywhere(&reporting, &deployment).await
}

/// A replica starts over a link to Redis on which the logs take seconds: it is not ready before it
/// has folded all that they held.
pub async fn ready_when_complete(seed: u64) -> anyhow::Result<()> {
    let mut setup = Setup { replica_count: 1, ..over_redis(pace::brisk(Bulk::facts())) };
    // So that a start has to read the whole log.
    let records_alone = [("STORE__CHECKPOINT_EVERY", "100000"), ("CACHE__INTERVAL", "1h")];
    setup.aggregator.extend(settings(&records_alone));
    setup.aggregator.extend(settings(&[("CACHE__TIME_TO_LIVE", "10h")]));
    let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
    for _ in 0..FILES_HELD {
        deliver(&mut bulk, &deployment)?;
    }
    let client = deployment.client()?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    let held = folded(&client).await?;

    let replica = Process::Replica(1);
    ends_in_time(&mut deployment, &replica).await?;
    let proxy = Proxy::start(&deployment.redis()?.url()).await?;
    proxy.set(Direction::Down, Flow::Slow { bytes_per_second: SLOW_BYTES_PER_SECOND });
    let behind = format!("redis://{}", proxy.address());
    deployment.set(&replica, &settings(&[("STORE__REDIS__URLS", &behind)]))?;
    deployment.restart(&replica)?;
    deployment.serves(&replica).await?;
    let found = folded(&deployment.client_of(&replica)?).await?;
    ensure!(found == held, "it is ready with {found:?} of {held:?}");
    Ok(())
}

/// All that the cache holds is deleted again and again, at once and key by key, while a country
/// reports and an aggregator starts: everything comes back, and is right.
pub async fn cache_deleted(seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let often = [("CACHE__INTERVAL", "200ms")];
    let (mut reporting, mut deployment) = three(&mut random, &often).await?;
    reporting.feed(&mut random, &deployment)?;
    everywhere(&reporting, &deployment).await?;
    for _ in 0..DELETIONS {
        reporting.feed(&mut random, &deployment)?;
        let starts = random.choice(deployment.replicas()).context("three of them")?;
        deployment.kill(&starts)?;
        random_moment(&mut random, PAUSE).await;
        delete(deployment.redis()?, |_| true).await?;
        deployment.restart(&starts)?;
        random_moment(&mut random, PAUSE).await;
        delete(deployment.redis()?, |_| true).await?;
    }
    everywhere(&reporting, &deployment).await?;
    let oracle = reporting.oracle()?;
    let redis = deployment.redis()?;
    is_published(redis, &oracle).await?;
    // Nothing changes any more, so that nothing but its absence brings a key back.
    ensure!(delete(redis, |_| true).await? > 0, "there was no cache");
    is_published(redis, &oracle).await?;
    ensure!(delete(redis, |_| random.bool()).await? > 0, "there was no cache");
    is_published(redis, &oracle).await
}

/// Three aggregators, and a country with a collector in each province.
async fn three(
    random: &mut Rng,
    aggregator: &[(&str, &str)],
) -> anyhow::Result<(Reporting, Deployment)> {
    let reporting = Reporting::new(random);
    let mut setup = Setup { replica_count: OTHERS, ..over_redis(reporting.setup()) };
    setup.aggregator.extend(settings(aggregator));
    let deployment = Deployment::start_with(&reporting.codes(), &setup).await?;
    Ok((reporting, deployment))
}

fn over_redis(setup: Setup) -> Setup {
    Setup { store: StoreSetup::Redis(Vec::new()), ..setup }
}

/// Waits until every aggregator shows all that was reported, and all of them the same of each other.
pub(super) async fn everywhere(
    reporting: &Reporting,
    deployment: &Deployment,
) -> anyhow::Result<()> {
    reporting.stands(deployment).await?;
    eventually("all tell the same of all", SHOWN_WITHIN, async || {
        let mut told = BTreeSet::new();
        for replica in deployment.replicas() {
            told.insert(holders(&deployment.client_of(&replica)?).await?);
        }
        let holders = told.pop_first().context("an aggregator")?;
        ensure!(told.is_empty(), "some tell {holders:?}, others {told:?}");
        ensure!(holders.len() == deployment.replicas().len(), "{holders:?}");
        let mut held: Vec<_> = holders.into_iter().flat_map(|(_, sessions)| sessions).collect();
        held.sort_unstable();
        ensure!(held == reporting.codes(), "{held:?} have a session");
        Ok(())
    })
    .await
}

/// Codes of the reporters that deliver to each aggregator, by its address.
async fn holders(client: &Client) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let replicas = client.replicas().await?;
    Ok(replicas.into_iter().map(|replica| (replica.address, replica.sessions)).collect())
}

/// Records that an aggregator has folded, by reporter.
async fn folded(client: &Client) -> anyhow::Result<BTreeMap<String, u64>> {
    let own = client.replicas().await?.into_iter().find(|replica| replica.is_self);
    let positions = own.context("it says nothing of itself")?.positions;
    Ok(positions.into_iter().map(|it| (it.reporter, it.record_count)).collect())
}

/// Deletes keys of the cache, which are those that expire; returns how many.
async fn delete(redis: &Redis, mut which: impl FnMut(&str) -> bool) -> anyhow::Result<u64> {
    let mut count = 0;
    for key in redis.ask::<Vec<String>>(&["KEYS", "phuxanh:*"]).await? {
        let lives: i64 = redis.ask(&["PTTL", &key]).await?;
        if lives > 0 && which(&key) {
            count += redis.ask::<u64>(&["DEL", &key]).await?;
        }
    }
    Ok(count)
}

/// Waits until tools that speak only Redis find the oracle's values, and aggregators that start a
/// fold of every reporter.
async fn is_published(redis: &Redis, oracle: &Oracle) -> anyhow::Result<()> {
    let latest = oracle.default_period().context("a month")?;
    let mut questions = oracle.questions(&[latest]);
    let level_of =
        |within| if within == LocalityCode::NATION { Level::Province } else { Level::Commune };
    questions.retain(|it| !it.is_highest_first && it.level == level_of(it.within));
    eventually("the cache is whole and right", SHOWN_WITHIN, async || {
        for question in &questions {
            let Question { indicator, within, period, .. } = question;
            let key = format!("phuxanh:{{{within}}}:ranking:{indicator}:{period}");
            let found: BTreeMap<String, f64> =
                redis.ask(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await?;
            let rows = oracle.ranking(question).rows;
            let expected = rows.iter().map(|row| (row.code.to_string(), row.value())).collect();
            ensure!(found == expected, "{key}: {found:?} instead of {expected:?}");
            let key = format!("phuxanh:{{{within}}}:rollup:{period}");
            let count: usize = redis.ask(&["HLEN", &key]).await?;
            ensure!(count == oracle.indicators().count(), "{key} has {count}");
        }
        for reporter in redis.ask::<Vec<String>>(&["SMEMBERS", "phuxanh:reporters"]).await? {
            let key = format!("phuxanh:{{{reporter}}}:snapshot");
            let records: Option<u64> =
                redis.ask(&["XLEN", &format!("phuxanh:{{{reporter}}}:log")]).await?;
            let is_there: bool = redis.ask(&["EXISTS", &key]).await?;
            ensure!(is_there || records == Some(0), "{key} is missing");
        }
        Ok(())
    })
    .await
}
