//! Cutting a text into records, which are rows or header lines. Holds one record and one buffer,
//! however large the text is.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::ReadRecordResult;

const BUFFER_BYTES: usize = 64 * 1024;
/// Cells of a record; one with more is refused as too long.
const CELLS_MAX: usize = 4_096;

/// Position and content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its first line; the first of the file is 1.
    pub line: u64,
    /// Its last one, which differs where a quoted cell holds line breaks.
    pub last_line: u64,
    pub content: Content<'a>,
}

/// Content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// Its cells, trimmed.
    Cells(Vec<&'a str>),
    /// The record cannot be cut into cells: its beginning, and the reason.
    Unreadable(&'a [u8], Unreadable),
}

/// Reason why a record cannot be cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The record is not UTF-8.
    NotText,
    /// The record exceeds the bound, or has more cells than any table.
    TooLong,
    /// Text stands behind a closing quotation mark.
    BrokenQuotes,
    /// A quotation mark is not closed before the end of the file, or opens a cell behind a space and
    /// is not closed in its line. The lines below may be text of its cell.
    Unclosed,
}

/// Cuts what a reader yields into records that end with LF.
pub struct Records<R> {
    reader: BufReader<R>,
    core: csv_core::Reader,
    separator: u8,
    bytes_max: usize,
    /// The record as written, as far as it is kept.
    raw: Vec<u8>,
    /// Its cells, one behind the other.
    cells: Vec<u8>,
    /// End of each cell.
    ends: Vec<usize>,
    line_count: u64,
    end: End,
}

/// End of the text, as far as the cutter was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ahead,
    /// The last line has an end, given to it where it lacked one.
    Reached,
    Told,
}

/// Part of a record that was written to the buffers.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    cells: usize,
    ends: usize,
    is_too_long: bool,
}

impl<R: Read> Records<R> {
    /// `bytes_max` bounds a record, its end not counted.
    pub fn new(reader: R, separator: u8, bytes_max: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            core: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            separator,
            bytes_max,
            raw: Vec::new(),
            cells: vec![0; bytes_max + 1],
            ends: vec![0; CELLS_MAX + 1],
            line_count: 0,
            end: End::Ahead,
        }
    }

    /// The reader behind the records, at its end once there are no more.
    pub fn into_inner(self) -> R {
        self.reader.into_inner()
    }

    /// The next record that is no blank line; `None` at the end.
    pub fn read_next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.raw.clear();
        self.skip_blank_lines()?;
        let line = self.line_count + 1;
        let mut extent = Extent::default();
        let is_record = loop {
            match self.step(&mut extent)? {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    extent = Extent { is_too_long: true, ..Extent::default() };
                }
                ReadRecordResult::OutputEndsFull => {
                    extent = Extent { is_too_long: true, ends: 0, ..extent };
                }
                ReadRecordResult::Record => break true,
                ReadRecordResult::End => break false,
            }
        };
        if !is_record {
            return Ok(None);
        }
        let content = self.content(extent);
        Ok(Some(Record { line, last_line: self.line_count.max(line), content }))
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.reader.fill_buf()?;
            let count = bytes.iter().take_while(|byte| **byte == b'\n').count();
            if count == 0 {
                return Ok(());
            }
            self.reader.consume(count);
            self.line_count += u64::try_from(count).expect("64 bits fit");
        }
    }

    /// Hands the next bytes to the cutter.
    fn step(&mut self, extent: &mut Extent) -> io::Result<ReadRecordResult> {
        let bytes = self.reader.fill_buf()?;
        let is_end = bytes.is_empty();
        let input = match self.end {
            _ if !is_end => bytes,
            End::Ahead if self.raw.last().is_some_and(|byte| *byte != b'\n') => b"\n",
            End::Ahead | End::Reached | End::Told => b"",
        };
        let is_told = input.is_empty();
        let (result, used, written, ended) = self.core.read_record(
            input,
            &mut self.cells[extent.cells..],
            &mut self.ends[extent.ends..],
        );
        extent.cells += written;
        extent.ends += ended;
        // Where the buffer is full, the line end is not taken yet.
        if is_end && (is_told || used > 0) {
            self.end = if is_told { End::Told } else { End::Reached };
        }
        let taken = &input[..used];
        self.line_count += taken.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        // Doubled marks take twice their room here. One byte more shows that it is not all.
        let room = (2 * self.bytes_max + 3).saturating_sub(self.raw.len());
        self.raw.extend(taken.iter().take(room));
        if !is_end {
            self.reader.consume(used);
        }
        Ok(result)
    }

    fn content(&self, extent: Extent) -> Content<'_> {
        let raw = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
        if self.end == End::Told {
            return Content::Unreadable(raw, Unreadable::Unclosed);
        }
        let is_too_long = extent.cells > self.bytes_max || raw.len() > 2 * self.bytes_max + 1;
        if extent.is_too_long || is_too_long || extent.ends > CELLS_MAX {
            return Content::Unreadable(raw, Unreadable::TooLong);
        }
        if raw.contains(&b'"') {
            if leaves_mark_open(raw, self.separator) {
                return Content::Unreadable(raw, Unreadable::Unclosed);
            }
            if !is_well_quoted(raw, self.separator) {
                return Content::Unreadable(raw, Unreadable::BrokenQuotes);
            }
        }
        let text = str::from_utf8(&self.cells[..extent.cells]).ok();
        let cells = text.and_then(|text| cut(text, &self.ends[..extent.ends]));
        cells.map_or(Content::Unreadable(raw, Unreadable::NotText), Content::Cells)
    }
}

