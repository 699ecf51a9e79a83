//! Decides whether the aggregator's clock may stamp receipts and judge observed times.
//!
//! A clock that is wrong for seconds would spoil stored data for ever: receipts never go back, and
//! what is refused as observed ahead lies in dead letters. So a wrong clock must hold batches, and
//! only data of three kinds tell one: the monotonic clock beside it, the receipts that the store
//! holds, and the clocks of the collectors, which heartbeats tell.
//!
//! ```text
//!            step, or most collectors contradict
//! Trusted ─────────────────────────────────────▶ Distrusted
//!    ▲ ◀──── clock put back, or collectors agree ────┘
//!    └── start: unless behind the newest receipt, or long after it and confirmed by nobody
//! ```
//!
//! It reads no clock: the caller passes the time to every decision.

use std::{collections::BTreeMap, time::Duration};

use crate::{LocalityCode, Now, Timestamp};

/// Collectors that must contradict the aggregator's clock before it is distrusted for that alone.
const CONTRADICTING_MIN: usize = 3;

/// Limits by which a clock is distrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Furthest that two clocks may differ, and that one may be stepped.
    pub offset_max: Duration,
    /// Longest time after the newest receipt at which an aggregator may start without a collector's
    /// clock confirming its own.
    pub gap_max: Duration,
}

/// Reason why the aggregator's clock is distrusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error(
        "the aggregator's clock was stepped by {seconds} s to {now}, and no collector's clock confirms \
         it: set the clock right"
    )]
    Stepped { seconds: i64, now: Timestamp },
    #[error(
        "the aggregator's clock says {now}, behind the newest receipt {newest}: set the clock right"
    )]
    Behind { newest: Timestamp, now: Timestamp },
    #[error(
        "the aggregator's clock says {now}, long after the newest receipt {newest}, and no collector's \
         clock confirms it: check the clock"
    )]
    Unconfirmed { newest: Timestamp, now: Timestamp },
    #[error(
        "the clocks of {count} collectors differ from the aggregator's, by {seconds} s in the middle, \
         and {agreeing} agree with it: set the aggregator's clock right"
    )]
    Contradicted { count: usize, agreeing: usize, seconds: i64 },
}

/// Verdict on the clock, which sessions go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    offset_max: Duration,
    /// The last moment at which the clock was trusted, or its start.
    base: Now,
    /// Reason why no batch may be stamped.
    pub distrust: Option<Distrust>,
    /// True while clocks of collectors confirm the aggregator's.
    pub is_confirmed: bool,
}

/// Monitor of the aggregator's clock.
#[derive(Debug)]
pub struct Timekeeper {
    rules: Rules,
    trust: Trust,
    /// True until the clock was trusted for the first time.
    is_starting: bool,
    /// The last moment at which heartbeats were looked through.
    last: Now,
    /// Monotonic time at which a step was last seen between two such moments.
    stepped: Option<Duration>,
    /// Last heartbeat of each reporter, with the monotonic time at which it was first seen here; none
    /// if the clock was stepped between that and its coming.
    seen: BTreeMap<LocalityCode, (Told, Option<Duration>)>,
}

/// Clock of a collector, as its last heartbeat told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub reporter: LocalityCode,
    /// Time at which the heartbeat came, by the aggregator's clock of then.
    pub at: Timestamp,
    /// The collector's clock less the aggregator's, in microseconds.
    pub offset_micros: i64,
}

impl Trust {
    /// Reason not to stamp at this moment.
    #[must_use]
    pub fn distrust_at(&self, now: Now) -> Option<Distrust> {
        self.distrust.clone().or_else(|| stepped(self.base, now, self.offset_max))
    }
}

