//! A store that was exported and imported is the one that it was, of whichever kind both are.

use std::time::Duration;

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_aggregator::{
    checkpoint,
    store::Store,
    transfer::{self, Changes, Error, Reader, Writer},
};
use phuxanh_core::{
    Position, Record,
    delivery::{
        admission::{Offer, Opened},
        log::{Checkpoint, Held, Reference, Trim},
    },
    figures::fold::{self, Fold},
};
use phuxanh_proto::convert;

use crate::{
    fixture::{
        Fixture, Kind, LOG, SESSION, batch, batches, fill, hello, offer, reference, reporter,
    },
    model::Model,
    promises::{keep, keep_bytes},
};

const YEARS: Duration = Duration::from_hours(3 * 365 * 24);
const SEED: u64 = 20_250_731;
/// Random histories that are moved to each kind of store, and the steps of one.
const HISTORIES: u64 = 4;
const STEPS: usize = 120;
/// A number of records above what is moved at once.
const MANY: u64 = 150;

/// All that is asked of a store at rest.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    held: Vec<Held>,
    records: Vec<Record>,
    checkpoints: Vec<(u64, Vec<u8>)>,
    references: Vec<Reference>,
}

async fn contents(store: &dyn Store) -> anyhow::Result<Contents> {
    let held = store.held().await?;
    let mut checkpoints = Vec::new();
    for head in held.iter().flat_map(|held| &held.checkpoints) {
        let kept = store.checkpoint(reporter(), head.record_count).await?.context("kept")?;
        ensure!(kept.receipt == head.receipt);
        checkpoints.push((head.record_count, kept.bytes));
    }
    let records = store.records(reporter(), 0, 10_000).await?;
    Ok(Contents { held, records, checkpoints, references: store.references().await? })
}

async fn export(store: &dyn Store) -> anyhow::Result<Vec<u8>> {
    let begun = "2025-08-01 00:00".parse()?;
    let mut writer = Writer::begin(Vec::new(), begun)?;
    transfer::export(store, &mut writer, |_| ()).await?;
    Ok(writer.finish()?.0)
}

async fn import(store: &dyn Store, file: &[u8]) -> Result<(), Error> {
    let mut reader = Reader::begin(file)?;
    transfer::import(store, &mut reader, &Changes::default(), |_, _, _| ()).await.map(drop)
}

/// Makes random Hellos and batches, with checkpoints, some of it trimmed.
async fn history(kind: Kind, seed: u64) -> anyhow::Result<Fixture> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    let mut random = Rng::with_seed(seed);
    let mut model = Model::new(seed);
    for _ in 0..STEPS {
        model.step(store).await?;
    }
    for id in 1..=random.u8(1..4) {
        store.keep_reference(reference(&[id; 100])).await?;
    }
    let count = store.held().await?[0].cursor.record_count;
    ensure!(count > 6, "only {count} records");
    let mut kept = vec![];
    for record_count in (1..=count).filter(|_| random.u8(0..4) == 0) {
        keep(store, record_count).await?;
        kept.push(record_count);
    }
    if let Some(&base) = random.choice(&kept) {
        // Days that lie behind the records, of which one goes.
        let checkpoints = kept.iter().copied().take_while(|it| *it < base).take(1).collect();
        store.trim(reporter(), Trim { records_through: base, checkpoints }).await?;
    }
    Ok(fixture)
}

/// From either kind of store, by way of the other.
pub async fn what_is_exported_is_imported_as_it_was(kind: Kind) -> anyhow::Result<()> {
    for seed in SEED..SEED + HISTORIES {
        for from in [Kind::Embedded, Kind::Redis] {
            let from = history(from, seed).await?;
            let file = export(from.store.as_ref()).await?;
            let to = Fixture::new(kind).await?;
            import(to.store.as_ref(), &file).await?;
            let (before, after) =
                (contents(from.store.as_ref()).await?, contents(to.store.as_ref()).await?);
            ensure!(before == after, "seed {seed}: {before:?} became {after:?}");
            ensure!(export(to.store.as_ref()).await? == file, "seed {seed}: the files differ");
            follows_alike(from.store.as_ref(), to.store.as_ref())
                .await
                .with_context(|| format!("seed {seed}"))?;
        }
    }
    Ok(())
}

