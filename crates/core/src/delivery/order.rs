//! Order of the frames in an export.
//!
//! Both ends of the file keep to it: what does not follow is a store that changed while it was
//! exported, or a file that no export has written.

use super::log::Reference;
use crate::{Cursor, LocalityCode, LogId, Position, Record, Timestamp};

/// Content of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Reference(Reference),
    Reporter { reporter: LocalityCode, cursor: Cursor, first_record: u64 },
    Record(Record),
    Checkpoint { record_count: u64, receipt: Timestamp, bytes: Vec<u8> },
}

/// Reason why a frame may not follow those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    #[error("a catalogue or gazetteer is out of order: they come first, by rising digest")]
    Reference,
    #[error("reporter {0} is out of order: reporters come by rising code")]
    Reporter(LocalityCode),
    #[error("record {number} of {reporter} does not continue the log")]
    Record { reporter: LocalityCode, number: u64 },
    #[error("the checkpoint of {reporter} behind {record_count} records is out of order")]
    Checkpoint { reporter: LocalityCode, record_count: u64 },
    #[error("the log of {reporter} ends behind {found} records, its cursor says {expected}")]
    Short { reporter: LocalityCode, found: u64, expected: u64 },
    #[error("the log of {0} does not end where its cursor stands")]
    End(LocalityCode),
    #[error("a record or checkpoint comes before the first reporter")]
    Ownerless,
}

/// Follows an export frame by frame.
#[derive(Debug, Default)]
pub struct Order {
    reference: Option<[u8; 32]>,
    log: Option<Log>,
}

/// Position in the log of the reporter in turn.
#[derive(Debug)]
struct Log {
    reporter: LocalityCode,
    cursor: Cursor,
    /// Records through this number were seen, or are trimmed.
    through: u64,
    /// End of the last record seen.
    end: Option<(LogId, Position)>,
    /// Its receipt time.
    receipt: Option<Timestamp>,
    /// Record count of the last checkpoint seen.
    checkpoint: u64,
}

impl Order {
    /// Takes the next frame.
    pub fn follow(&mut self, frame: &Frame) -> Result<(), Misplaced> {
        match frame {
            Frame::Reference((digest, _)) => {
                let follows = self.reference.is_none_or(|last| last < *digest);
                if self.log.is_some() || !follows {
                    return Err(Misplaced::Reference);
                }
                self.reference = Some(*digest);
                Ok(())
            }
            Frame::Reporter { reporter, cursor, first_record } => {
                self.end()?;
                let follows = self.log.as_ref().is_none_or(|last| last.reporter < *reporter);
                let through = first_record.checked_sub(1);
                match through.filter(|through| follows && *through <= cursor.record_count) {
                    None => Err(Misplaced::Reporter(*reporter)),
                    Some(through) => {
                        self.log = Some(Log::new(*reporter, cursor.clone(), through));
                        Ok(())
                    }
                }
            }
            Frame::Record(record) => self.log()?.record(record),
            Frame::Checkpoint { record_count, .. } => self.log()?.checkpoint(*record_count),
        }
    }

    /// Nothing more follows, or another reporter.
    pub fn end(&self) -> Result<(), Misplaced> {
        self.log.as_ref().map_or(Ok(()), Log::whole)
    }

    fn log(&mut self) -> Result<&mut Log, Misplaced> {
        self.log.as_mut().ok_or(Misplaced::Ownerless)
    }
}

impl Log {
    const fn new(reporter: LocalityCode, cursor: Cursor, through: u64) -> Self {
        Self { reporter, cursor, through, end: None, receipt: None, checkpoint: 0 }
    }

    /// A batch continues its log, or begins another; receipt times rise.
    fn record(&mut self, record: &Record) -> Result<(), Misplaced> {
        let before = record.batch.before();
        let is_next = self.end.is_none_or(|(log, position)| {
            before == Position::start(record.log) || (record.log, before) == (log, position)
        });
        let is_later = self.receipt < Some(record.receipt);
        let number = self.through + 1;
        if !is_next || !is_later || number > self.cursor.record_count || self.checkpoint > 0 {
            return Err(Misplaced::Record { reporter: self.reporter, number });
        }
        self.through = number;
        self.receipt = Some(record.receipt);
        self.end = Some((record.log, before.after(&record.batch)));
        Ok(())
    }

    fn checkpoint(&mut self, record_count: u64) -> Result<(), Misplaced> {
        self.whole()?;
        if record_count <= self.checkpoint || record_count > self.cursor.record_count {
            return Err(Misplaced::Checkpoint { reporter: self.reporter, record_count });
        }
        self.checkpoint = record_count;
        Ok(())
    }

    /// All records through the cursor were seen, and the last one of the log in force is where it
    /// stands.
    fn whole(&self) -> Result<(), Misplaced> {
        let Cursor { log, position, record_count: expected, .. } = &self.cursor;
        let (reporter, found) = (self.reporter, self.through);
        if found < *expected {
            return Err(Misplaced::Short { reporter, found, expected: *expected });
        }
        // A log that was only opened has no record yet, and one whose records are trimmed has none
        // any more.
        match self.end {
            Some(end) if position.sequence > 0 && end != (*log, *position) => {
                Err(Misplaced::End(reporter))
            }
            Some(_) | None => Ok(()),
        }
    }
}
