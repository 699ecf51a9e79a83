//! Ends of a session.

use std::time::Duration;

use crate::frame::{Durability, PROTOCOL};

/// End of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// All that was sent is acknowledged, or a resync was asked for.
    #[error("done")]
    Done,
    #[error("the first frame must be Hello, and it must come only once")]
    OutOfOrder,
    #[error("no Hello came in time")]
    NoHello,
    #[error("no frame came for {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error("hello.protocol: expected {PROTOCOL}, found {0}")]
    Protocol(u32),
    #[error(
        "hello.least_durability: this aggregator offers {offered}, the collector demands {demanded}"
    )]
    Durability { offered: Durability, demanded: Durability },
    #[error("hello.reporter: expected 00 or the code of a province in the gazetteer, found {0}")]
    Reporter(String),
    #[error(
        "batch {sequence}: expected at most {observation_count_max} observations and {payload_bytes_max} bytes"
    )]
    TooLarge { sequence: u64, observation_count_max: u32, payload_bytes_max: u32 },
    #[error("batch {found} came where {expected} was expected")]
    Gap { expected: u64, found: u64 },
    #[error("store rolled back to batch {held}; batch {applied} had been applied")]
    Regressed { held: u64, applied: u64 },
    #[error("a newer session of this reporter has taken over")]
    Fenced,
    #[error(
        "hello.host: {host} delivers for this reporter and is alive; stop one of the two collectors"
    )]
    Owned { host: String },
    #[error(
        "batch {sequence} names metrics that catalogue version {here} does not hold; the collector has version {theirs}"
    )]
    CatalogueTooOld { sequence: u64, here: u32, theirs: u32 },
    #[error("batch {sequence} must wait: {reason}")]
    Held { sequence: u64, reason: String },
}
