//! Finding the header of a file, and those of other files that were joined to it.

use phuxanh_core::{LocalityCode, Period, Timestamp, catalogue::Catalogue, validation::Rules};

use super::{Contents, fault_of};
use crate::source::{
    records::{Content, Record, Unreadable},
    refusal::{FileFault, HeaderFault, LineFault, Reason, Refusal},
    separator::{HEADER_LINE_MAX, is_sep_line},
    table::{COLUMNS_MIN, Header, SEPARATORS, Table, line_names_columns, names_columns},
};

/// The lines of a file up to its header.
pub(super) struct Opening {
    separator: char,
    is_begun: bool,
    above: Vec<Above>,
    header: Option<(u64, Vec<String>)>,
}

/// A line above the header.
struct Above {
    line: u64,
    last_line: u64,
    content: Result<Vec<String>, (Vec<u8>, Unreadable)>,
}

impl Opening {
    pub(super) const fn new(separator: char) -> Self {
        Self { separator, is_begun: false, above: Vec::new(), header: None }
    }

    /// Takes the next record; true once the header was found, or is not where it must be.
    pub(super) fn is_complete_with(&mut self, record: Record<'_>) -> bool {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let Record { line, last_line, .. } = record;
        let content = match record.content {
            Content::Cells(cells) => {
                let is_blank = cells.iter().all(|cell| cell.is_empty());
                let is_hint = is_first && cells.first().is_some_and(|cell| is_sep_line(cell));
                if is_blank || is_hint {
                    return false;
                }
                let owned = cells.iter().map(|cell| (*cell).to_owned()).collect();
                if names_columns(&cells) {
                    self.header = Some((line, owned));
                    return true;
                }
                Ok(owned)
            }
            Content::Unreadable(bytes, why) => Err((bytes.to_vec(), why)),
        };
        self.above.push(Above { line, last_line, content });
        self.above.len() >= HEADER_LINE_MAX
    }

    /// The table of the header; what is wrong with it, or stands above it, is refused.
    pub(super) fn finish(
        self,
        catalogue: &Catalogue,
        contents: &mut Contents,
        bytes_max: usize,
    ) -> Option<Table> {
        let Some((line, cells)) = self.header else {
            refuse_without_header(self.above, self.separator, catalogue, contents, bytes_max);
            return None;
        };
        let cells: Vec<_> = cells.iter().map(String::as_str).collect();
        match Table::read_header(&cells, self.separator, catalogue) {
            Ok(Header { table, ignored }) => {
                for above in self.above {
                    pass_over(&above, self.separator, contents, bytes_max);
                }
                refuse_ignored(contents, line, ignored);
                Some(table)
            }
            Err(refusal) => {
                contents.entries.refuse(line, refusal);
                None
            }
        }
    }
}

/// Refuses a file by its first line.
fn refuse_without_header(
    above: Vec<Above>,
    separator: char,
    catalogue: &Catalogue,
    contents: &mut Contents,
    bytes_max: usize,
) {
    match above.into_iter().next() {
        None => contents.refuse_file(FileFault::Empty),
        Some(Above { line, content: Err((bytes, why)), .. }) => {
            contents.refuse_line(line, &bytes, fault_of(why, &bytes, bytes_max));
        }
        Some(Above { line, content: Ok(cells), .. }) => {
            let cells: Vec<_> = cells.iter().map(String::as_str).collect();
            let refusal = Table::read_header(&cells, separator, catalogue).err();
            let refusal = refusal.expect("a header names the columns that every table has");
            contents.entries.refuse(line, refusal);
        }
    }
}

/// A title is passed over. What may be a row is refused: which columns it has is not known.
fn pass_over(above: &Above, separator: char, contents: &mut Contents, bytes_max: usize) {
    match &above.content {
        Err((bytes, why)) => {
            let lines = above.line..=above.last_line;
            contents.refuse_record(lines, bytes, fault_of(*why, bytes, bytes_max));
        }
        Ok(cells) => {
            let text = cells.join(&separator.to_string());
            if is_like_row(&text) {
                contents.refuse_row(above.line, text.as_bytes(), LineFault::AboveHeader);
            } else {
                contents.notes.skipped_line_count += 1;
            }
        }
    }
}

/// True if a line has two of code, month and time, at whichever separators it is cut, or one of
/// them and as many cells as a table has columns.
fn is_like_row(line: &str) -> bool {
    let is_cut = |c: char| c == '"' || SEPARATORS.contains(&c);
    let has = |is_of_row: fn(&str) -> bool| line.split(is_cut).map(str::trim).any(is_of_row);
    let found = [
        has(|text| text.parse::<LocalityCode>().is_ok()),
        has(|text| text.parse::<Period>().is_ok()),
        has(|text| text.parse::<Timestamp>().is_ok()),
    ];
    let cell_count =
        |separator| line.split(separator).filter(|cell| !cell.trim().is_empty()).count();
    match found.into_iter().filter(|is_there| *is_there).count() {
        0 => false,
        1 => SEPARATORS.into_iter().any(|separator| cell_count(separator) >= COLUMNS_MIN),
        _ => true,
    }
}

pub(super) fn refuse_ignored(contents: &mut Contents, line: u64, ignored: Vec<Refusal>) {
    for refusal in ignored {
        contents.entries.refuse(line, refusal);
    }
}

/// Reads a header below the first one.
pub(super) fn read_second(
    cells: &[&str],
    separator: char,
    rules: &Rules<'_>,
) -> Result<Header, Refusal> {
    let mut cells = cells.to_vec();
    if let Some(first) = cells.first_mut() {
        // The second of two files that were joined had a byte order mark of its own.
        *first = first.trim_start_matches('\u{feff}').trim();
    }
    let line = cells.join(&separator.to_string());
    if !names_columns(&cells) && line_names_columns(&line) {
        return Err(Refusal::of_line(line, Reason::Header(HeaderFault::OtherSeparator)));
    }
    Table::read_header(&cells, separator, rules.catalogue)
}
