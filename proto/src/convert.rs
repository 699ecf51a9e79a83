//! Conversions between wire and model: every message is turned into checked values here, and back.
//!
//! Reading refuses what is malformed and names the field; nothing behind it checks again.

mod frame;
mod observations;
pub mod query;
mod seal;
mod storage;

use prost_types::Timestamp as WireTime;

pub use frame::{
    from_aggregator, from_collector, from_heartbeat, from_ledger, to_aggregator, to_audit,
    to_collector, to_durability, to_heartbeat, to_ledger, to_refusal,
};
pub use observations::{decode, decode_batch, decode_rows, encode, from_other_log, to_other_log};
pub use seal::{Place, Unsealed, open_cursor, open_record, seal_cursor, seal_record};
pub use storage::{from_cursor, from_record, to_cursor, to_record};

use phuxanh_core::{Basis, LocalityCode, Timestamp};

/// A field of a message that does not hold what it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}")]
pub struct FieldError {
    /// Path of the field in its message, for example `hello.log_id`.
    pub field: &'static str,
    /// Expectation that the field does not meet.
    pub expected: String,
}

impl FieldError {
    pub(crate) fn new(field: &'static str, expected: impl Into<String>) -> Self {
        Self { field, expected: expected.into() }
    }
}

/// A time as the wire has it.
#[must_use]
pub fn wire_time(time: Timestamp) -> WireTime {
    let micros = time.micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).expect("below 10^9");
    WireTime { seconds: micros.div_euclid(1_000_000), nanos }
}

/// The time of a wire message, to the microsecond below.
pub fn model_time(field: &'static str, time: &WireTime) -> Result<Timestamp, FieldError> {
    let whole = time.seconds.checked_mul(1_000_000);
    let micros = whole.and_then(|whole| whole.checked_add(i64::from(time.nanos) / 1_000));
    micros
        .and_then(|micros| Timestamp::from_micros(micros).ok())
        .ok_or_else(|| FieldError::new(field, "a time in the years 1 to 9998"))
}

fn optional_time(
    field: &'static str,
    time: Option<&WireTime>,
) -> Result<Option<Timestamp>, FieldError> {
    time.map(|time| model_time(field, time)).transpose()
}

/// The code in a field of a message.
pub fn locality(field: &'static str, text: &str) -> Result<LocalityCode, FieldError> {
    text.parse().map_err(|_| FieldError::new(field, "a locality code of 2 or 5 digits"))
}

fn bytes<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], FieldError> {
    bytes.try_into().map_err(|_| FieldError::new(field, format!("{N} bytes")))
}

/// The wire's number of a basis.
#[must_use]
pub const fn basis_number(basis: Basis) -> u32 {
    match basis {
        Basis::Reported => 0,
        Basis::Published => 1,
        Basis::Synthetic => 2,
    }
}

/// The basis of a number on the wire.
#[must_use]
pub fn basis(number: u32) -> Option<Basis> {
    [Basis::Reported, Basis::Published, Basis::Synthetic]
        .into_iter()
        .find(|basis| basis_number(*basis) == number)
}
