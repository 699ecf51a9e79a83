//! The figures of one province in one period.

use std::sync::{Arc, OnceLock};

use super::{
    order::Orders,
    plan::{CommuneRollup, Plan},
    value::{CriterionRollup, Rollup},
};
use crate::{
    LocalityCode, Period,
    gazetteer::{Gazetteer, Locality},
};

/// Place of green coverage among the indicators: a catalogue puts it first.
pub const COVERAGE: usize = 0;

/// An immutable snapshot of one province in one period.
///
/// It does not know which period that is: months without cells of their own share one.
#[derive(Debug)]
pub struct PeriodRollup {
    /// Those in force, by code.
    communes: Vec<CommuneRollup>,
    /// Those not in force, by code: they count nowhere, but their criteria hold on, in case they
    /// are in force in a later month.
    others: Vec<CommuneRollup>,
    criteria: Box<[CriterionRollup]>,
    rollups: Box<[Rollup]>,
    reported_count: u32,
    /// Orders of the localities by indicator, sorted at first use.
    orders: Box<[OnceLock<Arc<Orders>>]>,
    /// The months behind this one that have no cells of their own, made at first use.
    carried: OnceLock<Arc<Self>>,
}

impl PeriodRollup {
    pub(super) fn build<'a>(
        plan: &Plan<'_>,
        gazetteer: &Gazetteer,
        communes: impl Iterator<Item = &'a Locality>,
        period: Period,
    ) -> Self {
        let (mut counted, mut others) = (Vec::new(), Vec::new());
        for commune in communes {
            let rollup = plan.commune(commune.code, period);
            let list = if gazetteer.in_force(commune, period) { &mut counted } else { &mut others };
            list.push(rollup);
        }
        Self::sum(counted, others, plan.criterion_count(), plan.indicator_count())
    }

    fn sum(
        communes: Vec<CommuneRollup>,
        others: Vec<CommuneRollup>,
        criterion_count: usize,
        indicator_count: usize,
    ) -> Self {
        let mut criteria = vec![CriterionRollup::default(); criterion_count];
        let mut rollups = vec![Rollup::default(); indicator_count];
        let mut reported_count = 0;
        for commune in &communes {
            for (sum, part) in criteria.iter_mut().zip(commune.criterion_rollups()) {
                sum.add(&part);
            }
            for (sum, part) in rollups.iter_mut().zip(&commune.rollups) {
                sum.add(part);
            }
            reported_count += u32::from(commune.reported);
        }
        Self {
            communes,
            others,
            criteria: criteria.into(),
            rollups: rollups.into(),
            reported_count,
            orders: (0..indicator_count).map(|_| OnceLock::new()).collect(),
            carried: OnceLock::new(),
        }
    }

    /// Returns the figures of a later month without cells, in which `in_force` are in force (by
    /// code): criteria hold on, measures are unknown.
    pub(super) fn carry(self: &Arc<Self>, in_force: &[LocalityCode]) -> Arc<Self> {
        let codes = self.communes.iter().map(|commune| commune.code);
        if codes.eq(in_force.iter().copied()) {
            Arc::clone(self.carried.get_or_init(|| Arc::new(self.without_measures(in_force))))
        } else {
            Arc::new(self.without_measures(in_force))
        }
    }

    fn without_measures(&self, in_force: &[LocalityCode]) -> Self {
        let carried = self.communes.iter().chain(&self.others).map(|commune| {
            let mut rollups = vec![Rollup::UNREPORTED; commune.rollups.len()];
            if let (Some(new), Some(old)) =
                (rollups.get_mut(COVERAGE), commune.rollups.get(COVERAGE))
            {
                *new = *old;
            }
            CommuneRollup {
                code: commune.code,
                criteria: commune.criteria.clone(),
                rollups: rollups.into(),
                measures: vec![None; commune.measures.len()].into(),
                reported: false,
            }
        });
        let mut all: Vec<_> = carried.collect();
        all.sort_unstable_by_key(|commune| commune.code);
        let (communes, others) =
            all.into_iter().partition(|commune| in_force.binary_search(&commune.code).is_ok());
        Self::sum(communes, others, self.criteria.len(), self.rollups.len())
    }

    /// The communes in force, by code.
    #[must_use]
    pub fn communes(&self) -> &[CommuneRollup] {
        &self.communes
    }

    /// A commune, if it is in force.
    #[must_use]
    pub fn commune(&self, code: LocalityCode) -> Option<&CommuneRollup> {
        let at = self.communes.binary_search_by_key(&code, |commune| commune.code).ok()?;
        self.communes.get(at)
    }

    /// The province's criteria, in the catalogue's order.
    #[must_use]
    pub fn criteria(&self) -> &[CriterionRollup] {
        &self.criteria
    }

    /// The province's indicators, in the catalogue's order.
    #[must_use]
    pub fn rollups(&self) -> &[Rollup] {
        &self.rollups
    }

    /// Communes that reported any cell for exactly this period.
    #[must_use]
    pub const fn reported_count(&self) -> u32 {
        self.reported_count
    }

    /// The communes in the order of an indicator; `None` if the catalogue lacks it.
    #[must_use]
    pub fn orders(&self, indicator: usize) -> Option<Arc<Orders>> {
        let orders = self.orders.get(indicator)?;
        let sorted = orders.get_or_init(|| {
            Arc::new(Orders::new(self.communes.iter().filter_map(|commune| {
                Some((commune.code, commune.rollups.get(indicator)?.value().ranked()))
            })))
        });
        Some(Arc::clone(sorted))
    }
}

/// Two are equal when their figures are, sorted or not.
impl PartialEq for PeriodRollup {
    fn eq(&self, other: &Self) -> bool {
        self.communes == other.communes
            && self.others == other.others
            && self.criteria == other.criteria
            && self.rollups == other.rollups
            && self.reported_count == other.reported_count
    }
}

impl Eq for PeriodRollup {}
