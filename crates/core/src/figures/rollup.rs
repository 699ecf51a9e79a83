//! The rollup: what a province's cells amount to, period by period.
//!
//! Owns the arithmetic: which communes are green, what their measures sum to, and from when a
//! criterion holds. It does not know the time, nor where cells come from, nor who asks.
//!
//! ```text
//! Fold ─┐
//! Catalogue ─ Plan ─→ CommuneRollup … ─ sum ─→ PeriodRollup … ─→ ProvinceRollup
//! Gazetteer ──────────────────┘                   └ orders, at first use
//! ```
//!
//! A [`ProvinceRollup`] is immutable. A newer one shares the periods that did not change.

#![expect(
    clippy::module_name_repetitions,
    reason = "the rollups of a commune, a province and a period are told apart by their names"
)]

#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
mod order;
mod period;
mod plan;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    LocalityCode, Period,
    catalogue::{Catalogue, Metric},
    figures::fold::{Changes, Fold, Position},
    gazetteer::{Gazetteer, Locality},
};

pub use order::{Key, Order, Orders};
pub use period::{COVERAGE, PeriodRollup};
pub use plan::{CommuneRollup, Held, Reported};
pub use value::{CriterionRollup, Provenance, Ratio, Rollup, Unranked, Value};

use plan::Plan;

/// An immutable snapshot of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvinceRollup {
    province: LocalityCode,
    /// Fold that it was rolled up from.
    fold: Fold,
    /// The periods that have any cell.
    periods: BTreeMap<Period, Arc<PeriodRollup>>,
    /// Stands before the first of them.
    unreported: Arc<PeriodRollup>,
}

impl ProvinceRollup {
    /// Rolls up a province's fold. With a previous snapshot, of the same catalogue and gazetteer,
    /// only what `changes` since then touch is computed: a criterion touches its period and all
    /// behind it, a measure its period.
    #[must_use]
    pub fn build(
        province: LocalityCode,
        fold: &Fold,
        catalogue: &Catalogue,
        gazetteer: &Gazetteer,
        previous: Option<&Self>,
        changes: &Changes,
    ) -> Self {
        let plan = Plan::new(fold, catalogue);
        let compute = |period| {
            let communes = gazetteer.communes(province);
            Arc::new(PeriodRollup::build(&plan, gazetteer, communes, period))
        };
        let (periods, unreported) = match previous {
            None => {
                let present: BTreeSet<_> = fold.cells().map(|((_, _, period), _)| period).collect();
                let nothing = Fold::default();
                let unreported = PeriodRollup::build(
                    &Plan::new(&nothing, catalogue),
                    gazetteer,
                    gazetteer.communes(province),
                    Period::MIN,
                );
                let periods = present.into_iter().map(|period| (period, compute(period)));
                (periods.collect(), Arc::new(unreported))
            }
            Some(previous) => {
                let touched = Touched::new(changes, catalogue);
                let mut periods = previous.periods.clone();
                for period in &touched.periods {
                    periods.entry(*period).or_insert_with(|| Arc::clone(&previous.unreported));
                }
                for (period, rollup) in &mut periods {
                    if touched.contains(*period) {
                        *rollup = compute(*period);
                    }
                }
                (periods, Arc::clone(&previous.unreported))
            }
        };
        Self { province, fold: fold.clone(), periods, unreported }
    }

    #[must_use]
    pub const fn province(&self) -> LocalityCode {
        self.province
    }

    /// The cells under it.
    #[must_use]
    pub const fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The fold's position that this is a snapshot of.
    #[must_use]
    pub const fn position(&self) -> &Position {
        self.fold.position()
    }

    /// The periods that have any cell, withdrawn ones too, and their rollups.
    #[must_use]
    pub fn periods(&self) -> impl DoubleEndedIterator<Item = (Period, &Arc<PeriodRollup>)> {
        self.periods.iter().map(|(period, rollup)| (*period, rollup))
    }

    /// Returns the figures of any period. One without cells has the criteria that hold by then, and
    /// no measures.
    #[must_use]
    pub fn period(&self, period: Period, gazetteer: &Gazetteer) -> Arc<PeriodRollup> {
        if let Some(found) = self.periods.get(&period) {
            return Arc::clone(found);
        }
        let earlier = self.periods.range(..period).next_back();
        let base = earlier.map_or(&self.unreported, |(_, rollup)| rollup);
        base.carry(&in_force(gazetteer, gazetteer.communes(self.province), period))
    }
}

fn in_force<'a>(
    gazetteer: &Gazetteer,
    communes: impl Iterator<Item = &'a Locality>,
    period: Period,
) -> Vec<LocalityCode> {
    communes
        .filter(|commune| gazetteer.in_force(commune, period))
        .map(|commune| commune.code)
        .collect()
}

/// Periods that changes touch.
struct Touched {
    periods: BTreeSet<Period>,
    /// The earliest in which a criterion changed: it may hold in every one behind.
    criteria_from: Option<Period>,
}

impl Touched {
    fn new(changes: &Changes, catalogue: &Catalogue) -> Self {
        let is_criterion = |id: &str| matches!(catalogue.metric(id), Some(Metric::Criterion(_)));
        Self {
            periods: changes.iter().map(|(_, period)| *period).collect(),
            criteria_from: changes
                .iter()
                .filter(|(metric, _)| is_criterion(metric.as_str()))
                .map(|(_, period)| *period)
                .min(),
        }
    }

    fn contains(&self, period: Period) -> bool {
        self.periods.contains(&period) || self.criteria_from.is_some_and(|from| period >= from)
    }
}

#[cfg(test)]
mod tests;
