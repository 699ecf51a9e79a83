//! Criteria that keep a commune from being green.

use crate::{catalogue::Catalogue, figures::rollup::CommuneRollup};

/// The required criteria that a commune does not meet, as places in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lack {
    /// Declared not to be met.
    pub unmet: Vec<usize>,
    /// The criterion is not reported.
    pub unknown: Vec<usize>,
}

impl Lack {
    #[must_use]
    pub fn of(commune: &CommuneRollup, catalogue: &Catalogue) -> Self {
        let mut lack = Self::default();
        let criteria = catalogue.criteria.iter().zip(commune.criteria.iter()).enumerate();
        for (at, (_, held)) in criteria.filter(|(_, (criterion, _))| criterion.required) {
            match held {
                Some(held) if held.met => {}
                Some(_) => lack.unmet.push(at),
                None => lack.unknown.push(at),
            }
        }
        lack
    }

    /// Criteria that have to be met, or reported as met, for the commune to turn green.
    #[must_use]
    pub fn count(&self) -> usize {
        self.unmet.len() + self.unknown.len()
    }

    #[must_use]
    pub fn is_green(&self) -> bool {
        self.count() == 0
    }

    /// The unmet ones, then those not reported.
    pub fn criteria(&self) -> impl Iterator<Item = usize> {
        self.unmet.iter().chain(&self.unknown).copied()
    }
}
