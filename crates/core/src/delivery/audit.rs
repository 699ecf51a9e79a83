//! The audit: what a collector says it has produced against what was folded of it.
//!
//! Owns the comparison alone. Both sides speak of one log; a side that is further than the other
//! contradicts nothing, except where more was folded than was produced.

use std::time::Duration;

use super::board::{Presence, Told};
use crate::{CellDigest, LogId, Timestamp, figures::fold::Position, frame::Ledger};

/// Result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Counts and digests are equal at both ends.
    Agrees,
    /// Something is on its way; nothing contradicts.
    Pending,
    /// Counts or digests differ.
    Disagrees,
    /// The collector has not told its side.
    Silent,
    /// Counts and digests were equal when the collector told its side, too long ago to know what it
    /// has produced since.
    Outdated,
}

/// Both ends of one reporter's delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// Log in force, if there is any.
    pub log: Option<LogId>,
    pub told: Option<Told>,
    pub folded: Folded,
}

/// The aggregator's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Last batch of the log that was folded.
    pub through: u64,
    /// Observations of the log through there, by what became of them.
    pub ledger: Ledger,
    /// Digest of the cells of all logs.
    pub cells: CellDigest,
}

impl Audit {
    /// Puts both ends side by side. A collector that has begun a new log is audited by that.
    #[must_use]
    pub fn new(presence: Option<&Presence>, position: &Position) -> Self {
        let log = presence.map(|presence| presence.log).or(position.log);
        let folded = if log == position.log {
            Folded {
                through: position.sequence,
                ledger: position.log_ledger,
                cells: position.cells,
            }
        } else {
            Folded { cells: position.cells, ..Folded::default() }
        };
        Self { log, told: presence.and_then(Presence::told), folded }
    }

    /// Compares both ends. What is older than `age_max` is outdated; with none everything is,
    /// since no collector can be heard.
    #[must_use]
    pub fn verdict(&self, now: Timestamp, age_max: Option<Duration>) -> Verdict {
        let Some(told) = self.told else { return Verdict::Silent };
        let Folded { through, ledger, cells } = self.folded;
        let audit = told.audit;
        if through > audit.produced_through {
            // The collector has gone on since; its next word is compared.
            return Verdict::Pending;
        }
        if ledger.total() > audit.produced_observation_count {
            return Verdict::Disagrees;
        }
        if through < audit.produced_through {
            return Verdict::Pending;
        }
        let produced_all = ledger.total() == audit.produced_observation_count;
        let (here, there) = (ledger.rejected, audit.rejected_observation_count);
        if produced_all && there < here && !told.is_settled {
            // Refusals that the collector had not heard of when it spoke.
            return Verdict::Pending;
        }
        if !produced_all || here != there || cells != audit.cells {
            Verdict::Disagrees
        } else if age_max.is_some_and(|age_max| now.since(told.at) <= age_max) {
            Verdict::Agrees
        } else {
            Verdict::Outdated
        }
    }

