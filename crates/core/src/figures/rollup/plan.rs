//! The catalogue's definitions in the terms of one fold, and what a commune amounts to by them.

use std::slice;

use super::value::{CriterionRollup, Provenance, Rollup};
use crate::{
    LocalityCode, MetricId, Period,
    catalogue::{Catalogue, Formula},
    figures::fold::{Cell, Fold, MetricKey},
};

/// A commune's figures in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommuneRollup {
    pub code: LocalityCode,
    /// In the catalogue's order; `None` where never reported.
    pub criteria: Box<[Option<Held>]>,
    /// In the order of the catalogue's indicators.
    pub rollups: Box<[Rollup]>,
    /// In the order of the catalogue's measures; `None` where not reported for the period, for a
    /// sum where any part was not.
    pub measures: Box<[Option<Reported>]>,
    /// True if any cell was reported for exactly this period.
    pub reported: bool,
}

/// A criterion as it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub met: bool,
    /// Period that it was reported for.
    pub since: Period,
    pub provenance: Provenance,
}

/// A measure as it was reported for a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    pub count: i64,
    pub provenance: Provenance,
}

/// Plan for computing the figures of a fold's communes.
pub(super) struct Plan<'a> {
    fold: &'a Fold,
    /// In the catalogue's order: the key, if any cell uses it, and whether green requires it.
    criteria: Vec<(Option<MetricKey>, bool)>,
    indicators: Vec<Source>,
    /// In the catalogue's order: the keys of what was reported under it, if cells use them all.
    measures: Vec<Option<Vec<MetricKey>>>,
}

/// Inputs of an indicator.
enum Source {
    Coverage,
    /// `None` where no cell uses one of the measures, so that no commune reported both parts.
    Ratio(Option<Parts>),
}

struct Parts {
    numerator: Vec<MetricKey>,
    denominator: Vec<MetricKey>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(fold: &'a Fold, catalogue: &Catalogue) -> Self {
        let keys = |metrics: &[MetricId]| {
            metrics.iter().map(|metric| fold.metric_key(metric)).collect::<Option<Vec<_>>>()
        };
        let parts = |numerator: &[MetricId], denominator: &[MetricId]| {
            Some(Parts { numerator: keys(numerator)?, denominator: keys(denominator)? })
        };
        Self {
            fold,
            criteria: catalogue
                .criteria
                .iter()
                .map(|criterion| (fold.metric_key(&criterion.metric), criterion.required))
                .collect(),
            indicators: catalogue
                .indicators
                .iter()
                .map(|indicator| match &indicator.formula {
                    Formula::Coverage => Source::Coverage,
                    Formula::Ratio { numerator, denominator } => {
                        Source::Ratio(parts(numerator, denominator))
                    }
                })
                .collect(),
            measures: catalogue
                .measures
                .iter()
                .map(|measure| match measure.sum.as_slice() {
                    [] => keys(slice::from_ref(&measure.metric)),
                    parts => keys(parts),
                })
                .collect(),
        }
    }

    pub(super) const fn criterion_count(&self) -> usize {
        self.criteria.len()
    }

    pub(super) const fn indicator_count(&self) -> usize {
        self.indicators.len()
    }

    pub(super) fn commune(&self, code: LocalityCode, period: Period) -> CommuneRollup {
        let criteria: Box<[_]> =
            self.criteria.iter().map(|(key, _)| self.held((*key)?, code, period)).collect();
        let rollups = self
            .indicators
            .iter()
            .map(|source| match source {
                Source::Coverage => self.coverage(&criteria),
                Source::Ratio(parts) => parts
                    .as_ref()
                    .and_then(|parts| self.ratio(parts, code, period))
                    .unwrap_or(Rollup::UNREPORTED),
            })
            .collect();
        let reported = (0..)
            .map(MetricKey)
            .zip(self.fold.metrics())
            .any(|(key, _)| self.reported(key, code, period).is_some());
        let measure = |keys: &Option<Vec<MetricKey>>| {
            let (count, provenance) = self.sum(keys.as_ref()?, code, period)?;
            Some(Reported { count, provenance: provenance? })
        };
        let measures = self.measures.iter().map(measure).collect();
        CommuneRollup { code, criteria, rollups, measures, reported }
    }

    fn held(&self, key: MetricKey, code: LocalityCode, period: Period) -> Option<Held> {
        let (since, cell) = self.fold.held(code, key, period)?;
        Some(Held { met: cell.value? != 0, since, provenance: provenance(cell) })
    }

    /// Not green if any required criterion is unmet, else unknown if any is not reported, else
    /// green.
    fn coverage(&self, criteria: &[Option<Held>]) -> Rollup {
        let required = || {
            let all = self.criteria.iter().zip(criteria);
            all.filter_map(|(&(_, required), held)| required.then_some(held))
        };
        let unmet = required().flatten().any(|held| !held.met);
        let complete = required().all(Option::is_some);
        let provenance =
            required().map(|held| held.map(|held| held.provenance)).fold(None, Provenance::merge);
        Rollup {
            numerator: i64::from(complete && !unmet),
            denominator: 1,
            reported_count: u32::from(complete || unmet),
            commune_count: 1,
            provenance,
        }
    }

    fn ratio(&self, parts: &Parts, code: LocalityCode, period: Period) -> Option<Rollup> {
        let (numerator, above) = self.sum(&parts.numerator, code, period)?;
        let (denominator, below) = self.sum(&parts.denominator, code, period)?;
        Some(Rollup {
            numerator,
            denominator,
            reported_count: 1,
            commune_count: 1,
            provenance: Provenance::merge(above, below),
        })
    }

    /// `None` unless every part was reported.
    fn sum(
        &self,
        keys: &[MetricKey],
        code: LocalityCode,
        period: Period,
    ) -> Option<(i64, Option<Provenance>)> {
        keys.iter().try_fold((0, None), |(sum, behind), key| {
            let (value, provenance) = self.reported(*key, code, period)?;
            Some((sum + value, Provenance::merge(behind, Some(provenance))))
        })
    }

    fn reported(
        &self,
        key: MetricKey,
        code: LocalityCode,
        period: Period,
    ) -> Option<(i64, Provenance)> {
        let cell = self.fold.cell(code, key, period)?;
        Some((cell.value?, provenance(cell)))
    }
}

impl CommuneRollup {
    /// The criteria as counts of this one commune.
    pub fn criterion_rollups(&self) -> impl Iterator<Item = CriterionRollup> {
        self.criteria.iter().map(|held| CriterionRollup {
            met_count: u32::from(held.is_some_and(|held| held.met)),
            unmet_count: u32::from(held.is_some_and(|held| !held.met)),
            unknown_count: u32::from(held.is_none()),
            provenance: held.map(|held| held.provenance),
        })
    }
}

const fn provenance(cell: &Cell) -> Provenance {
    Provenance { observed: cell.observed, basis: cell.basis }
}
