//! The sample: one CSV file per province that reproduces the published figures at once.
//!
//! A pure function of the gazetteer, the catalogue and the [facts](crate::facts): no clock, no
//! floating point, the same bytes everywhere. Every commune reports every criterion for the
//! month of the report, and every measure for that month and the one before. The criteria of a
//! province that was published as wholly green follow from the report and are marked as
//! published; everything else is made up to fit, and marked as synthetic.

pub mod criteria;
pub mod measures;
mod observed;
mod random;

use std::fmt::Write;

use phuxanh_core::{
    Basis, Level, LocalityCode, MetricId, Period, Timestamp,
    catalogue::Catalogue,
    gazetteer::{Gazetteer, Locality},
};

use self::measures::Source;
use crate::facts::{Breakdown, Coverage, Published};

/// The file of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub province: LocalityCode,
    /// For example `04.csv`.
    pub name: String,
    pub text: String,
}

/// Columns before the values of a row.
struct Head {
    locality: LocalityCode,
    period: Period,
    observed: Timestamp,
    basis: Basis,
}

/// The files of all provinces, ordered by code.
#[must_use]
pub fn files() -> Vec<File> {
    let (gazetteer, catalogue) = (Gazetteer::builtin(), Catalogue::builtin());
    let (published, breakdown) = (Published::builtin(), Breakdown::builtin());
    let source = Source { gazetteer: &gazetteer, breakdown: &breakdown, published: &published };
    gazetteer.provinces().map(|province| file(source, &catalogue, province)).collect()
}

fn file(source: Source<'_>, catalogue: &Catalogue, province: &Locality) -> File {
    let Source { gazetteer, breakdown, published } = source;
    let now = Period::containing(published.known_at);
    let before = now.previous().expect("there is a month before 2025-07");
    let missing = criteria::shortfalls(gazetteer, province, breakdown, published);
    let months =
        [before, now].map(|period| (period, measures::counts(source, province, &missing, period)));
    let basis = declared_basis(source.breakdown.coverage(province.code));
    let mut text = header(catalogue);
    for commune in gazetteer.communes(province.code) {
        let observed = observed::declared(commune.code);
        let head = Head { locality: commune.code, period: now, observed, basis };
        write_row(&mut text, catalogue, &head, |metric| {
            criteria::declared(&missing[&commune.code], metric)
        });
        for (period, counts) in &months {
            let observed = observed::counted(commune.code, *period);
            let head =
                Head { locality: commune.code, period: *period, observed, basis: Basis::Synthetic };
            write_row(&mut text, catalogue, &head, |metric| {
                counts[&commune.code].get(metric).copied()
            });
        }
    }
    File { province: province.code, name: format!("{}.csv", province.code), text }
}

/// Where every commune is green by the report, so is every criterion met by the report.
fn declared_basis(coverage: Option<Coverage>) -> Basis {
    match coverage {
        Some(coverage) if coverage.stated && coverage.is_complete() => Basis::Published,
        Some(_) | None => Basis::Synthetic,
    }
}

/// Metrics that communes report: the criteria, then the measures, in the order of the catalogue.
fn metrics(catalogue: &Catalogue) -> impl Iterator<Item = &MetricId> {
    let criteria = catalogue.criteria.iter().map(|criterion| &criterion.metric);
    let reported = catalogue
        .measures
        .iter()
        .filter(|measure| measure.level == Level::Commune && measure.sum.is_empty());
    criteria.chain(reported.map(|measure| &measure.metric))
}

fn header(catalogue: &Catalogue) -> String {
    let mut text = "locality,period,observed_time,basis".to_owned();
    for metric in metrics(catalogue) {
        write!(text, ",{metric}").expect(INFALLIBLE);
    }
    text.push('\n');
    text
}

/// A row with the values that there are; the other cells stay empty.
fn write_row(
    text: &mut String,
    catalogue: &Catalogue,
    head: &Head,
    value: impl Fn(&str) -> Option<u64>,
) {
    let Head { locality, period, observed, basis } = head;
    write!(text, "{locality},{period},{observed},{basis}").expect(INFALLIBLE);
    for metric in metrics(catalogue) {
        match value(metric.as_str()) {
            Some(value) => write!(text, ",{value}").expect(INFALLIBLE),
            None => text.push(','),
        }
    }
    text.push('\n');
}

const INFALLIBLE: &str = "writing to a string never fails";

#[cfg(test)]
mod tests;
