//! On how many days of a month a commune was green, or met one criterion, and how often it turned.
//!
//! A day is told by its end: by what had been observed before the midnight behind it, whatever was
//! reported for the month later and in whatever order it arrived. Turns within a day are not seen.

use crate::{
    LocalityCode, Period, Timestamp,
    figures::fold::{Fold, Forgotten, MetricKey},
};

/// Turns of a commune within a month from which it flaps.
pub const FLAPPING_MIN: u32 = 2;

/// The midnights of a month up to a moment: the one that it begins with, then the ends of all days
/// that have begun by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    period: Period,
    midnights: Vec<Timestamp>,
}

/// The days of one commune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// Days at whose end every criterion asked for was met.
    pub met_count: u32,
    /// Days at whose end one was unmet.
    pub unmet_count: u32,
    /// Days at whose end none was known to be unmet, and one was not known.
    pub unknown_count: u32,
    /// Days on which it was met or unmet, and the opposite when it was last known.
    pub turn_count: u32,
    /// True if days are unknown because earlier observations are not kept any more.
    pub is_cut: bool,
}

impl Month {
    #[must_use]
    pub fn new(period: Period, now: Timestamp) -> Self {
        let mut midnights: Vec<_> = period.midnights().collect();
        let days = midnights.len() - 1;
        let begun = midnights[..days].iter().filter(|begin| **begin <= now).count();
        midnights.truncate(begun + 1);
        Self { period, midnights }
    }

    /// Days of it that have begun.
    #[must_use]
    pub fn day_count(&self) -> usize {
        self.midnights.len() - 1
    }
}

impl Days {
    /// Computes the days of a commune by these criteria; `None` stands for one that nobody has
    /// reported.
    #[must_use]
    pub fn new(
        fold: &Fold,
        commune: LocalityCode,
        criteria: &[Option<MetricKey>],
        month: &Month,
    ) -> Self {
        let mut days = Self::default();
        let mut known = None;
        for (at, midnight) in month.midnights.iter().enumerate() {
            let met = met(fold, commune, criteria, month.period, *midnight);
            // The first is the end of the month before.
            if at > 0 {
                days.add(met, known);
            }
            known = met.unwrap_or_default().or(known);
        }
        days
    }

    #[must_use]
    pub const fn is_flapping(&self) -> bool {
        self.turn_count >= FLAPPING_MIN
    }

    fn add(&mut self, met: Result<Option<bool>, Forgotten>, known: Option<bool>) {
        match met {
            Ok(Some(true)) => self.met_count += 1,
            Ok(Some(false)) => self.unmet_count += 1,
            Ok(None) => self.unknown_count += 1,
            Err(Forgotten) => {
                self.unknown_count += 1;
                self.is_cut = true;
            }
        }
        self.turn_count +=
            u32::from(matches!((met, known), (Ok(Some(now)), Some(was)) if now != was));
    }
}

/// Standing by the rule of green coverage: unmet if any is unmet, else unknown if any is, else met.
fn met(
    fold: &Fold,
    commune: LocalityCode,
    criteria: &[Option<MetricKey>],
    period: Period,
    midnight: Timestamp,
) -> Result<Option<bool>, Forgotten> {
    let mut all = Ok(Some(true));
    for criterion in criteria {
        let held =
            criterion.map_or(Ok(None), |key| fold.held_before(commune, key, period, midnight));
        match held {
            Ok(Some(true)) => {}
            Ok(Some(false)) => return held,
            Ok(None) => all = all.and(held),
            Err(Forgotten) => all = held,
        }
    }
    all
}

#[cfg(test)]
mod tests;
