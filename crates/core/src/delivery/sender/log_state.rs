//! The spool's word on its log.

use crate::{
    LogId, Position, Timestamp,
    frame::{CollectorAudit, ResyncReason},
};

/// The spool's word on its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    pub log: LogId,
    /// 0 before the first Welcome.
    pub log_epoch: u64,
    pub produced: Position,
    pub released: Position,
    /// True if cells remain to be restated in this log.
    pub is_restating: bool,
    pub batch_count: u64,
    pub spool_bytes: u64,
    pub dead_letter_count: u64,
    pub complete_through: Option<Timestamp>,
    /// The log's side of the audit.
    pub audit: Option<CollectorAudit>,
}

impl LogState {
    /// True if the same log was in this state before it was in `other`. Within a log, none of what
    /// is compared goes back.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        self.log == other.log
            && (self.produced.sequence < other.produced.sequence
                || self.released.sequence < other.released.sequence
                || self.log_epoch < other.log_epoch
                || (self.is_restating && !other.is_restating))
    }

    /// Reason why the aggregator's position cannot be in this log, judged by the log's two ends.
    /// Positions between them are checked against the next batch.
    pub(super) fn mismatch(&self, applied: Position) -> Option<ResyncReason> {
        let broken = |end: Position| end.sequence == applied.sequence && end.chain != applied.chain;
        if applied.sequence > self.produced.sequence {
            Some(ResyncReason::LogRegressed)
        } else if applied.sequence < self.released.sequence {
            Some(ResyncReason::StoreLost)
        } else if broken(self.produced) || broken(self.released) {
            Some(ResyncReason::ChainBroken)
        } else {
            None
        }
    }
}
