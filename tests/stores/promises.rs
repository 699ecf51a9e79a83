//! Promises of every store.

use std::time::Duration;

use anyhow::{Context, ensure};
use phuxanh_aggregator::store::Store;
use phuxanh_core::{
    Chain, LogId, Position,
    delivery::{
        admission::{Opened, Verdict},
        log::{Checkpoint, CheckpointHead, Held, Trim},
    },
    frame::{Hello, ResyncReason, SessionId},
};
use phuxanh_tests::harness::eventually;

use crate::{
    fixture::{
        Fixture, Follower, Kind, LOG, REFUSALS_TOLD_MAX, SESSION, UNREADABLE, batch, batches, fill,
        hello, offer, reference, reporter, result,
    },
    model::Model,
};

const OTHER_LOG: LogId = LogId([2; 16]);
const OTHER_SESSION: SessionId = SessionId([2; 16]);
const UNREADABLE_4: &str =
    "aside: the checkpoint behind record 4 cannot be read: an earlier state is used";
const WITHIN: Duration = Duration::from_secs(10);

pub async fn a_log_is_continued_batch_by_batch_by_its_session_alone(
    kind: Kind,
) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    let sent = fill(store, 3).await?;
    let (_, end) = batches(LOG, 3);
    let next = batch(end, 9);
    let verdict = async |log, session, batch| {
        anyhow::Ok(store.admit(offer(log, session, batch)).await?.verdict)
    };
    ensure!(verdict(LOG, OTHER_SESSION, next.clone()).await? == Verdict::Fenced);
    let replaced = Verdict::Conflict(ResyncReason::LogReplaced);
    ensure!(verdict(OTHER_LOG, SESSION, next.clone()).await? == replaced);
    ensure!(verdict(LOG, SESSION, sent[1].clone()).await? == Verdict::Duplicate);
    let far = batch(Position { sequence: 4, ..end }, 9);
    ensure!(verdict(LOG, SESSION, far).await? == Verdict::Gap { expected: 4 });
    let broken = batch(Position { chain: Chain([9; 32]), ..end }, 9);
    let is_broken = Verdict::Conflict(ResyncReason::ChainBroken);
    ensure!(verdict(LOG, SESSION, broken).await? == is_broken);
    ensure!(store.confirm(reporter(), OTHER_SESSION).await?.is_none());
    ensure!(store.confirm(reporter(), SESSION).await? == Some(3));
    ensure!(verdict(LOG, SESSION, next.clone()).await? == Verdict::Append(end.after(&next)));

    let records = store.records(reporter(), 1, 10).await?;
    let kept: Vec<_> = records.iter().map(|record| (&record.batch, &record.result)).collect();
    ensure!(kept == [(&sent[1], &None), (&sent[2], &result(3)), (&next, &None)]);
    ensure!(records.iter().all(|record| record.host == "alpha" && record.log_epoch == 1));
    ensure!(records.iter().all(|record| record.catalogue_digest == [7; 32]));
    Ok(())
}

/// Random Hellos and batches, in and out of order, of two logs and from two hosts: the store decides
/// as the pure rule does, and ends with the same cursor.
pub async fn whatever_is_asked_is_decided_by_the_rule(kind: Kind) -> anyhow::Result<()> {
    let histories = if kind == Kind::Embedded { 12 } else { 60 };
    for seed in 0..histories {
        let fixture = Fixture::new(kind).await?;
        let mut model = Model::new(seed);
        for step in 0..80 {
            let told = format!("seed {seed}, step {step}");
            model.step(fixture.store.as_ref()).await.with_context(|| told)?;
        }
    }
    Ok(())
}

pub async fn receipt_times_never_go_back(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    fill(fixture.store.as_ref(), 30).await?;
    let records = fixture.store.records(reporter(), 0, 100).await?;
    ensure!(records.len() == 30);
    ensure!(records.is_sorted_by(|one, next| one.receipt < next.receipt));
    Ok(())
}

pub async fn refusals_behind_the_released_batch_are_told_again(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 10).await?;
    let (_, end) = batches(LOG, 10);
    for (released, expected) in [(0, &[3, 6, 9][..]), (3, &[6, 9]), (8, &[9]), (10, &[])] {
        let released = batches(LOG, released).1;
        let opened = store.open(hello(LOG, end, released), SESSION).await?;
        let Opened::Welcome { cursor, results, .. } = opened else {
            anyhow::bail!("{opened:?}");
        };
        ensure!(cursor.position == end && cursor.released == released.sequence);
        let sequences: Vec<_> = results.iter().map(|result| result.sequence).collect();
        ensure!(sequences == expected, "{sequences:?}");
    }
    // Refusals of another log are nobody's business now.
    let (_, other_end) = batches(OTHER_LOG, 2);
    let opened =
        store.open(hello(OTHER_LOG, other_end, Position::start(OTHER_LOG)), SESSION).await?;
    let Opened::Welcome { cursor, results, .. } = opened else { anyhow::bail!("{opened:?}") };
    ensure!((cursor.log_epoch, cursor.record_count, results.len()) == (2, 10, 0));
    // The first log comes back and begins again: what was refused of it before says nothing now.
    store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    for batch in batches(LOG, 4).0 {
        let mut offer = offer(LOG, SESSION, batch);
        offer.result = result(offer.batch.sequence + 2);
        store.admit(offer).await?;
    }
    let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    let Opened::Welcome { cursor, results, .. } = opened else { anyhow::bail!("{opened:?}") };
    ensure!((cursor.log_epoch, cursor.record_count) == (3, 14), "{cursor:?}");
    ensure!(results == [result(3), result(6)].into_iter().flatten().collect::<Vec<_>>());
    Ok(())
}