/// Fold of all records of a store.
async fn folded(store: &dyn Store) -> anyhow::Result<Fold> {
    let mut fold = Fold::default();
    for record in store.records(reporter(), 0, 100).await? {
        fold.apply(&fold::Record::read(&record, convert::decode_batch));
    }
    Ok(fold)
}

/// A clock that was years ahead has stamped the last records. After the repair, records, cursor and
/// checkpoints agree, and what is received next is stamped by the clock again.
pub async fn receipts_of_a_wrong_clock_are_repaired(kind: Kind) -> anyhow::Result<()> {
    let from = Fixture::new(kind).await?;
    let store = from.store.as_ref();
    fill(store, 3).await?;
    let latest = store.held().await?[0].cursor.receipt.context("a receipt")?;
    let (mut end, ahead) = (batches(LOG, 3).1, latest.plus(YEARS));
    for value in [7, 8] {
        let next = batch(end, value);
        end = end.after(&next);
        store.admit(Offer { received: ahead, ..offer(LOG, SESSION, next) }).await?;
    }
    keep_bytes(store, 5, &checkpoint::encode(&folded(store).await?)).await?;
    let file = export(store).await?;

    let to = Fixture::new(kind).await?;
    let store = to.store.as_ref();
    let mut restamped = 0;
    let mut reader = Reader::begin(&file[..])?;
    let changes = Changes { latest_receipt: Some(latest), ..Changes::default() };
    transfer::import(store, &mut reader, &changes, |_, _, count| restamped = count).await?;
    let receipts: Vec<_> =
        store.records(reporter(), 0, 9).await?.iter().map(|record| record.receipt).collect();
    let behind = |micros| latest.plus(Duration::from_secs(1) + Duration::from_micros(micros));
    ensure!(restamped == 2 && receipts[2..] == [latest, behind(0), behind(1)], "{receipts:?}");
    let kept = store.checkpoint(reporter(), 5).await?.context("a checkpoint")?;
    ensure!(kept.receipt == behind(1) && checkpoint::decode(&kept.bytes)? == folded(store).await?);

    let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
    let now = latest.plus(Duration::from_hours(1));
    store.admit(Offer { received: now, ..offer(LOG, SESSION, batch(end, 9)) }).await?;
    ensure!(store.held().await?[0].cursor.receipt == Some(now));
    Ok(())
}

/// A reporter that is left out has no log: its collector is asked to begin a new one, and restates.
pub async fn a_reporter_is_left_out(kind: Kind) -> anyhow::Result<()> {
    let from = Fixture::new(Kind::Embedded).await?;
    fill(from.store.as_ref(), 3).await?;
    let end = from.store.held().await?[0].cursor.position;
    let file = export(from.store.as_ref()).await?;
    let to = Fixture::new(kind).await?;
    let store = to.store.as_ref();
    let changes = Changes { without: [reporter()].into(), ..Changes::default() };
    let mut reader = Reader::begin(&file[..])?;
    let left_out = transfer::import(store, &mut reader, &changes, |_, _, _| ()).await?;
    ensure!(left_out == [(reporter(), 3)], "{left_out:?}");
    let held = store.held().await?;
    ensure!(held.iter().all(|held| held.cursor.record_count == 0), "{held:?}");
    let opened = store.open(hello(LOG, end, end), SESSION).await?;
    let is_lost = matches!(opened, Opened::Resync(phuxanh_core::frame::ResyncReason::StoreLost));
    ensure!(is_lost, "{opened:?}");
    Ok(())
}

