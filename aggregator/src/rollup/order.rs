//! Localities in the order of an indicator's value.

use std::{cmp::Ordering, sync::OnceLock};

use phuxanh_proto::model::LocalityCode;

use super::value::{Ratio, Value};

/// Which end of a ranking comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Lowest,
    Highest,
}

/// A place in a ranking: equal values stand in the order of their codes, in both orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub value: Ratio,
    pub code: LocalityCode,
}

impl Order {
    /// Which of two values comes first.
    #[must_use]
    pub fn compare_values(self, one: Ratio, other: Ratio) -> Ordering {
        match self {
            Self::Lowest => one.cmp(&other),
            Self::Highest => other.cmp(&one),
        }
    }

    /// Which of two places comes first.
    #[must_use]
    pub fn compare(self, one: &Key, other: &Key) -> Ordering {
        self.compare_values(one.value, other.value).then(one.code.cmp(&other.code))
    }
}

/// A list of localities, sorted once for all that will ask.
#[derive(Debug, Clone)]
pub struct Orders {
    lowest: Box<[Key]>,
    highest: OnceLock<Box<[Key]>>,
    unknown: Box<[LocalityCode]>,
    untested: Box<[LocalityCode]>,
}

impl Orders {
    /// Sorts localities that come by rising code.
    pub fn new(localities: impl Iterator<Item = (LocalityCode, Value)>) -> Self {
        let (mut lowest, mut unknown, mut untested) = (Vec::new(), Vec::new(), Vec::new());
        for (code, value) in localities {
            match value {
                Value::Known(value) => lowest.push(Key { value, code }),
                Value::Unknown => unknown.push(code),
                Value::Untested => untested.push(code),
            }
        }
        lowest.sort_unstable_by(|one, other| Order::Lowest.compare(one, other));
        Self {
            lowest: lowest.into(),
            highest: OnceLock::new(),
            unknown: unknown.into(),
            untested: untested.into(),
        }
    }

    /// Those with a value.
    #[must_use]
    pub fn ranked(&self, order: Order) -> &[Key] {
        match order {
            Order::Lowest => &self.lowest,
            Order::Highest => self.highest.get_or_init(|| {
                let mut keys = self.lowest.clone();
                keys.sort_unstable_by(|one, other| Order::Highest.compare(one, other));
                keys
            }),
        }
    }

    /// Those of which nothing is known, by code.
    #[must_use]
    pub fn unknown(&self) -> &[LocalityCode] {
        &self.unknown
    }

    /// Those whose denominator is 0, by code.
    #[must_use]
    pub fn untested(&self) -> &[LocalityCode] {
        &self.untested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_stand_by_code_at_both_ends() {
        let known = |numerator, denominator| {
            Value::Known(Ratio::new(numerator, denominator).expect("positive"))
        };
        let values = [
            ("01", known(1, 2)),
            ("04", known(2, 4)),
            ("08", Value::Untested),
            ("11", known(1, 3)),
            ("12", Value::Unknown),
            ("14", known(1, 1)),
        ];
        let code = |text: &str| text.parse::<LocalityCode>().expect("a code");
        let orders = Orders::new(values.into_iter().map(|(text, value)| (code(text), value)));
        let codes = |order| orders.ranked(order).iter().map(|key| key.code).collect::<Vec<_>>();
        assert_eq!(codes(Order::Lowest), ["11", "01", "04", "14"].map(code));
        assert_eq!(codes(Order::Highest), ["14", "01", "04", "11"].map(code));
        assert_eq!(orders.unknown(), [code("12")]);
        assert_eq!(orders.untested(), [code("08")]);
    }
}
