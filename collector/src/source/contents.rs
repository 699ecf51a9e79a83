//! Contents of one file, read and checked as a whole before anything of it is taken.

mod checks;
mod header;

use std::{
    collections::BTreeSet,
    io::{self, Cursor, Read},
    ops::RangeInclusive,
    sync::atomic::{AtomicBool, Ordering},
};

use phuxanh_core::{LocalityCode, Period, Timestamp, validation::Rules};

use super::{
    Facts, Limits,
    records::{Content, Record, Records, Unreadable},
    refusal::{Cell, FileFault, LineFault, Reason, Refusal},
    report::{Entries, Finding, Notes},
    separator::separator,
    table::{Good, Row, SEPARATORS, Table, line_names_columns},
    text::{Hash, Text, legacy::Legacy},
};
use header::Opening;

/// Bytes at the start of a file in which its header is looked for.
const HEAD_BYTES: usize = 64 * 1024;

/// An observation of a file, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub number: u64,
    pub good: Good,
}

/// Contents of a file.
#[derive(Debug)]
pub struct Contents {
    /// SHA-256 of its bytes.
    pub digest: Hash,
    /// Everything that can be taken, in the order of the file.
    pub lines: Vec<Line>,
    /// Refusals, and remarks that ask for a look.
    pub entries: Entries,
    pub row_count: u64,
    pub notes: Notes,
    /// Localities that have a row.
    pub localities: BTreeSet<LocalityCode>,
    pub periods: BTreeSet<Period>,
}

/// Reason why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the collector stops")]
    Stopped,
}

impl Contents {
    /// Contents of a file of which nothing is taken, and nothing was read.
    #[must_use]
    pub fn refused(fault: FileFault, limits: &Limits) -> Self {
        let mut contents = Self::new(limits);
        contents.refuse_file(fault);
        contents
    }

    fn new(limits: &Limits) -> Self {
        Self {
            digest: Hash::default(),
            lines: Vec::new(),
            entries: Entries::new(limits.report_entries_max),
            row_count: 0,
            notes: Notes::default(),
            localities: BTreeSet::new(),
            periods: BTreeSet::new(),
        }
    }

    fn refuse_file(&mut self, fault: FileFault) {
        self.lines.clear();
        self.entries.refuse(0, Refusal::of_line("", Reason::File(fault)));
    }

    fn refuse_row(&mut self, line: u64, bytes: &[u8], fault: LineFault) {
        self.row_count += 1;
        self.refuse_line(line, bytes, fault);
    }

    fn refuse_line(&mut self, line: u64, bytes: &[u8], fault: LineFault) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES_MAX)]);
        self.entries.refuse(line, Refusal::of_line(text, Reason::Line(fault)));
    }
}

/// Bytes of a commune's code.
const COMMUNE_BYTES: usize = 5;
/// Bytes of a line that are kept to be shown.
const TEXT_BYTES_MAX: usize = 400;

/// Reads a file to its end. Ends early where `stop` is set.
pub fn read(
    file: impl Read,
    facts: &Facts,
    limits: &Limits,
    now: Timestamp,
    stop: &AtomicBool,
) -> Result<Contents, ReadError> {
    let mut contents = Contents::new(limits);
    let (mut text, binary) = Text::open(file)?;
    if let Some(binary) = binary {
        contents.refuse_file(FileFault::Binary(binary));
        contents.digest = text.finish()?;
        return Ok(contents);
    }
    let mut head = Vec::new();
    text.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let separator = separator(&String::from_utf8_lossy(&head));
    let byte = u8::try_from(separator).expect("separators are ASCII");
    let records = Records::new(Cursor::new(head).chain(text), byte, limits.line_bytes_max);
    let rules = facts.rules(now);
    let mut reader = Reader { records, separator, rules, limits, stop, contents, blocked: None };
    if let Some(table) = reader.read_opening()? {
        reader.read_rows(table)?;
    }
    let Reader { records, mut contents, .. } = reader;
    let (_, text) = records.into_inner().into_inner();
    contents.digest = text.finish()?;
    checks::check(&mut contents, &facts.catalogue);
    Ok(contents)
}

