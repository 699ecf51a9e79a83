//! The clock: the one place that reads the time of day.

use phuxanh_core::Timestamp;

/// A function that tells the time. Tests bring their own.
pub type Clock = fn() -> Timestamp;

/// The time of day by this machine.
///
/// # Panics
/// On a machine whose clock shows a year before 1 or after 9998.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the shell's clock")]
pub fn now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock after 1970");
    let micros = i64::try_from(since_1970.as_micros()).expect("a clock before the year 9999");
    Timestamp::from_micros(micros).expect("a clock before the year 9999")
}
