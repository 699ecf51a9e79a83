//! Quota of a reporter: the records and bytes that its collectors may add in a day.
//!
//! A record takes room in the store whatever its batch holds, and is kept for months. So a collector
//! that keeps all other rules could fill the disk, by a fault or on purpose.
//!
//! ```text
//! spent ──▶ a whole day's quota: held ──▶ nine tenths of it: batches are taken again
//!        ◀── drains evenly, a day's quota in a day
//! ```
//!
//! It reads no clock: the caller passes the monotonic time to every decision.

use std::time::Duration;

const DAY_MICROS: u128 = 86_400_000_000;
/// Bytes that a record takes beside its payload, at most: host, chain, seal and numbers.
const BESIDE_PAYLOAD_BYTES: u64 = 512;

/// Quotas of a day; each reporter has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub records_per_day: u64,
    pub bytes_per_day: u64,
}

/// Quotas of one reporter, as far as they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    records: Spent,
    bytes: Spent,
}

/// Amount that counts against a quota, and drains with time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spent {
    amount: u64,
    /// Time until which it has drained.
    drained: Duration,
    is_held: bool,
}

/// Quota that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the quota of this reporter, {per_day} {unit} a day ({setting}), is used up; batches are taken \
     again in {minutes} min"
)]
pub struct UsedUp {
    pub unit: &'static str,
    /// Key of the setting.
    pub setting: &'static str,
    pub per_day: u64,
    pub minutes: u64,
}

impl Quota {
    /// Counts a record that was added, with the bytes of its payload.
    pub fn spend(&mut self, rules: &Rules, payload_bytes: u64, now: Duration) {
        self.records.add(rules.records_per_day, 1, now);
        let bytes = payload_bytes.saturating_add(BESIDE_PAYLOAD_BYTES);
        self.bytes.add(rules.bytes_per_day, bytes, now);
    }

    /// Tells the quota for which no batch may be added now, if there is one.
    pub fn used_up(&mut self, rules: &Rules, now: Duration) -> Option<UsedUp> {
        let quotas = [
            (&mut self.records, rules.records_per_day, "records", "limits.records_per_day"),
            (&mut self.bytes, rules.bytes_per_day, "bytes", "limits.record_bytes_per_day"),
        ];
        quotas.into_iter().find_map(|(spent, per_day, unit, setting)| {
            let minutes = spent.held_for(per_day, now)?.as_secs().div_ceil(60);
            Some(UsedUp { unit, setting, per_day, minutes })
        })
    }
}

impl Spent {
    fn add(&mut self, per_day: u64, amount: u64, now: Duration) {
        self.drain(per_day, now);
        self.amount = self.amount.saturating_add(amount);
        self.is_held |= self.amount >= per_day;
    }

    /// Time for which nothing may be added.
    fn held_for(&mut self, per_day: u64, now: Duration) -> Option<Duration> {
        self.drain(per_day, now);
        let resumes = per_day - per_day / 10;
        self.is_held &= self.amount >= resumes;
        let above = self.amount.saturating_add(1).saturating_sub(resumes);
        self.is_held.then(|| micros(u128::from(above) * DAY_MICROS / u128::from(per_day.max(1))))
    }

    /// Takes away what has drained, to whole units; the time of the rest goes on counting.
    fn drain(&mut self, per_day: u64, now: Duration) {
        let passed = now.saturating_sub(self.drained);
        let units = u128::from(per_day) * passed.as_micros() / DAY_MICROS;
        if units >= u128::from(self.amount) {
            (self.amount, self.drained) = (0, now);
        } else {
            self.amount -= u64::try_from(units).expect("less than the amount");
            self.drained += micros(units * DAY_MICROS / u128::from(per_day.max(1)));
        }
    }
}

fn micros(count: u128) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const RULES: Rules = Rules { records_per_day: 1_000, bytes_per_day: 1_000_000 };

    fn spend(quota: &mut Quota, count: u64, bytes: u64, now: Duration) {
        for _ in 0..count {
            quota.spend(&RULES, bytes, now);
        }
    }

    #[test]
    fn records_are_held_at_a_days_quota_until_a_tenth_has_drained() {
        let mut quota = Quota::default();
        spend(&mut quota, 999, 0, Duration::ZERO);
        assert_eq!(quota.used_up(&RULES, Duration::ZERO), None);
        spend(&mut quota, 1, 0, Duration::ZERO);
        let used_up = quota.used_up(&RULES, Duration::ZERO).expect("used up");
        assert_eq!((used_up.unit, used_up.per_day), ("records", 1_000));
        // 101 of 1,000 drain in 2 h 25.4 min.
        assert_eq!(used_up.minutes, 146);
        assert!(quota.used_up(&RULES, DAY / 10).is_some());
        let freed = Duration::from_mins(used_up.minutes);
        assert_eq!(quota.used_up(&RULES, freed), None);
        spend(&mut quota, 99, 0, freed);
        assert_eq!(quota.used_up(&RULES, freed), None);
    }

    #[test]
    fn bytes_count_with_what_a_record_takes_beside_them() {
        let mut quota = Quota::default();
        spend(&mut quota, 1, 999_487, Duration::ZERO);
        assert_eq!(quota.used_up(&RULES, Duration::ZERO), None);
        spend(&mut quota, 1, 0, Duration::ZERO);
        let used_up = quota.used_up(&RULES, Duration::ZERO).expect("used up");
        assert_eq!((used_up.unit, used_up.setting), ("bytes", "limits.record_bytes_per_day"));
    }

    #[test]
    fn a_day_without_records_frees_everything() {
        let mut quota = Quota::default();
        spend(&mut quota, 1_000, 0, Duration::ZERO);
        assert_eq!(quota.used_up(&RULES, DAY), None);
        spend(&mut quota, 999, 0, DAY);
        assert_eq!(quota.used_up(&RULES, DAY), None);
    }

    proptest! {
        /// However the time is cut, never more is added than what one day's quota and the time give.
        #[test]
        fn no_more_is_added_than_time_allows(waits in prop::collection::vec(0_u64..200_000_000, 1..3_000)) {
            let (mut quota, mut now, mut added) = (Quota::default(), Duration::ZERO, 0_u64);
            for wait in waits {
                now += Duration::from_micros(wait);
                if quota.used_up(&RULES, now).is_none() {
                    quota.spend(&RULES, 0, now);
                    added += 1;
                }
                let drained = 1_000 * now.as_micros() / DAY_MICROS;
                prop_assert!(u128::from(added) <= 1_000 + drained);
            }
        }
    }
}