/// One reading of one file.
struct Reader<'a, R> {
    records: Records<R>,
    separator: char,
    rules: Rules<'a>,
    limits: &'a Limits,
    stop: &'a AtomicBool,
    contents: Contents,
    /// A header below the first one that cannot be read, and the rows below it.
    blocked: Option<Blocked>,
}

struct Blocked {
    header_line: u64,
    row_count: u64,
}

/// The record above a row.
struct Above {
    lines: RangeInclusive<u64>,
    /// True if the record may be a part of a number.
    is_part: bool,
    /// True if the record has fewer cells than the header.
    is_short: bool,
}

impl Default for Above {
    fn default() -> Self {
        Self { lines: 0..=0, is_part: false, is_short: false }
    }
}

impl<R: Read> Reader<'_, R> {
    /// Reads up to the header; what is wrong with it is refused.
    fn read_opening(&mut self) -> Result<Option<Table>, ReadError> {
        let mut opening = Opening::new(self.separator);
        while let Some(record) = self.records.read_next()? {
            if opening.is_complete_with(record) {
                break;
            }
        }
        Ok(opening.finish(self.rules.catalogue, &mut self.contents, self.limits.line_bytes_max))
    }

    fn read_rows(&mut self, mut table: Table) -> Result<(), ReadError> {
        let mut above = Above::default();
        while let Some(record) = self.records.read_next()? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ReadError::Stopped);
            }
            let Record { line, last_line, content } = record;
            if let Some(blocked) = &mut self.blocked {
                blocked.row_count += u64::from(!is_blank(&content));
                continue;
            }
            let cells = match content {
                Content::Cells(cells) => cells,
                Content::Unreadable(bytes, why) => {
                    let fault = fault_of(why, bytes, self.limits.line_bytes_max);
                    self.contents.refuse_record(line..=last_line, bytes, fault);
                    if why == Unreadable::Unclosed {
                        break;
                    }
                    // Rows below a header that cannot be read are not those of the header before.
                    if line_names_columns(&String::from_utf8_lossy(bytes)) {
                        self.blocked = Some(Blocked { header_line: line, row_count: 0 });
                    }
                    continue;
                }
            };
            if table.is_followed_by_header(&cells) {
                if last_line > line && cells.iter().any(|cell| holds_row(cell)) {
                    let text = table.join(&cells);
                    let fault = LineFault::Spanning { last_line };
                    self.contents.refuse_row(line, text.as_bytes(), fault);
                    self.blocked = Some(Blocked { header_line: line, row_count: 0 });
                    continue;
                }
                match header::read_second(&cells, self.separator, &self.rules) {
                    Ok(header) => {
                        self.contents.notes.second_headers.push(line);
                        header::refuse_ignored(&mut self.contents, line, header.ignored);
                        table = header.table;
                    }
                    Err(refusal) => {
                        self.contents.entries.refuse(line, refusal);
                        self.blocked = Some(Blocked { header_line: line, row_count: 0 });
                    }
                }
                continue;
            }
            let lines = line..=last_line;
            self.contents.take_record(&table, &cells, &self.rules, lines, &mut above);
            if self.contents.lines.len() > self.limits.file_observations_max {
                let count_max = self.limits.file_observations_max;
                self.contents.refuse_file(FileFault::TooManyObservations { count_max });
                return Ok(());
            }
        }
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        let contents = &mut self.contents;
        if let Some(Blocked { header_line, row_count }) = self.blocked.take() {
            contents.row_count += row_count;
            if row_count > 0 {
                let fault = LineFault::BelowHeader { header_line, row_count };
                contents.refuse_line(header_line, b"", fault);
            }
        }
        if contents.row_count == 0 && contents.entries.refused_count() == 0 {
            contents.refuse_file(FileFault::NoRows);
        }
    }
}

