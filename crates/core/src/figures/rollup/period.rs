//! The figures of one province in one period.

use std::sync::{Arc, OnceLock};

use super::{
    order::Orders,
    plan::CommuneRollup,
    value::{CriterionRollup, Rollup},
};
use crate::LocalityCode;

/// Place of green coverage among the indicators: a catalogue puts it first.
pub const COVERAGE: usize = 0;

/// An immutable snapshot of one province in one period.
///
/// It does not know which period that is: months without cells of their own share one. A commune's
/// figures take room only where it reported the period; others are those of a neighbouring month.
#[derive(Debug)]
pub struct PeriodRollup {
    /// Those in force, by code.
    communes: Vec<CommuneRollup>,
    criteria: Box<[CriterionRollup]>,
    rollups: Box<[Rollup]>,
    reported_count: u32,
    /// Orders of the localities by indicator, sorted at first use.
    orders: Box<[OnceLock<Arc<Orders>>]>,
}

impl PeriodRollup {
    /// Sums up the communes in force, by code.
    pub(super) fn new(
        communes: Vec<CommuneRollup>,
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
            for (sum, part) in rollups.iter_mut().zip(commune.rollups.iter()) {
                sum.add(part);
            }
            reported_count += u32::from(commune.reported);
        }
        Self {
            communes,
            criteria: criteria.into(),
            rollups: rollups.into(),
            reported_count,
            orders: (0..indicator_count).map(|_| OnceLock::new()).collect(),
        }
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
            && self.criteria == other.criteria
            && self.rollups == other.rollups
            && self.reported_count == other.reported_count
    }
}

impl Eq for PeriodRollup {}
