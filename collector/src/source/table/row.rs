//! Reading a row: each of its values becomes an observation or a refusal.

use std::{str::FromStr, sync::Arc};

use phuxanh_core::{
    Basis, CellKey, Level, LocalityCode, MetricId, Observation, Period, Timestamp,
    catalogue::Metric,
    validation::{Refusal as Rule, Rules},
};

use super::{Column, Shape, Table, fields, reported_metric};
use crate::source::{
    refusal::{Cell, KeyFault, LineFault, MetricFault, Reason, Refusal, ValueFault},
    value::{self, Written},
};

/// What one cell of a row comes to.
pub type Reading = Result<Good, Refusal>;

/// An observation that satisfies the rules, with the cell of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    pub cell: Cell,
    pub observation: Observation,
}

/// What all values of a row share.
struct Key {
    locality: LocalityCode,
    period: Period,
    observed: Timestamp,
    basis: Basis,
}

/// Drops empty fields behind the first `width`, as spreadsheets leave them.
pub(super) fn drop_empty_tail(fields: &mut Vec<String>, width: usize) {
    while fields.len() > width && fields.last().is_some_and(String::is_empty) {
        fields.pop();
    }
}

impl Table {
    /// Reads a line below the header: its observations and refusals, `None` for a blank line.
    #[must_use]
    pub fn read_row(&self, line: &str, rules: &Rules<'_>) -> Option<Vec<Reading>> {
        let mut row = Vec::new();
        match self.fields(line) {
            Ok(fields) if fields.iter().all(String::is_empty) => return None,
            Ok(fields) => self.read_fields(&fields, rules, &mut row),
            Err(fault) => row.push(Err(Refusal::of_line(line, Reason::Line(fault)))),
        }
        Some(row)
    }

    fn fields(&self, line: &str) -> Result<Vec<String>, LineFault> {
        let mut fields = fields::split(line, self.separator)
            .map_err(|fields::BrokenQuotes| LineFault::BrokenQuotes)?;
        drop_empty_tail(&mut fields, self.width);
        let (found, expected) = (fields.len(), self.width);
        let is_blank = fields.iter().all(String::is_empty);
        if found == expected || is_blank {
            Ok(fields)
        } else {
            Err(LineFault::FieldCount { found, expected, separator: self.separator })
        }
    }

    fn read_fields(&self, fields: &[String], rules: &Rules<'_>, row: &mut Vec<Reading>) {
        let key = self.read_key(fields, rules, row);
        let values = Values { table: self, fields, rules };
        match &self.shape {
            Shape::Long { metric, value } => values.read_long(key.as_ref(), metric, value, row),
            Shape::Wide(metrics) => {
                if let Some(key) = key {
                    values.read_wide(&key, metrics, row);
                }
            }
        }
    }

    /// Reads what the row's values share; every fault is named.
    fn read_key(
        &self,
        fields: &[String],
        rules: &Rules<'_>,
        row: &mut Vec<Reading>,
    ) -> Option<Key> {
        let example = example_locality(Level::Commune, rules);
        let locality =
            parse(&self.locality, fields, KeyFault::Locality { example }, row).filter(|code| {
                match rules.check_locality(*code) {
                    Ok(()) => true,
                    Err(rule) => {
                        let fault = locality_fault(rule, rules);
                        row.push(Err(refuse(&self.locality, fields, Reason::Key(fault))));
                        false
                    }
                }
            });
        let period = parse(&self.period, fields, KeyFault::Period, row);
        let observed = parse(&self.observed, fields, KeyFault::Time, row);
        let basis = match &self.basis {
            Some(column) => parse(column, fields, KeyFault::Basis, row),
            None => Some(Basis::default()),
        };
        Some(Key { locality: locality?, period: period?, observed: observed?, basis: basis? })
    }
}

fn parse<T: FromStr>(
    column: &Column,
    fields: &[String],
    fault: KeyFault,
    row: &mut Vec<Reading>,
) -> Option<T> {
    let parsed = fields[column.index].parse().ok();
    if parsed.is_none() {
        row.push(Err(refuse(column, fields, Reason::Key(fault))));
    }
    parsed
}

