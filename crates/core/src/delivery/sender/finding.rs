//! When to ask the aggregator what superseded values of the log.

use std::time::Duration;

use super::{LogState, Output};
use crate::{Now, frame::Ledger};

/// State of the question. The time of the next one outlives streams, so that no aggregator can have
/// it asked, and answered to officers, all the time.
#[derive(Debug, Default)]
pub(super) struct Finding {
    is_asked: bool,
    /// Superseded observations for which the open stream was asked.
    count: u64,
    next: Duration,
}

impl Finding {
    /// A stream has opened: what an earlier one was asked for may never have been answered.
    pub(super) const fn opened(&mut self) {
        self.is_asked = false;
        self.count = 0;
    }

    /// The question was answered, or could not be.
    pub(super) const fn answered(&mut self) {
        self.is_asked = false;
    }

    /// Asks where more is superseded than before, once all that was produced is folded: until then
    /// most of what is counted may be restated values. It has no deadline of its own, since
    /// heartbeats are more frequent.
    pub(super) fn next(
        &mut self,
        now: Now,
        log: &LogState,
        (folded_through, ledger): (u64, Ledger),
        interval: Duration,
    ) -> Option<Output> {
        let is_all_folded = folded_through >= log.produced.sequence && !log.is_restating;
        let is_due = now.monotonic >= self.next;
        if self.is_asked || !is_all_folded || !is_due || ledger.superseded <= self.count {
            return None;
        }
        *self = Self { is_asked: true, count: ledger.superseded, next: now.monotonic + interval };
        Some(Output::FindSuperseded { log_epoch: log.log_epoch })
    }
}
