//! The cache beside the logs: it comes back when it is deleted, is never older than what was there,
//! and is believed only where the log bears it out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_aggregator::store::redis::cache::{Cache, Version, contents, version};
use phuxanh_core::{
    Basis, CellKey, LocalityCode, LogId, Observation, Timestamp,
    catalogue::Catalogue,
    delivery::log::{Checkpoint, Mark},
    figures::{
        fold::{Changes, Contents, Fold, Record},
        rollup::ProvinceRollup,
        view::View,
    },
    frame::Durability,
    gazetteer::Gazetteer,
};

use crate::{
    fixture::{Fixture, Follower, Kind, fill, reporter},
    promises::keep,
    redis_only::start,
};

const TIME_TO_LIVE: Duration = Duration::from_mins(10);
const ONLINE: &str = "online_submission_rate";

/// Two communes of Cao Bằng have reported, 1 of 4 and 1 of 2, and one more has nothing to show.
fn view() -> anyhow::Result<View> {
    let figures = [("01273", 4, 1), ("01279", 2, 1), ("01288", 0, 0)];
    let observation = |locality: &str, metric: &str, value| -> anyhow::Result<Observation> {
        Ok(Observation {
            key: CellKey {
                locality: locality.parse()?,
                metric: metric.parse()?,
                period: "2025-07".parse()?,
            },
            value: Some(value),
            observed: "2025-07-31 16:00".parse()?,
            revision: 0,
            basis: Basis::Reported,
        })
    };
    let mut all = Vec::new();
    for (locality, received, online) in figures {
        all.push(observation(locality, "applications_received", received)?);
        all.push(observation(locality, "applications_online", online)?);
    }
    let mut fold = Fold::default();
    fold.apply(&Record {
        receipt: "2025-07-31 16:01".parse()?,
        log: LogId([1; 16]),
        log_epoch: 1,
        sequence: 1,
        complete_through: None,
        host: "one".to_owned(),
        catalogue_digest: [0; 32],
        contents: Contents::Observations { all: all.into_iter().collect(), refused: [].into() },
    });
    let empty = View::empty(Arc::new(Catalogue::builtin()), Arc::new(Gazetteer::builtin()));
    let (catalogue, gazetteer) = (empty.catalogue(), empty.gazetteer());
    let changes = Changes::new();
    let rollup = ProvinceRollup::build(reporter(), &fold, catalogue, gazetteer, None, &changes);
    Ok(empty.with(vec![Arc::new(rollup)]))
}

async fn publish(cache: &Cache, view: &View, scope: LocalityCode) -> anyhow::Result<Version> {
    let version = version(view, scope);
    cache.publish(scope, &version, &contents(view, scope, 2), TIME_TO_LIVE).await?;
    Ok(version)
}