fn refuse(column: &Column, fields: &[String], reason: Reason) -> Refusal {
    Refusal { cell: cell(column, fields), reason }
}

fn cell(column: &Column, fields: &[String]) -> Cell {
    Cell { column: Some(Arc::clone(&column.name)), text: fields[column.index].clone() }
}

fn locality_fault(rule: Rule, rules: &Rules<'_>) -> KeyFault {
    let example = example_locality(Level::Commune, rules);
    match rule {
        Rule::ForeignLocality => KeyFault::ForeignLocality { reporter: rules.reporter, example },
        Rule::UnknownLocality
        | Rule::UnknownMetric
        | Rule::WrongLevel
        | Rule::ImpossibleValue
        | Rule::ObservedAhead
        | Rule::ImpossiblePeriod => KeyFault::UnknownLocality { example },
    }
}

/// A code of the level that the reporter may speak of, where there is one.
fn example_locality(level: Level, rules: &Rules<'_>) -> LocalityCode {
    let commune = || rules.gazetteer.communes(rules.reporter).next().map(|found| found.code);
    match level {
        Level::Commune => commune().unwrap_or(rules.reporter),
        Level::Province => rules.reporter,
        Level::Nation => LocalityCode::NATION,
    }
}

/// Reads the values of one row.
struct Values<'a> {
    table: &'a Table,
    fields: &'a [String],
    rules: &'a Rules<'a>,
}

