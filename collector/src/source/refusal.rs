//! Why a row, a cell or a file is refused, in words that tell an officer what to do.
//!
//! Every explanation says what stood there, what is expected, and gives an example.

mod english;
mod vietnamese;

use std::sync::Arc;

use phuxanh_core::{Level, LocalityCode, MetricId, Timestamp};

/// What is wrong with what stood in a cell, a row or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Line(LineFault),
    Key(KeyFault),
    Metric(MetricFault),
    Value(ValueFault),
    Header(HeaderFault),
}

/// What is wrong with a line as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    TooLong {
        bytes_max: usize,
    },
    /// It is not UTF-8.
    NotText,
    BrokenQuotes,
    FieldCount {
        found: usize,
        expected: usize,
        separator: char,
    },
}

/// What is wrong with the words that say whose value it is, of when and on what basis.
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
    Time,
    TimeAhead {
        now: Timestamp,
    },
    Basis,
}

/// What is wrong with the choice of the metric.
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

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFault {
    Missing,
    Criterion,
    Count,
    CountRange,
}

/// What is wrong with the line that names the columns.
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
    /// The file holds no line.
    Absent,
}

impl Reason {
    /// The reason in Vietnamese; `text` is what stood there.
    #[must_use]
    pub fn vietnamese(&self, text: &str) -> String {
        vietnamese::explain(self, text)
    }

    /// The reason in English; `text` is what stood there.
    #[must_use]
    pub fn english(&self, text: &str) -> String {
        english::explain(self, text)
    }
}

/// A cell of a table, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The column's name; none for a whole line.
    pub column: Option<Arc<str>>,
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

/// Longest text that is shown of a cell, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// A cell's text between quotes, short and without control characters.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut chars = text.chars().map(plain);
    let start: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("\"{start}{rest}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_printable() {
        assert_eq!(shown("a\tb\u{1b}[1m"), "\"a\u{fffd}b\u{fffd}[1m\"");
        assert_eq!(shown(&"ệ".repeat(60)), format!("\"{}\"", "ệ".repeat(60)));
        assert_eq!(shown(&"ệ".repeat(61)), format!("\"{}…\"", "ệ".repeat(60)));
    }
}
