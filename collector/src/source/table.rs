//! The two shapes of a table: what its columns are, and what its rows say.
//!
//! *Long* tables have one value per row: `locality,metric,period,value,observed_time`. *Wide*
//! ones have one per metric: `locality,period,observed_time,<metric>…`, where an empty cell says
//! nothing. Both may have the column `basis`. Order and case of the columns do not matter.

mod header;
mod row;

use std::collections::BTreeSet;

use phuxanh_core::{
    MetricId,
    catalogue::{Catalogue, Metric},
};
use unicode_normalization::UnicodeNormalization;

pub use header::{COLUMNS_MIN, SEPARATORS, line_names_columns, names_columns, separator_of_names};
pub use row::{Good, Reading, Row};

use super::refusal::{Cell, Column, HeaderFault, MetricFault, Reason, Refusal};

const LOCALITY: &str = "locality";
const PERIOD: &str = "period";
const OBSERVED: &str = "observed_time";
const BASIS: &str = "basis";
const METRIC: &str = "metric";
const VALUE: &str = "value";
/// Below this, two names have nothing in common.
const SIMILARITY_MIN: f64 = 0.8;
const KEYS: [&str; 6] = [LOCALITY, PERIOD, OBSERVED, BASIS, METRIC, VALUE];

/// Header of a table: what it says about the rows below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    separator: char,
    /// Cells of the header.
    cell_count: usize,
    /// Cells up to its last named column.
    named_count: usize,
    /// Places of columns without a name before that.
    unnamed: Vec<usize>,
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

impl Table {
    /// Reads the cells that name the columns.
    pub fn read_header(
        cells: &[&str],
        separator: char,
        catalogue: &Catalogue,
    ) -> Result<Header, Refusal> {
        let line = || cells.join(&separator.to_string());
        let columns = Columns::new(cells)?;
        let is_long = columns.find(METRIC).or(columns.find(VALUE)).is_some();
        let missing = columns.missing(is_long);
        if !missing.is_empty() {
            let fault = HeaderFault::MissingColumns { names: missing };
            return Err(Refusal::of_line(line(), Reason::Header(fault)));
        }
        let (shape, ignored) = if is_long {
            (columns.long(), columns.strangers(&[METRIC, VALUE], catalogue))
        } else {
            columns.wide(catalogue).ok_or_else(|| {
                let fault = HeaderFault::NoMetricColumn { example: example_metric(catalogue) };
                Refusal::of_line(line(), Reason::Header(fault))
            })?
        };
        let named_count = cells.iter().rposition(|name| !name.is_empty()).map_or(0, |at| at + 1);
        let unnamed = (0..named_count).filter(|at| cells[*at].is_empty()).collect();
        let table = Self {
            separator,
            cell_count: cells.len(),
            named_count,
            unnamed,
            locality: columns.required(LOCALITY),
            period: columns.required(PERIOD),
            observed: columns.required(OBSERVED),
            basis: columns.find(BASIS),
            shape,
        };
        Ok(Header { table, ignored })
    }
}

/// The columns of a header, as written and in lower case.
struct Columns(Vec<(String, String)>);

impl Columns {
    fn new(names: &[&str]) -> Result<Self, Refusal> {
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if !seen.insert(name.to_lowercase()) {
                let reason = Reason::Header(HeaderFault::DuplicateColumn);
                return Err(refused_column(index, name, reason));
            }
        }
        Ok(Self(names.iter().map(|name| (name.to_lowercase(), (*name).to_owned())).collect()))
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
        let missing = required.iter().copied().filter(|name| self.find(name).is_none());
        missing.chain(self.has_basis_misspelt().then_some(BASIS)).collect()
    }

    /// Values of a basis that cannot be read would pass for reported ones.
    fn has_basis_misspelt(&self) -> bool {
        let is_like = |name: &str| {
            name.contains(BASIS) || strsim::jaro_winkler(name, BASIS) >= SIMILARITY_MIN
        };
        let named = |name: &str| is_like(&name.nfkc().collect::<String>());
        self.find(BASIS).is_none() && self.0.iter().any(|(folded, _)| named(folded))
    }

    fn long(&self) -> Shape {
        Shape::Long { metric: self.required(METRIC), value: self.required(VALUE) }
    }

    /// `None` where no column is a metric.
    fn wide(&self, catalogue: &Catalogue) -> Option<(Shape, Vec<Refusal>)> {
        let metrics: Vec<_> = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(index, (name, _))| {
                let metric = reported_metric(name, catalogue).ok()?;
                Some((Column { index, name: name.as_str().into() }, metric))
            })
            .collect();
        let known: Vec<_> = metrics.iter().map(|(_, metric)| metric.as_str()).collect();
        let ignored = self.strangers(&known, catalogue);
        (!metrics.is_empty()).then_some((Shape::Wide(metrics), ignored))
    }

    /// The named columns that are neither known nor common to both shapes.
    fn strangers(&self, known: &[&str], catalogue: &Catalogue) -> Vec<Refusal> {
        let is_known = |name: &str| {
            [LOCALITY, PERIOD, OBSERVED, BASIS].contains(&name) || known.contains(&name)
        };
        self.0
            .iter()
            .enumerate()
            .filter(|(_, (folded, _))| !folded.is_empty() && !is_known(folded))
            .map(|(at, (folded, name))| refused_column(at, name, column_fault(folded, catalogue)))
            .collect()
    }
}

