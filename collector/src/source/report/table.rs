//! The report as a CSV file, for spreadsheets: one record for each entry.

use super::Entry;

/// Tells spreadsheets that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Writes `line,column,value,reason,fix`, with reason and fix in Vietnamese and English.
pub(super) fn write(entries: &[Entry]) -> String {
    let mut text = format!("{BYTE_ORDER_MARK}line,column,value,reason,fix\r\n");
    for Entry { line, cell, finding } in entries {
        let [vietnamese, english] = finding.words(&cell.text);
        let column = cell.column.as_ref().map_or("", |column| &column.name);
        let line = if *line == 0 { String::new() } else { line.to_string() };
        let cells = [
            line,
            plain(column),
            plain(&cell.text),
            format!("{} / {}", vietnamese.reason, english.reason),
            format!("{} / {}", vietnamese.fix, english.fix),
        ];
        text += &cells.map(|cell| quoted(&cell)).join(",");
        text += "\r\n";
    }
    text
}

/// Text that no spreadsheet takes for a formula: what stands in somebody's file is not to be
/// carried out where the report is opened.
fn plain(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = if is_formula { "'" } else { "" };
    format!("{quote}{text}")
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', ';', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
