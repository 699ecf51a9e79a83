//! Promises that only a server can break that loses things, or is another one.

use std::{fs, time::Duration};

use anyhow::{Context, bail, ensure};
use phuxanh_aggregator::store::{self, Archive, Shared, Store, Terms, redis};
use phuxanh_core::{
    delivery::admission::{Opened, Verdict},
    frame::{Durability, ResyncReason},
};
use phuxanh_tests::harness::{Redis, copy_files, eventually};

use crate::{
    fixture::{
        Fixture, Follower, Kind, LOG, SESSION, batch, batches, config, fill, hello, offer,
        reporter, shared, terms,
    },
    promises::keep,
};

const WITHIN: Duration = Duration::from_secs(15);

pub async fn start(redis: &Redis, durability: Durability) -> Result<Shared, store::redis::Error> {
    let terms = Terms { checkpoint_epoch: |_, _| Some(0), ..terms() };
    shared(config(redis, durability), terms).await
}

/// Reason why a server is refused, in words.
async fn refusal(options: &[(&str, &str)], durability: Durability) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let redis = Redis::start(folder.path(), options).await?;
    match start(&redis, durability).await {
        Err(redis::Error::Refused(refusal)) => Ok(refusal.to_string()),
        Err(other) => bail!("{other:?}"),
        Ok(_) => Ok("taken".to_owned()),
    }
}

#[tokio::test]
async fn a_server_that_does_not_keep_what_is_demanded_is_refused() -> anyhow::Result<()> {
    use Durability::{Always, Everysec, None, Replicated};
    let everysec = [("appendfsync", "everysec")];
    let found = refusal(&everysec, Always).await?;
    ensure!(found.contains("\"always\"") && found.contains("\"everysec\""), "{found}");
    ensure!(refusal(&everysec, Everysec).await? == "taken");
    let off = [("appendonly", "no")];
    ensure!(refusal(&off, Everysec).await?.contains("\"none\" only"));
    ensure!(refusal(&off, None).await? == "taken");
    ensure!(refusal(&[], Replicated).await?.contains("replica_count_min = 1"));
    let evicting = [("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")];
    ensure!(refusal(&evicting, Always).await?.contains("allkeys-lru"));
    let volatile = [("maxmemory", "100mb"), ("maxmemory-policy", "volatile-lru")];
    ensure!(refusal(&volatile, Always).await? == "taken");
    ensure!(refusal(&[("requirepass", "secret")], Always).await?.contains("password_file"));
    Ok(())
}

/// A managed service has no CONFIG, and so nothing tells how it keeps writes.
#[tokio::test]
async fn a_server_without_config_keeps_what_nobody_can_know() -> anyhow::Result<()> {
    use Durability::{Always, Everysec, None};
    let managed = [("rename-command", "CONFIG ")];
    for demanded in [Everysec, Always] {
        let found = refusal(&managed, demanded).await?;
        ensure!(found.contains("store.redis.durability = \"none\""), "{found}");
    }
    ensure!(refusal(&managed, None).await? == "taken");
    Ok(())
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_told_again() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Redis).await?;
    fill(fixture.store.as_ref(), 2).await?;
    let redis = fixture.redis.as_ref().context("a server")?;
    redis.ask::<()>(&["SCRIPT", "FLUSH"]).await?;
    let (_, end) = batches(LOG, 2);
    let next = batch(end, 1);
    let admitted = fixture.store.admit(offer(LOG, SESSION, next.clone())).await?;
    ensure!(admitted.verdict == Verdict::Append(end.after(&next)));
    Ok(())
}