/// Both tell a follower the same, so both fold to the same.
async fn follows_alike(from: &dyn Store, to: &dyn Store) -> anyhow::Result<()> {
    let told = async |store: &dyn Store| {
        let mut follower = crate::fixture::Follower::new(store).await?;
        let mut told = Vec::new();
        while told.last().is_none_or(|last| last != "caught up") {
            told.push(follower.next().await?);
        }
        anyhow::Ok(told)
    };
    let (before, after) = (told(from).await?, told(to).await?);
    ensure!(before == after, "{before:?} became {after:?}");
    Ok(())
}

pub async fn a_long_log_is_moved_page_by_page_and_goes_on(kind: Kind) -> anyhow::Result<()> {
    let from = Fixture::new(Kind::Embedded).await?;
    fill(from.store.as_ref(), MANY).await?;
    let to = Fixture::new(kind).await?;
    import(to.store.as_ref(), &export(from.store.as_ref()).await?).await?;
    ensure!(contents(from.store.as_ref()).await? == contents(to.store.as_ref()).await?);
    let end = to.store.held().await?[0].cursor.position;
    let admitted = to.store.admit(offer(LOG, SESSION, batch(end, 1))).await?;
    ensure!(to.store.held().await?[0].cursor.record_count == MANY + 1, "{admitted:?}");
    Ok(())
}

pub async fn a_store_that_holds_anything_is_not_imported_into(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    let nothing = export(store).await.err().context("there is nothing")?;
    ensure!(nothing.to_string().starts_with("the store holds no reporter's log"), "{nothing}");
    fill(store, 3).await?;
    let (before, file) = (contents(store).await?, export(store).await?);
    let error = import(store, &file).await.err().context("it is not empty")?;
    ensure!(error.to_string() == "the store is not empty: import into a new one", "{error}");
    ensure!(contents(store).await? == before);
    Ok(())
}

/// An import ends half-way: the store says of the log that none is in force, so that a collector
/// restates its cells, and whoever imports again is told to begin with an empty store.
pub async fn half_an_import_is_nobodys_log(kind: Kind) -> anyhow::Result<()> {
    let from = Fixture::new(Kind::Embedded).await?;
    fill(from.store.as_ref(), MANY).await?;
    let file = export(from.store.as_ref()).await?;
    let whole = from.store.held().await?.remove(0).cursor;
    let to = Fixture::new(kind).await?;
    let store = to.store.as_ref();
    let cut = import(store, &file[..file.len() / 2]).await;
    ensure!(matches!(cut, Err(Error::File(_))), "{cut:?}");
    let cursor = store.held().await?.remove(0).cursor;
    ensure!(cursor.log != LOG && cursor.record_count == 64, "{cursor:?}");
    ensure!(cursor.log_epoch == whole.log_epoch);
    ensure!(import(store, &file).await.is_err());
    Ok(())
}

/// A checkpoint of a tail that a failover lost is none of the log that went on.
#[tokio::test]
async fn a_foreign_checkpoint_stays_behind() -> anyhow::Result<()> {
    let from = Fixture::new(Kind::Redis).await?;
    let store = from.store.as_ref();
    fill(store, 6).await?;
    keep(store, 2).await?;
    keep(store, 4).await?;
    let kept = store.checkpoint(reporter(), 4).await?.context("kept")?;
    let mark = phuxanh_core::delivery::log::Mark { tip: "another".to_owned(), ..kept.mark };
    store.keep(reporter(), Checkpoint { mark, ..kept }).await?;
    let to = Fixture::new(Kind::Embedded).await?;
    import(to.store.as_ref(), &export(store).await?).await?;
    let held = to.store.held().await?.remove(0);
    let counts: Vec<_> = held.checkpoints.iter().map(|head| head.record_count).collect();
    ensure!(counts == [2], "{counts:?}");
    Ok(())
}
