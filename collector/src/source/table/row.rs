//! Reading a row: each of its values becomes an observation or a refusal.

use std::str::FromStr;

use jiff::civil::Date;
use phuxanh_core::{
    Basis, CellKey, Level, LocalityCode, MetricId, Observation, Period, Timestamp,
    catalogue::Metric,
    validation::{Refusal as Rule, Rules},
};

use super::{Shape, Table, reported_metric};
use crate::source::{
    refusal::{Cell, Column, KeyFault, LineFault, MetricFault, Reason, Refusal, ValueFault},
    value::{self, Written},
};

/// Reading of one cell of a row.
pub type Reading = Result<Good, Refusal>;

/// An observation that satisfies the rules, with the column of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    pub column: Column,
    pub observation: Observation,
}

/// Content of a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// In the order of the columns.
    pub readings: Vec<Reading>,
    /// Whose row it is, where that can be read.
    pub locality: Option<LocalityCode>,
    /// True if its observed time is a day without a time, and so read as its midnight.
    pub is_day_only: bool,
}

/// Key that all values of a row share.
#[derive(Clone, Copy)]
struct Key {
    locality: LocalityCode,
    period: Period,
    observed: Timestamp,
    basis: Basis,
}

/// Bytes of a day without a time: `2025-07-31`.
const DAY_BYTES: usize = 10;

impl Table {
    /// Reads a record below the header; `None` for a blank one.
    #[must_use]
    pub fn read_row(&self, cells: &[&str], rules: &Rules<'_>) -> Option<Row> {
        if cells.iter().all(|cell| cell.is_empty()) {
            return None;
        }
        if let Err(fault) = self.check_cells(cells) {
            let refusal = Refusal::of_line(self.join(cells), Reason::Line(fault));
            return Some(Row { readings: vec![Err(refusal)], ..Row::default() });
        }
        let mut reader = RowReader { table: self, cells, rules, readings: Vec::new() };
        let (locality, key) = reader.read_key();
        match &self.shape {
            Shape::Long { metric, value } => reader.read_long(locality, key, metric, value),
            Shape::Wide(metrics) => {
                for (column, metric) in metrics {
                    reader.read_wide(locality, key, column, metric);
                }
            }
        }
        let RowReader { mut readings, .. } = reader;
        readings.sort_by_key(|reading| match reading {
            Ok(good) => Some(good.column.index),
            Err(refusal) => refusal.cell.column.as_ref().map(|column| column.index),
        });
        let is_day_only = key.is_some() && cells[self.observed.index].len() == DAY_BYTES;
        Some(Row { readings, locality, is_day_only })
    }

    /// A record as the line that it was.
    #[must_use]
    pub fn join(&self, cells: &[&str]) -> String {
        cells.join(&self.separator.to_string())
    }

    /// True if a column is read that stands behind a place.
    #[must_use]
    pub fn reads_behind(&self, at: usize) -> bool {
        let keys =
            [Some(&self.locality), Some(&self.period), Some(&self.observed), self.basis.as_ref()];
        let mut keys = keys.into_iter().flatten();
        let is_behind = |column: &Column| column.index > at;
        keys.any(is_behind)
            || match &self.shape {
                Shape::Long { metric, value } => is_behind(metric) || is_behind(value),
                Shape::Wide(metrics) => metrics.iter().any(|(column, _)| is_behind(column)),
            }
    }

    /// True if a record has fewer cells than the header, as where empty ones are left out at its
    /// end.
    #[must_use]
    pub const fn is_short(&self, cells: &[&str]) -> bool {
        cells.len() < self.cell_count
    }

    /// True if a record has fewer cells than a row needs.
    #[must_use]
    pub const fn lacks_cells(&self, cells: &[&str]) -> bool {
        cells.len() < self.named_count
    }

    /// True if the first cell of a row is a value.
    #[must_use]
    pub fn begins_with_value(&self) -> bool {
        match &self.shape {
            Shape::Long { value, .. } => value.index == 0,
            Shape::Wide(metrics) => metrics.iter().any(|(column, _)| column.index == 0),
        }
    }

