//! The report of a file: what became of it, what was refused and why, and what to look at.
//!
//! A text for people and a CSV file for spreadsheets. Each appears whole under its name or not at
//! all.

mod table;
mod text;

use std::collections::BTreeMap;

use phuxanh_core::{LocalityCode, MetricId, Period, Timestamp};

use super::refusal::{Cell, Kind, Reason, Refusal, Words};
use crate::spool::AcceptedFile;

/// Bytes that are kept of a cell or line to be shown.
const TEXT_BYTES_MAX: usize = 400;

/// Something that the report lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 0 for the whole file.
    pub line: u64,
    pub cell: Cell,
    pub finding: Finding,
}

/// Finding about a cell or line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Refused(Reason),
    /// A newer value stands.
    Superseded {
        value: Option<i64>,
        observed: Timestamp,
    },
    /// The centre holds this value, which another host delivered.
    HeldByCentre {
        value: Option<i64>,
        observed: Timestamp,
        host: String,
    },
    /// An earlier value was taken back, if there was one.
    Withdrawn {
        value: Option<i64>,
    },
    /// Lines up to this one are text of a cell, and look like rows.
    RowsAsText {
        last_line: u64,
    },
    /// The value was taken and is implausible.
    Warning(Warning),
}

/// Reason why a value is implausible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    PartAboveWhole { part: MetricId, whole: MetricId, part_value: i64, whole_value: i64 },
    TooManyDays { period: Period, day_count: i64 },
}

/// Entries of a report, by line. Bounded; what is beyond the bound is counted.
#[derive(Debug, Clone)]
pub struct Entries {
    listed: Vec<Entry>,
    count_max: usize,
    left_out_count: u64,
    refused_count: u64,
    by_kind: BTreeMap<Kind, u64>,
}

/// Values of a file, counted by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub row_count: u64,
    pub taken_count: u64,
    pub unchanged_count: u64,
    pub superseded_count: u64,
    /// Refused lines, cells and columns.
    pub refused_count: u64,
}

/// Outcome of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    AcceptedInPart,
    /// Every value was known before.
    Unchanged,
    /// Its values were known before, or newer ones stand, or they are refused.
    NothingTaken,
    /// Nothing in it could be used.
    Rejected,
}

/// Reason why a file is read that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// The same bytes were accepted under this name.
    Repeated(AcceptedFile),
    /// The file changed after it was read.
    Changed,
    /// The spool was lost, and the centre has not confirmed its values.
    SpoolLost,
}

/// Readings that are not literal, each told once in the report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Lines above the header that were passed over.
    pub skipped_line_count: u64,
    /// Lines of headers below the first one; the rows below each are read by it.
    pub second_headers: Vec<u64>,
    /// Rows whose observed time is a day, read as its midnight.
    pub day_only_row_count: u64,
    /// Rows that span lines, since a quoted cell holds a line break.
    pub spanning_row_count: u64,
}

/// Text at the head of a report, and below the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file's name where it lies now.
    pub file: String,
    pub read: Timestamp,
    pub counts: Counts,
    pub again: Vec<Again>,
    pub notes: Notes,
    /// The last line had no line end.
    pub is_unterminated: bool,
    pub silent: Option<Silent>,
}

/// Communes of which a file says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    pub communes: Vec<(LocalityCode, String)>,
    /// Communes of the province.
    pub commune_count: usize,
}

impl Entries {
    #[must_use]
    pub const fn new(count_max: usize) -> Self {
        Self {
            listed: Vec::new(),
            count_max,
            left_out_count: 0,
            refused_count: 0,
            by_kind: BTreeMap::new(),
        }
    }

    /// Lists a refusal.
    pub fn refuse(&mut self, line: u64, refusal: Refusal) {
        let Refusal { cell, reason } = refusal;
        self.refused_count += 1;
        self.add(line, cell, Finding::Refused(reason));
    }

    /// Lists what is said of a cell.
    pub fn add(&mut self, line: u64, mut cell: Cell, finding: Finding) {
        *self.by_kind.entry(finding.kind()).or_default() += 1;
        if self.listed.len() == self.count_max {
            self.left_out_count += 1;
            return;
        }
        if cell.text.len() > TEXT_BYTES_MAX {
            let end = cell.text.floor_char_boundary(TEXT_BYTES_MAX);
            cell.text.truncate(end);
        }
        self.listed.push(Entry { line, cell, finding });
    }