/// Everything is flushed: sessions end, followers begin anew, and a collector that had released
/// batches is asked to restate its cells.
#[tokio::test]
async fn a_wiped_server_is_noticed_by_all() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Redis).await?;
    let store = fixture.store.as_ref();
    fill(store, 3).await?;
    let mut follower = Follower::new(store).await?;
    follower.next_ones(5).await?;
    let mut incarnation = store.incarnation();
    incarnation.borrow_and_update();
    fixture.redis.as_ref().context("a server")?.ask::<()>(&["FLUSHALL"]).await?;

    // Nobody has to say Hello before followers let go of what is in no store any more.
    let told = follower.next_ones(1).await?;
    ensure!(told == ["restored 0"], "{told:?}");
    let (_, end) = batches(LOG, 3);
    let verdict = store.admit(offer(LOG, SESSION, batch(end, 1))).await?.verdict;
    ensure!(verdict == Verdict::Fenced, "{verdict:?}");
    tokio::time::timeout(WITHIN, incarnation.changed()).await??;
    ensure!(store.replaced().borrow().is_some(), "no alarm would be raised");
    let opened = store.open(hello(LOG, end, end), SESSION).await?;
    ensure!(opened == Opened::Resync(ResyncReason::StoreLost), "{opened:?}");
    fill(store, 1).await?;
    let told = follower.next_ones(1).await?;
    ensure!(told == ["1: 1/1"], "{told:?}");
    Ok(())
}

/// A server comes back without its last records and goes on differently: who had read them is told
/// the log anew, from the checkpoint that both have in common.
#[tokio::test]
async fn a_tail_that_was_lost_is_folded_anew() -> anyhow::Result<()> {
    let mut fixture = Fixture::new(Kind::Redis).await?;
    fill(fixture.store.as_ref(), 4).await?;
    keep(fixture.store.as_ref(), 3).await?;
    let earlier = tempfile::tempdir()?;
    fixture.redis.as_ref().context("a server")?.copy(earlier.path())?;

    let (_, mut end) = batches(LOG, 4);
    for value in 0..3 {
        let next = batch(end, value);
        fixture.store.admit(offer(LOG, SESSION, next.clone())).await?;
        end = end.after(&next);
    }
    keep(fixture.store.as_ref(), 6).await?;
    let replica = fixture.replica().await?;
    let mut follower = Follower::new(replica.as_ref()).await?;
    let told = follower.next_ones(3).await?;
    ensure!(told == ["restored 6", "7: 1/7", "caught up"], "{told:?}");

    let redis = fixture.redis.as_mut().context("a server")?;
    redis.kill()?;
    fs::remove_dir_all(redis.appends())?;
    copy_files(earlier.path(), &redis.appends())?;
    redis.restart().await?;
    // Others continue it, to the same number.
    let (_, mut end) = batches(LOG, 4);
    eventually("the link is there again", WITHIN, async || {
        fixture.store.confirm(reporter(), SESSION).await.map(drop)?;
        Ok(())
    })
    .await?;
    for value in 10..13 {
        let next = batch(end, value);
        let verdict = fixture.store.admit(offer(LOG, SESSION, next.clone())).await?.verdict;
        end = end.after(&next);
        ensure!(verdict == Verdict::Append(end), "{verdict:?}");
    }
    ensure!(follower.next().await? == "restored 3");
    let told = follower.next_ones(4).await?;
    ensure!(told == ["4: 1/4", "5: 1/5", "6: 1/6", "7: 1/7"], "{told:?}");
    Ok(())
}

/// The append-only file is cut at any byte: what the server makes of it is a log with its cursor,
/// a prefix of what was there.
#[tokio::test]
async fn a_log_cut_at_any_byte_is_a_prefix_with_its_cursor() -> anyhow::Result<()> {
    let mut fixture = Fixture::new(Kind::Redis).await?;
    fill(fixture.store.as_ref(), 12).await?;
    let records = fixture.store.records(reporter(), 0, 100).await?;
    let redis = fixture.redis.as_mut().context("a server")?;
    redis.kill()?;
    let whole = tempfile::tempdir()?;
    redis.copy(whole.path())?;
    let name = phuxanh_tests::harness::files(whole.path())?
        .into_iter()
        .find(|name| name.ends_with(".incr.aof"))
        .context("an append-only file")?;
    let bytes = fs::read(whole.path().join(&name))?;
    let mut random = fastrand::Rng::with_seed(20_250_731);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let cut = random.usize(bytes.len() / 4..bytes.len());
        fs::write(redis.appends().join(&name), &bytes[..cut])?;
        redis.restart().await?;
        let store = start(redis, Durability::Always).await?;
        let held = store.held().await?;
        let count = held.first().map_or(0, |held| held.cursor.record_count);
        let left = store.records(reporter(), 0, 100).await?;
        ensure!(left.len() as u64 == count, "{} records, the cursor says {count}", left.len());
        ensure!(left == records[..left.len()], "the records are others");
        if let Some(held) = held.first() {
            ensure!(held.cursor.position == batches(LOG, count).1, "cut at {cut}");
        }
        seen.insert(count);
        redis.kill()?;
    }
    ensure!(seen.len() > 5, "only {seen:?} records were left");
    redis.restart().await
}