impl Values<'_> {
    fn read_long(
        &self,
        key: Option<&Key>,
        metric: &Column,
        value: &Column,
        row: &mut Vec<Reading>,
    ) {
        let id = self.fields[metric.index].to_lowercase();
        let id = match reported_metric(&id, self.rules.catalogue) {
            Ok(id) => id,
            Err(fault) => {
                return row.push(Err(refuse(metric, self.fields, Reason::Metric(fault))));
            }
        };
        match (self.read_value(value, &id), key) {
            (Ok(Written::Nothing), _) => {
                let reason = Reason::Value(ValueFault::Missing);
                row.push(Err(refuse(value, self.fields, reason)));
            }
            (Ok(Written::Value(written)), Some(key)) => {
                row.push(self.observe(key, value, &id, written));
            }
            (Ok(Written::Value(_)), None) => {}
            (Err(refusal), _) => row.push(Err(refusal)),
        }
    }

    fn read_wide(&self, key: &Key, metrics: &[(Column, MetricId)], row: &mut Vec<Reading>) {
        for (column, metric) in metrics {
            match self.read_value(column, metric) {
                Ok(Written::Nothing) => {}
                Ok(Written::Value(written)) => {
                    let read = self.observe(key, column, metric, written);
                    // A bad cell leaves the others standing. A time or a period that the first
                    // value shows to be impossible is the whole row's, and is named once.
                    let is_of_row = matches!(&read, Err(refusal)
                        if refusal.cell.column.as_ref() != Some(&column.name));
                    row.push(read);
                    if is_of_row {
                        return;
                    }
                }
                Err(refusal) => row.push(Err(refusal)),
            }
        }
    }

    fn read_value(&self, column: &Column, metric: &MetricId) -> Result<Written, Refusal> {
        let metric = self.rules.catalogue.metric(metric.as_str());
        let metric = metric.expect("only metrics of the catalogue are read");
        value::read(&self.fields[column.index], metric)
            .map_err(|fault| refuse(column, self.fields, Reason::Value(fault)))
    }

    fn observe(
        &self,
        key: &Key,
        column: &Column,
        metric: &MetricId,
        value: Option<i64>,
    ) -> Reading {
        let observation = Observation {
            key: CellKey { locality: key.locality, metric: metric.clone(), period: key.period },
            value,
            observed: key.observed,
            revision: 0,
            basis: key.basis,
        };
        match self.rules.check(&observation) {
            Ok(()) => Ok(Good { cell: cell(column, self.fields), observation }),
            Err(rule) => Err(self.broken(rule, &observation, column)),
        }
    }

    /// Says which cell breaks a rule, and how.
    fn broken(&self, rule: Rule, observation: &Observation, value: &Column) -> Refusal {
        let now = self.rules.now;
        let (column, reason) = match rule {
            Rule::UnknownLocality | Rule::ForeignLocality => {
                (&self.table.locality, Reason::Key(locality_fault(rule, self.rules)))
            }
            Rule::UnknownMetric | Rule::WrongLevel => {
                (value, Reason::Metric(self.wrong_level(observation)))
            }
            Rule::ImpossibleValue => (value, Reason::Value(ValueFault::CountRange)),
            Rule::ObservedAhead => (&self.table.observed, Reason::Key(KeyFault::TimeAhead { now })),
            Rule::ImpossiblePeriod => {
                let fault = KeyFault::PeriodAhead { observed: observation.observed };
                (&self.table.period, Reason::Key(fault))
            }
        };
        refuse(column, self.fields, reason)
    }

    fn wrong_level(&self, observation: &Observation) -> MetricFault {
        let CellKey { metric, locality, .. } = &observation.key;
        let expected = match self.rules.catalogue.metric(metric.as_str()) {
            Some(Metric::Measure(measure)) => measure.level,
            Some(Metric::Criterion(_)) | None => Level::Commune,
        };
        let example = example_locality(expected, self.rules);
        MetricFault::WrongLevel {
            metric: metric.clone(),
            expected,
            found: locality.level(),
            example,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::LazyLock, time::Duration};

    use phuxanh_core::{catalogue::Catalogue, gazetteer::Gazetteer};

    use super::*;

    const LONG: &str = "locality,metric,period,value,observed_time,basis";
    const WIDE: &str = "locality,period,observed_time,digital_signatures,working_days";

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);
    static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::builtin);

    fn rules() -> Rules<'static> {
        Rules {
            reporter: "01".parse().expect("a code"),
            catalogue: &CATALOGUE,
            gazetteer: &GAZETTEER,
            now: "2025-08-01 09:00".parse().expect("a time"),
            ahead_max: Duration::from_mins(5),
        }
    }

    fn read(header: &str, line: &str) -> Option<Vec<Reading>> {
        let table = Table::read_header(header, &CATALOGUE).expect("a header").table;
        table.read_row(line, &rules())
    }

    type Observed = Vec<(String, Option<i64>)>;
    type Refusals = Vec<(String, Reason)>;

    /// The observations of a line as metric and value, and its refusals as column and reason.
    fn told(header: &str, line: &str) -> (Observed, Refusals) {
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for reading in read(header, line).expect("not blank") {
            match reading {
                Ok(Good { observation, .. }) => {
                    good.push((observation.key.metric.to_string(), observation.value));
                }
                Err(Refusal { cell, reason }) => {
                    let column = cell.column.map_or(String::new(), |name| name.to_string());
                    refused.push((column, reason));
                }
            }
        }
        (good, refused)
    }

    fn refusals(header: &str, line: &str) -> Refusals {
        let (good, refused) = told(header, line);
        assert_eq!(good, [], "{line}");
        refused
    }

    #[test]
    fn a_long_row_is_one_observation() {
        let line = "00004, Digital_Signatures ,2025-07,Có,2025-07-31 16:00,synthetic";
        let [Ok(good)] = &read(LONG, line).expect("not blank")[..] else { panic!("not one") };
        assert_eq!(good.cell, Cell { column: Some("value".into()), text: "Có".into() });
        let observation = Observation {
            key: CellKey {
                locality: "00004".parse().expect("a code"),
                metric: "digital_signatures".parse().expect("an id"),
                period: "2025-07".parse().expect("a period"),
            },
            value: Some(1),
            observed: "2025-07-31T16:00:00+07:00".parse().expect("a time"),
            revision: 0,
            basis: Basis::Synthetic,
        };
        assert_eq!(good.observation, observation);
    }

    #[test]
    fn a_wide_row_is_an_observation_for_each_cell_that_is_not_empty() {
        let given = |signatures: &str, days: &str| {
            told(WIDE, &format!("00004,2025-07,2025-07-31 16:00,{signatures},{days}"))
        };
        let signatures = |value| ("digital_signatures".to_owned(), value);
        let days = |value| ("working_days".to_owned(), value);
        assert_eq!(given("không", "22"), (vec![signatures(Some(0)), days(Some(22))], vec![]));
        assert_eq!(given("", "-"), (vec![days(None)], vec![]));
        assert_eq!(given("", ""), (vec![], vec![]));
        let bad = ("digital_signatures".to_owned(), Reason::Value(ValueFault::Criterion));
        assert_eq!(given("maybe", "22"), (vec![days(Some(22))], vec![bad]));
    }

    #[test]
    fn every_fault_of_a_row_is_named() {
        let example = "00004".parse().expect("a code");
        let key = |column: &str, fault| (column.to_owned(), Reason::Key(fault));
        assert_eq!(
            refusals(LONG, "4,happiness,07/2025,1,yesterday,guessed"),
            [
                key("locality", KeyFault::Locality { example }),
                key("period", KeyFault::Period),
                key("observed_time", KeyFault::Time),
                key("basis", KeyFault::Basis),
                (
                    "metric".into(),
                    Reason::Metric(MetricFault::Unknown { example: "centre_operating".into() })
                ),
            ]
        );
    }

    #[test]
    fn what_breaks_a_rule_of_the_row_is_named_once() {
        let (now, example) = (rules().now, "00004".parse().expect("a code"));
        let observed = "2025-07-31 16:00".parse().expect("a time");
        let reporter = rules().reporter;
        let cases = [
            ("00005,2025-07,2025-07-31 16:00", "locality", KeyFault::UnknownLocality { example }),
            (
                "01273,2025-07,2025-07-31 16:00",
                "locality",
                KeyFault::ForeignLocality { reporter, example },
            ),
            ("00004,2025-07,2025-08-01 09:06", "observed_time", KeyFault::TimeAhead { now }),
            ("00004,2025-08,2025-07-31 16:00", "period", KeyFault::PeriodAhead { observed }),
        ];
        for (keys, column, fault) in cases {
            let refused = refusals(WIDE, &format!("{keys},1,22"));
            assert_eq!(refused, [(column.to_owned(), Reason::Key(fault))], "{keys}");
        }
    }

    #[test]
    fn values_out_of_range_and_at_the_wrong_level_are_refused() {
        let row = |start: &str| format!("{start},2025-07-31 16:00,");
        let value = |fault| vec![("value".to_owned(), fault)];
        let range = Reason::Value(ValueFault::CountRange);
        assert_eq!(refusals(LONG, &row("00004,working_days,2025-07,-1")), value(range.clone()));
        let many = "9".repeat(30);
        assert_eq!(
            refusals(LONG, &row(&format!("00004,working_days,2025-07,{many}"))),
            value(range)
        );
        let missing = Reason::Value(ValueFault::Missing);
        assert_eq!(refusals(LONG, &row("00004,working_days,2025-07,")), value(missing));
        let wrong = |metric: &str, expected, found, example: &str| {
            Reason::Metric(MetricFault::WrongLevel {
                metric: metric.parse().expect("an id"),
                expected,
                found,
                example: example.parse().expect("a code"),
            })
        };
        let province = wrong("declared_green_communes", Level::Province, Level::Commune, "01");
        let line = row("00004,declared_green_communes,2025-07,1");
        assert_eq!(refusals(LONG, &line), value(province));
        let commune = wrong("digital_signatures", Level::Commune, Level::Province, "00004");
        assert_eq!(refusals(LONG, &row("01,digital_signatures,2025-07,1")), value(commune));
    }

    #[test]
    fn lines_that_are_no_rows_are_refused_and_blank_ones_are_not() {
        let line = |fault| [(String::new(), Reason::Line(fault))];
        let short = LineFault::FieldCount { found: 3, expected: 5, separator: ',' };
        assert_eq!(refusals(WIDE, "00004,2025-07,1"), line(short));
        let long = LineFault::FieldCount { found: 6, expected: 5, separator: ',' };
        assert_eq!(refusals(WIDE, "00004,2025-07,2025-07-31,1,1,1"), line(long));
        assert_eq!(refusals(WIDE, "\"00004,2025-07"), line(LineFault::BrokenQuotes));
        assert_eq!(told(WIDE, "00004,2025-07,2025-07-31,1,,,").0.len(), 1);
        for blank in ["", "  ", ",,,,", ",", ",,,,,,,"] {
            assert_eq!(read(WIDE, blank), None, "{blank}");
        }
    }
}