#[tokio::test]
async fn tools_that_speak_only_redis_find_rankings_and_rollups() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Redis).await?;
    let redis = fixture.redis.as_ref().context("a server")?;
    let cache = start(redis, Durability::Always).await?.cache();
    let view = view()?;
    let (province, nation) = (reporter(), LocalityCode::NATION);
    let of_province = publish(&cache, &view, province).await?;
    publish(&cache, &view, nation).await?;

    let key = format!("test:{{04}}:ranking:{ONLINE}:2025-07");
    let lowest: Vec<(String, f64)> = redis.ask(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await?;
    ensure!(lowest == [("01273".to_owned(), 0.25), ("01279".to_owned(), 0.5)], "{lowest:?}");
    let key = format!("test:{{00}}:ranking:{ONLINE}:2025-07");
    let provinces: Vec<(String, f64)> =
        redis.ask(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await?;
    ensure!(provinces == [("04".to_owned(), 2.0 / 6.0)], "{provinces:?}");
    let rollup: String = redis.ask(&["HGET", "test:{04}:rollup:2025-07", ONLINE]).await?;
    ensure!(rollup == "known 2 6", "{rollup}");
    let rollup: String = redis.ask(&["HGET", "test:{04}:rollup:2025-06", ONLINE]).await?;
    ensure!(rollup == "unknown 0 0", "{rollup}");

    ensure!(cache.is_current(province, &of_province).await?);
    for key in redis.ask::<Vec<String>>(&["KEYS", "test:*"]).await? {
        let lives: i64 = redis.ask(&["PTTL", &key]).await?;
        let is_cache = ["ranking:", "rollup:", "cached"].iter().any(|it| key.contains(it));
        ensure!((lives > 0) == is_cache, "{key} lives for {lives} ms");
        if is_cache {
            redis.ask::<u8>(&["DEL", &key]).await?;
        }
    }
    ensure!(!cache.is_current(province, &of_province).await?);
    publish(&cache, &view, province).await?;
    let key = format!("test:{{04}}:ranking:{ONLINE}:2025-07");
    ensure!(redis.ask::<u8>(&["ZCARD", &key]).await? == 2);
    Ok(())
}

#[tokio::test]
async fn what_is_older_does_not_replace_what_is_newer() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Redis).await?;
    let redis = fixture.redis.as_ref().context("a server")?;
    let cache = start(redis, Durability::Always).await?.cache();
    let view = view()?;
    let now = Version { position: 5, ..version(&view, reporter()) };
    cache.publish(reporter(), &now, &contents(&view, reporter(), 1), TIME_TO_LIVE).await?;
    let changed = [
        (Version { position: 4, ..now.clone() }, false),
        (
            Version { position: 9, catalogue_version: now.catalogue_version - 1, ..now.clone() },
            false,
        ),
        (Version { position: 5, tip: "another log".to_owned(), ..now.clone() }, true),
        (Version { position: 6, ..now.clone() }, true),
        (Version { position: 1, digests: [[9; 32]; 2], ..now.clone() }, true),
    ];
    let key = format!("test:{{04}}:ranking:{ONLINE}:2025-07");
    for (version, replaces) in changed {
        cache.publish(reporter(), &now, &contents(&view, reporter(), 1), TIME_TO_LIVE).await?;
        redis.ask::<u8>(&["ZADD", &key, "7", "a mark"]).await?;
        ensure!(cache.is_current(reporter(), &version).await? != replaces, "{version:?}");
        cache.publish(reporter(), &version, &contents(&view, reporter(), 1), TIME_TO_LIVE).await?;
        let members: BTreeMap<String, f64> =
            redis.ask(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await?;
        ensure!(members.contains_key("a mark") != replaces, "{version:?}");
        redis.ask::<u8>(&["DEL", "test:{04}:cached"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_follower_begins_at_a_cached_fold_only_where_the_log_bears_it_out() -> anyhow::Result<()>
{
    let fixture = Fixture::new(Kind::Redis).await?;
    let (store, redis) = (fixture.store.as_ref(), fixture.redis.as_ref().context("a server")?);
    fill(store, 6).await?;
    keep(store, 2).await?;
    let cache = start(redis, Durability::Always).await?.cache();
    let mut follower = Follower::new(store).await?;
    let mark = loop {
        let mark = follower.committed().await?.mark;
        if mark.record_count == 5 {
            break mark;
        }
    };
    let receipt: Timestamp = "2025-07-31 16:00".parse()?;
    let snapshot = |mark| Checkpoint { mark, receipt, bytes: b"a fold".to_vec() };
    cache.keep(reporter(), snapshot(mark.clone()), TIME_TO_LIVE).await?;
    let told = Follower::new(store).await?.next_ones(3).await?;
    ensure!(told == ["restored 5", "6: 1/6", "caught up"], "{told:?}");
    let foreign = Mark { tip: "of another log".to_owned(), ..mark };
    cache.keep(reporter(), snapshot(foreign), TIME_TO_LIVE).await?;
    let told = Follower::new(store).await?.next().await?;
    ensure!(told == "restored 2", "{told}");
    Ok(())
}
