//! Many histories, on several threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use super::{Counts, Omitted, Violation, live};

/// Histories of consecutive seeds.
#[derive(Debug, Clone)]
pub struct Campaign {
    pub first_seed: u64,
    pub history_count: u64,
    pub thread_count: usize,
    pub omitted: Omitted,
}

/// A history that broke a promise, or broke down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub seed: u64,
    /// None where it panicked.
    pub violation: Option<Violation>,
}

/// Progress of a campaign.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub history_count: u64,
    pub reached: Counts,
    /// Failures by rising seed.
    pub failures: Vec<Failure>,
}

/// Failures after which a campaign ends.
const FAILURES_MAX: usize = 5;

impl Campaign {
    /// Lives through all histories, or until some have failed; tells the count of those done now and
    /// then.
    #[must_use]
    pub fn run(&self, told: impl Fn(u64) + Sync) -> Progress {
        let next = AtomicU64::new(0);
        let is_over = AtomicBool::new(false);
        let work = || {
            let mut progress = Progress::default();
            while !is_over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.history_count {
                    break;
                }
                let seed = self.first_seed.wrapping_add(number);
                progress.add(seed, &self.omitted);
                told(number);
                if progress.failures.len() >= FAILURES_MAX {
                    is_over.store(true, Ordering::Relaxed);
                }
            }
            progress
        };
        let mut whole = Progress::default();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.thread_count).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                let part = worker.join().expect("histories are run in catch_unwind");
                whole.history_count += part.history_count;
                whole.reached.add(&part.reached);
                whole.failures.extend(part.failures);
            }
        });
        whole.failures.sort_by_key(|failure| failure.seed);
        whole
    }
}

impl Progress {
    fn add(&mut self, seed: u64, omitted: &Omitted) {
        self.history_count += 1;
        match catch_unwind(AssertUnwindSafe(|| live(seed, omitted, false))) {
            Ok(outcome) => {
                self.reached.add(&outcome.reached);
                let failures = outcome.broken.map(|it| Failure { seed, violation: Some(it) });
                self.failures.extend(failures);
            }
            Err(_) => self.failures.push(Failure { seed, violation: None }),
        }
    }
}
