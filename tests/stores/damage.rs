//! A record that a disk or a server has changed is never used: it is named, and its log is replaced.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_aggregator::{
    store::Store,
    transfer::{self, Writer},
};
use phuxanh_core::{
    LogId, Position,
    delivery::{
        admission::{Opened, Verdict},
        log::Trim,
    },
    frame::{Hello, ResyncReason, SessionId},
};
use phuxanh_tests::harness::Redis;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::{
    fixture::{
        Fixture, Follower, Kind, LOG, OF_EPOCH_7, SESSION, batch, batches, fill, hello, offer,
        reporter,
    },
    promises::{keep, keep_bytes},
};

const OTHER_LOG: LogId = LogId([2; 16]);
const OTHER_SESSION: SessionId = SessionId([2; 16]);
const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");
const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");
/// Key of the cursor in Redis.
const CURSOR: &str = "test:{04}:cursor";
const REBUILT: &str = "aside: the cursor was lost or damaged and is rebuilt behind all records, or an \
                       import did not finish: the collector restates";
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Damage of a store at rest.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    /// A bit of a record is another: so many bits before its end.
    Bit {
        record: u64,
        from_end: usize,
    },
    Gone {
        record: u64,
    },
    /// A part of the cursor.
    Cursor,
    CursorGone,
    /// The cursor is no hash; only in Redis.
    CursorOfAnotherType,
    /// The format is another.
    Format(&'static str),
}

fn flip(bytes: &mut [u8], from_end: usize) {
    let bit = 8 * bytes.len() - 1 - from_end;
    bytes[bit / 8] ^= 1 << (bit % 8);
}

