//! From a sheet to the bytes of a file: separators, marks, line ends and encodings.

use std::ops::RangeInclusive;

use super::sheet::{Field, Item, Kind, Marks, Sheet};

const OTHER_LINE_ENDS: &str = "other line ends";

/// Encoding of text as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
    Utf32,
    Windows1258,
    Tcvn3,
    Vni,
    /// UTF-8 that was read as Western European and written again.
    Twice,
    /// The same of TCVN3.
    Tcvn3Shown,
}

/// A file, and where its items stand in it.
#[derive(Debug)]
pub struct Written {
    pub bytes: Vec<u8>,
    pub items: Vec<Placed>,
    /// True if its last line has an end.
    pub is_terminated: bool,
    pub deformations: Vec<&'static str>,
}

/// An item with its lines.
#[derive(Debug)]
pub struct Placed {
    pub item: Item,
    /// The first line of a file is 1.
    pub lines: RangeInclusive<u64>,
    /// The line of the header above it, if there is one.
    pub header_line: Option<u64>,
    /// The file ends within it, which the report tells.
    pub is_cut: bool,
}

/// Writes a sheet in a random style.
#[must_use]
pub fn write(mut sheet: Sheet) -> Written {
    let encoding = encoding(&mut sheet);
    let mut text = start(&mut sheet, encoding);
    let mut places = Vec::new();
    let ends = line_ends(&mut sheet);
    let marks_of_thousand = sheet.pick(&[0, 0, 100, 1_000]);
    let has_last_end = sheet.is_crowded || !sheet.chance(200);
    let items = std::mem::take(&mut sheet.items);
    let count = items.len();
    for (number, item) in items.iter().enumerate() {
        let start = text.len();
        let separator = item.separator.unwrap_or(sheet.separator);
        for (at, field) in item.fields.iter().enumerate() {
            if at > 0 {
                text.push(separator);
            }
            let is_marked = sheet.chance(marks_of_thousand);
            text += &quoted(field, separator, is_marked);
        }
        places.push((start, text.len()));
        let end = sheet.pick(ends);
        if number + 1 < count || has_last_end {
            text += item.end.unwrap_or(end);
        }
    }
    let cut = cut(&mut sheet, &mut text, &items);
    // Where nothing ends lines, an item has none of its own.
    let has_lines = !sheet.deformations.contains(&OTHER_LINE_ENDS);
    let rows = with_lines(items, &places, &text, cut, has_lines);
    let is_terminated = text.ends_with(['\n', '\r']);
    if !is_terminated {
        sheet.note("no line end at the end");
    }
    let bytes = encode(&text, encoding);
    Written { bytes, items: rows, is_terminated, deformations: sheet.deformations }
}

fn encoding(sheet: &mut Sheet) -> Encoding {
    let kinds = [
        (Encoding::Utf16Little, "UTF-16"),
        (Encoding::Utf16Big, "UTF-16"),
        (Encoding::Utf32, "UTF-32"),
        (Encoding::Windows1258, "Windows-1258"),
        (Encoding::Tcvn3, "TCVN3"),
        (Encoding::Vni, "VNI"),
        (Encoding::Twice, "encoded twice"),
        (Encoding::Tcvn3Shown, "TCVN3 shown as UTF-8"),
    ];
    if !sheet.chance(300) {
        return Encoding::Utf8;
    }
    let (encoding, name) = sheet.pick(&kinds);
    sheet.note(name);
    if !matches!(encoding, Encoding::Utf16Little | Encoding::Utf16Big) {
        sheet.items.iter_mut().for_each(Item::doubt);
    }
    encoding
}

/// Byte order marks and a line that names the separator.
fn start(sheet: &mut Sheet, encoding: Encoding) -> String {
    let mut text = String::new();
    let is_utf = matches!(encoding, Encoding::Utf8 | Encoding::Utf16Little | Encoding::Utf16Big);
    if encoding == Encoding::Utf32 || (is_utf && sheet.chance(300)) {
        sheet.note("byte order mark");
        let count = sheet.pick(&[1, 1, 2, 3]);
        text = "\u{feff}".repeat(count);
    }
    if sheet.chance(150) {
        let separator = sheet.separator;
        let is_right = sheet.chance(700);
        let named = if is_right { separator } else { sheet.pick(&[',', ';', '\t', '|']) };
        sheet.note(if named == separator { "sep= line" } else { "sep= line of another separator" });
        if named != separator {
            sheet.items.iter_mut().for_each(Item::doubt);
        }
        text += &sheet.pick(&[format!("sep={named}\n"), format!("\"sep={named}\"\r\n")]);
    }
    text
}