    /// Produced observations that are not folded yet.
    #[must_use]
    pub fn pending_observation_count(&self) -> u64 {
        self.told.map_or(0, |told| {
            told.audit.produced_observation_count.saturating_sub(self.folded.ledger.total())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::CollectorAudit;

    const CELLS: CellDigest = CellDigest { count: 9, sum: 77 };
    const AGE_MAX: Duration = Duration::from_secs(90);

    fn told_at() -> Timestamp {
        "2025-07-31 16:00".parse().expect("a time")
    }

    #[test]
    fn an_agreement_is_outdated_once_it_is_old_or_nobody_can_be_heard() {
        let after = |span, age_max| at_rest().verdict(told_at().plus(span), age_max);
        assert_eq!(after(AGE_MAX, Some(AGE_MAX)), Verdict::Agrees);
        assert_eq!(after(AGE_MAX + Duration::from_micros(1), Some(AGE_MAX)), Verdict::Outdated);
        assert_eq!(after(Duration::ZERO, None), Verdict::Outdated);
    }

    #[test]
    fn a_contradiction_stays_one_however_old_it_is() {
        let mut audit = at_rest();
        audit.folded.cells = CellDigest { count: 8, sum: 7 };
        assert_eq!(audit.verdict(told_at(), None), Verdict::Disagrees);
        audit.folded.through = 2;
        audit.folded.ledger = Ledger::default();
        assert_eq!(audit.verdict(told_at(), None), Verdict::Pending);
    }

    /// Three batches of ten observations, one of them refused, and all of it folded.
    fn at_rest() -> Audit {
        let audit = CollectorAudit {
            produced_through: 3,
            produced_observation_count: 10,
            rejected_observation_count: 1,
            cells: CELLS,
        };
        let ledger = Ledger { applied: 6, repeated: 2, superseded: 1, rejected: 1 };
        Audit {
            log: Some(LogId([1; 16])),
            told: Some(Told { audit, at: told_at(), is_settled: true }),
            folded: Folded { through: 3, ledger, cells: CELLS },
        }
    }

    fn verdict(change: impl FnOnce(&mut CollectorAudit, &mut Folded)) -> Verdict {
        let mut audit = at_rest();
        let told = audit.told.as_mut().expect("told");
        change(&mut told.audit, &mut audit.folded);
        audit.verdict(told_at(), Some(AGE_MAX))
    }

    #[test]
    fn equal_ends_agree() {
        assert_eq!(at_rest().verdict(told_at(), Some(AGE_MAX)), Verdict::Agrees);
        assert_eq!(at_rest().pending_observation_count(), 0);
    }

    #[test]
    fn nothing_produced_and_nothing_folded_agrees() {
        let audit = Told { audit: CollectorAudit::default(), at: told_at(), is_settled: false };
        let audit = Audit { log: None, told: Some(audit), folded: Folded::default() };
        assert_eq!(audit.verdict(told_at(), Some(AGE_MAX)), Verdict::Agrees);
    }

    #[test]
    fn every_difference_at_one_place_disagrees() {
        let disagreements = [
            verdict(|there, _| there.produced_observation_count += 1),
            verdict(|_, here| here.ledger.applied += 1),
            verdict(|there, _| there.rejected_observation_count += 1),
            verdict(|there, _| there.rejected_observation_count -= 1),
            verdict(|there, _| there.cells.count += 1),
            verdict(|_, here| here.cells.sum += 1),
        ];
        assert_eq!(disagreements, [Verdict::Disagrees; 6]);
    }

    #[test]
    fn what_is_on_its_way_is_pending() {
        let on_its_way = |there: &mut CollectorAudit| {
            there.produced_through += 1;
            there.produced_observation_count += 5;
            there.cells = CellDigest { count: 12, sum: 3 };
        };
        assert_eq!(verdict(|there, _| on_its_way(there)), Verdict::Pending);
        let mut audit = at_rest();
        on_its_way(&mut audit.told.as_mut().expect("told").audit);
        assert_eq!(audit.pending_observation_count(), 5);
    }

    #[test]
    fn more_folded_than_produced_disagrees_wherever_the_log_stands() {
        let beyond = verdict(|there, here| {
            there.produced_through += 1;
            here.ledger.repeated += 1;
        });
        assert_eq!(beyond, Verdict::Disagrees);
    }

    #[test]
    fn a_word_that_the_fold_has_left_behind_waits_for_the_next() {
        let left_behind = verdict(|_, here| {
            here.through += 1;
            here.ledger.applied += 4;
            here.cells.sum += 1;
        });
        assert_eq!(left_behind, Verdict::Pending);
    }

    #[test]
    fn refusals_that_are_on_their_way_back_are_pending() {
        let unsettled = |there_less: u64| {
            let mut audit = at_rest();
            let told = audit.told.as_mut().expect("told");
            told.is_settled = false;
            told.audit.rejected_observation_count -= there_less;
            told.audit.cells.count += 1;
            audit.verdict(told_at(), Some(AGE_MAX))
        };
        assert_eq!(unsettled(1), Verdict::Pending);
        assert_eq!(unsettled(0), Verdict::Disagrees);
    }

    #[test]
    fn a_collector_that_has_said_nothing_is_silent() {
        let audit = Audit { told: None, ..at_rest() };
        assert_eq!(
            (audit.verdict(told_at(), Some(AGE_MAX)), audit.pending_observation_count()),
            (Verdict::Silent, 0)
        );
    }
}