/// A collector that releases nothing must begin a new log, instead of being told more and more.
pub async fn refusals_beyond_the_bound_end_the_log(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    let count = 3 * u64::try_from(REFUSALS_TOLD_MAX)? + 3;
    fill(store, count).await?;
    let (_, end) = batches(LOG, count);
    let opened = store.open(hello(LOG, end, batches(LOG, 3).1), SESSION).await?;
    let Opened::Welcome { results, .. } = opened else { anyhow::bail!("{opened:?}") };
    ensure!(results.len() == REFUSALS_TOLD_MAX, "{} are told", results.len());
    let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    ensure!(opened == Opened::Resync(ResyncReason::StoreLost), "{opened:?}");
    Ok(())
}

pub async fn another_host_waits_for_the_lease_and_the_same_one_does_not(
    kind: Kind,
) -> anyhow::Result<()> {
    let lease_span = Duration::from_millis(400);
    let fixture = Fixture::leasing(kind, lease_span).await?;
    let store = fixture.store.as_ref();
    fill(store, 1).await?;
    let (_, end) = batches(LOG, 1);
    let mut other = hello(LOG, end, end);
    "beta".clone_into(&mut other.host);
    let owned = Opened::Owned { host: "alpha".to_owned() };
    ensure!(store.open(other.clone(), OTHER_SESSION).await? == owned);
    let same = store.open(hello(LOG, end, end), SESSION).await?;
    ensure!(matches!(same, Opened::Welcome { .. }), "{same:?}");
    let began = tokio::time::Instant::now();
    eventually("the lease runs out", WITHIN, async || {
        let opened = store.open(other.clone(), OTHER_SESSION).await?;
        ensure!(opened == Opened::Resync(ResyncReason::HostChanged), "{opened:?}");
        Ok(())
    })
    .await?;
    ensure!(began.elapsed() > lease_span / 2, "the lease was not kept");
    let start = Position::start(OTHER_LOG);
    let own = Hello { host: other.host, ..hello(OTHER_LOG, start, start) };
    let opened = store.open(own, OTHER_SESSION).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
    ensure!(store.confirm(reporter(), SESSION).await?.is_none());
    Ok(())
}

pub async fn what_was_answered_is_there_after_a_crash(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let sent = fill(fixture.store.as_ref(), 5).await?;
    fixture.store.keep_reference(reference(b"facts")).await?;
    keep(fixture.store.as_ref(), 2).await?;
    let before = fixture.store.held().await?;
    let records = fixture.store.records(reporter(), 0, 100).await?;

    let fixture = fixture.crash().await?;
    let store = fixture.store.as_ref();
    ensure!(store.held().await? == before);
    ensure!(store.records(reporter(), 0, 100).await? == records && records.len() == sent.len());
    ensure!(store.references().await? == [reference(b"facts")]);
    // Whose log it was is known too: the session goes on.
    let (_, end) = batches(LOG, 5);
    let next = batch(end, 1);
    let admitted = store.admit(offer(LOG, SESSION, next.clone())).await?;
    ensure!(admitted.verdict == Verdict::Append(end.after(&next)));
    Ok(())
}

pub async fn a_follower_is_told_everything_once_and_in_order(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 9).await?;
    let mut follower = Follower::new(store).await?;
    let mut expected = vec!["restored 0".to_owned()];
    expected.extend((1..=9).map(|number| format!("{number}: 1/{number}")));
    expected.push("caught up".to_owned());
    let told = follower.next_ones(11).await?;
    ensure!(told == expected, "{told:?}");

    let (_, end) = batches(LOG, 9);
    store.admit(offer(LOG, SESSION, batch(end, 1))).await?;
    ensure!(follower.next().await? == "10: 1/10");
    // Another log goes on in the same sequence of records.
    let (other, other_end) = batches(OTHER_LOG, 1);
    store.open(hello(OTHER_LOG, other_end, Position::start(OTHER_LOG)), SESSION).await?;
    store.admit(offer(OTHER_LOG, SESSION, other[0].clone())).await?;
    ensure!(follower.next().await? == "11: 2/1");
    Ok(())
}

pub async fn a_follower_begins_at_the_newest_checkpoint(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 5).await?;
    for record_count in [2, 4] {
        keep(store, record_count).await?;
    }
    let told = Follower::new(store).await?.next_ones(3).await?;
    ensure!(told == ["restored 4", "5: 1/5", "caught up"], "{told:?}");
    let kept = store.checkpoint(reporter(), 2).await?.context("kept")?;
    ensure!(kept.bytes == b"2 records");
    ensure!(store.checkpoint(reporter(), 3).await?.is_none());
    Ok(())
}