fn refused_column(index: usize, name: &str, reason: Reason) -> Refusal {
    let column = Some(Column { index, name: name.into() });
    Refusal { cell: Cell { column, text: name.to_owned() }, reason }
}

fn column_fault(folded: &str, catalogue: &Catalogue) -> Reason {
    match reported_metric(folded, catalogue) {
        Err(fault @ MetricFault::Computed { .. }) => Reason::Metric(fault),
        Ok(_) | Err(MetricFault::Unknown { .. } | MetricFault::WrongLevel { .. }) => {
            let example = similar_metric(folded, catalogue);
            Reason::Header(HeaderFault::UnknownColumn { example })
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
        None => Err(MetricFault::Unknown { example: similar_metric(id, catalogue) }),
    }
}

/// The reported metric whose id is most like a text, as an example of what to write.
fn similar_metric(text: &str, catalogue: &Catalogue) -> String {
    let criteria = catalogue.criteria.iter().map(|criterion| &criterion.metric);
    let measures = catalogue.measures.iter().filter(|measure| measure.sum.is_empty());
    let ids = criteria.chain(measures.map(|measure| &measure.metric)).map(MetricId::as_str);
    let scored = ids.map(|id| (strsim::jaro_winkler(text, id), id));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((similarity, id)) if similarity >= SIMILARITY_MIN => id.to_owned(),
        Some(_) | None => example_metric(catalogue),
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
        let separator = crate::source::separator::separator(line);
        let cells: Vec<_> = line.split(separator).map(str::trim).collect();
        Table::read_header(&cells, separator, &Catalogue::builtin())
    }

    fn fault(line: &str) -> Reason {
        read(line).expect_err(line).reason
    }

    #[test]
    fn order_case_and_spaces_of_columns_do_not_matter() {
        let table = read("Value; METRIC ;period;observed_time;locality;;").expect("long").table;
        assert_eq!((table.separator, table.cell_count, table.named_count), (';', 7, 5));
        assert_eq!(table.locality.index, 4);
        assert_eq!(table.basis, None);
        assert!(matches!(&table.shape, Shape::Long { value, .. } if value.index == 0));
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
            read("locality,period,observed_time,Happiness,working_days,ratings_given,,working_day")
                .expect("wide");
        let unknown = |example: &str| {
            Reason::Header(HeaderFault::UnknownColumn { example: example.to_owned() })
        };
        let parts = "ratings_positive, ratings_negative".to_owned();
        let computed = Reason::Metric(MetricFault::Computed { parts });
        assert_eq!(
            header.ignored,
            [
                refused_column(3, "Happiness", unknown("centre_operating")),
                refused_column(5, "ratings_given", computed),
                refused_column(7, "working_day", unknown("working_days")),
            ]
        );
        assert_eq!(header.table.unnamed, [6]);
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
            ("locality,metric,period,value,observed_time,basis\u{2060}", missing(&[BASIS])),
            ("locality,period,observed_time,working_days,ｂａｓｉｓ", missing(&[BASIS])),
            ("hết basis,locality,period,observed_time,working_days", missing(&[BASIS])),
            ("04,2025-07,1", missing(&[LOCALITY, PERIOD, OBSERVED])),
            ("locality,period,observed_time,basis", Reason::Header(no_metric)),
            ("locality,period,Period,observed_time", Reason::Header(HeaderFault::DuplicateColumn)),
        ];
        for (line, reason) in cases {
            assert_eq!(fault(line), reason, "{line}");
        }
    }
}
