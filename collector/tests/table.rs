//! What a table says does not depend on how it is written down.

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

use phuxanh_collector::source::{
    table::{Good, Table},
    value::Written,
};
use phuxanh_core::{
    Basis, CellKey, LocalityCode, MetricId, Observation, Period, Timestamp,
    catalogue::{Catalogue, Metric},
    gazetteer::Gazetteer,
    validation::Rules,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const COMMUNES: [&str; 4] = ["00004", "00070", "00082", "00091"];
const METRICS: [&str; 4] =
    ["digital_signatures", "working_days", "applications_received", "network_secure"];
const YES: [&str; 6] = ["1", "true", "có", "CO\u{301}", "Yes", "\"Có\""];
const NO: [&str; 6] = ["0", "FALSE", "không", "kho\u{302}ng", "no", "\" 0 \""];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);
static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::builtin);

/// How a table is written down.
#[derive(Debug, Clone)]
struct Style {
    separator: char,
    line_end: &'static str,
    byte_order_mark: bool,
    /// Chooses among the words for a value.
    word: usize,
    upper_header: bool,
}

/// A row of a wide table: what its cells share, and a value for each of [`METRICS`].
#[derive(Debug, Clone)]
struct Row {
    locality: LocalityCode,
    period: Period,
    observed: Timestamp,
    basis: Basis,
    values: Vec<Written>,
}

impl Row {
    fn observations(&self) -> impl Iterator<Item = Observation> {
        let values = METRICS.iter().zip(&self.values);
        values.filter_map(|(metric, value)| {
            let metric: MetricId = metric.parse().expect("an id");
            let key = CellKey { locality: self.locality, metric, period: self.period };
            let (observed, basis) = (self.observed, self.basis);
            match *value {
                Written::Nothing => None,
                Written::Value(value) => {
                    Some(Observation { key, value, observed, revision: 0, basis })
                }
            }
        })
    }
}

impl Style {
    fn value(&self, metric: &str, value: Option<i64>) -> String {
        match (CATALOGUE.metric(metric).expect("a metric"), value) {
            (_, None) => "-".to_owned(),
            (Metric::Criterion(_), Some(1)) => YES[self.word % YES.len()].to_owned(),
            (Metric::Criterion(_), Some(_)) => NO[self.word % NO.len()].to_owned(),
            (Metric::Measure(_), Some(value)) => value.to_string(),
        }
    }

    fn write(&self, rows: &[Vec<String>]) -> String {
        let mut text = if self.byte_order_mark { "\u{feff}".to_owned() } else { String::new() };
        for (number, row) in rows.iter().enumerate() {
            let line = row.join(&self.separator.to_string());
            let line = if number == 0 && self.upper_header { line.to_uppercase() } else { line };
            write!(text, "{line}{}", self.line_end).expect("a string takes all");
        }
        text
    }

    fn wide(&self, rows: &[Row]) -> String {
        let header = ["locality", "period", "observed_time"].iter().chain(&METRICS);
        let header = header.chain(&["basis"]).map(ToString::to_string).collect();
        let lines = rows.iter().map(|row| {
            let keys = [row.locality.to_string(), row.period.to_string(), row.observed.to_string()];
            let values = METRICS.iter().zip(&row.values);
            let values = values.map(|(metric, value)| match *value {
                Written::Nothing => String::new(),
                Written::Value(value) => self.value(metric, value),
            });
            keys.into_iter().chain(values).chain([row.basis.to_string()]).collect()
        });
        self.write(&std::iter::once(header).chain(lines).collect::<Vec<_>>())
    }

    fn long(&self, observations: &[Observation]) -> String {
        let header = ["value", "locality", "metric", "period", "basis", "observed_time"];
        let header = header.map(str::to_owned).to_vec();
        let lines = observations.iter().map(|observation| {
            let CellKey { locality, metric, period } = &observation.key;
            vec![
                self.value(metric.as_str(), observation.value),
                locality.to_string(),
                metric.to_string(),
                period.to_string(),
                observation.basis.to_string(),
                observation.observed.to_string(),
            ]
        });
        self.write(&std::iter::once(header).chain(lines).collect::<Vec<_>>())
    }
}

fn styles() -> impl Strategy<Value = Style> {
    let line_ends = select(vec!["\n", "\r\n"]);
    (select(vec![',', ';']), line_ends, any::<bool>(), 0..6_usize, any::<bool>()).prop_map(
        |(separator, line_end, byte_order_mark, word, upper_header)| Style {
            separator,
            line_end,
            byte_order_mark,
            word,
            upper_header,
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = option::of(0..=1_i64).prop_map(Written::Value);
    let value = prop_oneof![1 => Just(Written::Nothing), 3 => value];
    let values = vec(value, METRICS.len());
    let basis = select(vec![Basis::Reported, Basis::Published, Basis::Synthetic]);
    let row = (select(COMMUNES.to_vec()), 0..24_i64, 0..1_000_000_000_000_i64, basis, values)
        .prop_map(|(locality, months_ago, micros_ago, basis, values)| Row {
            locality: locality.parse().expect("a code"),
            period: Period::from_number(2025 * 12 + 5 - months_ago).expect("a month"),
            observed: Timestamp::from_micros(now().micros() - micros_ago).expect("a time"),
            basis,
            values,
        });
    vec(row, 0..6)
}

fn now() -> Timestamp {
    "2025-07-31 16:00".parse().expect("a time")
}

/// All observations of a table in which nothing is refused.
fn read(text: &str) -> Vec<Observation> {
    let rules = Rules {
        reporter: "01".parse().expect("a code"),
        catalogue: &CATALOGUE,
        gazetteer: &GAZETTEER,
        now: now(),
        ahead_max: Duration::ZERO,
    };
    let mut lines = text.lines();
    let header = Table::read_header(lines.next().expect("a header"), &CATALOGUE).expect("readable");
    assert_eq!(header.ignored, []);
    lines
        .flat_map(|line| header.table.read_row(line, &rules).expect("not blank"))
        .map(|reading| reading.map(|Good { observation, .. }| observation).expect("good"))
        .collect()
}

proptest! {
    #[test]
    fn wide_tables_read_back(rows in rows(), style in styles()) {
        let expected: Vec<_> = rows.iter().flat_map(Row::observations).collect();
        prop_assert_eq!(read(&style.wide(&rows)), expected);
    }

    #[test]
    fn long_tables_read_back(rows in rows(), style in styles()) {
        let expected: Vec<_> = rows.iter().flat_map(Row::observations).collect();
        prop_assert_eq!(read(&style.long(&expected)), expected);
    }
}
