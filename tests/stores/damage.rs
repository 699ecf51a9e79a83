//! A record that a disk or a server has changed is never used: it is named, and its log is replaced.

use std::path::Path;

use anyhow::{Context, ensure};
use phuxanh_aggregator::transfer::{self, Writer};
use phuxanh_core::{
    LogId, Position,
    delivery::admission::{Opened, Verdict},
    frame::{ResyncReason, SessionId},
};
use phuxanh_tests::harness::Redis;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::{
    fixture::{
        Fixture, Follower, Kind, LOG, SESSION, batch, batches, fill, hello, offer, reporter,
    },
    promises::keep,
};

const OTHER_LOG: LogId = LogId([2; 16]);
const OTHER_SESSION: SessionId = SessionId([2; 16]);
const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");
const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");
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
    /// A bit of the cursor; only in a file.
    Cursor,
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
            Self::Cursor => anyhow::bail!("a cursor in redis has no hash"),
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

/// Without its cursor, a log is not continued; nothing is written over its records.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_cursor_is_made_anew_behind_all_records() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Embedded).await?;
    fill(fixture.store.as_ref(), 5).await?;
    let fixture = fixture.damaged(Damage::Cursor).await?;
    let store = fixture.store.as_ref();
    let (_, end) = batches(LOG, 5);
    let told = hello(LOG, end, end);
    let opened = store.open(phuxanh_core::frame::Hello { log_epoch: 1, ..told }, SESSION);
    let opened = opened.await?;
    ensure!(opened == Opened::Resync(ResyncReason::LogReplaced), "{opened:?}");
    let (sent, other_end) = batches(OTHER_LOG, 1);
    let hello = hello(OTHER_LOG, other_end, Position::start(OTHER_LOG));
    let opened = store.open(hello, OTHER_SESSION).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
    store.admit(offer(OTHER_LOG, OTHER_SESSION, sent[0].clone())).await?;
    ensure!(store.records(reporter(), 0, 10).await?.len() == 6);
    Ok(())
}

/// The bytes of an embedded store's records, for those who look whether they were touched.
pub fn record_bytes(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let database = Database::open(path)?;
    let records = database.begin_read()?.open_table(RECORDS)?;
    let all = records.range((0, 0)..)?.map(|row| Ok(row?.1.value().to_vec()));
    all.collect()
}
