//! Totals that a province declares, against what its communes add up to.

use super::{Finding, Flag, Province, Sum};
use crate::{catalogue::Whole, figures::rollup::Provenance};

/// Place of green coverage among the indicators: a catalogue puts it first.
const COVERAGE: usize = 0;

/// A declared total outside of what the communes add up to. While some have not said, a sum of
/// counts has no upper bound, and green communes have one with them.
pub(super) fn totals(province: &Province<'_>, found: &mut Vec<Flag>) {
    for rule in &province.catalogue.plausibility.totals {
        let metric = &province.catalogue.measures[rule.declared].metric;
        let declared = province
            .fold
            .metric_key(metric)
            .and_then(|key| province.value(province.code, key, province.period));
        let Some(declared_value) = declared else { continue };
        let sum = match rule.of {
            Whole::GreenCommunes => green(province),
            Whole::Measure(measure) => counted(province, measure),
        };
        let excess = sum.most.map_or(0, |most| declared_value - most);
        let extent = (sum.least - declared_value).max(excess);
        if extent > 0 {
            let (declared, of) = (rule.declared, rule.of);
            let finding = Finding::Total { declared, of, declared_value, sum };
            found.push(Flag { locality: province.code, extent, finding });
        }
    }
}

fn green(province: &Province<'_>) -> Sum {
    let coverage = province.rollup.rollups().get(COVERAGE).copied().unwrap_or_default();
    let unknown_count = coverage.commune_count - coverage.reported_count;
    Sum {
        least: coverage.numerator,
        most: Some(coverage.numerator + i64::from(unknown_count)),
        reported_count: coverage.reported_count,
        commune_count: coverage.commune_count,
        provenance: coverage.provenance,
    }
}

fn counted(province: &Province<'_>, measure: usize) -> Sum {
    let terms = province.terms(measure);
    let mut sum =
        Sum { least: 0, most: None, reported_count: 0, commune_count: 0, provenance: None };
    for locality in province.communes() {
        sum.commune_count += 1;
        let Some(terms) = &terms else { continue };
        let Some(value) = province.sum(locality, terms) else { continue };
        sum.least += value;
        sum.reported_count += 1;
        let cells = terms.iter().filter_map(|key| {
            let cell = province.fold.cell(locality, *key, province.period)?;
            Some(Provenance { observed: cell.observed, basis: cell.basis })
        });
        sum.provenance =
            cells.fold(sum.provenance, |behind, cell| Provenance::merge(behind, Some(cell)));
    }
    sum.most = (sum.reported_count == sum.commune_count).then_some(sum.least);
    sum
}
