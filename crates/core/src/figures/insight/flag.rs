//! Flags: data that are implausible, for inspection.
//!
//! Owns the rules, each over what stands for one period and the months before it; which measures
//! they hold for and their thresholds are the catalogue's. A flag changes no value, and says
//! nothing of why the data are as they are.

mod communes;
mod copies;
#[cfg(test)]
mod tests;
mod totals;

use std::cmp::Reverse;

use super::receipt::Place;
use crate::{
    LocalityCode, MetricId, Period,
    catalogue::{Catalogue, Whole},
    figures::{
        fold::{Cell, Fold, MetricKey},
        rollup::{PeriodRollup, Provenance},
        view::View,
    },
};

/// Reason why data are flagged, in the order in which flags are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A part greater than its whole.
    Part,
    /// A province's declared total that its communes cannot add up to.
    Total,
    /// The same value month after month.
    Frozen,
    /// The same values as another commune's.
    Copied,
    /// Green by criteria that were first met on the eve of a deadline.
    Eve,
}

/// Finding. Measures, criteria and deadlines are places in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Part { part: usize, whole: usize, part_value: i64, whole_value: i64 },
    Total { declared: usize, of: Whole, declared_value: i64, sum: Sum },
    Frozen { measure: usize, value: i64, period_count: usize },
    Copied { original: LocalityCode, measures: Vec<usize> },
    Eve { deadline: Deadline, criteria: Vec<Declared> },
}

/// A criterion, and the period that it was declared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    pub criterion: usize,
    pub since: Period,
}

/// Sum over the communes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Least sum: that of the communes that reported.
    pub least: i64,
    /// Greatest sum, with the communes that have not reported; `None` if nothing bounds it.
    pub most: Option<i64>,
    /// Communes that reported it, and all.
    pub reported_count: u32,
    pub commune_count: u32,
    /// Provenance of the sum.
    pub provenance: Option<Provenance>,
}

/// A deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// Deadline of the period's report.
    Report,
    /// One of the catalogue's own, by its place.
    Named(usize),
}

/// Data that are implausible, of one locality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    pub locality: LocalityCode,
    /// Extent of the finding: the excess of a part, the distance of a total, the months of a frozen
    /// series, the measures of a copied one, the criteria of an eve.
    pub extent: i64,
    pub finding: Finding,
}

/// The order of flags: by rule, the furthest first, then by locality and by what was found. No two
/// flags have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub rule: Rule,
    pub extent: Reverse<i64>,
    pub locality: LocalityCode,
    /// Measure or deadline, by its place.
    pub place: usize,
}

/// One province in one period.
struct Province<'a> {
    catalogue: &'a Catalogue,
    code: LocalityCode,
    period: Period,
    fold: &'a Fold,
    rollup: &'a PeriodRollup,
}

/// All flags of a period, or those of one province, in their order.
#[must_use]
pub fn flags(view: &View, period: Period, within: Option<LocalityCode>) -> Vec<Flag> {
    let nation = view.nation(period);
    let mut found = Vec::new();
    for (province, rollup) in nation.provinces() {
        let Some(reporter) = view.reporter(province.code) else { continue };
        if within.is_some_and(|within| within != province.code) {
            continue;
        }
        let province = Province {
            catalogue: view.catalogue(),
            code: province.code,
            period,
            fold: reporter.fold(),
            rollup,
        };
        communes::parts(&province, &mut found);
        communes::frozen(&province, &mut found);
        communes::eves(&province, &mut found);
        copies::copied(&province, &mut found);
        totals::totals(&province, &mut found);
    }
    found.sort_unstable_by_key(Flag::key);
    found
}

impl Rule {
    pub const ALL: [Self; 5] = [Self::Part, Self::Total, Self::Frozen, Self::Copied, Self::Eve];
}

impl Flag {
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self.finding {
            Finding::Part { .. } => Rule::Part,
            Finding::Total { .. } => Rule::Total,
            Finding::Frozen { .. } => Rule::Frozen,
            Finding::Copied { .. } => Rule::Copied,
            Finding::Eve { .. } => Rule::Eve,
        }
    }

    #[must_use]
    pub const fn key(&self) -> Key {
        let place = match self.finding {
            Finding::Part { part, .. } => part,
            Finding::Total { declared, .. } => declared,
            Finding::Frozen { measure, .. } => measure,
            Finding::Copied { .. } | Finding::Eve { deadline: Deadline::Report, .. } => 0,
            Finding::Eve { deadline: Deadline::Named(at), .. } => at + 1,
        };
        let extent = Reverse(self.extent);
        Key { rule: self.rule(), extent, locality: self.locality, place }
    }

    /// The cells that show it, in the order of what was found. Of a total the declared one alone:
    /// those that it is held against are the receipts of the province's sum.
    #[must_use]
    pub fn evidence(&self, catalogue: &Catalogue, period: Period) -> Vec<Place> {
        let cell = |locality, metric: &MetricId, period| Place {
            locality,
            metric: metric.clone(),
            period,
        };
        let measure = |at: usize| &catalogue.measures[at];
        match &self.finding {
            Finding::Part { part, whole, .. } => [*part, *whole]
                .into_iter()
                .flat_map(|at| measure(at).terms())
                .map(|metric| cell(self.locality, metric, period))
                .collect(),
            Finding::Total { declared, .. } => {
                vec![cell(self.locality, &measure(*declared).metric, period)]
            }
            Finding::Frozen { measure: at, period_count, .. } => {
                let months = std::iter::successors(Some(period), |period| period.previous());
                let months = months.take(*period_count);
                months.map(|month| cell(self.locality, &measure(*at).metric, month)).collect()
            }
            Finding::Copied { original, measures } => measures
                .iter()
                .flat_map(|at| [*original, self.locality].map(|code| (code, *at)))
                .map(|(code, at)| cell(code, &measure(at).metric, period))
                .collect(),
            Finding::Eve { criteria, .. } => criteria
                .iter()
                .map(|found| {
                    let metric = &catalogue.criteria[found.criterion].metric;
                    cell(self.locality, metric, found.since)
                })
                .collect(),
        }
    }
}

impl Province<'_> {
    fn communes(&self) -> impl Iterator<Item = LocalityCode> {
        self.rollup.communes().iter().map(|commune| commune.code)
    }

    /// Returns the value of a measure for exactly a period.
    fn value(&self, locality: LocalityCode, key: MetricKey, period: Period) -> Option<i64> {
        self.fold.cell(locality, key, period)?.value
    }

    /// The keys of a measure's terms; `None` where no cell uses one of them.
    fn terms(&self, measure: usize) -> Option<Vec<MetricKey>> {
        let terms = self.catalogue.measures[measure].terms().iter();
        terms.map(|metric| self.fold.metric_key(metric)).collect()
    }

    /// The sum of a measure's terms; `None` unless all were reported.
    fn sum(&self, locality: LocalityCode, terms: &[MetricKey]) -> Option<i64> {
        terms.iter().map(|key| self.value(locality, *key, self.period)).sum()
    }

    /// The cell of a criterion as it holds.
    fn held(
        &self,
        locality: LocalityCode,
        key: MetricKey,
        period: Period,
    ) -> Option<(Period, &Cell)> {
        self.fold.held(locality, key, period)
    }
}
