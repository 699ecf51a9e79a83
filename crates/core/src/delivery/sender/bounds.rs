//! Bounds of what an aggregator may ask for in a Welcome.
//!
//! A collector obeys whoever answers it, so these keep a wrong or hostile aggregator from using up
//! the collector's processor, memory or patience. A collector of these bounds can work with every
//! aggregator whose settings are valid, since those are checked by the same bounds.

use std::{fmt, ops::RangeInclusive, time::Duration};

use crate::{
    delivery::admission::EPOCH_GIVEN_MAX,
    frame::{Durability, Welcome},
};

/// Heartbeat interval. A collector that beats more seldom cannot tell that its link is gone.
pub const HEARTBEAT_INTERVAL: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_hours(1);
/// Batches on their way; more of them would not fit into the queue of a link.
pub const CREDIT_BATCH_COUNT: RangeInclusive<u32> = 1..=2_048;
/// Bytes on their way, which a collector may have to hold in memory.
pub const CREDIT_PAYLOAD_BYTES_MAX: u64 = 256 << 20;
/// Bytes of the largest batch; less than the least holds no observation.
pub const BATCH_PAYLOAD_BYTES: RangeInclusive<u32> = 64..=1 << 20;
/// Observations of the largest batch.
pub const BATCH_OBSERVATION_COUNT: RangeInclusive<u32> = 1..=100_000;
/// Epochs of a log. One beyond them would use up the numbers.
pub const LOG_EPOCH: RangeInclusive<u64> = 1..=EPOCH_GIVEN_MAX;
/// Longest time within which a `Drain` can ask to end a stream; a later deadline is cut to it.
pub const DRAIN_MAX: Duration = Duration::from_mins(5);

/// A field of a Welcome that asks for more, or for less, than a collector does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unacceptable {
    /// As the protocol names it.
    pub field: &'static str,
    pub found: String,
    pub expected: String,
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, found, expected } = self;
        write!(
            f,
            "Welcome.{field} is {found}, expected {expected}: check that aggregators names \
             the right aggregator, and its settings"
        )
    }
}

/// Checks a Welcome against the bounds and the durability that the collector demands.
pub(super) fn check(welcome: &Welcome, least: Durability) -> Result<(), Unacceptable> {
    let credit = &welcome.credit;
    // Less than the largest batch would never let one go.
    let payload_bytes = u64::from(credit.batch_payload_bytes_max)..=CREDIT_PAYLOAD_BYTES_MAX;
    within("heartbeat_interval", &welcome.heartbeat_interval, &HEARTBEAT_INTERVAL)?;
    within("log_epoch", &welcome.log_epoch, &LOG_EPOCH)?;
    within("credit.batch_count_max", &credit.batch_count_max, &CREDIT_BATCH_COUNT)?;
    within(
        "credit.batch_payload_bytes_max",
        &credit.batch_payload_bytes_max,
        &BATCH_PAYLOAD_BYTES,
    )?;
    within(
        "credit.batch_observation_count_max",
        &credit.batch_observation_count_max,
        &BATCH_OBSERVATION_COUNT,
    )?;
    within("credit.payload_bytes_max", &credit.payload_bytes_max, &payload_bytes)?;
    if welcome.durability < least {
        return Err(Unacceptable {
            field: "durability",
            found: welcome.durability.to_string(),
            expected: format!("{least} or more"),
        });
    }
    Ok(())
}

fn within<T: PartialOrd + fmt::Debug>(
    field: &'static str,
    found: &T,
    bounds: &RangeInclusive<T>,
) -> Result<(), Unacceptable> {
    if bounds.contains(found) {
        return Ok(());
    }
    let expected = format!("{:?} to {:?}", bounds.start(), bounds.end());
    Err(Unacceptable { field, found: format!("{found:?}"), expected })
}