impl Contents {
    /// Refuses a record that cannot be cut into cells, with the rows that may be within it.
    fn refuse_record(&mut self, lines: RangeInclusive<u64>, bytes: &[u8], fault: LineFault) {
        let (line, last_line) = lines.into_inner();
        self.refuse_row(line, bytes, fault);
        if last_line > line && fault != LineFault::Unclosed {
            self.refuse_line(line, b"", LineFault::Spanning { last_line });
        }
    }

    /// Takes a row, unless quotation marks or line breaks have joined or broken it.
    fn take_record(
        &mut self,
        table: &Table,
        cells: &[&str],
        rules: &Rules<'_>,
        lines: RangeInclusive<u64>,
        above: &mut Above,
    ) {
        let (line, last_line) = (*lines.start(), *lines.end());
        let is_part = table.is_part_of_number(cells);
        let is_below = above.lines.end() + 1 == line;
        if is_below && (is_part || above.is_short && table.lacks_cells(cells)) {
            self.take_back(*above.lines.start());
        }
        let rows_at = cells.iter().position(|cell| last_line > line && holds_row(cell));
        let fault = match rows_at {
            // What stands behind the text may be of another row.
            Some(at) if table.reads_behind(at) => Some(LineFault::Spanning { last_line }),
            None if is_below && above.is_part && table.begins_with_value() => {
                Some(LineFault::Broken)
            }
            Some(_) | None => None,
        };
        *above = Above { lines, is_part, is_short: table.is_short(cells) };
        if let Some(fault) = fault {
            self.refuse_row(line, table.join(cells).as_bytes(), fault);
            return;
        }
        if let Some(at) = rows_at {
            let cell = Cell { column: None, text: cells[at].to_owned() };
            self.entries.add(line, cell, Finding::RowsAsText { last_line });
        }
        if let Some(row) = table.read_row(cells, rules) {
            self.notes.spanning_row_count += u64::from(last_line > line);
            self.take(line, row);
        }
    }

    /// Refuses what was taken of a row whose rest stands below it.
    fn take_back(&mut self, number: u64) {
        let count = self.lines.len();
        while self.lines.pop_if(|line| line.number == number).is_some() {}
        if self.lines.len() < count {
            self.refuse_line(number, b"", LineFault::Broken);
        }
    }

    fn take(&mut self, number: u64, row: Row) {
        self.row_count += 1;
        self.notes.day_only_row_count += u64::from(row.is_day_only);
        self.localities.extend(row.locality);
        for reading in row.readings {
            match reading {
                Ok(good) => {
                    self.periods.insert(good.observation.key.period);
                    self.lines.push(Line { number, good });
                }
                Err(refusal) => self.entries.refuse(number, refusal),
            }
        }
    }
}

/// True if text between marks has something between separators that only a row has: a quotation
/// mark is missing or in the wrong place.
fn holds_row(cell: &str) -> bool {
    let is_of_row = |text: &str| {
        let is_commune = || text.len() == COMMUNE_BYTES && text.parse::<LocalityCode>().is_ok();
        is_commune() || text.parse::<Period>().is_ok() || text.parse::<Timestamp>().is_ok()
    };
    let is_cut = |c: char| c == '\n' || c == '"' || SEPARATORS.contains(&c);
    cell.contains(is_cut) && cell.split(is_cut).any(|text| is_of_row(text.trim()))
}

fn is_blank(content: &Content<'_>) -> bool {
    matches!(content, Content::Cells(cells) if cells.iter().all(|cell| cell.is_empty()))
}

fn fault_of(why: Unreadable, bytes: &[u8], bytes_max: usize) -> LineFault {
    match why {
        Unreadable::NotText => LineFault::NotText { encoding: Legacy::of_bytes(bytes) },
        Unreadable::TooLong => LineFault::TooLong { bytes_max },
        Unreadable::BrokenQuotes => LineFault::BrokenQuotes,
        Unreadable::Unclosed => LineFault::Unclosed,
    }
}

#[cfg(test)]
mod tests;
