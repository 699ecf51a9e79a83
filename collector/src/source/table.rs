//! The two shapes of a table: what its columns are, and what its rows say.
//!
//! *Long* tables have one value per row: `locality,metric,period,value,observed_time`. *Wide*
//! ones have one per metric: `locality,period,observed_time,<metric>…`, where an empty cell says
//! nothing. Both may have the column `basis`. Order and case of the columns do not matter.

mod fields;
mod row;

use std::{collections::BTreeSet, sync::Arc};

use phuxanh_core::{
    MetricId,
    catalogue::{Catalogue, Metric},
};

pub use row::{Good, Reading};

use super::refusal::{Cell, HeaderFault, LineFault, MetricFault, Reason, Refusal};

const LOCALITY: &str = "locality";
const PERIOD: &str = "period";
const OBSERVED: &str = "observed_time";
const BASIS: &str = "basis";
const METRIC: &str = "metric";
const VALUE: &str = "value";

/// What a header says about the rows below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    separator: char,
    /// Fields of a row.
    width: usize,
    locality: Column,
    period: Column,
    observed: Column,
    basis: Option<Column>,
    shape: Shape,
}

/// A readable header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub table: Table,
    /// Columns that are not read, and why.
    pub ignored: Vec<Refusal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Long { metric: Column, value: Column },
    Wide(Vec<(Column, MetricId)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    index: usize,
    name: Arc<str>,
}

impl Table {
    /// Reads the line that names the columns.
    pub fn read_header(line: &str, catalogue: &Catalogue) -> Result<Header, Refusal> {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let separator = fields::separator(line);
        let mut names = fields::split(line, separator)
            .map_err(|fields::BrokenQuotes| header_refusal(line, LineFault::BrokenQuotes))?;
        row::drop_empty_tail(&mut names, 0);
        let columns = Columns::new(names)?;
        let is_long = columns.find(METRIC).or(columns.find(VALUE)).is_some();
        let missing = columns.missing(is_long);
        if !missing.is_empty() {
            let fault = HeaderFault::MissingColumns { names: missing };
            return Err(Refusal::of_line(line, Reason::Header(fault)));
        }
        let (shape, ignored) = if is_long {
            (columns.long(), columns.strangers(&[METRIC, VALUE], catalogue))
        } else {
            columns.wide(line, catalogue)?
        };
        let table = Self {
            separator,
            width: columns.0.len(),
            locality: columns.required(LOCALITY),
            period: columns.required(PERIOD),
            observed: columns.required(OBSERVED),
            basis: columns.find(BASIS),
            shape,
        };
        Ok(Header { table, ignored })
    }
}

fn header_refusal(line: &str, fault: LineFault) -> Refusal {
    Refusal::of_line(line, Reason::Line(fault))
}

/// The columns of a header, as written and in lower case.
struct Columns(Vec<(String, String)>);

impl Columns {
    fn new(names: Vec<String>) -> Result<Self, Refusal> {
        let mut seen = BTreeSet::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            if !seen.insert(name.to_lowercase()) {
                let reason = Reason::Header(HeaderFault::DuplicateColumn);
                return Err(refused_column(name, reason));
            }
        }
        Ok(Self(names.into_iter().map(|name| (name.to_lowercase(), name)).collect()))
    }

    fn find(&self, name: &str) -> Option<Column> {
        let index = self.0.iter().position(|(folded, _)| folded == name)?;
        Some(Column { index, name: name.into() })
    }

    fn required(&self, name: &str) -> Column {
        self.find(name).expect("the header was checked for its required columns")
    }

    fn missing(&self, is_long: bool) -> Vec<&'static str> {
        let required: &[_] = if is_long {
            &[LOCALITY, METRIC, PERIOD, VALUE, OBSERVED]
        } else {
            &[LOCALITY, PERIOD, OBSERVED]
        };
        required.iter().copied().filter(|name| self.find(name).is_none()).collect()
    }

    fn long(&self) -> Shape {
        Shape::Long { metric: self.required(METRIC), value: self.required(VALUE) }
    }

    fn wide(&self, line: &str, catalogue: &Catalogue) -> Result<(Shape, Vec<Refusal>), Refusal> {
        let metrics: Vec<_> = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(index, (name, _))| {
                let metric = reported_metric(name, catalogue).ok()?;
                Some((Column { index, name: name.as_str().into() }, metric))
            })
            .collect();
        if metrics.is_empty() {
            let fault = HeaderFault::NoMetricColumn { example: example_metric(catalogue) };
            return Err(Refusal::of_line(line, Reason::Header(fault)));
        }
        let known: Vec<_> = metrics.iter().map(|(_, metric)| metric.as_str()).collect();
        let ignored = self.strangers(&known, catalogue);
        Ok((Shape::Wide(metrics), ignored))
    }

    /// The columns that are neither known by name nor common to both shapes.
    fn strangers(&self, known: &[&str], catalogue: &Catalogue) -> Vec<Refusal> {
        let is_known = |name: &str| {
            [LOCALITY, PERIOD, OBSERVED, BASIS].contains(&name) || known.contains(&name)
        };
        self.0
            .iter()
            .filter(|(folded, _)| !is_known(folded))
            .map(|(folded, name)| refused_column(name, column_fault(folded, catalogue)))
            .collect()
    }
}