    /// True if a record is not a row but what may be a part of one: digits in its first cell alone.
    /// A number that is broken in two would be taken as one of its halves.
    #[must_use]
    pub fn is_part_of_number(&self, cells: &[&str]) -> bool {
        let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | ' ');
        match cells {
            [first, others @ ..] => {
                cells.len() < self.named_count
                    && first.starts_with(|c: char| c.is_ascii_digit() || c == ':')
                    && first.chars().all(is_of_number)
                    && others.iter().all(|cell| cell.is_empty())
            }
            [] => false,
        }
    }

    /// A row has a cell for each column. Cells without a column's name are empty: a separator too
    /// many moves every value behind it into the next column.
    fn check_cells(&self, cells: &[&str]) -> Result<(), LineFault> {
        let (found, expected, separator) = (cells.len(), self.named_count, self.separator);
        if found > self.cell_count {
            return Err(LineFault::TooManyCells { found, expected: self.cell_count });
        }
        if found < expected {
            return Err(LineFault::TooFewCells { found, expected, separator });
        }
        // A program that leaves out empty cells leaves out all at the end. Where some are there and
        // others are not, a cell is missing before them, and every value behind it has moved.
        if found < self.cell_count && cells[expected - 1].is_empty() {
            let expected = self.cell_count;
            return Err(LineFault::TooFewCells { found, expected, separator });
        }
        let unnamed = self.unnamed.iter().copied().chain(expected..found);
        match unnamed.into_iter().find(|at| !cells[*at].is_empty()) {
            Some(at) => Err(LineFault::UnnamedCell { number: at + 1 }),
            None => Ok(()),
        }
    }
}

/// Reads the cells of one row.
struct RowReader<'a> {
    table: &'a Table,
    cells: &'a [&'a str],
    rules: &'a Rules<'a>,
    readings: Vec<Reading>,
}

