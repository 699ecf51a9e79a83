//! Warns of what stops being valid before it does.

use std::{convert::Infallible, time::Duration};

use phuxanh_core::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use crate::clock::Clock;

const LOOK_INTERVAL: Duration = Duration::from_mins(1);
/// Time after which the same warning is repeated.
const REPEATED_AFTER: Duration = Duration::from_hours(24);

/// End of something that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// Named for people, for example "this server's certificate (tls.certificate_file)".
    pub subject: String,
    pub expiry: Timestamp,
    /// Step that puts another one in its place.
    pub advice: &'static str,
}

impl Validity {
    /// Says when it ends, from so long before its end on.
    #[must_use]
    pub fn warning(&self, now: Timestamp, before: Duration) -> Option<String> {
        let Self { subject, expiry, advice } = self;
        let verb = if *expiry <= now { "expired" } else { "expires" };
        let is_near = expiry.since(now) <= before;
        is_near.then(|| format!("{subject} {verb} at {expiry}: {advice}"))
    }
}

/// Writes warnings to the log: when they change, and else once a day.
pub async fn warn_of_expiry(
    find: impl Fn() -> Vec<Validity>,
    before: Duration,
    clock: Clock,
) -> Infallible {
    let mut looking = interval(LOOK_INTERVAL);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Told::default();
    loop {
        looking.tick().await;
        let now = clock();
        let found = find().iter().filter_map(|it| it.warning(now, before)).collect();
        for warning in told.next(found, Instant::now()) {
            warn!("{warning}");
        }
    }
}

/// Warnings that were written last.
#[derive(Debug, Default)]
struct Told {
    warnings: Vec<String>,
    at: Option<Instant>,
}

impl Told {
    /// Returns the warnings that are due.
    fn next(&mut self, found: Vec<String>, now: Instant) -> &[String] {
        let is_old = self.at.is_none_or(|at| now.duration_since(at) >= REPEATED_AFTER);
        if found == self.warnings && !is_old {
            return &[];
        }
        *self = Self { warnings: found, at: Some(now) };
        &self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_from_some_time_before_it_on() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).expect("a time");
        let (subject, advice) = ("the list".to_owned(), "renew it");
        let validity = Validity { subject, expiry: at(100), advice };
        let told = |now| validity.warning(at(now), Duration::from_secs(10));
        assert_eq!(told(89), None);
        assert_eq!(told(90), Some(format!("the list expires at {}: renew it", at(100))));
        assert_eq!(told(100), Some(format!("the list expired at {}: renew it", at(100))));
    }

    #[test]
    fn a_warning_is_repeated_daily_and_at_once_where_it_changes() {
        let start = Instant::now();
        let mut told = Told::default();
        let mut next = |hours, warnings: &[&str]| {
            let found = warnings.iter().map(|warning| (*warning).to_owned()).collect();
            told.next(found, start + Duration::from_hours(hours)).len()
        };
        assert_eq!([next(0, &["a"]), next(1, &["a"]), next(23, &["a"])], [1, 0, 0]);
        assert_eq!([next(24, &["a"]), next(25, &["a", "b"]), next(26, &[])], [1, 2, 0]);
        assert_eq!(next(27, &["a"]), 1);
    }
}
