//! Records that cannot be used, and what becomes of their log.
//!
//! A damaged record is passed over: it is neither folded nor told. Cells are absolute values, so the
//! records around it stay right without it. Every log holds all cells of its collector, since it
//! begins empty or by restating them. So where the record is of the log in force, another log is
//! asked for, and where it is of an earlier one, only history is lost.

use std::ops::RangeInclusive;

use crate::{Cursor, LocalityCode};

/// Fault of a value at rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it cannot be decoded: {0}")]
    Undecodable(String),
    #[error("it has no hash")]
    Unsealed,
    #[error("checksum mismatch")]
    Mismatch,
    #[error("it is missing")]
    Missing,
}

/// A stretch of a reporter's records that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    pub reporter: LocalityCode,
    pub records: RangeInclusive<u64>,
    /// The same records as batches of the log in force; `None` where all are of earlier logs.
    pub batches: Option<RangeInclusive<u64>>,
    /// Fault of the first of them.
    pub fault: Fault,
}

impl Damaged {
    /// Damaged records of the log that a cursor is of.
    #[must_use]
    pub fn new(
        reporter: LocalityCode,
        cursor: &Cursor,
        records: RangeInclusive<u64>,
        fault: Fault,
    ) -> Self {
        let earlier = cursor.record_count.saturating_sub(cursor.position.sequence);
        let first = (earlier + 1).max(*records.start());
        let batches = (first <= *records.end()).then(|| first - earlier..=*records.end() - earlier);
        Self { reporter, records, batches, fault }
    }

    /// Takes in a stretch that follows; false where it does not follow.
    pub fn extend(&mut self, next: &Self) -> bool {
        let follows = *next.records.start() == self.records.end() + 1;
        if follows {
            self.records = *self.records.start()..=*next.records.end();
            self.batches = match (&self.batches, &next.batches) {
                (Some(here), Some(there)) => Some(*here.start()..=*there.end()),
                (here, there) => here.clone().or_else(|| there.clone()),
            };
        }
        follows
    }
}

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reporter, records, batches, fault } = self;
        write!(f, "{} of reporter {reporter}", Numbers("record", records))?;
        match batches {
            Some(batches) => write!(f, " ({} of the log in force)", Numbers("batch", batches))?,
            None => f.write_str(" (of an earlier log)")?,
        }
        write!(f, " cannot be used: {fault}")
    }
}

impl std::error::Error for Damaged {}

/// One number or a range of them, behind its noun.
struct Numbers<'a>(&'a str, &'a RangeInclusive<u64>);

impl std::fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(noun, numbers) = self;
        let (first, last) = (numbers.start(), numbers.end());
        if first == last {
            write!(f, "{noun} {first}")
        } else {
            write!(f, "{noun} {first} to {last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Chain, LogId, Position, frame::SessionId};

    use super::*;

    fn damaged(records: RangeInclusive<u64>) -> Damaged {
        let cursor = Cursor {
            log: LogId([1; 16]),
            log_epoch: 1,
            position: Position { sequence: 4, chain: Chain([0; 32]) },
            session: SessionId([1; 16]),
            host: String::new(),
            released: 0,
            record_count: 10,
            receipt: None,
            damaged: None,
        };
        Damaged::new("04".parse().expect("a code"), &cursor, records, Fault::Mismatch)
    }

    #[test]
    fn records_are_named_with_their_batches_of_the_log_in_force() {
        let named = |records| damaged(records).to_string();
        assert_eq!(
            named(8..=8),
            "record 8 of reporter 04 (batch 2 of the log in force) cannot be used: checksum mismatch"
        );
        assert!(named(5..=9).starts_with("record 5 to 9 of reporter 04 (batch 1 to 3 of"));
        assert!(named(6..=6).contains("(of an earlier log)"));
    }

    #[test]
    fn stretches_that_follow_each_other_are_one() {
        let mut stretch = damaged(6..=6);
        assert!(!stretch.extend(&damaged(8..=8)));
        assert!(stretch.extend(&damaged(7..=8)));
        assert_eq!((stretch.records, stretch.batches), (6..=8, Some(1..=2)));
    }
}
