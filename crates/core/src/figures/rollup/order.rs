//! Localities in the order of an indicator's value.

use std::{cmp::Ordering, sync::OnceLock};

use super::value::{Ratio, Unranked};
use crate::LocalityCode;

/// End of a ranking that comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Lowest,
    Highest,
}

/// A place in a ranking: equal values stand in the order of their codes, in both orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<V = Ratio> {
    pub value: V,
    pub code: LocalityCode,
}

impl Order {
    /// Compares two values in the order of the ranking.
    #[must_use]
    pub fn compare_values<V: Ord + Copy>(self, one: V, other: V) -> Ordering {
        match self {
            Self::Lowest => one.cmp(&other),
            Self::Highest => other.cmp(&one),
        }
    }

    /// Compares two places in the order of the ranking.
    #[must_use]
    pub fn compare<V: Ord + Copy>(self, one: &Key<V>, other: &Key<V>) -> Ordering {
        self.compare_values(one.value, other.value).then(one.code.cmp(&other.code))
    }
}

/// A list of localities, sorted once for all that will ask.
#[derive(Debug, Clone)]
pub struct Orders<V = Ratio> {
    lowest: Box<[Key<V>]>,
    highest: OnceLock<Box<[Key<V>]>>,
    /// Localities without a rank, by reason.
    unranked: [Vec<LocalityCode>; Unranked::ALL.len()],
}

impl<V: Ord + Copy> Orders<V> {
    /// Sorts localities that come by rising code.
    pub fn new(localities: impl Iterator<Item = (LocalityCode, Result<V, Unranked>)>) -> Self {
        let mut lowest = Vec::new();
        let mut unranked = Unranked::ALL.map(|_| Vec::new());
        for (code, value) in localities {
            match value {
                Ok(value) => lowest.push(Key { value, code }),
                Err(why) => unranked[why as usize].push(code),
            }
        }
        lowest.sort_unstable_by(|one, other| Order::Lowest.compare(one, other));
        Self { lowest: lowest.into(), highest: OnceLock::new(), unranked }
    }

    /// Those with a value.
    #[must_use]
    pub fn ranked(&self, order: Order) -> &[Key<V>] {
        match order {
            Order::Lowest => &self.lowest,
            Order::Highest => self.highest.get_or_init(|| {
                let mut keys = self.lowest.clone();
                keys.sort_unstable_by(|one, other| Order::Highest.compare(one, other));
                keys
            }),
        }
    }

    /// Those left out for a reason, by code.
    #[must_use]
    pub fn unranked(&self, why: Unranked) -> &[LocalityCode] {
        &self.unranked[why as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_stand_by_code_at_both_ends() {
        let known =
            |numerator, denominator| Ok(Ratio::new(numerator, denominator).expect("positive"));
        let values = [
            ("01", known(1, 2)),
            ("04", known(2, 4)),
            ("08", Err(Unranked::Untested)),
            ("11", known(1, 3)),
            ("12", Err(Unranked::Unknown)),
            ("14", known(1, 1)),
        ];
        let code = |text: &str| text.parse::<LocalityCode>().expect("a code");
        let orders = Orders::new(values.into_iter().map(|(text, value)| (code(text), value)));
        let codes = |order| orders.ranked(order).iter().map(|key| key.code).collect::<Vec<_>>();
        assert_eq!(codes(Order::Lowest), ["11", "01", "04", "14"].map(code));
        assert_eq!(codes(Order::Highest), ["14", "01", "04", "11"].map(code));
        let unranked = Unranked::ALL.map(|why| orders.unranked(why).to_vec());
        assert_eq!(unranked, [vec![code("12")], vec![code("08")], Vec::new(), Vec::new()]);
    }
}