pub async fn a_checkpoint_that_cannot_be_read_is_passed_over(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 5).await?;
    keep(store, 2).await?;
    keep_bytes(store, 4, UNREADABLE).await?;
    let told = Follower::new(store).await?.next_ones(6).await?;
    let expected = ["restored 2", UNREADABLE_4, "3: 1/3", "4: 1/4", "5: 1/5", "caught up"];
    ensure!(told == expected, "{told:?}");
    Ok(())
}

/// The records that it held are restated; the other logs are served.
pub async fn a_checkpoint_that_alone_held_records_is_named(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 5).await?;
    keep_bytes(store, 4, UNREADABLE).await?;
    store.trim(reporter(), Trim { records_through: 4, checkpoints: vec![] }).await?;
    let told = Follower::new(store).await?.next_ones(5).await?;
    let expected = ["restored 0", UNREADABLE_4, "4: damaged 1..=4", "5: 1/5", "caught up"];
    ensure!(told == expected, "{told:?}");
    let (_, end) = batches(LOG, 5);
    let opened = store.open(hello(LOG, end, end), SESSION).await?;
    ensure!(opened == Opened::Resync(ResyncReason::StoreLost), "{opened:?}");
    Ok(())
}

pub async fn what_is_trimmed_is_gone_and_the_rest_stays(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 6).await?;
    for record_count in [2, 4, 5] {
        keep(store, record_count).await?;
    }
    store.trim(reporter(), Trim { records_through: 4, checkpoints: vec![2] }).await?;
    let held = store.held().await?;
    let counts: Vec<_> = held[0].checkpoints.iter().map(|head| head.record_count).collect();
    ensure!((held[0].first_record, &counts[..]) == (5, &[4, 5][..]), "{held:?}");
    ensure!(store.checkpoint(reporter(), 2).await?.is_none());
    let left = store.records(reporter(), 0, 100).await?;
    ensure!(left.iter().map(|record| record.batch.sequence).eq([5, 6]));
    let told = Follower::new(store).await?.next_ones(3).await?;
    ensure!(told == ["restored 5", "6: 1/6", "caught up"], "{told:?}");
    // What is appended goes on counting, also when nothing is left.
    store.trim(reporter(), Trim { records_through: 6, checkpoints: vec![] }).await?;
    ensure!(store.held().await?[0].first_record == 7);
    let (_, end) = batches(LOG, 6);
    store.admit(offer(LOG, SESSION, batch(end, 1))).await?;
    ensure!(store.held().await?[0].first_record == 7);
    Ok(())
}

pub async fn what_is_imported_is_as_it_was(kind: Kind) -> anyhow::Result<()> {
    let from = Fixture::new(Kind::Embedded).await?;
    fill(from.store.as_ref(), 7).await?;
    keep(from.store.as_ref(), 3).await?;
    from.store.trim(reporter(), Trim { records_through: 3, checkpoints: vec![] }).await?;
    let held: Held = from.store.held().await?.remove(0);
    let records = from.store.records(reporter(), 3, 100).await?;

    let to = Fixture::new(kind).await?;
    let store = to.store.as_ref();
    let numbered: Vec<_> = (4..).zip(records.clone()).collect();
    for page in numbered.chunks(3) {
        store.import(reporter(), held.cursor.clone(), page.to_vec()).await?;
    }
    let checkpoint = from.store.checkpoint(reporter(), 3).await?.context("kept")?;
    store.keep(reporter(), checkpoint).await?;
    ensure!(store.held().await? == [held]);
    ensure!(store.records(reporter(), 0, 100).await? == records);
    let told = Follower::new(store).await?.next_ones(6).await?;
    ensure!(
        told == ["restored 3", "4: 1/4", "5: 1/5", "6: 1/6", "7: 1/7", "caught up"],
        "{told:?}"
    );
    let (_, end) = batches(LOG, 7);
    let next = batch(end, 1);
    let admitted = store.admit(offer(LOG, SESSION, next.clone())).await?;
    ensure!(admitted.verdict == Verdict::Append(end.after(&next)));
    Ok(())
}

/// Keeps a checkpoint behind so many records, with the mark that a follower was told there.
pub async fn keep(store: &dyn Store, record_count: u64) -> anyhow::Result<CheckpointHead> {
    keep_bytes(store, record_count, format!("{record_count} records").as_bytes()).await
}

pub async fn keep_bytes(
    store: &dyn Store,
    record_count: u64,
    bytes: &[u8],
) -> anyhow::Result<CheckpointHead> {
    let mut follower = Follower::new(store).await?;
    let mark = loop {
        let committed = follower.committed().await?;
        if committed.mark.record_count == record_count {
            break committed.mark;
        }
    };
    let receipt = store.records(reporter(), record_count - 1, 1).await?[0].receipt;
    store.keep(reporter(), Checkpoint { mark, receipt, bytes: bytes.to_vec() }).await?;
    Ok(CheckpointHead { record_count, receipt })
}