impl Damage {
    pub fn in_file(self, path: &Path) -> anyhow::Result<()> {
        let database = Database::open(path)?;
        let transaction = database.begin_write()?;
        let place = |record| (reporter().number(), record);
        match self {
            Self::Bit { record, from_end } => {
                let mut records = transaction.open_table(RECORDS)?;
                let mut bytes = records.get(place(record))?.context("a record")?.value().to_vec();
                flip(&mut bytes, from_end);
                records.insert(place(record), &bytes[..])?;
            }
            Self::Gone { record } => {
                transaction.open_table(RECORDS)?.remove(place(record))?;
            }
            Self::Cursor => {
                let mut cursors = transaction.open_table(CURSORS)?;
                let number = reporter().number();
                let mut bytes = cursors.get(number)?.context("a cursor")?.value().to_vec();
                flip(&mut bytes, 40 * 8);
                cursors.insert(number, &bytes[..])?;
            }
            Self::CursorGone => {
                transaction.open_table(CURSORS)?.remove(reporter().number())?;
            }
            Self::CursorOfAnotherType => anyhow::bail!("a file has one type of cursor"),
            Self::Format(format) => {
                transaction.open_table(META)?.insert("format", format.as_bytes())?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Writes the stream anew, since entries cannot be changed.
    pub async fn in_redis(self, redis: &Redis) -> anyhow::Result<()> {
        let key = "test:{04}:log";
        match self {
            Self::Bit { record, from_end } => {
                type Entry = (String, Vec<Vec<u8>>);
                let all: Vec<Entry> = redis.ask(&["XRANGE", key, "-", "+"]).await?;
                redis.ask::<u64>(&["DEL", key]).await?;
                for (id, mut fields) in all {
                    if id == format!("{record}-0") {
                        let at = fields.iter().position(|field| field == b"record");
                        flip(&mut fields[at.context("a record")? + 1], from_end);
                    }
                    let mut command = vec![b"XADD".to_vec(), key.into(), id.into()];
                    command.extend(fields);
                    redis.ask_bytes::<String>(&command).await?;
                }
            }
            Self::Gone { record } => {
                redis.ask::<u64>(&["XDEL", key, &format!("{record}-0")]).await?;
            }
            Self::Format(format) => {
                redis.ask::<String>(&["SET", "test:format", format]).await?;
            }
            Self::Cursor => {
                redis.ask::<u64>(&["HSET", CURSOR, "sequence", "many"]).await?;
            }
            Self::CursorGone => {
                redis.ask::<u64>(&["DEL", CURSOR]).await?;
            }
            Self::CursorOfAnotherType => {
                redis.ask::<String>(&["SET", CURSOR, "5"]).await?;
            }
        }
        Ok(())
    }
}

/// Whatever bit of a record is another: the others are told, the log is replaced by one that
/// restates, and what that one brings is told as ever.
pub async fn a_damaged_record_is_passed_over_and_its_log_replaced(
    kind: Kind,
) -> anyhow::Result<()> {
    for from_end in [3, 34 * 8 + 5, 60 * 8, 90 * 8 + 1] {
        let fixture = Fixture::new(kind).await?;
        fill(fixture.store.as_ref(), 5).await?;
        let fixture = fixture.damaged(Damage::Bit { record: 3, from_end }).await?;
        let store = fixture.store.as_ref();
        let mut follower = Follower::new(store).await?;
        let told = follower.next_ones(7).await?;
        let expected =
            ["restored 0", "1: 1/1", "2: 1/2", "3: damaged 3..=3", "4: 1/4", "5: 1/5", "caught up"];
        ensure!(told == expected, "bit {from_end} from the end: {told:?}");

        let (_, end) = batches(LOG, 5);
        let lost = Opened::Resync(ResyncReason::StoreLost);
        let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
        ensure!(opened == lost, "{opened:?}");
        let (sent, other_end) = batches(OTHER_LOG, 1);
        let hello = hello(OTHER_LOG, other_end, Position::start(OTHER_LOG));
        let opened = store.open(hello, SESSION).await?;
        ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
        let verdict = store.admit(offer(OTHER_LOG, SESSION, sent[0].clone())).await?.verdict;
        ensure!(verdict == Verdict::Append(other_end), "{verdict:?}");
        ensure!(follower.next().await? == "6: 2/1");
        // Whoever asks for all of the log is told which record it is.
        let error = store.records(reporter(), 0, 10).await.err().context("an error")?.to_string();
        ensure!(error.contains("record 3 of reporter 04"), "{error}");
    }
    Ok(())
}

pub async fn a_record_that_is_gone_is_missed(kind: Kind) -> anyhow::Result<()> {
    for record in [1, 3, 5] {
        let fixture = Fixture::new(kind).await?;
        fill(fixture.store.as_ref(), 5).await?;
        if record > 1 {
            keep(fixture.store.as_ref(), record - 1).await?;
        }
        let fixture = fixture.damaged(Damage::Gone { record }).await?;
        let told = Follower::new(fixture.store.as_ref()).await?.next_ones(2).await?;
        let expected = format!("{record}: damaged {record}..={record}");
        ensure!(told == [format!("restored {}", record - 1), expected], "{told:?}");
    }
    Ok(())
}

/// Records that a checkpoint covers are not read at a start. An export reads them.
pub async fn damage_under_a_checkpoint_asks_for_nothing_and_stops_an_export(
    kind: Kind,
) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    fill(fixture.store.as_ref(), 5).await?;
    keep(fixture.store.as_ref(), 4).await?;
    let fixture = fixture.damaged(Damage::Bit { record: 3, from_end: 400 }).await?;
    let store = fixture.store.as_ref();
    let told = Follower::new(store).await?.next_ones(3).await?;
    ensure!(told == ["restored 4", "5: 1/5", "caught up"], "{told:?}");
    let mut writer = Writer::begin(Vec::new(), "2025-08-01 00:00".parse()?)?;
    let exported = transfer::export(store, &mut writer, |_| ()).await;
    let error = exported.err().context("an error")?.to_string();
    ensure!(error.contains("record 3 of reporter 04"), "{error}");
    // A session that would be told again what was refused of the record cannot be.
    let (_, end) = batches(LOG, 5);
    let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    ensure!(opened == Opened::Resync(ResyncReason::StoreLost), "{opened:?}");
    Ok(())
}

/// A session that is open when damage is found may not go on.
pub async fn a_session_of_a_damaged_log_ends(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    fill(fixture.store.as_ref(), 5).await?;
    let fixture = fixture.damaged(Damage::Bit { record: 2, from_end: 400 }).await?;
    let store = fixture.store.as_ref();
    let (_, end) = batches(LOG, 5);
    let opened = store.open(hello(LOG, end, end), SESSION).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
    ensure!(store.confirm(reporter(), SESSION).await? == Some(5));
    Follower::new(store).await?.next_ones(7).await?;
    ensure!(store.confirm(reporter(), SESSION).await?.is_none());
    let verdict = store.admit(offer(LOG, SESSION, batch(end, 9))).await?.verdict;
    ensure!(verdict == Verdict::Conflict(ResyncReason::StoreLost), "{verdict:?}");
    Ok(())
}

/// Damages of a cursor that each kind of store can have.
const fn cursors(kind: Kind) -> &'static [Damage] {
    match kind {
        Kind::Embedded => &[Damage::Cursor, Damage::CursorGone],
        Kind::Redis => &[Damage::Cursor, Damage::CursorGone, Damage::CursorOfAnotherType],
    }
}

/// Opens another log behind a rebuilt cursor, and returns its epoch.
async fn opened_anew(store: &dyn Store, log_epoch: u64, end: Position) -> anyhow::Result<u64> {
    let told = Hello { log_epoch, ..hello(LOG, end, end) };
    let opened = store.open(told, SESSION).await?;
    ensure!(opened == Opened::Resync(ResyncReason::LogReplaced), "{opened:?}");
    let (sent, other_end) = batches(OTHER_LOG, 1);
    let hello = hello(OTHER_LOG, other_end, Position::start(OTHER_LOG));
    let opened = store.open(hello, OTHER_SESSION).await?;
    let Opened::Welcome { cursor, .. } = opened else { anyhow::bail!("{opened:?}") };
    store.admit(offer(OTHER_LOG, OTHER_SESSION, sent[0].clone())).await?;
    Ok(cursor.log_epoch)
}

/// Without its cursor, a log is not continued; nothing is written over its records.
pub async fn a_lost_cursor_is_rebuilt_behind_all_records(kind: Kind) -> anyhow::Result<()> {
    for &damage in cursors(kind) {
        // Longer than the test: a lease of nobody would keep the collector out.
        let fixture = Fixture::leasing(kind, Duration::from_mins(1)).await?;
        fill(fixture.store.as_ref(), 5).await?;
        let fixture = fixture.damaged(damage).await?;
        let store = fixture.store.as_ref();
        let told = Follower::new(store).await?.next_ones(8).await?;
        let all = ["1: 1/1", "2: 1/2", "3: 1/3", "4: 1/4", "5: 1/5", "caught up"];
        let expected = [&["restored 0", REBUILT], &all[..]].concat();
        ensure!(told == expected, "{damage:?}: {told:?}");
        let (_, end) = batches(LOG, 5);
        ensure!(opened_anew(store, 1, end).await? == 2);
        ensure!(store.records(reporter(), 0, 10).await?.len() == 6);
    }
    Ok(())
}

/// Records may go on behind a checkpoint alone, and their epoch behind that of its cells.
pub async fn a_lost_cursor_is_rebuilt_behind_a_checkpoint(kind: Kind) -> anyhow::Result<()> {
    for &damage in cursors(kind) {
        let fixture = Fixture::new(kind).await?;
        fill(fixture.store.as_ref(), 5).await?;
        let kept = keep_bytes(fixture.store.as_ref(), 5, OF_EPOCH_7).await?;
        let all = Trim { records_through: 5, checkpoints: vec![] };
        fixture.store.trim(reporter(), all).await?;
        let fixture = fixture.damaged(damage).await?;
        let store = fixture.store.as_ref();
        let told = Follower::new(store).await?.next_ones(3).await?;
        ensure!(told == ["restored 5", REBUILT, "caught up"], "{damage:?}: {told:?}");
        let held = store.held().await?.remove(0);
        ensure!(held.cursor.receipt == Some(kept.receipt), "{held:?}");
        let (_, end) = batches(LOG, 5);
        ensure!(opened_anew(store, 7, end).await? == 8);
        ensure!(store.held().await?[0].cursor.record_count == 6);
    }
    Ok(())
}

/// The bytes of an embedded store's records, for those who look whether they were touched.
pub fn record_bytes(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let database = Database::open(path)?;
    let records = database.begin_read()?.open_table(RECORDS)?;
    let all = records.range((0, 0)..)?.map(|row| Ok(row?.1.value().to_vec()));
    all.collect()
}