impl Timekeeper {
    /// A clock that has just been started.
    #[must_use]
    pub fn new(rules: Rules, now: Now, newest_receipt: Option<Timestamp>) -> Self {
        let trust =
            Trust { offset_max: rules.offset_max, base: now, distrust: None, is_confirmed: false };
        let (stepped, seen) = (None, BTreeMap::new());
        let mut keeper = Self { rules, trust, is_starting: true, last: now, stepped, seen };
        keeper.look(now, newest_receipt, &[]);
        keeper
    }

    /// The verdict of the last look.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Looks at the clock, beside the newest receipt of the store and the offsets of collectors'
    /// clocks in microseconds (theirs less ours), those of [`Self::fresh`].
    pub fn look(&mut self, now: Now, newest_receipt: Option<Timestamp>, offsets: &[i64]) {
        let max = micros(self.rules.offset_max);
        let agreeing = offsets.iter().filter(|offset| offset.abs() <= max).count();
        let mut differing: Vec<_> =
            offsets.iter().copied().filter(|offset| offset.abs() > max).collect();
        differing.sort_unstable();
        self.trust.is_confirmed = agreeing > 0 && agreeing >= differing.len();
        self.trust.distrust = if self.trust.is_confirmed {
            None
        } else if differing.len() >= CONTRADICTING_MIN {
            let seconds = differing[differing.len() / 2] / 1_000_000;
            Some(Distrust::Contradicted { count: differing.len(), agreeing, seconds })
        } else {
            stepped(self.trust.base, now, self.rules.offset_max)
                .or_else(|| self.beside_receipts(now.wall, newest_receipt))
        };
        if self.trust.distrust.is_none() {
            // A clock that runs a little fast or slow is no step, however long it does.
            self.trust.base = now;
            self.is_starting = false;
        }
    }

    /// Offsets that describe the present clock: of heartbeats that came lately, and after the last
    /// step. Their age is counted by the monotonic clock, since a step changes what the wall clock
    /// says of it. One that came within the same look as the step may be from before it.
    pub fn fresh(&mut self, now: Now, told: impl IntoIterator<Item = Told>) -> Vec<i64> {
        if stepped(self.last, now, self.rules.offset_max).is_some() {
            self.stepped = Some(now.monotonic);
        }
        let elapsed = now.monotonic.saturating_sub(self.last.monotonic);
        self.last = now;
        let (stepped, offset_max) = (self.stepped, self.rules.offset_max);
        let is_fresh = |since: Option<Duration>| {
            since.is_some_and(|since| {
                now.monotonic.saturating_sub(since) <= offset_max
                    && stepped.is_none_or(|stepped| since > stepped)
            })
        };
        // It came since the last look. A clock that says otherwise was stepped, and perhaps back.
        let first_seen = |told: Told| {
            let age = now.wall.micros().saturating_sub(told.at.micros());
            let (max, elapsed) = (micros(offset_max), micros(elapsed));
            (-max..=max + elapsed).contains(&age).then_some(now.monotonic)
        };
        let mut fresh = Vec::new();
        for told in told {
            // Kept while nobody tells of it: a collector that connects again is shown with its last
            // heartbeat, which is no newer for that.
            let seen = self.seen.entry(told.reporter).or_insert_with(|| (told, first_seen(told)));
            if seen.0 != told {
                *seen = (told, first_seen(told));
            }
            fresh.extend(is_fresh(seen.1).then_some(told.offset_micros));
        }
        fresh
    }

    fn beside_receipts(&self, now: Timestamp, newest: Option<Timestamp>) -> Option<Distrust> {
        let newest = newest?;
        if newest.since(now) > self.rules.offset_max {
            return Some(Distrust::Behind { newest, now });
        }
        let is_long_after = self.is_starting && now.since(newest) > self.rules.gap_max;
        is_long_after.then_some(Distrust::Unconfirmed { newest, now })
    }
}

