//! The fewest fixes that lift a province's green coverage to a target.
//!
//! A fix is one required criterion in one commune. Communes cost what they lack, independently of
//! each other, so the cheapest ones are the cheapest set. Fixing a criterion everywhere is another
//! question, since a commune turns green only once all that it lacks is fixed: see `everywhere`.

mod everywhere;

use super::Lack;
use crate::{LocalityCode, catalogue::Catalogue, figures::rollup::PeriodRollup};
pub use everywhere::CriterionSet;

/// A target for green coverage, in percent: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(u8);

/// The way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Green communes that the target asks for.
    pub target_count: usize,
    /// The cheapest communes to turn green, as many as are needed: by their number of fixes, ties
    /// by code.
    pub communes: Vec<(LocalityCode, Lack)>,
    /// The smallest set of criteria to fix in the whole province instead.
    pub everywhere: CriterionSet,
}

impl Target {
    /// `None` unless the percentage is 1 to 100.
    #[must_use]
    pub fn new(percent: i32) -> Option<Self> {
        let percent = u8::try_from(percent).ok()?;
        (1..=100).contains(&percent).then_some(Self(percent))
    }

    /// Green communes that it asks for, of all: the least that are no smaller a share.
    #[must_use]
    pub fn count(self, commune_count: usize) -> usize {
        (commune_count * usize::from(self.0)).div_ceil(100)
    }
}

impl Path {
    #[must_use]
    pub fn new(province: &PeriodRollup, catalogue: &Catalogue, target: Target) -> Self {
        let all = province.communes().iter();
        let mut lacking: Vec<_> = all
            .map(|commune| (commune.code, Lack::of(commune, catalogue)))
            .filter(|(_, lack)| !lack.is_green())
            .collect();
        lacking.sort_by_key(|(code, lack)| (lack.count(), *code));
        let commune_count = province.communes().len();
        let target_count = target.count(commune_count);
        let green_count = commune_count - lacking.len();
        let needed_count = target_count.saturating_sub(green_count);
        let lacks: Vec<_> = lacking.iter().map(|(_, lack)| lack).collect();
        let everywhere = CriterionSet::new(&lacks, needed_count);
        lacking.truncate(needed_count);
        Self { target_count, communes: lacking, everywhere }
    }

    /// Fixes of unmet criteria, and of those not reported.
    #[must_use]
    pub fn fix_counts(&self) -> (usize, usize) {
        self.communes.iter().fold((0, 0), |(unmet, unknown), (_, lack)| {
            (unmet + lack.unmet.len(), unknown + lack.unknown.len())
        })
    }
}

#[cfg(test)]
mod tests;
