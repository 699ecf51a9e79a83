//! Witness of the aggregator's clock: it knows the true time, and so every error of the clock.
//!
//! An error is accepted where the aggregator could not know better: at a start that fits the newest
//! receipt, beside a heartbeat of a collector whose clock shows the same, and where it differs too
//! little from an accepted one. At any other error nothing may be stamped.

use phuxanh_core::{Timestamp, delivery::timekeeping::Rules};

use crate::simulation::invariant::{Invariant, Violation};

/// Errors of the clock that one process of the aggregator may stamp with; all in microseconds.
#[derive(Debug, Default)]
pub struct Clocks {
    accepted: Vec<i64>,
    /// Furthest that two clocks may differ.
    offset_max: i64,
    /// Longest time after the newest receipt at which a start is not questioned.
    gap_max: i64,
}

impl Clocks {
    /// Witness of a process that has just started.
    pub fn new(rules: Rules) -> Self {
        let micros = |span: std::time::Duration| i64::try_from(span.as_micros()).expect("hours");
        let (offset_max, gap_max) = (micros(rules.offset_max), micros(rules.gap_max));
        Self { accepted: Vec::new(), offset_max, gap_max }
    }

    /// The aggregator looks at its clock, which shows this time with this error, beside the newest
    /// receipt; the first time at its start.
    pub fn looked(&mut self, error: i64, shown: Timestamp, newest: Option<Timestamp>) {
        let fits = newest.is_none_or(|newest| {
            let gap = shown.micros() - newest.micros();
            (-self.offset_max..=self.gap_max).contains(&gap)
        });
        if (self.accepted.is_empty() && fits) || self.is_near(error) {
            self.accept(error);
        }
    }

    /// A heartbeat is heard, from a clock that differs by so much from the aggregator's.
    pub fn agreed(&mut self, error: i64, offset: i64) {
        if offset.abs() <= self.offset_max {
            self.accept(error);
        }
    }

    /// The clock was set, and has this error now.
    pub fn set(&mut self, error: i64) {
        if self.is_near(error) {
            self.accept(error);
        }
    }

    /// A batch is stamped while the clock has this error.
    pub fn stamps(&self, error: i64) -> Result<(), Violation> {
        Invariant::Clocks.check(self.is_near(error), || {
            let seconds = error / 1_000_000;
            format!("a batch is stamped by a clock whose error of {seconds} s nothing confirms")
        })
    }

    fn is_near(&self, error: i64) -> bool {
        self.accepted.iter().any(|accepted| (error - accepted).abs() <= self.offset_max)
    }

    fn accept(&mut self, error: i64) {
        if !self.accepted.contains(&error) {
            self.accepted.push(error);
        }
    }
}
