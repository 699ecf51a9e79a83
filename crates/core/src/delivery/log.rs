//! Parts of a reporter's log, for those who keep, follow, trim or move it.

use super::damage::Damaged;
use crate::{Cursor, LocalityCode, Timestamp, figures::fold};

/// Position of a reader in a reporter's log of records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// Records read.
    pub record_count: u64,
    /// A hash over all of them, where the store can lose its tail and go on differently; empty
    /// where it cannot.
    pub tip: String,
}

/// A folded log as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub mark: Mark,
    /// Receipt time of the last record in it.
    pub receipt: Timestamp,
    pub bytes: Vec<u8>,
}

/// A checkpoint without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointHead {
    pub record_count: u64,
    pub receipt: Timestamp,
}

/// A record that is in the log to stay, decoded.
#[derive(Debug)]
pub struct Committed {
    pub reporter: LocalityCode,
    /// Behind it.
    pub mark: Mark,
    pub record: fold::Record,
}

/// Event that a follower of the logs is told.
#[derive(Debug)]
pub enum Event {
    /// Fold this reporter anew: from a checkpoint, or from nothing.
    Restored { reporter: LocalityCode, checkpoint: Option<Checkpoint> },
    /// The next record.
    Committed(Box<Committed>),
    /// Records that cannot be used. They are passed over where they come next: the mark is behind
    /// them.
    Damaged { damaged: Damaged, mark: Mark, found: Timestamp },
    /// Another value of the reporter's log, a checkpoint or its cursor, cannot be used. It was set
    /// aside or rebuilt, as the detail says.
    SetAside { reporter: LocalityCode, detail: String, found: Timestamp },
    /// All that the store held at the start has been told.
    CaughtUp,
}

/// Content of a reporter's log at rest, for moving it to another store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub reporter: LocalityCode,
    pub cursor: Cursor,
    /// Records by rising number.
    pub checkpoints: Vec<CheckpointHead>,
    /// Number of the oldest record that is still there; one more than the cursor's count where
    /// none is.
    pub first_record: u64,
}

/// Parts of a reporter's log that trimming removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trim {
    /// Records through this number go.
    pub records_through: u64,
    /// Checkpoints behind so many records go.
    pub checkpoints: Vec<u64>,
}

/// A catalogue or gazetteer file by its SHA-256.
pub type Reference = ([u8; 32], Vec<u8>);

/// Digests of what batches are checked against, noted in every record.
#[derive(Debug, Clone, Copy)]
pub struct References {
    pub catalogue_digest: [u8; 32],
    pub gazetteer_digest: [u8; 32],
}
