//! Exact numbers of a locality, and how those of its parts add up.

use std::cmp::Ordering;

use crate::{Basis, Timestamp};

/// Origin of a number: how old and how certain the observations under it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// Newest time observed under it.
    pub observed: Timestamp,
    /// The least certain one under it.
    pub basis: Basis,
}

impl Provenance {
    /// Merges the provenance of two numbers.
    #[must_use]
    pub fn merge(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
        Some(Self { observed: a.observed.max(b.observed), basis: a.basis.max(b.basis) })
    }
}

/// One indicator of one locality in one period. The default is that of no commune.
///
/// For green coverage the numerator counts green communes and the denominator all of them; a
/// commune has reported when it is green or not green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollup {
    /// Sum over the communes that reported both parts.
    pub numerator: i64,
    /// Sum likewise.
    pub denominator: i64,
    /// Communes that reported both parts.
    pub reported_count: u32,
    /// All communes in force.
    pub commune_count: u32,
    /// Unset where nothing was reported.
    pub provenance: Option<Provenance>,
}

/// Value of a rollup, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    Known(Ratio),
    /// Nothing was reported that would tell it.
    Unknown,
    /// Reported, with a denominator of 0.
    Untested,
}

/// Reason why a ranking leaves a locality out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unranked {
    /// Nothing was reported that would tell its value.
    Unknown,
    /// Its denominator is 0.
    Untested,
    /// Its denominator is smaller than asked for.
    Small,
    /// The locality has a value in only one of two periods.
    OneSided,
}

impl Unranked {
    /// In the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Untested, Self::Small, Self::OneSided];
}

impl Value {
    /// The value that is ranked, or why there is none.
    pub const fn ranked(self) -> Result<Ratio, Unranked> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unknown => Err(Unranked::Unknown),
            Self::Untested => Err(Unranked::Untested),
        }
    }
}

impl Rollup {
    /// A commune that did not report both parts of a ratio.
    pub const UNREPORTED: Self = Self {
        numerator: 0,
        denominator: 0,
        reported_count: 0,
        commune_count: 1,
        provenance: None,
    };

    #[must_use]
    pub fn value(&self) -> Value {
        if self.reported_count == 0 {
            Value::Unknown
        } else {
            Ratio::new(self.numerator, self.denominator).map_or(Value::Untested, Value::Known)
        }
    }

    /// Adds the communes of another locality. Sums stay within 63 bits, since a measure is
    /// bounded by `model::validation::MEASURE_MAX`.
    pub fn add(&mut self, other: &Self) {
        self.numerator += other.numerator;
        self.denominator += other.denominator;
        self.reported_count += other.reported_count;
        self.commune_count += other.commune_count;
        self.provenance = Provenance::merge(self.provenance, other.provenance);
    }
}

/// Communes of a locality by how they stand on one criterion. The default is that of no commune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CriterionRollup {
    pub met_count: u32,
    pub unmet_count: u32,
    /// Communes that have not said.
    pub unknown_count: u32,
    /// Unset where nothing was reported.
    pub provenance: Option<Provenance>,
}

impl CriterionRollup {
    /// Adds the communes of another locality.
    pub fn add(&mut self, other: &Self) {
        self.met_count += other.met_count;
        self.unmet_count += other.unmet_count;
        self.unknown_count += other.unknown_count;
        self.provenance = Provenance::merge(self.provenance, other.provenance);
    }
}

/// A ratio of integers with a positive denominator, compared exactly: 1/2 equals 2/4.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    /// `None` unless the denominator is positive.
    #[must_use]
    pub const fn new(numerator: i64, denominator: i64) -> Option<Self> {
        if denominator > 0 { Some(Self { numerator, denominator }) } else { None }
    }

    #[must_use]
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    #[must_use]
    pub const fn denominator(self) -> i64 {
        self.denominator
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.numerator) * i128::from(other.denominator);
        let right = i128::from(other.numerator) * i128::from(self.denominator);
        left.cmp(&right)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ratio {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(numerator: i64, denominator: i64) -> Ratio {
        Ratio::new(numerator, denominator).expect("a positive denominator")
    }

    #[test]
    fn ratios_that_doubles_confuse_are_told_apart() {
        let large = i64::MAX / 2;
        assert!(ratio(large - 1, large) < ratio(large, large + 1));
        assert_eq!(ratio(large, large), ratio(1, 1));
        assert_eq!(ratio(0, 7), ratio(0, 1));
    }

    #[test]
    fn a_denominator_of_zero_is_untested_and_silence_unknown() {
        let untested = Rollup { reported_count: 1, commune_count: 1, ..Rollup::default() };
        assert_eq!(untested.value(), Value::Untested);
        assert_eq!(Rollup::UNREPORTED.value(), Value::Unknown);
        assert_eq!(Rollup::default().value(), Value::Unknown);
    }

    proptest! {
        #[test]
        fn ratios_are_ordered_totally(
            parts in proptest::array::uniform3((0..50_i64, 1..50_i64)),
            factor in 1..1_000_i64,
        ) {
            let [a, b, c] = parts.map(|(numerator, denominator)| ratio(numerator, denominator));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
            prop_assert_eq!(a, ratio(a.numerator() * factor, a.denominator() * factor));
        }
    }
}
