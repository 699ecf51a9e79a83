//! The gap: how far what is declared runs ahead of what is measured.
//!
//! For a criterion with evidence it is max(0, met ÷ (met + unmet) − min(1, measured ÷ full_at)), for
//! a locality the mean over its criteria that have one. A criterion's gap is rounded down to
//! billionths from the exact ratio; from there on everything is exact again.

use std::sync::Arc;

use crate::{
    catalogue::{Catalogue, Millionths},
    figures::{
        ranking::{Ranking, Scope},
        rollup::{CommuneRollup, CriterionRollup, Order, Orders, Provenance, Ratio, Rollup, Value},
        view::NationRollup,
    },
};

/// The unit of a gap: 1 is a billion of them.
pub const BILLION: i64 = 1_000_000_000;
/// Decimal places of a billionth.
const PLACES: u32 = 9;
/// The unit of [`Millionths`].
const MILLION: i128 = 1_000_000;

/// A criterion's gap, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// In billionths.
    Known(i64),
    /// No commune reported the criterion.
    Undeclared,
    /// No commune reported what the evidence is computed from.
    Unknown,
    /// The evidence was reported, with a denominator of 0.
    Untested,
}

/// Declared and measured share of a criterion that has evidence, in one locality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Place in the catalogue.
    pub criterion: usize,
    /// Place of its evidence among the indicators.
    pub evidence: usize,
    pub declared: CriterionRollup,
    pub measured: Rollup,
    pub gap: Gap,
}

/// The gaps of one locality, in the catalogue's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps(pub Vec<Finding>);

/// The gap of a criterion.
#[must_use]
pub fn gap(declared: &CriterionRollup, measured: &Rollup, full_at: Millionths) -> Gap {
    let declaring_count = declared.met_count + declared.unmet_count;
    if declaring_count == 0 {
        return Gap::Undeclared;
    }
    match measured.value() {
        Value::Known(measured) => {
            Gap::Known(billionths(declared.met_count, declaring_count, measured, full_at))
        }
        Value::Unknown => Gap::Unknown,
        Value::Untested => Gap::Untested,
    }
}

/// met ÷ declaring − min(1, measured ÷ full_at), not below 0, rounded down. A measure's sum is below
/// 2^63, `full_at` below 2^40 and a locality has fewer than 2^20 communes, so that 128 bits hold
/// every product.
fn billionths(met: u32, declaring: u32, measured: Ratio, full_at: Millionths) -> i64 {
    let full = i128::from(measured.denominator()) * i128::from(full_at.0);
    let reached = (i128::from(measured.numerator()) * MILLION).min(full);
    let numerator = i128::from(met) * full - i128::from(declaring) * reached;
    let denominator = i128::from(declaring) * full;
    if numerator <= 0 {
        return 0;
    }
    // Long division, place by place, since a billion times the numerator may be too large.
    let (mut quotient, mut rest) = (numerator / denominator, numerator % denominator);
    for _ in 0..PLACES {
        rest *= 10;
        quotient = quotient * 10 + rest / denominator;
        rest %= denominator;
    }
    i64::try_from(quotient).expect("a gap is at most 1")
}

impl Gaps {
    /// From a locality's criteria and indicators, both in the catalogue's order.
    pub fn new(
        catalogue: &Catalogue,
        declared: impl Iterator<Item = CriterionRollup>,
        measured: &[Rollup],
    ) -> Self {
        let all = catalogue.criteria.iter().zip(declared).enumerate();
        let with_evidence = all.filter_map(|(criterion, (definition, declared))| {
            let evidence = definition.evidence?;
            let full_at = catalogue.indicators.get(evidence)?.full_at;
            let measured = *measured.get(evidence)?;
            let gap = gap(&declared, &measured, full_at);
            Some(Finding { criterion, evidence, declared, measured, gap })
        });
        Self(with_evidence.collect())
    }

    fn of_commune(catalogue: &Catalogue, commune: &CommuneRollup) -> Self {
        Self::new(catalogue, commune.criterion_rollups(), &commune.rollups)
    }

    /// The gaps that are known, in billionths, with the place of their criterion.
    pub fn known(&self) -> impl Iterator<Item = (usize, i64)> {
        self.0.iter().filter_map(|found| match found.gap {
            Gap::Known(gap) => Some((found.criterion, gap)),
            Gap::Undeclared | Gap::Unknown | Gap::Untested => None,
        })
    }

    /// The mean of the known ones, as an exact ratio of billionths. Without any, untested where
    /// some evidence is, else unknown.
    #[must_use]
    pub fn mean(&self) -> Value {
        let (sum, denominator) = self
            .known()
            .fold((0, 0), |(sum, denominator), (_, gap)| (sum + gap, denominator + BILLION));
        let untested = self.0.iter().any(|found| found.gap == Gap::Untested);
        match Ratio::new(sum, denominator) {
            Some(mean) => Value::Known(mean),
            None if untested => Value::Untested,
            None => Value::Unknown,
        }
    }

    /// The criterion with the widest gap and that gap in billionths; the first among equals, none
    /// where no gap is above 0.
    #[must_use]
    pub fn widest(&self) -> Option<(usize, i64)> {
        let open = self.known().filter(|(_, gap)| *gap > 0);
        open.reduce(|widest, next| if next.1 > widest.1 { next } else { widest })
    }

    /// Provenance of all of them together.
    #[must_use]
    pub fn provenance(&self) -> Option<Provenance> {
        self.0.iter().fold(None, |behind, found| {
            let both = Provenance::merge(found.declared.provenance, found.measured.provenance);
            Provenance::merge(behind, both)
        })
    }
}

/// Ranks localities in force by their mean gap, the widest first.
#[must_use]
pub fn ranking(nation: &NationRollup<'_>, catalogue: &Catalogue, scope: Scope) -> Ranking {
    let lists = match scope {
        Scope::Provinces => {
            let provinces = nation.provinces().map(|(province, rollup)| {
                let declared = rollup.criteria().iter().copied();
                let gaps = Gaps::new(catalogue, declared, rollup.rollups());
                (province.code, gaps.mean().ranked())
            });
            vec![Arc::new(Orders::new(provinces))]
        }
        Scope::Communes { within } => nation
            .provinces()
            .filter(|(province, _)| within.is_none_or(|within| within == province.code))
            .map(|(_, rollup)| {
                let communes = rollup.communes().iter().map(|commune| {
                    (commune.code, Gaps::of_commune(catalogue, commune).mean().ranked())
                });
                Arc::new(Orders::new(communes))
            })
            .collect(),
    };
    Ranking::new(Order::Highest, lists)
}

#[cfg(test)]
mod tests;
