//! Change of a value between two periods.
//!
//! A change is a difference of exact ratios, and stays one: it is compared without rounding and
//! without a common denominator, which might not fit into 128 bits.

use std::cmp::Ordering;

use crate::{
    catalogue::{Direction, Indicator},
    figures::{
        ranking::{Query, Ranking},
        rollup::{Ratio, Rollup, Unranked},
        view::NationRollup,
    },
    gazetteer::Locality,
};

/// Movement of a value towards better: `up` − `down`.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The value, or the earlier one where lower is better.
    pub up: Ratio,
    /// The other one.
    pub down: Ratio,
}

impl Change {
    /// Computes the change of an indicator with this direction.
    #[must_use]
    pub const fn new(now: Ratio, before: Ratio, direction: Direction) -> Self {
        match direction {
            Direction::Up => Self { up: now, down: before },
            Direction::Down => Self { up: before, down: now },
        }
    }

    /// For reading, never for comparing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    pub fn to_f64(self) -> f64 {
        let (numerator, denominator) = self.fraction();
        numerator as f64 / denominator as f64
    }

    /// Difference as one fraction. The parts of a ratio are below 2^63, so that 128 bits hold it.
    fn fraction(self) -> (i128, i128) {
        let [a, b] = [self.up.numerator(), self.up.denominator()].map(i128::from);
        let [c, d] = [self.down.numerator(), self.down.denominator()].map(i128::from);
        (a * d - c * b, b * d)
    }
}

impl Ord for Change {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_fractions(self.fraction(), other.fraction())
    }
}

impl PartialOrd for Change {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Change {}

/// Compares fractions with positive denominators by their whole parts, then by what is left,
/// turned upside down: the steps of Euclid's algorithm, so that nothing is multiplied.
fn compare_fractions(one: (i128, i128), other: (i128, i128)) -> Ordering {
    let ((mut a, mut b), (mut c, mut d)) = (one, other);
    let mut turned = false;
    loop {
        let whole = a.div_euclid(b).cmp(&c.div_euclid(d));
        let (rest, other_rest) = (a.rem_euclid(b), c.rem_euclid(d));
        let ordering = match (rest, other_rest) {
            _ if whole.is_ne() => whole,
            (0, _) | (_, 0) => rest.cmp(&other_rest),
            (_, _) => {
                (a, b, c, d) = (b, rest, d, other_rest);
                turned = !turned;
                continue;
            }
        };
        return if turned { ordering.reverse() } else { ordering };
    }
}

/// Ranks localities by how far they moved towards better since `before`. One that has a value in
/// only one of the periods is left out.
#[must_use]
pub fn ranking(
    now: &NationRollup<'_>,
    before: &NationRollup<'_>,
    indicator: &Indicator,
    query: &Query,
) -> Ranking<Change> {
    now.ranking_by(query, |locality: &Locality, rollup: &Rollup| {
        let earlier = before.rollup(locality, query.indicator);
        match (rollup.value().ranked(), earlier.value().ranked()) {
            (Ok(_), Ok(_)) => {
                let (now, before) = (query.ranked(rollup)?, query.ranked(&earlier)?);
                Ok(Change::new(now, before, indicator.direction))
            }
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => Err(Unranked::OneSided),
            (Err(Unranked::Untested), _) | (_, Err(Unranked::Untested)) => Err(Unranked::Untested),
            (Err(_), Err(_)) => Err(Unranked::Unknown),
        }
    })
}

#[cfg(test)]
mod tests;
