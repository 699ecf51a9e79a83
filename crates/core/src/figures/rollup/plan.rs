//! The catalogue's definitions in the terms of one fold, and what a commune amounts to by them.

use std::{slice, sync::Arc};

use super::value::{CriterionRollup, Provenance, Rollup};
use crate::{
    LocalityCode, MetricId, Period,
    catalogue::{Catalogue, Formula},
    figures::fold::{Cell, Fold, MetricKey},
};

/// A commune's figures in one period.
///
/// The figures are shared: by all communes that never reported, and by the months through which
/// criteria hold on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommuneRollup {
    pub code: LocalityCode,
    /// In the catalogue's order; `None` where never reported.
    pub criteria: Arc<[Option<Held>]>,
    /// In the order of the catalogue's indicators.
    pub rollups: Arc<[Rollup]>,
    /// In the order of the catalogue's measures; `None` where not reported for the period, for a
    /// sum where any part was not.
    pub measures: Arc<[Option<Reported>]>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// In the catalogue's order: the key, if any cell uses it, and whether green requires it.
    criteria: Vec<(Option<MetricKey>, bool)>,
    indicators: Vec<Source>,
    /// In the catalogue's order: the keys of what was reported under it, if cells use them all.
    measures: Vec<Option<Vec<MetricKey>>>,
    silent: Silent,
}

/// Figures of a commune that never reported.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Silent {
    criteria: Arc<[Option<Held>]>,
    rollups: Arc<[Rollup]>,
    measures: Arc<[Option<Reported>]>,
}

/// Values reported for one period, at the places of their metrics' keys; empty where none was.
struct Values(Vec<Option<(i64, Provenance)>>);

/// Inputs of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Coverage,
    /// `None` where no cell uses one of the measures, so that no commune reported both parts.
    Ratio(Option<Parts>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    numerator: Vec<MetricKey>,
    denominator: Vec<MetricKey>,
}

impl Plan {
    pub(super) fn new(fold: &Fold, catalogue: &Catalogue) -> Self {
        let keys = |metrics: &[MetricId]| {
            metrics.iter().map(|metric| fold.metric_key(metric)).collect::<Option<Vec<_>>>()
        };
        let parts = |numerator: &[MetricId], denominator: &[MetricId]| {
            Some(Parts { numerator: keys(numerator)?, denominator: keys(denominator)? })
        };
        let criteria: Vec<_> = catalogue
            .criteria
            .iter()
            .map(|criterion| (fold.metric_key(&criterion.metric), criterion.required))
            .collect();
        let indicators: Vec<_> = catalogue
            .indicators
            .iter()
            .map(|indicator| match &indicator.formula {
                Formula::Coverage => Source::Coverage,
                Formula::Ratio { numerator, denominator } => {
                    Source::Ratio(parts(numerator, denominator))
                }
            })
            .collect();
        let measures: Vec<_> = catalogue
            .measures
            .iter()
            .map(|measure| match measure.sum.as_slice() {
                [] => keys(slice::from_ref(&measure.metric)),
                parts => keys(parts),
            })
            .collect();
        let silent = Silent::new(&criteria, &indicators, measures.len());
        Self { criteria, indicators, measures, silent }
    }

    pub(super) const fn criterion_count(&self) -> usize {
        self.criteria.len()
    }

    pub(super) const fn indicator_count(&self) -> usize {
        self.indicators.len()
    }

    pub(super) fn commune(&self, fold: &Fold, code: LocalityCode, period: Period) -> CommuneRollup {
        let Silent { criteria, rollups, measures } = self.silent.clone();
        let mut commune = CommuneRollup { code, criteria, rollups, measures, reported: false };
        if fold.latest(code, period).is_none() {
            return commune;
        }
        let values = Values::new(fold, code, period);
        let held = |key: Option<MetricKey>| {
            if let Some((value, provenance)) = values.of(key?) {
                return Some(Held { met: value != 0, since: period, provenance });
            }
            let (since, cell) = fold.held(code, key?, period)?;
            Some(Held { met: cell.value? != 0, since, provenance: provenance(cell) })
        };
        let criteria: Arc<[_]> = self.criteria.iter().map(|(key, _)| held(*key)).collect();
        commune.reported = values.0.iter().any(Option::is_some);
        let is_held = criteria.iter().any(Option::is_some);
        if is_held {
            commune.criteria = criteria;
        }
        if is_held || commune.reported {
            commune.rollups =
                rollups_of(&self.criteria, &self.indicators, &commune.criteria, &values);
        }
        if commune.reported {
            let measure = |keys: &Option<Vec<MetricKey>>| {
                let (count, provenance) = values.sum(keys.as_ref()?)?;
                Some(Reported { count, provenance: provenance? })
            };
            commune.measures = self.measures.iter().map(measure).collect();
        }
        commune
    }
}

impl Silent {
    fn new(
        required: &[(Option<MetricKey>, bool)],
        indicators: &[Source],
        measure_count: usize,
    ) -> Self {
        let criteria: Arc<[_]> = vec![None; required.len()].into();
        let rollups = rollups_of(required, indicators, &criteria, &Values(Vec::new()));
        Self { criteria, rollups, measures: vec![None; measure_count].into() }
    }
}

impl Values {
    fn new(fold: &Fold, code: LocalityCode, period: Period) -> Self {
        let mut values = Vec::new();
        for (MetricKey(key), cell) in fold.of_period(code, period) {
            values.resize(fold.metrics().len(), None);
            values[key as usize] = cell.value.map(|value| (value, provenance(cell)));
        }
        Self(values)
    }

    fn of(&self, MetricKey(key): MetricKey) -> Option<(i64, Provenance)> {
        *self.0.get(key as usize)?
    }

    /// `None` unless every part was reported.
    fn sum(&self, keys: &[MetricKey]) -> Option<(i64, Option<Provenance>)> {
        keys.iter().try_fold((0, None), |(sum, behind), key| {
            let (value, provenance) = self.of(*key)?;
            Some((sum + value, Provenance::merge(behind, Some(provenance))))
        })
    }

    fn ratio(&self, parts: &Parts) -> Option<Rollup> {
        let (numerator, above) = self.sum(&parts.numerator)?;
        let (denominator, below) = self.sum(&parts.denominator)?;
        Some(Rollup {
            numerator,
            denominator,
            reported_count: 1,
            commune_count: 1,
            provenance: Provenance::merge(above, below),
        })
    }
}

fn rollups_of(
    required: &[(Option<MetricKey>, bool)],
    indicators: &[Source],
    criteria: &[Option<Held>],
    values: &Values,
) -> Arc<[Rollup]> {
    let rollup = |source: &Source| match source {
        Source::Coverage => coverage(required, criteria),
        Source::Ratio(parts) => {
            parts.as_ref().and_then(|parts| values.ratio(parts)).unwrap_or(Rollup::UNREPORTED)
        }
    };
    indicators.iter().map(rollup).collect()
}

/// Not green if any required criterion is unmet, else unknown if any is not reported, else green.
fn coverage(required: &[(Option<MetricKey>, bool)], criteria: &[Option<Held>]) -> Rollup {
    let required = || {
        let all = required.iter().zip(criteria);
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