fn refused_column(name: &str, reason: Reason) -> Refusal {
    Refusal { cell: Cell { column: Some(name.into()), text: name.to_owned() }, reason }
}

fn column_fault(folded: &str, catalogue: &Catalogue) -> Reason {
    match reported_metric(folded, catalogue) {
        Err(fault @ MetricFault::Computed { .. }) => Reason::Metric(fault),
        Ok(_) | Err(MetricFault::Unknown { .. } | MetricFault::WrongLevel { .. }) => {
            Reason::Header(HeaderFault::UnknownColumn { example: example_metric(catalogue) })
        }
    }
}

/// The metric of an id in lower case, where it is one that is reported.
fn reported_metric(id: &str, catalogue: &Catalogue) -> Result<MetricId, MetricFault> {
    match catalogue.metric(id) {
        Some(Metric::Criterion(criterion)) => Ok(criterion.metric.clone()),
        Some(Metric::Measure(measure)) if measure.sum.is_empty() => Ok(measure.metric.clone()),
        Some(Metric::Measure(measure)) => {
            let parts: Vec<_> = measure.sum.iter().map(MetricId::as_str).collect();
            Err(MetricFault::Computed { parts: parts.join(", ") })
        }
        None => Err(MetricFault::Unknown { example: example_metric(catalogue) }),
    }
}

fn example_metric(catalogue: &Catalogue) -> String {
    let criterion = catalogue.criteria.first().map(|found| found.definition.id.clone());
    let measure = || catalogue.measures.first().map(|found| found.definition.id.clone());
    criterion.or_else(measure).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Header, Refusal> {
        Table::read_header(line, &Catalogue::builtin())
    }

    fn fault(line: &str) -> Reason {
        read(line).expect_err(line).reason
    }

    #[test]
    fn order_case_and_spaces_of_columns_do_not_matter() {
        let header = read("\u{feff}Value; METRIC ;period;observed_time;locality;;").expect("long");
        assert_eq!(header.table.separator, ';');
        assert_eq!(header.table.width, 5);
        assert_eq!(header.table.locality.index, 4);
        assert_eq!(header.table.basis, None);
        assert_eq!(header.ignored, []);
        assert!(matches!(&header.table.shape, Shape::Long { value, .. } if value.index == 0));
    }

    #[test]
    fn metrics_make_a_table_wide() {
        let header = read("locality,period,Digital_Signatures,basis,observed_time,working_days")
            .expect("wide");
        let Shape::Wide(metrics) = header.table.shape else { panic!("long") };
        let metrics: Vec<_> =
            metrics.iter().map(|(column, id)| (column.index, id.as_str())).collect();
        assert_eq!(metrics, [(2, "digital_signatures"), (5, "working_days")]);
        assert_eq!(header.table.basis.map(|column| column.index), Some(3));
    }

    #[test]
    fn columns_that_cannot_be_read_are_named_and_the_others_kept() {
        let header =
            read("locality,period,observed_time,Happiness,working_days,ratings_given,,basis")
                .expect("wide");
        let example = "centre_operating".to_owned();
        let unknown = Reason::Header(HeaderFault::UnknownColumn { example });
        let parts = "ratings_positive, ratings_negative".to_owned();
        let computed = Reason::Metric(MetricFault::Computed { parts });
        assert_eq!(
            header.ignored,
            [
                refused_column("Happiness", unknown.clone()),
                refused_column("ratings_given", computed),
                refused_column("", unknown)
            ]
        );
        let long = read("locality,metric,period,value,observed_time,note").expect("long");
        assert_eq!(long.ignored.len(), 1);
    }

    #[test]
    fn unreadable_headers_are_refused() {
        let missing = |names: &[&'static str]| {
            Reason::Header(HeaderFault::MissingColumns { names: names.to_vec() })
        };
        let no_metric = HeaderFault::NoMetricColumn { example: "centre_operating".to_owned() };
        let cases = [
            ("locality,metric,period,observed_time", missing(&[VALUE])),
            ("locality,metric,value", missing(&[PERIOD, OBSERVED])),
            ("04,2025-07,1", missing(&[LOCALITY, PERIOD, OBSERVED])),
            ("locality\tmetric\tvalue", missing(&[LOCALITY, PERIOD, OBSERVED])),
            ("locality,period,observed_time,basis", Reason::Header(no_metric)),
            ("locality,period,Period,observed_time", Reason::Header(HeaderFault::DuplicateColumn)),
            ("locality,\"period", Reason::Line(LineFault::BrokenQuotes)),
        ];
        for (line, reason) in cases {
            assert_eq!(fault(line), reason, "{line}");
        }
    }
}
