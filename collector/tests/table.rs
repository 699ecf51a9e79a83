//! The meaning of a table does not depend on how it is written down.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock, atomic::AtomicBool},
    time::Duration,
};

use phuxanh_collector::source::{Facts, Limits, contents, value::Written};
use phuxanh_core::{
    Basis, CellKey, LocalityCode, MetricId, Observation, Period, Timestamp,
    catalogue::{Catalogue, Metric},
    gazetteer::Gazetteer,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const COMMUNES: [&str; 4] = ["00004", "00070", "00082", "00091"];
const METRICS: [&str; 4] =
    ["digital_signatures", "working_days", "applications_received", "network_secure"];
const YES: [&str; 6] = ["1", "true", "có", "CO\u{301}", "Yes", "\"Có\""];
const NO: [&str; 6] = ["0", "FALSE", "không", "kho\u{302}ng", "no", "\" 0 \""];

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));
static GAZETTEER: LazyLock<Arc<Gazetteer>> = LazyLock::new(|| Arc::new(Gazetteer::builtin()));

/// Style in which a table is written.
#[derive(Debug, Clone)]
struct Style {
    separator: char,
    line_end: &'static str,
    byte_order_marks: usize,
    encoding: Encoding,
    /// Chooses among the words for a value.
    word: usize,
    upper_header: bool,
}

/// Encoding of text as bytes.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
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
            (_, None) => ["rút", "withdraw", "RU\u{301}T"][self.word % 3].to_owned(),
            (Metric::Criterion(_), Some(1)) => YES[self.word % YES.len()].to_owned(),
            (Metric::Criterion(_), Some(_)) => NO[self.word % NO.len()].to_owned(),
            (Metric::Measure(_), Some(value)) => value.to_string(),
        }
    }

    fn write(&self, rows: &[Vec<String>]) -> Vec<u8> {
        let mut text = "\u{feff}".repeat(self.byte_order_marks);
        for (number, row) in rows.iter().enumerate() {
            let line = row.join(&self.separator.to_string());
            let line = if number == 0 && self.upper_header { line.to_uppercase() } else { line };
            write!(text, "{line}{}", self.line_end).expect("a string takes all");
        }
        let units = text.encode_utf16();
        match self.encoding {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf16Little => units.flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Big => units.flat_map(u16::to_be_bytes).collect(),
        }
    }

    fn wide(&self, rows: &[Row]) -> Vec<u8> {
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

    fn long(&self, observations: &[Observation]) -> Vec<u8> {
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
    let separators = select(vec![',', ';', '\t']);
    let line_ends = select(vec!["\n", "\r\n", "\r", "\n\n"]);
    let encodings = select(vec![Encoding::Utf8, Encoding::Utf16Little, Encoding::Utf16Big]);
    (separators, line_ends, 0..3_usize, encodings, 0..6_usize, any::<bool>()).prop_map(
        |(separator, line_end, byte_order_marks, encoding, word, upper_header)| Style {
            separator,
            line_end,
            byte_order_marks,
            encoding,
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
    let row = (select(COMMUNES.to_vec()), 0..2_i64, 0..2_500_000_000_000_i64, basis, values)
        .prop_map(|(locality, months_ago, micros_ago, basis, values)| Row {
            locality: locality.parse().expect("a code"),
            period: Period::from_number(2025 * 12 + 6 - months_ago).expect("a month"),
            observed: Timestamp::from_micros(now().micros() - micros_ago).expect("a time"),
            basis,
            values,
        });
    vec(row, 1..6)
}

fn now() -> Timestamp {
    "2025-07-31 16:00".parse().expect("a time")
}

/// All observations of a table in which nothing is refused.
fn read(bytes: &[u8]) -> Vec<Observation> {
    let facts = Facts {
        reporter: "01".parse().expect("a code"),
        catalogue: Arc::clone(&CATALOGUE),
        gazetteer: Arc::clone(&GAZETTEER),
        ahead_max: Duration::ZERO,
        restated_months_max: 1,
    };
    let stop = AtomicBool::new(false);
    let read = contents::read(bytes, &facts, &Limits::default(), now(), &stop).expect("no error");
    assert_eq!(read.entries.refused_count(), 0, "{:?}", read.entries);
    read.lines.into_iter().map(|line| line.good.observation).collect()
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
        prop_assume!(!expected.is_empty());
        prop_assert_eq!(read(&style.long(&expected)), expected);
    }
}