/// The cells of a text by their ends; `None` where an end lies within a character.
fn cut<'a>(text: &'a str, ends: &[usize]) -> Option<Vec<&'a str>> {
    let starts = std::iter::once(&0).chain(ends);
    starts.zip(ends).map(|(start, end)| text.get(*start..*end).map(str::trim)).collect()
}

/// True if a mark behind a space opens a cell and is not closed in the record. The cutter takes
/// such a mark for text; the program that wrote it may have meant the lines below as text too.
fn leaves_mark_open(record: &[u8], separator: u8) -> bool {
    let mark_count: usize = record.iter().map(|byte| usize::from(*byte == b'"')).sum();
    let opens = |cell: &[u8]| cell.starts_with(b" ") && cell.trim_ascii_start().starts_with(b"\"");
    !mark_count.is_multiple_of(2) && record.split(|byte| *byte == separator).any(opens)
}

/// True if every cell that begins with a quotation mark also ends with one. The cutter would read
/// `"41"2` as 412.
fn is_well_quoted(record: &[u8], separator: u8) -> bool {
    let mut bytes = record.iter().copied().peekable();
    loop {
        if bytes.next_if_eq(&b'"').is_some() {
            loop {
                match bytes.next() {
                    Some(b'"') if bytes.next_if_eq(&b'"').is_some() => {}
                    Some(b'"') => break,
                    Some(_) => {}
                    None => return false,
                }
            }
            while bytes.next_if_eq(&b' ').is_some() {}
            match bytes.next() {
                None => return true,
                Some(byte) if byte == separator => continue,
                Some(_) => return false,
            }
        }
        if !bytes.by_ref().any(|byte| byte == separator) {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text as first line, last line and what stands in them.
    fn records(text: &str, bytes_max: usize) -> Vec<(u64, u64, String)> {
        let mut records = Records::new(text.as_bytes(), b',', bytes_max);
        let mut found = Vec::new();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        while let Some(Record { line, last_line, content }) = records.read_next().expect("no error")
        {
            let content = match content {
                Content::Cells(cells) => cells.join("|"),
                Content::Unreadable(bytes, Unreadable::TooLong) => {
                    format!("TooLong: {}", bytes.len())
                }
                Content::Unreadable(bytes, why) => format!("{why:?}: {}", shown(bytes)),
            };
            found.push((line, last_line, content));
        }
        found
    }

    fn one(text: &str) -> String {
        let [(_, _, content)] = &records(text, 99)[..] else { panic!("not one: {text}") };
        content.clone()
    }

    #[test]
    fn records_end_with_a_line_or_the_file() {
        let told = |text| records(text, 99);
        let cells = |line, last_line, text: &str| (line, last_line, text.to_owned());
        assert_eq!(told("a,b\n\n\nc\n"), [cells(1, 1, "a|b"), cells(4, 4, "c")]);
        assert_eq!(told("a, b ,\n c"), [cells(1, 1, "a|b|"), cells(2, 2, "c")]);
        assert!(told("").is_empty() && told("\n\n").is_empty());
    }

    #[test]
    fn a_line_break_between_quotation_marks_is_text() {
        let found = records("a,\"b\nc,d\"\ne\n", 99);
        assert_eq!(found, [(1, 2, "a|b\nc,d".to_owned()), (3, 3, "e".to_owned())]);
    }

    #[test]
    fn quotation_marks_must_close_at_the_end_of_the_cell() {
        assert_eq!(one(r#""a,b","c""d" ,e"#), "a,b|c\"d|e");
        assert_eq!(one(r#"a"b,c"#), "a\"b|c");
        assert_eq!(one(r#""",x"#), "|x");
        for text in [r#""41"2,3"#, r#"1,"41"2"#, r#""a""b"c"#] {
            assert_eq!(one(text), format!("BrokenQuotes: {text}"));
        }
    }

    #[test]
    fn nothing_below_a_mark_that_is_not_closed_is_a_record() {
        for text in ["\"a,b\nc,d\n", "\"a,b\nc,d", "\""] {
            let [(1, _, content)] = &records(text, 99)[..] else { panic!("not one: {text}") };
            assert!(content.starts_with("Unclosed: "), "{content}");
        }
        let long = format!("a\n\"b\n{}", "01273,1\n".repeat(100_000));
        let found = records(&long, 99);
        assert_eq!(found.len(), 2);
        assert!(found[1].2.starts_with("Unclosed: "));
    }

    #[test]
    fn a_mark_behind_a_space_must_close_in_its_line() {
        assert_eq!(one(r#"1, "2""#), r#"1|"2""#);
        assert_eq!(one(r#"1, 5""#), r#"1|5""#);
        let found = records("1, \"a\n2,3\n", 99);
        assert_eq!(found[0].2, "Unclosed: 1, \"a");
    }

    #[test]
    fn a_record_beyond_the_bound_is_told_and_the_next_one_read() {
        let contents = |text: &str, bytes_max| {
            records(text, bytes_max).into_iter().map(|(.., content)| content).collect::<Vec<_>>()
        };
        assert_eq!(contents("1234\n12345\n1", 4), ["1234", "TooLong: 5", "1"]);
        for length in 5..20 {
            let text = "1".repeat(length);
            assert_eq!(contents(&text, 4), [format!("TooLong: {}", length.min(11))], "{length}");
        }
        let long = format!("{}\nend", "x".repeat(3 * BUFFER_BYTES));
        assert_eq!(contents(&long, 4), ["TooLong: 11", "end"]);
        let wide = format!("{}\nend", ",".repeat(CELLS_MAX));
        assert_eq!(contents(&wide, 99_999), ["TooLong: 4096", "end"]);
    }

    #[test]
    fn bytes_that_are_no_text_cost_their_record() {
        let mut records = Records::new(b"a\nb\xff,c\n\xc3,\xa0\nd\n".as_slice(), b',', 99);
        let mut kinds = Vec::new();
        while let Some(record) = records.read_next().expect("no error") {
            kinds.push(matches!(record.content, Content::Unreadable(_, Unreadable::NotText)));
        }
        assert_eq!(kinds, [false, true, true, false]);
    }
}
