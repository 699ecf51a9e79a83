//! Wait before the next try: exponential, with full jitter, so that collectors that lost the same
//! aggregator do not come back together.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    tries: u32,
    random: u64,
}

impl Backoff {
    pub(super) const fn new(min: Duration, max: Duration, seed: u64) -> Self {
        Self { min, max, tries: 0, random: seed }
    }

    /// After a session that was welcomed.
    pub(super) const fn reset(&mut self) {
        self.tries = 0;
    }

    /// True if there was no try since the last reset.
    pub(super) const fn is_fresh(&self) -> bool {
        self.tries == 0
    }

    /// Between nothing and the first step.
    pub(super) fn first(&mut self) -> Duration {
        self.jitter(self.min)
    }

    /// Between nothing and a step that doubles from try to try.
    pub(super) fn next(&mut self) -> Duration {
        let step = self.min.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX));
        self.tries = self.tries.saturating_add(1).min(31);
        self.jitter(step.min(self.max))
    }

    /// Between nothing and a span, evenly.
    pub(super) fn jitter(&mut self, step: Duration) -> Duration {
        // splitmix64; any even spread will do.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let nanos = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(mixed % nanos.saturating_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_start_anew() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(10));
        let mut backoff = Backoff::new(min, max, 7);
        let waits: Vec<_> = (0..40).map(|_| backoff.next()).collect();
        assert!(waits[0] <= min && waits[1] <= 2 * min);
        assert!(waits.iter().all(|wait| *wait <= max));
        assert!(waits[10..].iter().any(|wait| *wait > max / 2));
        backoff.reset();
        assert!(backoff.next() <= min);
    }

    #[test]
    fn two_collectors_wait_differently() {
        let waits = |seed| {
            let mut backoff =
                Backoff::new(Duration::from_millis(100), Duration::from_secs(10), seed);
            (0..8).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(2));
    }
}
