//! Retention: when a fold is worth keeping, and what of the log may go.
//!
//! Decides alone; the keeper carries it out. What stays is enough to fold the log as it stood at
//! any time within the retention, and at the end of every day before that.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Timestamp,
    delivery::log::{CheckpointHead, Held, Trim},
};

/// Number of newest checkpoints that are always kept; the second one serves a store that lost the
/// tail with the first.
const NEWEST_COUNT: usize = 2;

/// Time for which things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records between two checkpoints of a reporter.
    pub checkpoint_every: u64,
    /// Records, and with them every moment's answer.
    pub records: Duration,
    /// The last checkpoint of every day.
    pub days: Duration,
}

/// True if the fold should be kept before the next record: enough records came since the last
/// checkpoint, or the next one is of another day.
#[must_use]
pub fn is_due(
    retention: &Retention,
    kept: Option<CheckpointHead>,
    folded: CheckpointHead,
    next: Timestamp,
) -> bool {
    let since = folded.record_count - kept.map_or(0, |kept| kept.record_count);
    since >= retention.checkpoint_every || (since > 0 && folded.receipt.date() < next.date())
}

/// Returns the parts of a reporter's log that may go now; `None` where all of it stays.
#[must_use]
pub fn trim(retention: &Retention, held: &Held, now: Timestamp) -> Option<Trim> {
    let age = |head: &CheckpointHead| now.since(head.receipt);
    // The log as it stood at the horizon is folded from here.
    let base = held.checkpoints.iter().rev().find(|head| age(head) >= retention.records);
    let base_count = base.map_or(0, |base| base.record_count);

    let newest = held.checkpoints.iter().rev().take(NEWEST_COUNT);
    let last_of_days: BTreeMap<_, _> =
        held.checkpoints.iter().map(|head| (head.receipt.date(), head)).collect();
    let days = last_of_days.into_values().filter(|head| age(head) < retention.days);
    let stay: BTreeSet<_> = newest.chain(base).chain(days).map(|head| head.record_count).collect();
    let counts = held.checkpoints.iter().map(|head| head.record_count);
    let checkpoints: Vec<_> = counts.filter(|count| !stay.contains(count)).collect();

    let records_through = base_count.min(told_count(held));
    let is_any = records_through >= held.first_record || !checkpoints.is_empty();
    is_any.then_some(Trim { records_through, checkpoints })
}

/// Number of records whose refusals the collector has released, so they need not be sent again.
fn told_count(held: &Held) -> u64 {
    let cursor = &held.cursor;
    let untold = cursor.position.sequence.saturating_sub(cursor.released);
    cursor.record_count.saturating_sub(untold)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Chain, Cursor, LocalityCode, LogId, Position, frame::SessionId};

    const DAY: Duration = Duration::from_hours(24);

    fn retention() -> Retention {
        Retention { checkpoint_every: 100, records: 10 * DAY, days: 30 * DAY }
    }

    fn at(hours: u64) -> Timestamp {
        let start: Timestamp = "2025-07-01 00:00".parse().expect("a time");
        start.plus(Duration::from_hours(hours))
    }

    fn head(record_count: u64, hours: u64) -> CheckpointHead {
        CheckpointHead { record_count, receipt: at(hours) }
    }

    fn held(checkpoints: Vec<CheckpointHead>, sequence: u64, released: u64) -> Held {
        let cursor = Cursor {
            log: LogId([1; 16]),
            log_epoch: 1,
            position: Position { sequence, chain: Chain([0; 32]) },
            session: SessionId([1; 16]),
            host: String::new(),
            released,
            record_count: 1_000,
            receipt: Some(at(0)),
            damaged: None,
        };
        Held { reporter: LocalityCode::NATION, cursor, checkpoints, first_record: 1 }
    }

    #[test]
    fn a_fold_is_kept_after_so_many_records_and_at_the_end_of_a_day() {
        let due = |kept, folded, next| is_due(&retention(), kept, folded, at(next));
        assert!(!due(None, head(99, 1), 2));
        assert!(due(None, head(100, 1), 2));
        assert!(!due(Some(head(100, 1)), head(199, 3), 23));
        assert!(due(Some(head(100, 1)), head(101, 3), 24));
        assert!(!due(Some(head(100, 1)), head(100, 1), 24));
    }

    #[test]
    fn records_go_through_the_checkpoint_at_the_horizon() {
        let checkpoints = vec![head(100, 0), head(200, 24), head(300, 48), head(400, 300)];
        let trimmed = trim(&retention(), &held(checkpoints, 1_000, 1_000), at(48 + 240));
        let expected = Trim { records_through: 300, checkpoints: vec![] };
        assert_eq!(trimmed, Some(expected));
    }

    #[test]
    fn records_whose_refusals_may_have_to_be_told_again_stay() {
        let checkpoints = vec![head(100, 0), head(200, 24), head(300, 48), head(400, 300)];
        // The log in force began with record 901; its first 40 batches are released.
        let trimmed = trim(&retention(), &held(checkpoints.clone(), 100, 40), at(2_000));
        assert_eq!(trimmed.map(|trim| trim.records_through), Some(400));
        let trimmed = trim(&retention(), &held(checkpoints, 900, 40), at(2_000));
        assert_eq!(trimmed.map(|trim| trim.records_through), Some(140));
    }

    #[test]
    fn of_each_day_the_last_checkpoint_stays_until_days_are_over() {
        let checkpoints = vec![head(1, 1), head(2, 20), head(3, 30), head(4, 31), head(5, 1_000)];
        let trimmed = trim(&retention(), &held(checkpoints.clone(), 1_000, 0), at(300));
        assert_eq!(trimmed.map(|trim| trim.checkpoints), Some(vec![1, 3]));
        let trimmed = trim(&retention(), &held(checkpoints, 1_000, 0), at(30 * 24 + 25));
        assert_eq!(trimmed.map(|trim| trim.checkpoints), Some(vec![1, 2, 3]));
    }

    proptest! {
        /// Whatever was kept, the fold of any moment within the retention can still be made.
        #[test]
        fn every_moment_of_the_retention_stays(
            steps in prop::collection::vec((1_u64..50, 0_u64..40), 1..40),
            released in 0_u64..1_000,
            since in 0_u64..1_000,
        ) {
            let checkpoints: Vec<_> = steps
                .iter()
                .scan((0, 0), |(count, hours), (more, later)| {
                    *count += more;
                    *hours += later;
                    Some(head(*count, *hours))
                })
                .collect();
            let last = checkpoints.last().copied().expect("one step at least");
            let mut held = held(checkpoints, 1_000, released);
            held.cursor.record_count = last.record_count + 7;
            let now = last.receipt.plus(Duration::from_hours(since));
            let Some(trim) = trim(&retention(), &held, now) else { return Ok(()) };
            let stays = |head: &&CheckpointHead| !trim.checkpoints.contains(&head.record_count);
            let mut horizon =
                held.checkpoints.iter().filter(|head| now.since(head.receipt) >= 10 * DAY);
            // The nearest checkpoint at or before the horizon, of those that stay.
            let from = horizon.rfind(stays).map_or(0, |head| head.record_count);
            prop_assert!(trim.records_through <= from, "{trim:?}");
        }
    }
}