fn line_ends(sheet: &mut Sheet) -> &'static [&'static str] {
    let kinds: [(&[&str], _); 7] = [
        (&["\n"], None),
        (&["\n"], None),
        (&["\r\n"], Some("CRLF")),
        (&["\r"], Some("CR")),
        (&["\n", "\r\n", "\r"], Some("mixed line ends")),
        (&["\r\n\r\n", "\n\n"], Some("blank lines")),
        (&["\u{2028}", "\u{85}", "\u{b}", "\u{c}"], Some(OTHER_LINE_ENDS)),
    ];
    let at = if sheet.chance(30) { 6 } else { sheet.random.usize(0..6) };
    let (ends, name) = kinds[at];
    if let Some(name) = name {
        sheet.note(name);
    }
    if at == 6 {
        sheet.items.iter_mut().for_each(Item::doubt);
    }
    ends
}

fn quoted(field: &Field, separator: char, is_marked: bool) -> String {
    let Field { text, marks } = field;
    let is_needed = text.contains([separator, '"', '\n', '\r']);
    match marks {
        Marks::Verbatim => text.clone(),
        Marks::AsNeeded if !is_needed && !is_marked => text.clone(),
        Marks::AsNeeded | Marks::Always => format!("\"{}\"", text.replace('"', "\"\"")),
    }
}

/// Ends a file early, as one that is still being written; where that is.
fn cut(sheet: &mut Sheet, text: &mut String, items: &[Item]) -> Option<usize> {
    if items.is_empty() || !sheet.chance(if sheet.oddness == 0 { 0 } else { 80 }) {
        return None;
    }
    sheet.note("file cut short");
    let end = sheet.random.usize(0..=text.len());
    text.truncate(text.floor_char_boundary(end));
    if sheet.chance(300) {
        // Power was lost, and the file system had made room for more.
        sheet.note("zeros at the end");
        text.push_str(&"\0".repeat(100));
        return Some(text.len() - 100);
    }
    Some(text.len())
}

fn with_lines(
    items: Vec<Item>,
    places: &[(usize, usize)],
    text: &str,
    cut: Option<usize>,
    has_lines: bool,
) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    let mut header_line = None;
    let mut joined_line = None;
    for (mut item, (start, end)) in items.into_iter().zip(places) {
        let is_there = cut.is_none_or(|cut| *start < cut);
        if !is_there {
            break;
        }
        let is_at_end = cut.is_some_and(|cut| *end >= cut);
        // Zeros behind a number are no part of it, and must not be passed over.
        let is_cut = cut.is_some_and(|cut| *end > cut) && !text.ends_with('\0');
        // Rows without a line end between them are one record, which may have begun lines above.
        let first = joined_line.take().unwrap_or_else(|| line_of(text, *start));
        let lines = first..=line_of(text, (*end).min(text.len()));
        let lines = if has_lines { lines } else { 1..=line_of(text, text.len()) };
        joined_line = (item.end == Some("")).then_some(first);
        if is_at_end {
            // What is left may look like the rest of the row above.
            if let Some(Placed { item, .. }) = found.last_mut() {
                item.doubt();
            }
            item.doubt();
        }
        if item.kind == Kind::Header {
            header_line = Some(*lines.start());
        }
        found.push(Placed { item, lines, header_line, is_cut });
    }
    found
}

/// The line in which a place of a text lies.
fn line_of(text: &str, place: usize) -> u64 {
    let before = &text.as_bytes()[..place];
    let ends: usize = before.iter().map(|byte| usize::from(matches!(byte, b'\n' | b'\r'))).sum();
    let pairs = before.windows(2).filter(|pair| *pair == b"\r\n").count();
    u64::try_from(ends - pairs).expect("64 bits fit") + 1
}

fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    // What a code page lacks is written as a question mark, full width as what it is like.
    let western = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => u8::try_from(wide - 0xfee0).unwrap_or(b'?'),
        code => u8::try_from(code).unwrap_or(b'?'),
    };
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16Little => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Big => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf32 => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        Encoding::Windows1258 => text.chars().map(western).collect(),
        Encoding::Tcvn3 => tcvn3(text).chars().map(western).collect(),
        Encoding::Tcvn3Shown => tcvn3(text).into_bytes(),
        Encoding::Vni => {
            let text = text.replace('ó', "o\u{f9}").replace('ú', "u\u{f9}");
            text.replace('ô', "o\u{e2}").chars().map(western).collect()
        }
        Encoding::Twice => text.bytes().map(char::from).collect::<String>().into_bytes(),
    }
}

/// The letters of the words that matter, as TCVN3 has them in the places of Western ones.
fn tcvn3(text: &str) -> String {
    let letter = |c: char| match c {
        'ó' => '\u{e3}',
        'ô' => '\u{ab}',
        'ú' => '\u{f3}',
        c => c,
    };
    text.chars().map(letter).collect()
}
