//! Records of a reporter as an aggregator keeps them, and the cursor of their log.

use super::{
    Batch, LogId, Position, Timestamp,
    frame::{BatchResult, SessionId},
};

/// One admitted batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Time of receipt; rises from record to record of a reporter.
    pub receipt: Timestamp,
    pub log: LogId,
    pub log_epoch: u64,
    /// The batch as received.
    pub batch: Batch,
    /// Refused observations of it, if any.
    pub result: Option<BatchResult>,
    /// Host that delivered it.
    pub host: String,
    /// Catalogue that it was checked against.
    pub catalogue_digest: [u8; 32],
    pub gazetteer_digest: [u8; 32],
}

/// Position of a reporter's log, and the session that may continue it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub log: LogId,
    /// The highest epoch given to the reporter.
    pub log_epoch: u64,
    pub position: Position,
    /// Session that owns the log.
    pub session: SessionId,
    /// Host of that session.
    pub host: String,
    /// Last batch of the log in force that the collector had released when it said Hello. Its
    /// refusals behind that may have to be told again.
    pub released: u64,
    /// Records in the reporter's log.
    pub record_count: u64,
    /// Receipt time of the last one.
    pub receipt: Option<Timestamp>,
    /// Log in force when one of its records was found damaged. Its collector begins another log,
    /// which restates what was in the record.
    pub damaged: Option<LogId>,
}

/// Log of a rebuilt cursor; no collector has one with this id.
const NO_LOG: LogId = LogId([0; 16]);

impl Cursor {
    /// Cursor for a log whose own cursor was lost or is damaged: behind all records, with the highest
    /// epoch and the newest receipt among them. It is of no log that a collector has, so the next
    /// Hello leads to a new log, in which the collector restates its cells.
    #[must_use]
    pub fn rebuilt(record_count: u64, log_epoch: u64, receipt: Option<Timestamp>) -> Self {
        Self {
            log: NO_LOG,
            log_epoch,
            position: Position::start(NO_LOG),
            session: SessionId([0; 16]),
            host: String::new(),
            released: 0,
            record_count,
            receipt,
            damaged: None,
        }
    }

    /// True if the cursor was rebuilt, and no collector has begun a new log since.
    #[must_use]
    pub fn is_rebuilt(&self) -> bool {
        self.log == NO_LOG
    }
}