    /// Returns the entries listed so far.
    #[must_use]
    pub fn listed(&self) -> &[Entry] {
        &self.listed
    }

    #[must_use]
    pub const fn refused_count(&self) -> u64 {
        self.refused_count
    }

    /// Puts the entries into the order of lines and columns.
    fn sort(&mut self) {
        let column = |entry: &Entry| entry.cell.column.as_ref().map(|column| column.index);
        self.listed.sort_by_key(|entry| (entry.line, column(entry)));
    }
}

impl Finding {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(reason) => reason.kind(),
            Self::Superseded { .. } => text::SUPERSEDED,
            Self::HeldByCentre { .. } => text::HELD_BY_CENTRE,
            Self::Withdrawn { .. } => text::WITHDRAWN,
            Self::RowsAsText { .. } => text::ROWS_AS_TEXT,
            Self::Warning(Warning::PartAboveWhole { .. }) => text::PART_ABOVE_WHOLE,
            Self::Warning(Warning::TooManyDays { .. }) => text::TOO_MANY_DAYS,
        }
    }

    /// Words about a cell's text, in Vietnamese and in English.
    fn words(&self, text: &str) -> [Words; 2] {
        match self {
            Self::Refused(reason) => [reason.vietnamese(text), reason.english(text)],
            Self::Superseded { value, observed } => text::superseded(text, *value, *observed),
            Self::HeldByCentre { value, observed, host } => {
                text::held_by_centre(*value, *observed, host)
            }
            Self::Withdrawn { value } => text::withdrawn(*value),
            Self::RowsAsText { last_line } => text::rows_as_text(*last_line),
            Self::Warning(warning) => text::warning(warning),
        }
    }
}

impl Outcome {
    /// Returns the outcome by a file's counts. One of which nothing was taken is never called
    /// accepted.
    #[must_use]
    pub const fn of(counts: &Counts) -> Self {
        let Counts { taken_count, unchanged_count, superseded_count, refused_count, .. } = *counts;
        match (taken_count, unchanged_count, superseded_count, refused_count) {
            (1.., _, _, 0) => Self::Accepted,
            (1.., _, _, 1..) => Self::AcceptedInPart,
            (0, 1.., 0, 0) => Self::Unchanged,
            (0, 0, 0, _) => Self::Rejected,
            (0, _, _, _) => Self::NothingTaken,
        }
    }

    /// Word for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AcceptedInPart => "accepted_in_part",
            Self::Unchanged => "unchanged",
            Self::NothingTaken => "nothing_taken",
            Self::Rejected => "rejected",
        }
    }

    /// True if the file's values stand, so that it can be put away.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        match self {
            Self::Accepted | Self::AcceptedInPart | Self::Unchanged => true,
            Self::NothingTaken | Self::Rejected => false,
        }
    }
}

/// A report, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub text: String,
    /// None where nothing is listed.
    pub table: Option<String>,
}

impl Report {
    /// The report of a file.
    #[must_use]
    pub fn new(summary: &Summary, mut entries: Entries) -> Self {
        entries.sort();
        let table = (!entries.listed.is_empty()).then(|| table::write(&entries.listed));
        Self { text: text::write(summary, &entries), table }
    }

    /// The report of an accepted file in whose place the centre holds other values.
    #[must_use]
    pub fn superseded(file: &str, found: Timestamp, mut entries: Entries) -> Self {
        entries.sort();
        let table = Some(table::write(&entries.listed));
        Self { text: text::write_superseded(file, found, &entries), table }
    }
}

/// Returns the text of a report with the line that the centre holds its values; `None` where it has
/// that line, or is no report on a file. `refused_count` values of the province were refused since
/// the report was written.
#[must_use]
pub fn confirmed(text: &str, at: Timestamp, refused_count: u64) -> Option<String> {
    text::confirmed(text, at, refused_count)
}

#[cfg(test)]
mod tests;
