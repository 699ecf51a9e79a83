//! The promises of delivery, and what breaks one.

use std::fmt;

/// A promise. The numbers are those of `docs/delivery.md`, whose I11 concerns
/// processes and is shown by their tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: what was appended ends as applied, repeated, superseded or dead-lettered.
    NoLoss,
    /// I2: cells are the fold of the log, and that is the naive latest of all observations.
    ExactlyOnce,
    /// I3: what a collector was told to be durable stays, or it is told otherwise first.
    AckSoundness,
    /// I4: log and cursor are read as one; replicas at one position hold equal cells.
    OneRead,
    /// I5: after a new session is welcomed, no older one writes.
    Fencing,
    /// I6: cursors never fall; durable ≤ applied ≤ sent ≤ produced.
    Order,
    /// I7: memory and spool are bounded.
    Bounds,
    /// I8: what is refused lies in the dead letters exactly once and delays nothing.
    Poison,
    /// I9: both ends count the same and hold the same cells.
    Books,
    /// I10: when faults stop, everything drains and new observations become visible.
    Liveness,
    /// I12: a cloned or restored spool is noticed; nothing of it mixes into another's log.
    Clones,
    /// I13: a wrong clock stamps nothing once anything tells that it is wrong.
    Clocks,
}

impl Invariant {
    /// All promises.
    pub const ALL: &[Self] = &[
        Self::NoLoss,
        Self::ExactlyOnce,
        Self::AckSoundness,
        Self::OneRead,
        Self::Fencing,
        Self::Order,
        Self::Bounds,
        Self::Poison,
        Self::Books,
        Self::Liveness,
        Self::Clones,
        Self::Clocks,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLoss => "I1",
            Self::ExactlyOnce => "I2",
            Self::AckSoundness => "I3",
            Self::OneRead => "I4",
            Self::Fencing => "I5",
            Self::Order => "I6",
            Self::Bounds => "I7",
            Self::Poison => "I8",
            Self::Books => "I9",
            Self::Liveness => "I10",
            Self::Clones => "I12",
            Self::Clocks => "I13",
        })
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {detail}")]
pub struct Violation {
    pub invariant: Invariant,
    pub detail: String,
}

impl Invariant {
    /// Holds a step against the promise.
    ///
    /// # Errors
    /// If `holds` is false.
    pub fn check(self, holds: bool, detail: impl FnOnce() -> String) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(Violation { invariant: self, detail: detail() }) }
    }
}