impl RowReader<'_> {
    /// Reads what the row's values share; every fault is named. The locality alone tells which
    /// values the row may have.
    fn read_key(&mut self) -> (Option<LocalityCode>, Option<Key>) {
        let table = self.table;
        let example = self.example(Level::Commune);
        let locality = self
            .parse(&table.locality, KeyFault::Locality { example })
            .filter(|code| self.allow(&table.locality, self.rules.check_locality(*code), None));
        let observed = self.parse(&table.observed, KeyFault::Time).filter(|observed| {
            let rules = self.rules;
            let checked = rules.check_observed(*observed).and_then(|()| match locality {
                Some(code) => rules.check_in_force(code, *observed),
                None => Ok(()),
            });
            self.allow(&table.observed, checked, locality)
        });
        let period = self.parse::<Period>(&table.period, KeyFault::Period).filter(|period| {
            let rules = self.rules;
            let begun = observed.map_or(Ok(()), |observed| rules.check_period(observed, *period));
            if let (Err(_), Some(observed)) = (begun, observed) {
                self.refuse(&table.period, Reason::Key(KeyFault::PeriodAhead { observed }));
                return false;
            }
            let in_force =
                locality.map_or(Ok(()), |code| rules.check_period_in_force(code, *period));
            self.allow(&table.period, in_force, locality)
        });
        let basis = match &table.basis {
            Some(column) => self.parse(column, KeyFault::Basis),
            None => Some(Basis::default()),
        };
        let key = || {
            Some(Key { locality: locality?, period: period?, observed: observed?, basis: basis? })
        };
        (locality, key())
    }

    fn read_long(
        &mut self,
        locality: Option<LocalityCode>,
        key: Option<Key>,
        metric: &Column,
        value: &Column,
    ) {
        let cells = self.cells;
        let id = cells[metric.index].to_lowercase();
        match reported_metric(&id, self.rules.catalogue) {
            Err(fault) => {
                self.refuse(metric, Reason::Metric(fault));
                if cells[value.index].is_empty() {
                    self.refuse(value, Reason::Value(ValueFault::Missing));
                }
            }
            Ok(_) if cells[value.index].is_empty() => {
                self.refuse(value, Reason::Value(ValueFault::Missing));
            }
            Ok(metric) => self.read_wide(locality, key, value, &metric),
        }
    }

    /// Reads one value. A bad one leaves the others of its row standing.
    fn read_wide(
        &mut self,
        locality: Option<LocalityCode>,
        key: Option<Key>,
        column: &Column,
        id: &MetricId,
    ) {
        let metric = self.rules.catalogue.metric(id.as_str());
        let metric = metric.expect("only metrics of the catalogue are read");
        let value = match value::read(self.cells[column.index], metric) {
            Ok(Written::Nothing) => return,
            Ok(Written::Value(value)) => value,
            Err(fault) => return self.refuse(column, Reason::Value(fault)),
        };
        let level = locality.map(LocalityCode::level);
        match level.map_or(Ok(()), |level| self.rules.check_value(metric, level, value)) {
            Ok(()) => {}
            Err(Rule::ImpossibleValue) => {
                return self.refuse(column, Reason::Value(ValueFault::CountRange));
            }
            Err(_) => {
                let fault = self.wrong_level(metric, id, level.unwrap_or(Level::Commune));
                return self.refuse(column, Reason::Metric(fault));
            }
        }
        let Some(Key { locality, period, observed, basis }) = key else { return };
        let key = CellKey { locality, metric: id.clone(), period };
        let observation = Observation { key, value, observed, revision: 0, basis };
        debug_assert_eq!(self.rules.check(&observation), Ok(()));
        self.readings.push(Ok(Good { column: column.clone(), observation }));
    }

    fn parse<T: FromStr>(&mut self, column: &Column, fault: KeyFault) -> Option<T> {
        let parsed = self.cells[column.index].parse().ok();
        if parsed.is_none() {
            self.refuse(column, Reason::Key(fault));
        }
        parsed
    }

    /// Checks that a rule is kept; refuses the cell where it is not.
    fn allow(
        &mut self,
        column: &Column,
        checked: Result<(), Rule>,
        locality: Option<LocalityCode>,
    ) -> bool {
        let Err(rule) = checked else { return true };
        let fault = self.key_fault(rule, locality);
        self.refuse(column, Reason::Key(fault));
        false
    }

    fn key_fault(&self, rule: Rule, locality: Option<LocalityCode>) -> KeyFault {
        let Rules { reporter, now, gazetteer, .. } = *self.rules;
        let example = self.example(Level::Commune);
        let found = locality.and_then(|code| gazetteer.locality(code));
        match (rule, found) {
            (Rule::ForeignLocality, _) => KeyFault::ForeignLocality { reporter, example },
            (Rule::ObservedAhead, _) => KeyFault::TimeAhead { now },
            (Rule::ObservedBeforeLocality, Some(locality)) => {
                KeyFault::BeforeLocality { since: locality.valid_from }
            }
            (Rule::PeriodOutsideLocality, Some(locality)) => KeyFault::PeriodOutside {
                since: locality.valid_from,
                until: locality.valid_until,
                restated_months_max: self.broken_restated_months_max(locality.valid_from),
            },
            (
                Rule::UnknownLocality
                | Rule::UnknownMetric
                | Rule::WrongLevel
                | Rule::ImpossibleValue
                | Rule::ImpossiblePeriod
                | Rule::ObservedBeforeLocality
                | Rule::PeriodOutsideLocality,
                _,
            ) => KeyFault::UnknownLocality { example },
        }
    }

    /// The bound of restating, where the row's month lies beyond it. A month within it can be
    /// outside as well: only units of the gazetteer's first day have figures of the time before.
    fn broken_restated_months_max(&self, since: Date) -> Option<u32> {
        let period: Period = self.cells[self.table.period.index].parse().ok()?;
        let began = Period::containing(Timestamp::midnight(since));
        let months_max = self.rules.restated_months_max;
        (period.number() + months_max < began.number()).then_some(months_max)
    }

    fn refuse(&mut self, column: &Column, reason: Reason) {
        let text = self.cells[column.index].to_owned();
        let cell = Cell { column: Some(column.clone()), text };
        self.readings.push(Err(Refusal { cell, reason }));
    }

    /// A code of the level that the reporter may speak of, where there is one.
    fn example(&self, level: Level) -> LocalityCode {
        let Rules { reporter, gazetteer, .. } = *self.rules;
        match level {
            Level::Commune => {
                gazetteer.communes(reporter).next().map_or(reporter, |found| found.code)
            }
            Level::Province => reporter,
            Level::Nation => LocalityCode::NATION,
        }
    }

    fn wrong_level(&self, metric: Metric<'_>, id: &MetricId, found: Level) -> MetricFault {
        let expected = match metric {
            Metric::Measure(measure) => measure.level,
            Metric::Criterion(_) => Level::Commune,
        };
        let example = self.example(expected);
        MetricFault::WrongLevel { metric: id.clone(), expected, found, example }
    }
}

#[cfg(test)]
mod tests;
