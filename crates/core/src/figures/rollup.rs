//! The rollup: what a province's cells amount to, period by period.
//!
//! Owns the arithmetic: which communes are green, what their measures sum to, and from when a
//! criterion holds. It does not know the time, nor where cells come from, nor who asks.
//!
//! ```text
//! Fold ─┐
//! Catalogue ─ Plan ─→ CommuneRollup … ─ sum ─→ PeriodRollup … ─→ ProvinceRollup
//! Gazetteer ──────────────────┘                   │
//!                            at first use: the rollup and its orders
//! ```
//!
//! A [`ProvinceRollup`] is immutable. A newer one shares what did not change: the cells of a
//! commune, and the months. A month that nobody has asked for holds no figures.

#![expect(
    clippy::module_name_repetitions,
    reason = "the rollups of a commune, a province and a period are told apart by their names"
)]

#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
mod month;
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
    gazetteer::Gazetteer,
};

pub use order::{Key, Order, Orders};
pub use period::{COVERAGE, PeriodRollup};
pub use plan::{CommuneRollup, Held, Reported};
pub use value::{CriterionRollup, Provenance, Ratio, Rollup, Unranked, Value};

use month::Month;
use plan::Plan;

/// An immutable snapshot of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvinceRollup {
    province: LocalityCode,
    /// Fold that it is rolled up from.
    fold: Fold,
    plan: Plan,
    /// The periods that have any cell.
    months: BTreeMap<Period, Arc<Month>>,
    /// Stands before the first of them.
    unreported: Arc<Month>,
}

impl ProvinceRollup {
    /// A snapshot of a province's fold. With a previous one, of the same catalogue and gazetteer,
    /// only what `changes` since then touch becomes new: a criterion touches its period and all
    /// behind it, a measure its period. Touched months whose figures the previous one holds are
    /// rolled up at once, so that nobody waits for them.
    #[must_use]
    pub fn build(
        province: LocalityCode,
        fold: &Fold,
        catalogue: &Catalogue,
        gazetteer: &Gazetteer,
        previous: Option<&Self>,
        changes: &Changes,
    ) -> Self {
        let mut next = Self {
            province,
            fold: fold.clone(),
            plan: Plan::new(fold, catalogue),
            months: previous.map(|previous| previous.months.clone()).unwrap_or_default(),
            unreported: previous
                .map_or_else(Arc::default, |previous| Arc::clone(&previous.unreported)),
        };
        match previous {
            None => {
                for period in fold.periods() {
                    let reported_count = count_reported(fold, province, period, gazetteer);
                    next.months.insert(period, Arc::new(Month::new(reported_count)));
                }
            }
            Some(previous) => next.renew(previous, &Touched::new(changes, catalogue), gazetteer),
        }
        next
    }

    /// Replaces the months that changes touch.
    fn renew(&mut self, previous: &Self, touched: &Touched, gazetteer: &Gazetteer) {
        for period in &touched.periods {
            self.months.entry(*period).or_default();
        }
        for (period, month) in &mut self.months {
            if touched.contains(*period) {
                let reported_count = if touched.periods.contains(period) {
                    count_reported(&self.fold, self.province, *period, gazetteer)
                } else {
                    month.reported_count()
                };
                *month = Arc::new(month.changed(reported_count));
            }
        }
        // A rollup is made from those of other months, so no outdated one may stand by now.
        for (period, month) in &self.months {
            let earlier = previous.months.get(period).and_then(|month| month.rollup());
            let Some(earlier) = earlier.filter(|_| touched.contains(*period)) else { continue };
            month.renew(|| {
                self.rolled_up(*period, gazetteer, |code| {
                    let is_same = self.fold.shares(&previous.fold, code);
                    earlier.commune(code).filter(|_| is_same)
                })
            });
        }
    }

