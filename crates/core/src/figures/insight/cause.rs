//! Causes of a low locality: its distance to the nation in parts that sum exactly to it.
//!
//! Parts are fractions over one common denominator, computed in 128 bits and reduced. What does
//! not fit into 64 bits then is refused, never rounded.

mod communes;
mod criteria;

use crate::{
    catalogue::Catalogue,
    figures::rollup::{CommuneRollup, Provenance},
};
pub use communes::{CommunePart, CommunesSplit};
pub use criteria::{CriteriaSplit, CriterionPart};

/// An exact number does not fit into 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the exact parts do not fit into 64 bits")]
pub struct TooLarge;

/// Obstacles of one kind in a locality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Obstacle {
    /// Sum over the communes that reported it.
    pub count: i64,
    pub reported_count: usize,
    pub commune_count: usize,
    pub provenance: Option<Provenance>,
}

/// Returns the obstacles that the communes of a locality reported, in the catalogue's order.
#[must_use]
pub fn obstacles(communes: &[CommuneRollup], catalogue: &Catalogue) -> Vec<Obstacle> {
    let none = Obstacle { commune_count: communes.len(), ..Obstacle::default() };
    let mut obstacles = vec![none; catalogue.obstacles().count()];
    for commune in communes {
        let reported = catalogue.measures.iter().zip(commune.measures.iter());
        let reported = reported.filter(|(measure, _)| measure.obstacle).map(|(_, found)| found);
        for (sum, reported) in obstacles.iter_mut().zip(reported) {
            let Some(reported) = reported else { continue };
            sum.count += reported.count;
            sum.reported_count += 1;
            sum.provenance = Provenance::merge(sum.provenance, Some(reported.provenance));
        }
    }
    obstacles
}

/// `one × other`, or that it does not fit.
fn times(one: i128, other: i128) -> Result<i128, TooLarge> {
    one.checked_mul(other).ok_or(TooLarge)
}

fn minus(one: i128, other: i128) -> Result<i128, TooLarge> {
    one.checked_sub(other).ok_or(TooLarge)
}

fn count(count: usize) -> Result<i128, TooLarge> {
    i128::try_from(count).map_err(|_| TooLarge)
}

/// The greatest common divisor, not below 0.
fn divisor(one: i128, other: i128) -> i128 {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.abs()
}

/// Numerators over one common denominator, reduced together as far as all of them allow.
struct Fractions {
    by: i128,
    denominator: i64,
}

impl Fractions {
    fn new(denominator: i128, numerators: impl Iterator<Item = i128>) -> Result<Self, TooLarge> {
        let by = numerators.fold(denominator, divisor).max(1);
        Ok(Self { by, denominator: fit(denominator / by)? })
    }

    fn reduced(&self, numerator: i128) -> Result<i64, TooLarge> {
        fit(numerator / self.by)
    }
}

fn fit(number: i128) -> Result<i64, TooLarge> {
    i64::try_from(number).map_err(|_| TooLarge)
}

#[cfg(test)]
mod tests;
