//! Retention deletes nothing by a clock that is not trusted, and nothing that only a checkpoint holds
//! which cannot be read.

use std::time::Duration;

use anyhow::ensure;
use phuxanh_aggregator::{checkpoint, keeper::trim, store::Store, timekeeping};
use phuxanh_core::{
    Position, Timestamp,
    delivery::{retention::Retention, timekeeping::Rules},
    figures::fold::Fold,
};

use crate::{
    fixture::{Fixture, Kind, LOG, SESSION, batches, fill, hello, wall_clock},
    promises::{keep, keep_bytes},
};

const DAY: Duration = Duration::from_hours(24);
const RETENTION: Retention = Retention { checkpoint_every: 1, records: DAY, days: DAY };

/// A clock that is two years ahead.
fn ahead() -> Timestamp {
    wall_clock().plus(730 * DAY)
}

/// First record that is left once the clock is looked at beside a newest receipt.
async fn first_left(store: &dyn Store, newest: Option<Timestamp>) -> anyhow::Result<u64> {
    let rules = Rules { offset_max: Duration::from_secs(30), gap_max: DAY };
    let (timekeeping, _looking) = timekeeping::start(rules, ahead, newest);
    trim(&RETENTION, ahead, &timekeeping, store).await?;
    Ok(store.held().await?[0].first_record)
}

/// A checkpoint that can be read, of whatever records.
fn readable() -> Vec<u8> {
    checkpoint::encode(&Fold::default())
}

/// A log of four records that are old enough to go, of which the collector has heard everything.
async fn filled(store: &dyn Store) -> anyhow::Result<()> {
    fill(store, 4).await?;
    let (_, end): (_, Position) = batches(LOG, 4);
    store.open(hello(LOG, end, end), SESSION).await?;
    Ok(())
}

pub async fn a_clock_that_is_not_trusted_trims_nothing(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    filled(store).await?;
    keep_bytes(store, 3, &readable()).await?;
    let newest = store.held().await?[0].cursor.receipt;
    let left = first_left(store, newest).await?;
    ensure!(left == 1, "records before {left} were deleted");
    let left = first_left(store, None).await?;
    ensure!(left == 4, "records from {left} on are left by a clock that is trusted");
    Ok(())
}

pub async fn records_of_a_checkpoint_that_cannot_be_read_stay(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    filled(store).await?;
    keep_bytes(store, 2, &readable()).await?;
    keep(store, 3).await?;
    let left = first_left(store, None).await?;
    ensure!(left == 1, "records before {left} were deleted");
    let kept = store.held().await?[0].checkpoints.len();
    ensure!(kept == 2, "{kept} checkpoints are left");
    keep_bytes(store, 4, &readable()).await?;
    let left = first_left(store, None).await?;
    ensure!(left == 5, "records from {left} on are left");
    Ok(())
}