/// Two aggregators admit for the same reporter: each batch is taken once, and both followers are
/// told the same.
#[tokio::test]
async fn two_aggregators_share_one_log() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Redis).await?;
    let (one, other) = (fixture.store.as_ref(), fixture.replica().await?);
    let mut followers = [Follower::new(one).await?, Follower::new(other.as_ref()).await?];
    let (sent, end) = batches(LOG, 20);
    one.open(hello(LOG, end, batches(LOG, 0).1), SESSION).await?;
    let mut appended = 0;
    for batch in sent {
        let (here, there) = tokio::join!(
            one.admit(offer(LOG, SESSION, batch.clone())),
            other.admit(offer(LOG, SESSION, batch)),
        );
        for admitted in [here?, there?] {
            match admitted.verdict {
                Verdict::Append(_) => appended += 1,
                Verdict::Duplicate => {}
                verdict => bail!("{verdict:?}"),
            }
        }
    }
    ensure!(appended == 20, "{appended}");
    for follower in &mut followers {
        for number in 1..=20 {
            let committed = follower.committed().await?;
            ensure!(committed.mark.record_count == number);
        }
    }
    Ok(())
}

/// If the sync comes later, the batch is called durable later and only on evidence; with no sync at
/// all, never.
#[tokio::test]
async fn durable_is_said_when_it_is_true() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let redis = Redis::start(folder.path(), &[("appendfsync", "everysec")]).await?;
    let (trailing, never) =
        (start(&redis, Durability::Everysec).await?, start(&redis, Durability::None).await?);
    let (sent, end) = batches(LOG, 1);
    let opened = trailing.open(hello(LOG, end, batches(LOG, 0).1), SESSION).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }));
    let admitted = trailing.admit(offer(LOG, SESSION, sent[0].clone())).await?;
    let mut durable = trailing.durable();
    let began = tokio::time::Instant::now();
    ensure!(*durable.borrow() < admitted.ticket, "{admitted:?}");
    let settled = durable.wait_for(|durable| *durable >= admitted.ticket);
    tokio::time::timeout(WITHIN, settled).await??;
    let took = began.elapsed();
    ensure!(took > Duration::from_millis(1_900), "after {took:?} nothing can be known");

    let repeated = never.admit(offer(LOG, SESSION, sent[0].clone())).await?;
    ensure!(repeated.verdict == Verdict::Duplicate);
    ensure!(*never.durable().borrow() < repeated.ticket);
    Ok(())
}

/// A write is durable where the demanded copies have it, and is not answered where they do not.
#[tokio::test]
async fn a_write_waits_for_its_copies() -> anyhow::Result<()> {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let at_once = [("repl-diskless-sync-delay", "0")];
    let master = Redis::start(one.path(), &at_once).await?;
    let port = master.url().rsplit(':').next().context("a port")?.to_owned();
    let mut copy = Redis::start(two.path(), &[("replicaof", &format!("127.0.0.1 {port}"))]).await?;
    let store = eventually("the copy is there", WITHIN, async || {
        Ok(start(&master, Durability::Replicated).await?)
    })
    .await?;
    let (sent, end) = batches(LOG, 2);
    store.open(hello(LOG, end, batches(LOG, 0).1), SESSION).await?;
    let admitted = store.admit(offer(LOG, SESSION, sent[0].clone())).await?;
    ensure!(admitted.ticket <= *store.durable().borrow());
    let held: u64 = copy.ask(&["XLEN", "test:{04}:log"]).await?;
    ensure!(held == 1, "the copy holds {held} records");
    copy.kill()?;
    let refused = store.admit(offer(LOG, SESSION, sent[1].clone())).await;
    ensure!(refused.is_err(), "{refused:?}");
    Ok(())
}
