//! Alarms: what an operator should look at.
//!
//! Owns when a cause that was seen becomes an alarm, since when it is one, and when it ends. It
//! knows no clock: every decision is told the time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::Timestamp;

/// Conditions under which a cause becomes an alarm, and under which the alarm ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// An alarm ends when its cause was not seen for this long.
    pub hold: Duration,
    /// Largest difference between a collector's clock and the aggregator's.
    pub clock_offset_max: Duration,
    /// Number of replacements of sessions or logs within the window that counts as flapping.
    pub flapping_count: usize,
    pub flapping_window: Duration,
    /// Silence after which a reporter is missed.
    pub silent_after: Duration,
}

/// Kind of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    TwoCollectors,
    ClonedSpool,
    RejectedData,
    ClockOffset,
    Flapping,
    /// Raised by the store, not by a collector.
    StoreRefusesWrites,
    FileStuck,
    DamagedRecords,
    /// Raised by the aggregator, not by a collector.
    AggregatorClock,
    /// Raised by the store, not by a collector.
    StoreReplaced,
    QuotaUsedUp,
    IdentityRefused,
    /// Raised by the aggregator, too, for its own certificate and its revocation lists.
    CertificateExpires,
    /// Judged from the reporter's last word, not from a cause that was seen.
    Unheard,
}

/// One alarm that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub kind: Kind,
    /// Unknown where it began before this aggregator started.
    pub since: Option<Timestamp>,
    /// For operators, naming the hosts concerned.
    pub detail: String,
}

/// The causes seen at one reporter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Causes(BTreeMap<Kind, Cause>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    since: Timestamp,
    last: Timestamp,
    detail: String,
}

/// Latest times at which sessions or logs of one reporter replaced each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replacements(VecDeque<Timestamp>);

impl Kind {
    /// True if silence ends the alarm. The collector's own word ends the others; nothing ends
    /// damaged records as long as this aggregator runs.
    const fn ends_in_silence(self) -> bool {
        match self {
            Self::RejectedData
            | Self::StoreRefusesWrites
            | Self::FileStuck
            | Self::DamagedRecords
            | Self::AggregatorClock
            | Self::Unheard => false,
            Self::TwoCollectors
            | Self::ClonedSpool
            | Self::ClockOffset
            | Self::Flapping
            | Self::StoreReplaced
            | Self::QuotaUsedUp
            | Self::IdentityRefused
            | Self::CertificateExpires => true,
        }
    }
}

impl Causes {
    /// A cause was seen, again or for the first time.
    pub fn see(&mut self, rules: &Rules, kind: Kind, at: Timestamp, detail: String) {
        let known = self.0.get(&kind).filter(|cause| cause.stands(rules, kind, at));
        let since = known.map_or(at, |cause| cause.since);
        self.0.insert(kind, Cause { since, last: at, detail });
    }

    /// A cause is known to be gone.
    pub fn clear(&mut self, kind: Kind) {
        self.0.remove(&kind);
    }

    /// The alarms that stand now, by kind.
    #[must_use]
    pub fn standing(&self, rules: &Rules, now: Timestamp) -> Vec<Alarm> {
        self.0
            .iter()
            .filter(|&(&kind, cause)| cause.stands(rules, kind, now))
            .map(|(&kind, cause)| Alarm {
                kind,
                since: Some(cause.since),
                detail: cause.detail.clone(),
            })
            .collect()
    }
}

impl Cause {
    fn stands(&self, rules: &Rules, kind: Kind, now: Timestamp) -> bool {
        !kind.ends_in_silence() || now.since(self.last) < rules.hold
    }
}

impl Replacements {
    /// Counts one more; says whether there are too many.
    pub fn add(&mut self, rules: &Rules, at: Timestamp) -> bool {
        self.0.push_back(at);
        if self.0.len() > rules.flapping_count {
            self.0.pop_front();
        }
        let first = self.0.front().filter(|_| self.0.len() == rules.flapping_count);
        first.is_some_and(|first| at.since(*first) <= rules.flapping_window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        hold: Duration::from_mins(5),
        clock_offset_max: Duration::from_secs(30),
        flapping_count: 3,
        flapping_window: Duration::from_mins(1),
        silent_after: Duration::from_hours(1),
    };

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000).expect("1970")
    }

    fn since(causes: &Causes, now: i64) -> Vec<(Kind, Option<Timestamp>)> {
        let standing = causes.standing(&RULES, second(now));
        standing.into_iter().map(|alarm| (alarm.kind, alarm.since)).collect()
    }

    #[test]
    fn an_alarm_stands_until_its_cause_was_not_seen_for_a_while() {
        let mut causes = Causes::default();
        for at in [100, 350] {
            causes.see(&RULES, Kind::TwoCollectors, second(at), at.to_string());
        }
        let expected = vec![(Kind::TwoCollectors, Some(second(100)))];
        assert_eq!(since(&causes, 649), expected);
        assert_eq!(causes.standing(&RULES, second(649))[0].detail, "350");
        assert_eq!(since(&causes, 650), []);
    }

    #[test]
    fn an_alarm_that_had_ended_begins_anew() {
        let mut causes = Causes::default();
        for at in [100, 400] {
            causes.see(&RULES, Kind::ClonedSpool, second(at), String::new());
        }
        assert_eq!(since(&causes, 401), [(Kind::ClonedSpool, Some(second(400)))]);
    }

    #[test]
    fn rejected_data_outlasts_silence_and_ends_by_the_collectors_word() {
        let mut causes = Causes::default();
        causes.see(&RULES, Kind::RejectedData, second(100), String::new());
        assert_eq!(since(&causes, 1_000_000), [(Kind::RejectedData, Some(second(100)))]);
        causes.clear(Kind::RejectedData);
        assert_eq!(since(&causes, 101), []);
    }

    #[test]
    fn replacements_are_too_many_only_within_the_window() {
        let outcome = |times: [i64; 4]| {
            let mut replacements = Replacements::default();
            times.map(|at| replacements.add(&RULES, second(at)))
        };
        assert_eq!(outcome([0, 30, 60, 61]), [false, false, true, true]);
        assert_eq!(outcome([0, 31, 61, 92]), [false, false, false, false]);
    }
}