/// A step of the clock since it was trusted, against the monotonic clock.
fn stepped(base: Now, now: Now, offset_max: Duration) -> Option<Distrust> {
    let passed = micros(now.monotonic.saturating_sub(base.monotonic));
    let shown = now.wall.micros().saturating_sub(base.wall.micros());
    let step = shown.saturating_sub(passed);
    (step.abs() > micros(offset_max))
        .then_some(Distrust::Stepped { seconds: step / 1_000_000, now: now.wall })
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { offset_max: Duration::from_secs(30), gap_max: Duration::from_mins(10) };
    const YEAR: i64 = 365 * 24 * 3_600;

    /// A moment, in seconds of both clocks.
    fn at(monotonic: u64, wall: i64) -> Now {
        Now { monotonic: Duration::from_secs(monotonic), wall: second(wall) }
    }

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000_000 + count) * 1_000_000).expect("a time")
    }

    fn offsets(seconds: &[i64]) -> Vec<i64> {
        seconds.iter().map(|second| second * 1_000_000).collect()
    }

    /// A keeper that began at 0 beside a receipt of that moment.
    fn keeper() -> Timekeeper {
        Timekeeper::new(RULES, at(0, 0), Some(second(0)))
    }

    fn look(keeper: &mut Timekeeper, now: Now, seconds: &[i64]) -> Option<Distrust> {
        keeper.look(now, Some(second(0)), &offsets(seconds));
        keeper.trust().distrust.clone()
    }

    #[test]
    fn a_step_is_distrusted_before_the_next_look_and_until_it_is_undone() {
        for step in [YEAR, -YEAR, 31, -31] {
            let mut keeper = keeper();
            assert_eq!(look(&mut keeper, at(5, 5), &[]), None);
            let stepped = Some(Distrust::Stepped { seconds: step, now: second(6 + step) });
            assert_eq!(keeper.trust().distrust_at(at(6, 6 + step)), stepped);
            assert_eq!(look(&mut keeper, at(6, 6 + step), &[]), stepped);
            assert_eq!(look(&mut keeper, at(9, 9), &[]), None);
            assert_eq!(keeper.trust().distrust_at(at(9, 9)), None);
        }
    }

    #[test]
    fn a_step_that_collectors_confirm_is_trusted() {
        let mut keeper = keeper();
        // A machine that was suspended for an hour.
        let stepped = look(&mut keeper, at(5, 3_605), &[]);
        assert!(matches!(stepped, Some(Distrust::Stepped { seconds: 3_600, .. })), "{stepped:?}");
        assert_eq!(look(&mut keeper, at(6, 3_606), &[2]), None);
        assert_eq!(look(&mut keeper, at(7, 3_607), &[]), None);
    }

    #[test]
    fn a_clock_that_drifts_is_no_step() {
        let mut keeper = keeper();
        for second in 1..100 {
            let now = at(u64::try_from(second).expect("positive") * 60, second * 61);
            assert_eq!(look(&mut keeper, now, &[]), None);
        }
    }

    #[test]
    fn a_start_behind_the_newest_receipt_is_distrusted_unless_collectors_confirm_it() {
        let newest = Some(second(YEAR));
        let mut keeper = Timekeeper::new(RULES, at(0, 0), newest);
        let behind = Some(Distrust::Behind { newest: second(YEAR), now: second(0) });
        assert_eq!(keeper.trust().distrust, behind);
        keeper.look(at(1, 1), newest, &offsets(&[0]));
        assert_eq!(keeper.trust().distrust, None);
        assert_eq!(Timekeeper::new(RULES, at(0, 0), Some(second(30))).trust().distrust, None);
    }

    #[test]
    fn a_start_long_after_the_newest_receipt_waits_for_a_collector() {
        let newest = Some(second(-YEAR));
        let mut keeper = Timekeeper::new(RULES, at(0, 0), newest);
        let unconfirmed = Some(Distrust::Unconfirmed { newest: second(-YEAR), now: second(0) });
        assert_eq!(keeper.trust().distrust, unconfirmed);
        keeper.look(at(1, 1), newest, &offsets(&[-3_600]));
        assert!(keeper.trust().distrust.is_some());
        keeper.look(at(2, 2), newest, &offsets(&[-3_600, 1]));
        assert_eq!(keeper.trust().distrust, None);
        // Nothing was received since, and nobody is connected.
        keeper.look(at(3, 3), newest, &[]);
        assert_eq!(keeper.trust().distrust, None);
        assert_eq!(Timekeeper::new(RULES, at(0, 0), Some(second(-600))).trust().distrust, None);
        assert_eq!(Timekeeper::new(RULES, at(0, 0), None).trust().distrust, None);
    }

    #[test]
    fn most_collectors_outvote_the_aggregator_and_few_do_not() {
        let mut keeper = keeper();
        assert_eq!(look(&mut keeper, at(1, 1), &[3_600, 3_600]), None);
        let contradicted = Some(Distrust::Contradicted { count: 3, agreeing: 1, seconds: 3_600 });
        assert_eq!(look(&mut keeper, at(2, 2), &[3_600, 0, 3_601, 3_599]), contradicted);
        assert_eq!(look(&mut keeper, at(3, 3), &[3_600, 0, 1, 2, 3_601, 3_599]), None);
    }

    fn told(wall: i64) -> Told {
        Told { reporter: LocalityCode::NATION, at: second(wall), offset_micros: 0 }
    }

    /// Whatever the step, the heartbeat that came before it does not confirm the clock behind it.
    #[test]
    fn heartbeats_from_before_a_step_tell_nothing() {
        for step in [YEAR, 31, -31, -35, -60, -YEAR] {
            let mut keeper = keeper();
            assert_eq!(keeper.fresh(at(5, 5), [told(4)]), [0]);
            assert_eq!(keeper.fresh(at(10, 10 + step), [told(4)]), [0; 0], "{step}");
            assert_eq!(keeper.fresh(at(11, 11 + step), [told(4)]), [0; 0], "{step}");
            assert_eq!(keeper.fresh(at(12, 12 + step), [told(11 + step)]), [0], "{step}");
        }
    }

    #[test]
    fn a_heartbeat_that_came_in_the_look_of_a_step_is_not_believed() {
        let mut keeper = keeper();
        assert_eq!(keeper.fresh(at(10, -30), [told(9)]), [0; 0]);
        assert_eq!(keeper.fresh(at(11, -29), [told(9)]), [0; 0]);
    }

    /// Two steps between two looks may come to little together.
    #[test]
    fn a_heartbeat_between_two_steps_tells_nothing_of_the_clock_behind_them() {
        let mut keeper = keeper();
        assert_eq!(keeper.fresh(at(10, 25), []), [0; 0]);
        assert_eq!(keeper.fresh(at(11, 50), [told(10)]), [0; 0]);
        assert_eq!(keeper.fresh(at(12, 51), [told(10)]), [0; 0]);
        assert_eq!(keeper.fresh(at(13, 52), [told(51)]), [0]);
    }

    #[test]
    fn a_heartbeat_is_no_newer_when_its_collector_connects_again() {
        let mut keeper = keeper();
        assert_eq!(keeper.fresh(at(1, 1), [told(0)]), [0]);
        assert_eq!(keeper.fresh(at(10, 10 + YEAR), []), [0; 0]);
        assert_eq!(keeper.fresh(at(11, 11 + YEAR), [told(0)]), [0; 0]);
    }

    #[test]
    fn an_old_heartbeat_tells_nothing() {
        let mut keeper = keeper();
        assert_eq!(keeper.fresh(at(1, 1), [told(0)]), [0]);
        assert_eq!(keeper.fresh(at(31, 31), [told(0)]), [0]);
        assert_eq!(keeper.fresh(at(32, 32), [told(0)]), [0; 0]);
        assert_eq!(keeper.fresh(at(33, 33), []), [0; 0]);
    }
}