    /// The snapshot without the figures of months that nobody has asked for since the last sweep;
    /// `None` if it holds none of those.
    #[must_use]
    pub fn swept(&self) -> Option<Self> {
        let all = self.months.iter();
        let idle: Vec<_> =
            all.filter_map(|(period, month)| Some((*period, Arc::new(month.swept()?)))).collect();
        let mut swept = (!idle.is_empty()).then(|| self.clone())?;
        swept.months.extend(idle);
        Some(swept)
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

    /// The periods that have any cell, withdrawn ones too, each with the number of communes in force
    /// that reported any value for exactly this period.
    #[must_use]
    pub fn periods(&self) -> impl DoubleEndedIterator<Item = (Period, u32)> {
        self.months.iter().map(|(period, month)| (*period, month.reported_count()))
    }

    /// The periods whose figures are held, for themselves or for the months behind them.
    pub fn held_periods(&self) -> impl Iterator<Item = Period> {
        self.months.iter().filter(|(_, month)| month.is_held()).map(|(period, _)| *period)
    }

    /// Returns the figures of any period, made at first use. One without cells has the criteria that
    /// hold by then, and no measures.
    #[must_use]
    pub fn period(&self, period: Period, gazetteer: &Gazetteer) -> Arc<PeriodRollup> {
        let make = || self.rolled_up(period, gazetteer, |_| None);
        if let Some(month) = self.months.get(&period) {
            return month.ask(make);
        }
        let earlier = self.months.range(..period).next_back();
        let carried = earlier.map_or(&self.unreported, |(_, month)| month).ask_carried(make);
        let communes = carried.communes().iter().map(|commune| commune.code);
        if communes.eq(in_force(gazetteer, self.province, period)) {
            carried
        } else {
            Arc::new(make())
        }
    }

    /// Rolls up a period. A commune's figures are `known`, or shared with a month near by, or
    /// computed.
    fn rolled_up<'a>(
        &self,
        period: Period,
        gazetteer: &Gazetteer,
        known: impl Fn(LocalityCode) -> Option<&'a CommuneRollup>,
    ) -> PeriodRollup {
        let near = self.near(period);
        let communes = in_force(gazetteer, self.province, period).map(|code| {
            let found = known(code).or_else(|| self.shared(code, period, &near)).cloned();
            found.unwrap_or_else(|| self.plan.commune(&self.fold, code, period))
        });
        let communes = communes.collect();
        PeriodRollup::new(communes, self.plan.criterion_count(), self.plan.indicator_count())
    }

    /// The nearest rollups that are held on either side of a period, each with a period that it is
    /// of.
    fn near(&self, period: Period) -> Vec<(Period, &PeriodRollup)> {
        let before = self.months.range(..period).rev().find(|(_, month)| month.is_held());
        let behind = self.months.range(period..).find(|(_, month)| month.is_held());
        let both = [before, behind].into_iter().flatten();
        both.flat_map(|(period, month)| {
            let own = month.rollup().map(|rollup| (*period, rollup.as_ref()));
            let carried = month.carried().zip(period.next());
            let carried = carried.map(|(rollup, following)| (following, rollup.as_ref()));
            own.into_iter().chain(carried)
        })
        .collect()
    }

    /// A commune's figures in a month near by that are those of a period, too: it has a cell for
    /// neither, nor for any between them, so the same criteria hold in both.
    fn shared<'a>(
        &self,
        code: LocalityCode,
        period: Period,
        near: &[(Period, &'a PeriodRollup)],
    ) -> Option<&'a CommuneRollup> {
        let latest = self.fold.latest(code, period);
        let holds_at = |at: Period| latest != Some(at) && self.fold.latest(code, at) == latest;
        near.iter()
            .filter(|(at, _)| latest != Some(period) && holds_at(*at))
            .find_map(|(_, rollup)| rollup.commune(code))
    }
}

/// Communes in force that reported any value for exactly this period.
fn count_reported(
    fold: &Fold,
    province: LocalityCode,
    period: Period,
    gazetteer: &Gazetteer,
) -> u32 {
    let communes = in_force(gazetteer, province, period);
    communes.map(|code| u32::from(fold.has_reported(code, period))).sum()
}

/// The communes of a province that are in force, by code.
fn in_force(
    gazetteer: &Gazetteer,
    province: LocalityCode,
    period: Period,
) -> impl Iterator<Item = LocalityCode> {
    gazetteer
        .communes(province)
        .filter(move |commune| gazetteer.in_force(commune, period))
        .map(|commune| commune.code)
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
