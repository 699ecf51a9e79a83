//! Localities as the server tells them, checked once so that nothing behind can fail on them.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, Basis, RollupState, Status, rollup::Counts};

use crate::{
    cell::{Cell, Value},
    error::Error,
    language::Words,
    marks::Marks,
};

/// One indicator of one locality.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub indicator: String,
    pub state: RollupState,
    pub numerator: i64,
    pub denominator: i64,
    pub value: f64,
    pub status: Status,
    pub data_time: Option<Timestamp>,
    pub stale: bool,
    pub basis: Basis,
    pub counts: Option<Counts>,
}

/// A locality by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub code: String,
    pub name: String,
    /// Empty where none is known.
    pub name_en: String,
}

/// Age and origin of a number.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    pub data_time: Option<Timestamp>,
    pub marks: Marks,
}

impl Named {
    pub fn new(named: Option<v1::NamedLocality>) -> Result<Self, Error> {
        let v1::NamedLocality { code, name, name_en } = part("a locality", named)?;
        Ok(Self { code, name, name_en })
    }

    /// Its name in the language of the answer.
    pub fn cell(&self) -> Cell {
        Cell::name(&self.name, &self.name_en)
    }

    /// Its code and its names.
    pub fn pair(self) -> (String, Words) {
        (self.code, Words { vi: self.name.into(), en: self.name_en.into() })
    }
}

impl Behind {
    pub fn new(provenance: Option<v1::Provenance>) -> Result<Self, Error> {
        let provenance = part("a provenance", provenance)?;
        let basis = known("basis", provenance.basis)?;
        Ok(Self {
            data_time: time(provenance.data_time)?,
            marks: Marks::new(provenance.stale, basis),
        })
    }
}

impl Reading {
    /// Its marks, unless there is no number to mark.
    pub fn marks(&self) -> Cell {
        let none = self.data_time.is_none() && self.state == RollupState::Unknown;
        if none { Cell::NOTHING } else { Value::Marks(Marks::new(self.stale, self.basis)).into() }
    }

    /// Counts of green coverage; nothing for other indicators.
    pub const fn coverage(&self) -> Option<&v1::CoverageCounts> {
        match &self.counts {
            Some(Counts::Coverage(counts)) => Some(counts),
            Some(Counts::Reporting(_)) | None => None,
        }
    }
}

impl Behind {
    /// Its marks, unless there is nothing behind.
    pub fn cell(self) -> Cell {
        match self.data_time {
            None if self.marks.terms().is_empty() => Cell::NOTHING,
            None | Some(_) => Value::Marks(self.marks).into(),
        }
    }
}

/// A locality with its rank; 0 where it has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub rank: i32,
    pub code: String,
    pub name: String,
    /// Empty where none is known.
    pub name_en: String,
    /// Empty for a province.
    pub province_code: String,
    pub reading: Reading,
    /// Only in a ranking of changes.
    pub change: Option<Change>,
    /// Only in a ranking by confidence.
    pub confidence: Option<v1::Confidence>,
}

impl Row {
    /// Its name in the language of the answer.
    pub fn cell(&self) -> Cell {
        Cell::name(&self.name, &self.name_en)
    }
}

/// Change of a value since an earlier period.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub baseline: Reading,
    /// Nothing unless both values are known.
    pub difference: Option<f64>,
}

impl TryFrom<v1::Rollup> for Reading {
    type Error = Error;

    fn try_from(rollup: v1::Rollup) -> Result<Self, Error> {
        Ok(Self {
            indicator: rollup.indicator,
            state: known("state", rollup.state)?,
            numerator: rollup.numerator,
            denominator: rollup.denominator,
            value: rollup.value,
            status: known("status", rollup.status)?,
            data_time: time(rollup.data_time)?,
            stale: rollup.stale,
            basis: known("basis", rollup.basis)?,
            counts: rollup.counts,
        })
    }
}

impl TryFrom<v1::RankedLocality> for Row {
    type Error = Error;

    fn try_from(row: v1::RankedLocality) -> Result<Self, Error> {
        Ok(Self {
            rank: row.rank,
            code: row.code,
            name: row.name,
            name_en: row.name_en,
            province_code: row.province_code,
            reading: reading(row.rollup)?,
            change: row.change.map(Change::try_from).transpose()?,
            confidence: row.confidence,
        })
    }
}

impl TryFrom<v1::Change> for Change {
    type Error = Error;

    fn try_from(change: v1::Change) -> Result<Self, Error> {
        Ok(Self { baseline: reading(change.baseline)?, difference: change.difference })
    }
}

/// A rollup that every answer has to hold.
pub fn reading(rollup: Option<v1::Rollup>) -> Result<Reading, Error> {
    part("a rollup", rollup)?.try_into()
}

/// A part that every answer has to hold.
pub fn part<T>(what: &str, part: Option<T>) -> Result<T, Error> {
    part.ok_or_else(|| Error::Contract(format!("{what} is missing")))
}

/// Reads every element of a list.
pub fn all<W, T>(wire: Vec<W>, read: impl Fn(W) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    wire.into_iter().map(read).collect()
}

pub fn rows(rows: Vec<v1::RankedLocality>) -> Result<Vec<Row>, Error> {
    rows.into_iter().map(Row::try_from).collect()
}

/// A value of an enum that this version knows.
pub fn known<T: TryFrom<i32>>(field: &str, number: i32) -> Result<T, Error> {
    T::try_from(number).map_err(|_| Error::Contract(format!("{field} {number}")))
}

pub fn time(time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Error> {
    let Some(time) = time else { return Ok(None) };
    let micros = time
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(i64::from(time.nanos) / 1_000));
    micros
        .and_then(|micros| Timestamp::from_micros(micros).ok())
        .map(Some)
        .ok_or_else(|| Error::Contract(format!("time {time:?}")))
}

/// Microseconds of a span; its seconds and its nanoseconds have the same sign.
pub fn micros(span: Option<prost_types::Duration>) -> Result<Option<i64>, Error> {
    let Some(span) = span else { return Ok(None) };
    let micros = span
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(i64::from(span.nanos) / 1_000));
    micros.map(Some).ok_or_else(|| Error::Contract(format!("span {span:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_version_does_not_know_is_refused() {
        let rollup = v1::Rollup { basis: 9, ..Default::default() };
        let refusal = Reading::try_from(rollup).expect_err("basis 9 is not of this version");
        assert!(refusal.to_string().contains("basis 9"), "{refusal}");
    }

    #[test]
    fn spans_have_a_sign() {
        let wire = prost_types::Duration { seconds: -90, nanos: -500_000_000 };
        assert_eq!(micros(Some(wire)).expect("in range"), Some(-90_500_000));
        assert!(micros(Some(prost_types::Duration { seconds: i64::MAX, nanos: 0 })).is_err());
        assert_eq!(micros(None).expect("nothing is in range"), None);
    }

    #[test]
    fn times_are_vietnamese() {
        let wire = prost_types::Timestamp { seconds: 1_753_952_400, nanos: 0 };
        let time = time(Some(wire)).expect("in range").expect("set");
        assert_eq!(time.to_string(), "2025-07-31T16:00:00+07:00");
        let wire = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 };
        assert!(super::time(Some(wire)).is_err());
    }
}
