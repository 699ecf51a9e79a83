//! Reasons why a row, a cell or a file is refused, in words that tell an officer what to do.
//!
//! Every explanation says what stood there, what is expected, and gives an example.

pub mod characters;
mod english;
mod kind;
mod vietnamese;

use std::sync::Arc;

use jiff::civil::Date;
use phuxanh_core::{Level, LocalityCode, MetricId, Timestamp};

use super::text::{Binary, legacy::Legacy};
use characters::shown;
pub use kind::Kind;

/// Fault of a cell, a row, a header or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    File(FileFault),
    Line(LineFault),
    Key(KeyFault),
    Metric(MetricFault),
    Value(ValueFault),
    Header(HeaderFault),
}

/// Reason why nothing of a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    Binary(Binary),
    TooLarge {
        bytes_max: u64,
    },
    TooManyObservations {
        count_max: usize,
    },
    /// The file holds no line.
    Empty,
    /// The file holds a header and nothing below.
    NoRows,
}

/// Fault of a line as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    TooLong {
        bytes_max: usize,
    },
    /// The file is not UTF-8, and seems to have another encoding.
    NotText {
        encoding: Option<Legacy>,
    },
    /// Text stands behind a closing quotation mark.
    BrokenQuotes,
    /// A quotation mark is not closed, so that the rest of the file is text of its cell.
    Unclosed,
    /// Lines are one record by their quotation marks, and look like rows.
    Spanning {
        last_line: u64,
    },
    /// The line below or above holds but digits, as a part of a number does.
    Broken,
    TooManyCells {
        found: usize,
        expected: usize,
    },
    TooFewCells {
        found: usize,
        expected: usize,
        separator: char,
    },
    /// Something stands in a column that has no name, counted from 1.
    UnnamedCell {
        number: usize,
    },
    /// A row above the header.
    AboveHeader,
    /// Rows below a header that cannot be read.
    BelowHeader {
        header_line: u64,
        row_count: u64,
    },
}

/// Fault of the words that say whose value it is, of when and on what basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    Locality {
        example: LocalityCode,
    },
    UnknownLocality {
        example: LocalityCode,
    },
    ForeignLocality {
        reporter: LocalityCode,
        example: LocalityCode,
    },
    Period,
    /// The period begins after the observed time.
    PeriodAhead {
        observed: Timestamp,
    },
    /// The locality does not count in the period.
    PeriodOutside {
        since: Date,
        until: Option<Date>,
        /// Bound on restated months, if the period is too early for it.
        restated_months_max: Option<u32>,
    },
    Time,
    TimeAhead {
        now: Timestamp,
    },
    /// Observed before the locality was in force.
    BeforeLocality {
        since: Date,
    },
    Basis,
}

/// Fault of the choice of the metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricFault {
    Unknown {
        example: String,
    },
    /// The catalogue computes it from these.
    Computed {
        parts: String,
    },
    WrongLevel {
        metric: MetricId,
        expected: Level,
        found: Level,
        example: LocalityCode,
    },
}

/// Fault of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFault {
    Missing,
    Criterion,
    Count,
    CountRange,
    /// A dash, which may mean zero, nothing or a withdrawal.
    Dash,
    /// The same cell stands in another line with another value and the same observed time.
    Twice {
        line: u64,
        value: Option<i64>,
    },
}

/// Fault of the line that names the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// The column is ignored; the others are read.
    UnknownColumn {
        example: String,
    },
    DuplicateColumn,
    MissingColumns {
        names: Vec<&'static str>,
    },
    NoMetricColumn {
        example: String,
    },
    /// A second header with another separator than the first.
    OtherSeparator,
}

/// An explanation in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Cause of the refusal.
    pub reason: String,
    /// Advice, with an example.
    pub fix: String,
}

impl Words {
    fn new(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { reason: reason.into(), fix: fix.into() }
    }
}

impl Reason {
    /// The reason in Vietnamese; `text` is what stood there.
    #[must_use]
    pub fn vietnamese(&self, text: &str) -> Words {
        vietnamese::explain(self, text)
    }

    /// The reason in English; `text` is what stood there.
    #[must_use]
    pub fn english(&self, text: &str) -> Words {
        english::explain(self, text)
    }

    /// True if it is about the content of one cell, so that its characters matter.
    const fn is_of_cell(&self) -> bool {
        match self {
            Self::Key(_)
            | Self::Metric(_)
            | Self::Value(_)
            | Self::Header(HeaderFault::UnknownColumn { .. } | HeaderFault::DuplicateColumn) => {
                true
            }
            Self::Header(
                HeaderFault::MissingColumns { .. }
                | HeaderFault::NoMetricColumn { .. }
                | HeaderFault::OtherSeparator,
            )
            | Self::File(_)
            | Self::Line(_) => false,
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// Its place, from 0.
    pub index: usize,
    pub name: Arc<str>,
}

/// A cell of a table, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// None for a whole line.
    pub column: Option<Column>,
    pub text: String,
}

/// A cell or line that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub cell: Cell,
    pub reason: Reason,
}

impl Refusal {
    /// Refuses a whole line.
    #[must_use]
    pub fn of_line(text: impl Into<String>, reason: Reason) -> Self {
        Self { cell: Cell { column: None, text: text.into() }, reason }
    }
}
