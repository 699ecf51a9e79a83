//! Turns of communes: those that turn green, or cease to be, from month to month.
//!
//! A month is known by its last state, so that turns within one are not seen.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    LocalityCode,
    figures::rollup::{COVERAGE, CommuneRollup, Value},
};

/// Turns of a commune from which it flaps.
const FLAPPING_MIN: usize = 2;

/// Communes that turned in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turned {
    pub green_count: usize,
    pub not_green_count: usize,
}

/// Turns of communes in a row of months.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turns {
    /// Number of turns by month.
    pub months: Vec<Turned>,
    communes: BTreeMap<LocalityCode, Commune>,
}

/// A commune as seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Commune {
    /// In the last month in which it was known.
    green: Option<bool>,
    turn_count: usize,
}

impl Turns {
    /// Takes in the communes of the next month.
    pub fn add<'a>(&mut self, communes: impl Iterator<Item = &'a CommuneRollup>) {
        let mut turned = Turned::default();
        for rollup in communes {
            let Some(green) = is_green(rollup) else { continue };
            let commune = self.communes.entry(rollup.code).or_default();
            if commune.green.replace(green) == Some(!green) {
                commune.turn_count += 1;
                turned.green_count += usize::from(green);
                turned.not_green_count += usize::from(!green);
            }
        }
        self.months.push(turned);
    }

    /// Communes that turned twice or more, the most turns first, then by code.
    #[must_use]
    pub fn flapping(&self) -> Vec<(LocalityCode, usize)> {
        let all = self.communes.iter().map(|(code, commune)| (*code, commune.turn_count));
        let mut flapping: Vec<_> = all.filter(|(_, count)| *count >= FLAPPING_MIN).collect();
        flapping.sort_by_key(|(code, count)| (Reverse(*count), *code));
        flapping
    }
}

/// `None` where it is unknown.
fn is_green(commune: &CommuneRollup) -> Option<bool> {
    match commune.rollups.get(COVERAGE)?.value() {
        Value::Known(share) => Some(share.numerator() > 0),
        Value::Unknown | Value::Untested => None,
    }
}

#[cfg(test)]
mod tests;
