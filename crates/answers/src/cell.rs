//! Cells of a document: values with their types, never formatted.

use std::fmt::Write;

use phuxanh_core::Timestamp;

use crate::{
    language::Words,
    marks::Marks,
    term::{Paint, Term},
};

/// Value with its emphasis on a terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub value: Value,
    pub paint: Paint,
}

/// Value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Does not apply.
    Nothing,
    /// Applies, and nobody knows it.
    Unknown,
    Text(String),
    /// Names of a locality or of the catalogue, the English one empty where there is none. The key
    /// for tools is in a column of its own.
    Name(Words),
    /// Text of both languages that says what other columns say to tools.
    Words(Words),
    /// The same with values in it, as in a sentence.
    Filled {
        words: Words,
        cells: Vec<Cell>,
    },
    /// Official code or id, kept as it is written.
    Code(String),
    Term(Term),
    Count(i128),
    /// A share, shown in percent.
    Share {
        numerator: i64,
        denominator: i64,
        value: f64,
    },
    /// Another ratio.
    Quotient {
        numerator: i64,
        denominator: i64,
        value: f64,
        unit: Unit,
    },
    /// A part of a whole, or the two counts of another ratio.
    Part {
        part: i64,
        whole: i64,
        of: Unit,
    },
    /// Difference by its exact numerator; the denominator is the same for the whole table.
    Exact {
        numerator: i64,
        denominator: i64,
        value: Option<f64>,
        unit: Unit,
    },
    Difference {
        value: f64,
        unit: Unit,
    },
    Relative(f64),
    Interval {
        lower: f64,
        upper: f64,
    },
    Range {
        from: i64,
        to: i64,
    },
    /// Bound of a legend.
    Bound {
        value: f64,
        unit: Unit,
    },
    Number(f64),
    Time(Timestamp),
    /// A month, written 2025-07 in both languages, as it is typed.
    Month(String),
    /// A day in ISO form.
    Day(String),
    /// Span of time in microseconds.
    Span(i64),
    Flag(bool),
    List(Vec<Cell>),
    /// Localities by code and names.
    Localities(Vec<(String, Words)>),
    Digest(Vec<u8>),
    /// The same figure at both ends of a delivery, the collector's first.
    Ends(Box<Cell>, Box<Cell>),
    Marks(Marks),
}

/// Unit of a ratio and of its differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    Share,
    Plain(Words),
    None,
}

/// Value of a cell for a program.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Nothing,
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Time(Timestamp),
    List(Vec<Self>),
    Localities(Vec<(String, Words)>),
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        Self { value, paint: Paint::Plain }
    }
}

impl From<Term> for Cell {
    fn from(term: Term) -> Self {
        Self { paint: term.paint, value: Value::Term(term) }
    }
}

impl From<Words> for Cell {
    fn from(words: Words) -> Self {
        Value::Words(words).into()
    }
}

/// None does not apply.
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::NOTHING, Into::into)
    }
}

