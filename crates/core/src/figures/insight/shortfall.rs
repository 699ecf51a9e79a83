//! The flip table: who lacks which criterion, and what fixing it alone would do.

use super::Lack;
use crate::{
    catalogue::Catalogue,
    figures::rollup::{CriterionRollup, PeriodRollup},
};

/// Number of communes of a locality that lack one criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shortfall {
    pub rollup: CriterionRollup,
    /// Communes in which it is unmet and every other required criterion is met: so many turn
    /// green if it alone is fixed. 0 for a criterion that green does not ask for.
    pub flip_count: u32,
    /// Communes that have not said, and meet every other required criterion.
    pub flip_unknown_count: u32,
}

impl Shortfall {
    fn add(&mut self, other: &Self) {
        self.rollup.add(&other.rollup);
        self.flip_count += other.flip_count;
        self.flip_unknown_count += other.flip_unknown_count;
    }
}

/// The shortfalls of a province, in the catalogue's order.
#[must_use]
pub fn of_province(province: &PeriodRollup, catalogue: &Catalogue) -> Vec<Shortfall> {
    let counted = |rollup: &CriterionRollup| Shortfall { rollup: *rollup, ..Shortfall::default() };
    let mut shortfalls: Vec<_> = province.criteria().iter().map(counted).collect();
    for commune in province.communes() {
        let lack = Lack::of(commune, catalogue);
        let (only, is_unknown) = match (lack.unmet.as_slice(), lack.unknown.as_slice()) {
            ([only], []) => (*only, false),
            ([], [only]) => (*only, true),
            (_, _) => continue,
        };
        if let Some(shortfall) = shortfalls.get_mut(only) {
            shortfall.flip_count += u32::from(!is_unknown);
            shortfall.flip_unknown_count += u32::from(is_unknown);
        }
    }
    shortfalls
}

/// Those of several provinces together; of no province, one of nothing for each criterion.
#[must_use]
pub fn total<'a>(
    provinces: impl Iterator<Item = &'a [Shortfall]>,
    catalogue: &Catalogue,
) -> Vec<Shortfall> {
    let none = vec![Shortfall::default(); catalogue.criteria.len()];
    provinces.fold(none, |mut sum, province| {
        for (sum, part) in sum.iter_mut().zip(province) {
            sum.add(part);
        }
        sum
    })
}

#[cfg(test)]
mod tests;
