//! Reports that wait for the centre: once it holds the values of a file durably, the report says so.
//!
//! The spool knows cells and batches, not files. The values of a file lie in the batches that were
//! there when its report was written, so the file is confirmed when they are released. After a
//! restart, or in a new log, a report waits for all that the log holds by then, which is later and
//! never too early.

use std::{collections::VecDeque, ffi::OsString, io, path::PathBuf, str};

use phuxanh_core::{LogId, Timestamp, delivery::sender::LogState};
use tokio::fs;
use tracing::{debug, info};

use super::Folder;
use crate::source::{Error, filing::Place, opening::time_of, report};

/// Reports that wait at once. The oldest ones are given up beyond that, and stay as they are.
const WAITING_MAX: usize = 10_000;

/// Reports without the centre's word.
#[derive(Debug, Default)]
pub(super) struct Confirming(VecDeque<Waiting>);

#[derive(Debug, Clone)]
struct Waiting {
    report: PathBuf,
    log: LogId,
    /// Batch of the log through which the centre must hold everything.
    through: u64,
    /// Values of the log that were refused before.
    refused_count: u64,
}

impl Confirming {
    /// Lets a report wait for everything that a log holds.
    pub(super) fn wait(&mut self, report: PathBuf, log: &LogState) {
        if self.0.len() >= WAITING_MAX {
            self.0.pop_front();
        }
        let refused_count = refused_count(log);
        let (log, through) = (log.log, log.produced.sequence);
        self.0.push_back(Waiting { report, log, through, refused_count });
    }

    /// Takes the reports whose values a log has released, each with the number of values that were
    /// refused meanwhile.
    fn take(&mut self, log: &LogState) -> Vec<(PathBuf, u64)> {
        let mut taken = Vec::new();
        for waiting in std::mem::take(&mut self.0) {
            if waiting.log != log.log || log.is_restating {
                self.wait(waiting.report, log);
            } else if waiting.through <= log.released.sequence {
                let refused_count = refused_count(log).saturating_sub(waiting.refused_count);
                taken.push((waiting.report, refused_count));
            } else {
                self.0.push_back(waiting);
            }
        }
        taken
    }
}

fn refused_count(log: &LogState) -> u64 {
    log.audit.map_or(0, |audit| audit.rejected_observation_count)
}

impl Folder {
    /// Lets the reports on an accepted file wait that were written after a time, as a run before this
    /// one left them.
    pub(super) async fn await_reports(
        &mut self,
        name: &OsString,
        after: Option<Timestamp>,
    ) -> Result<(), Error> {
        let log = *self.log.borrow();
        for number in 1..self.filing.next_report(Place::Accepted, name).await? {
            let report = self.filing.report(Place::Accepted, name, number);
            let metadata = fs::metadata(&report).await.map_err(Error::io("looking at", &report))?;
            let written = time_of(&metadata).map_err(Error::io("looking at", &report))?;
            if after.is_none_or(|after| after < written) {
                self.confirming.wait(report, &log);
            }
        }
        Ok(())
    }

    /// Writes into reports that the centre holds their values. One that cannot be written, perhaps
    /// since somebody has it open, is tried again with the next scan.
    pub(super) async fn confirm_reports(&mut self, log: &LogState) {
        let now = (self.intake.clock)();
        for (path, refused_count) in self.confirming.take(log) {
            match self.confirm(&path, now, refused_count).await {
                Ok(()) => info!(report = %path.display(), "the centre holds the values of a file"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    debug!(report = %path.display(), "a report is not there any more");
                }
                Err(error) => {
                    debug!(report = %path.display(), %error, "cannot write a report: trying again");
                    self.confirming.wait(path, log);
                }
            }
        }
    }

    async fn confirm(&self, path: &PathBuf, now: Timestamp, refused: u64) -> io::Result<()> {
        // Its time tells when the file was filed, so it stays.
        let written = fs::metadata(path).await?.modified()?;
        let bytes = fs::read(path).await?;
        let text = str::from_utf8(&bytes).ok();
        let Some(text) = text.and_then(|text| report::confirmed(text, now, refused)) else {
            return Ok(());
        };
        self.filing.replace_report(path, &text, written).await
    }
}

#[cfg(test)]
mod tests {
    use phuxanh_core::{CellDigest, Position, frame::CollectorAudit};

    use super::*;

    fn log(id: u8, produced: u64, released: u64, rejected_observation_count: u64) -> LogState {
        let place = |sequence| Position { sequence, ..Position::start(LogId([id; 16])) };
        LogState {
            log: LogId([id; 16]),
            log_epoch: 1,
            produced: place(produced),
            released: place(released),
            is_restating: false,
            batch_count: produced - released,
            spool_bytes: 0,
            dead_letter_count: 0,
            complete_through: None,
            audit: Some(CollectorAudit {
                produced_through: produced,
                produced_observation_count: produced,
                rejected_observation_count,
                cells: CellDigest::default(),
            }),
        }
    }

    #[test]
    fn a_report_waits_until_its_batches_are_released() {
        let mut confirming = Confirming::default();
        confirming.wait("a".into(), &log(1, 5, 2, 7));
        confirming.wait("b".into(), &log(1, 6, 2, 7));
        assert_eq!(confirming.take(&log(1, 9, 4, 7)), []);
        assert_eq!(confirming.take(&log(1, 9, 5, 9)), [("a".into(), 2)]);
        assert_eq!(confirming.take(&log(1, 9, 9, 9)), [("b".into(), 2)]);
        assert_eq!(confirming.take(&log(1, 9, 9, 9)), []);
    }

    #[test]
    fn a_new_log_is_waited_for_as_a_whole() {
        let mut confirming = Confirming::default();
        confirming.wait("a".into(), &log(1, 5, 2, 0));
        let restating = LogState { is_restating: true, ..log(2, 3, 3, 0) };
        assert_eq!(confirming.take(&restating), [], "the first batches of it say nothing");
        assert_eq!(confirming.take(&LogState { is_restating: true, ..log(2, 8, 3, 0) }), []);
        assert_eq!(confirming.take(&log(2, 8, 7, 0)), []);
        assert_eq!(confirming.take(&log(2, 8, 8, 0)), [("a".into(), 0)]);
    }
}