impl Cell {
    pub const NOTHING: Self = Self { value: Value::Nothing, paint: Paint::Plain };
    pub const UNKNOWN: Self = Self { value: Value::Unknown, paint: Paint::Plain };

    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        optional(text.into(), Value::Text)
    }

    #[must_use]
    pub fn code(code: impl Into<String>) -> Self {
        optional(code.into(), Value::Code)
    }

    /// A name in Vietnamese, and in English unless that one is empty.
    #[must_use]
    pub fn name(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Value::Name(Words { vi: vi.into().into(), en: en.into().into() }).into()
    }

    #[must_use]
    pub fn month(month: impl Into<String>) -> Self {
        optional(month.into(), Value::Month)
    }

    #[must_use]
    pub fn day(day: impl Into<String>) -> Self {
        optional(day.into(), Value::Day)
    }

    #[must_use]
    pub fn count(count: impl Into<i128>) -> Self {
        Value::Count(count.into()).into()
    }

    /// A count that stands out unless it is zero.
    #[must_use]
    pub fn standing_out(count: impl Into<i128>, paint: Paint) -> Self {
        let count = count.into();
        Self::count(count).painted(if count > 0 { paint } else { Paint::Plain })
    }

    #[must_use]
    pub fn share(numerator: i64, denominator: i64, value: f64) -> Self {
        Value::Share { numerator, denominator, value }.into()
    }

    #[must_use]
    pub fn part(part: impl Into<i64>, whole: impl Into<i64>) -> Self {
        Value::Part { part: part.into(), whole: whole.into(), of: Unit::Share }.into()
    }

    #[must_use]
    pub fn flag(flag: bool) -> Self {
        Value::Flag(flag).into()
    }

    /// A time; unknown without one.
    #[must_use]
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::UNKNOWN, |time| Value::Time(time).into())
    }

    #[must_use]
    pub fn codes(codes: impl IntoIterator<Item = String>) -> Self {
        let codes: Vec<_> = codes.into_iter().map(Self::code).collect();
        if codes.is_empty() { Self::NOTHING } else { Value::List(codes).into() }
    }

    #[must_use]
    pub fn painted(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }

    /// True if it stands for a number, and so to the right of its column.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(
            self.value,
            Value::Count(_)
                | Value::Share { .. }
                | Value::Quotient { .. }
                | Value::Part { .. }
                | Value::Exact { .. }
                | Value::Difference { .. }
                | Value::Relative(_)
                | Value::Interval { .. }
                | Value::Range { .. }
                | Value::Number(_)
                | Value::Span(_)
        ) || matches!(&self.value, Value::Ends(_, here) if here.is_number())
    }

    /// The values for programs, in the order of the column's keys.
    #[must_use]
    pub fn scalars(&self) -> Vec<Scalar> {
        use Scalar::{Bool, Float, Integer, List, Localities, Nothing, Text, Time};
        let scalars = match &self.value {
            Value::Nothing | Value::Unknown | Value::Words(_) | Value::Filled { .. } => {
                return Vec::new();
            }
            Value::Text(text) | Value::Code(text) | Value::Month(text) | Value::Day(text) => {
                [Text(text.clone()), Nothing]
            }
            Value::Name(words) if words.en.is_empty() => [Text(words.vi.to_string()), Nothing],
            Value::Name(words) => [Text(words.vi.to_string()), Text(words.en.to_string())],
            Value::Term(term) => [Text(term.key.to_owned()), Nothing],
            Value::Count(count) => [Integer(*count), Nothing],
            Value::Share { value, .. }
            | Value::Quotient { value, .. }
            | Value::Difference { value, .. }
            | Value::Bound { value, .. }
            | Value::Relative(value)
            | Value::Number(value) => [Float(*value), Nothing],
            Value::Part { part, whole, .. } => [Integer((*part).into()), Integer((*whole).into())],
            Value::Exact { numerator, value, .. } => {
                [Integer((*numerator).into()), value.map_or(Nothing, Float)]
            }
            Value::Interval { lower, upper } => [Float(*lower), Float(*upper)],
            Value::Range { from, to } => [Integer((*from).into()), Integer((*to).into())],
            Value::Time(time) => [Time(*time), Nothing],
            Value::Span(micros) => [Integer((*micros).into()), Nothing],
            Value::Flag(flag) => [Bool(*flag), Nothing],
            Value::List(cells) => [List(cells.iter().map(Self::scalar).collect()), Nothing],
            Value::Localities(localities) => [Localities(localities.clone()), Nothing],
            Value::Digest(bytes) => [Text(hex(bytes)), Nothing],
            Value::Ends(there, here) => [there.scalar(), here.scalar()],
            Value::Marks(marks) => {
                let basis = marks.basis().map_or(Nothing, |term| Text(term.key.to_owned()));
                [Bool(marks.stale), basis]
            }
        };
        scalars.into()
    }

    /// The first of them.
    fn scalar(&self) -> Scalar {
        self.scalars().into_iter().next().unwrap_or(Scalar::Nothing)
    }
}

/// Text that is empty does not apply.
fn optional(text: String, value: fn(String) -> Value) -> Cell {
    if text.is_empty() { Cell::NOTHING } else { value(text).into() }
}

/// Bytes as people compare them: two lower case digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
