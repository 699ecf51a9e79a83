//! Retention by a clock that is not trusted deletes nothing.

use std::time::Duration;

use anyhow::ensure;
use phuxanh_aggregator::{keeper::trim, store::Store, timekeeping};
use phuxanh_core::{
    Position, Timestamp,
    delivery::{retention::Retention, timekeeping::Rules},
};

use crate::{
    fixture::{Fixture, Kind, LOG, SESSION, batches, fill, hello, wall_clock},
    promises::keep,
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

pub async fn a_clock_that_is_not_trusted_trims_nothing(kind: Kind) -> anyhow::Result<()> {
    let fixture = Fixture::new(kind).await?;
    let store = fixture.store.as_ref();
    fill(store, 4).await?;
    // The collector has heard of all refusals, or the records would stay for those.
    let (_, end): (_, Position) = batches(LOG, 4);
    store.open(hello(LOG, end, end), SESSION).await?;
    keep(store, 3).await?;
    let newest = store.held().await?[0].cursor.receipt;
    let left = first_left(store, newest).await?;
    ensure!(left == 1, "records before {left} were deleted");
    let left = first_left(store, None).await?;
    ensure!(left == 4, "records from {left} on are left by a clock that is trusted");
    Ok(())
}
