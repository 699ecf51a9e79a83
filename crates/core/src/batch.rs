//! Logs of batches, and positions in them that cannot be mistaken for another log's.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Timestamp;

/// Random id of a collector's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A hash over a log's id and all its batches so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain before a log's first batch.
    #[must_use]
    pub fn start(log: LogId) -> Self {
        Self(Sha256::digest(log.0).into())
    }
}

/// A place in a log: how many batches, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Number of the last batch; 0 before the first.
    pub sequence: u64,
    pub chain: Chain,
}

impl Position {
    /// The place before a log's first batch.
    #[must_use]
    pub fn start(log: LogId) -> Self {
        Self { sequence: 0, chain: Chain::start(log) }
    }

    /// The place behind a batch that continues this one.
    #[must_use]
    pub fn after(self, batch: &Batch) -> Self {
        let complete_through = batch.complete_through.map_or(0, Timestamp::micros);
        let chain = Sha256::new()
            .chain_update(self.chain.0)
            .chain_update(batch.sequence.to_be_bytes())
            .chain_update(batch.observation_count.to_be_bytes())
            .chain_update(complete_through.to_be_bytes())
            .chain_update(&batch.payload)
            .finalize();
        Self { sequence: batch.sequence, chain: Chain(chain.into()) }
    }
}

/// Observations on their way, encoded once and forwarded as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Number in its log, from 1.
    pub sequence: u64,
    /// Chain behind the batch before.
    pub previous_chain: Chain,
    /// Observations in the payload.
    pub observation_count: u32,
    /// Everything that the sources held up to this time is in this batch or an earlier one.
    pub complete_through: Option<Timestamp>,
    /// The encoded observations.
    pub payload: Bytes,
}

impl Batch {
    /// Position at which the batch claims to begin.
    #[must_use]
    pub const fn before(&self) -> Position {
        Position { sequence: self.sequence.saturating_sub(1), chain: self.previous_chain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: u64, payload: &'static [u8]) -> Batch {
        Batch {
            sequence,
            previous_chain: Chain([0; 32]),
            observation_count: 1,
            complete_through: None,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn the_chain_tells_apart_logs_orders_and_contents() {
        let start = Position::start(LogId([1; 16]));
        let both = start.after(&batch(1, b"a")).after(&batch(2, b"b"));
        let others = [
            Position::start(LogId([2; 16])).after(&batch(1, b"a")).after(&batch(2, b"b")),
            start.after(&batch(1, b"b")).after(&batch(2, b"a")),
            start.after(&batch(1, b"a")).after(&batch(2, b"c")),
            start.after(&batch(2, b"b")),
            start.after(&batch(1, b"")).after(&batch(2, b"ab")),
        ];
        assert!(others.iter().all(|other| other.chain != both.chain));
    }
}
