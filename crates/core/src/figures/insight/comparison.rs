//! A measure of one month against that of an earlier one, per working day.
//!
//! Only communes that reported both months are summed, so that one that has not reported yet does
//! not look like a fall.

use std::cmp::Reverse;

use super::change::Change;
use crate::{
    LocalityCode,
    catalogue::Direction,
    figures::rollup::{CommuneRollup, Provenance, Ratio, Reported},
};

/// Something of the later month and of the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Months<T> {
    pub now: T,
    pub before: T,
}

/// A measure of one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Sum over the communes that reported both months.
    pub sum: i64,
    /// Communes that reported this one.
    pub reported_count: usize,
    /// Provenance of the sum.
    pub provenance: Option<Provenance>,
}

/// A locality's measure in two months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comparison {
    pub sums: Months<Sum>,
    /// Communes that reported both months.
    pub compared_count: usize,
    /// Communes in force in the later one.
    pub commune_count: usize,
}

impl Comparison {
    /// Compares a commune by a measure at a place of the catalogue: in the later month and, if the
    /// commune was in force, in the earlier one.
    #[must_use]
    pub fn new(now: &CommuneRollup, before: Option<&CommuneRollup>, measure: usize) -> Self {
        let reported = |commune: &CommuneRollup| commune.measures.get(measure).copied().flatten();
        let (now, before) = (reported(now), before.and_then(reported));
        let is_compared = now.is_some() && before.is_some();
        let sum = |found: Option<Reported>| {
            let compared = found.filter(|_| is_compared);
            Sum {
                sum: compared.map_or(0, |found| found.count),
                reported_count: usize::from(found.is_some()),
                provenance: compared.map(|found| found.provenance),
            }
        };
        Self {
            sums: Months { now: sum(now), before: sum(before) },
            compared_count: usize::from(is_compared),
            commune_count: 1,
        }
    }

    /// Adds up several localities.
    #[must_use]
    pub fn total<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum.compared_count += part.compared_count;
            sum.commune_count += part.commune_count;
            for (total, part) in
                [(&mut sum.sums.now, part.sums.now), (&mut sum.sums.before, part.sums.before)]
            {
                total.sum += part.sum;
                total.reported_count += part.reported_count;
                total.provenance = Provenance::merge(total.provenance, part.provenance);
            }
            sum
        })
    }

    /// Change per working day; `None` where no commune reported both months, or where one of them
    /// has no working day.
    #[must_use]
    pub fn change(&self, day_counts: Months<u32>) -> Option<Change> {
        let per_day = |sum: Sum, days: u32| Ratio::new(sum.sum, days.into());
        let now = per_day(self.sums.now, day_counts.now)?;
        let before = per_day(self.sums.before, day_counts.before)?;
        (self.compared_count > 0).then(|| Change::new(now, before, Direction::Up))
    }
}

/// Puts the deepest fall per working day first, and what cannot be compared last; equal ones stand
/// by code.
pub fn sort(parts: &mut [(LocalityCode, Comparison)], day_counts: Months<u32>) {
    parts.sort_by_key(|(code, part)| {
        let change = part.change(day_counts);
        (Reverse(change.is_some()), change, *code)
    });
}

#[cfg(test)]
mod tests;
