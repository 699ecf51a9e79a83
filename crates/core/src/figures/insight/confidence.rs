//! Ranks that respect small numbers: the interval that a share of few cases lies in.
//!
//! It is Wilson's score interval of 95 % (E. B. Wilson, "Probable Inference, the Law of
//! Succession, and Statistical Inference", Journal of the American Statistical Association 22
//! (1927), 209–212). With x of n cases its ends are
//!
//! ```text
//! (2x + z² ∓ z √(z² + 4x(n − x)/n)) / (2(n + z²))
//! ```
//!
//! Only +, −, ×, ÷ and √ of doubles are used, which IEEE 754 rounds alike everywhere, and the ends
//! are rounded outwards to billionths: from there on everything is exact and totally ordered.

use crate::figures::{
    ranking::{Query, Ranking},
    rollup::{Order, Ratio},
    view::NationRollup,
};

/// The unit of an end: 1 is a billion of them.
pub const BILLION: i64 = 1_000_000_000;
/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_964;

/// The interval of a share, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub lower: i64,
    pub upper: i64,
}

/// Communes ranked by the end of their interval that is nearer to the middle.
#[derive(Debug)]
pub struct Confidence {
    pub ranking: Ranking,
    order: Order,
    /// The ends of all ranked communes, each sorted.
    lower: Vec<i64>,
    upper: Vec<i64>,
}

impl Interval {
    /// Computes the interval of a share. A numerator above its denominator, which is implausible,
    /// counts as equal to it.
    #[must_use]
    pub fn of(share: Ratio) -> Self {
        let (n, x) = (share.denominator(), share.numerator().min(share.denominator()));
        let (cases, hits, misses) = (to_f64(n), to_f64(x), to_f64(n - x));
        let middle = 2.0 * hits + Z * Z;
        let spread = Z * (Z * Z + 4.0 * hits * misses / cases).sqrt();
        let whole = 2.0 * (cases + Z * Z);
        Self {
            lower: billionths(((middle - spread) / whole * to_f64(BILLION)).floor()),
            upper: billionths(((middle + spread) / whole * to_f64(BILLION)).ceil()),
        }
    }

    /// The end that a ranking goes by.
    const fn bound(self, order: Order) -> i64 {
        match order {
            Order::Lowest => self.upper,
            Order::Highest => self.lower,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an interval of so many cases has no width left")]
const fn to_f64(count: i64) -> f64 {
    count as f64
}

/// Rounding may lead a hair beyond what a share can be.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a whole number below 2^53")]
const fn billionths(end: f64) -> i64 {
    end.clamp(0.0, to_f64(BILLION)) as i64
}

impl Confidence {
    /// Ranks the communes of a query by a share.
    #[must_use]
    pub fn new(nation: &NationRollup<'_>, query: &Query) -> Self {
        let intervals = nation.ranking_by(query, |_, rollup| {
            let end = Interval::of(query.ranked(rollup)?).bound(query.order);
            Ok(Ratio::new(end, BILLION).expect("a billion is positive"))
        });
        let shares = nation.ranking(query).rows_after(None, usize::MAX);
        let (mut lower, mut upper): (Vec<_>, Vec<_>) = shares
            .into_iter()
            .map(|row| Interval::of(row.key.value))
            .map(|interval| (interval.lower, interval.upper))
            .unzip();
        lower.sort_unstable();
        upper.sort_unstable();
        Self { ranking: intervals, order: query.order, lower, upper }
    }

    /// The ranks that the intervals allow for one of them: behind all that lie wholly before it,
    /// and before all that lie wholly behind it.
    #[must_use]
    pub fn ranks(&self, interval: Interval) -> (usize, usize) {
        let below = self.upper.partition_point(|upper| *upper < interval.lower);
        let not_above = self.lower.partition_point(|lower| *lower <= interval.upper);
        match self.order {
            Order::Lowest => (1 + below, not_above),
            Order::Highest => (1 + self.lower.len() - not_above, self.upper.len() - below),
        }
    }
}

#[cfg(test)]
mod tests;
