//! Markdown, for reports and mails.

use super::{Occurring, shown, zone};
use crate::{
    document::{Document, Table},
    format,
    grid::safe,
    language::Language,
};

/// Writes a document with all its columns.
#[must_use]
pub fn markdown(document: &Document, language: Language) -> String {
    let occurring = Occurring::of(document);
    let [common, explained] = occurring.explained(language);
    let head = document.head.iter().map(|sentence| sentence.text(language));
    let mut blocks: Vec<_> =
        head.chain(common).map(|text| escaped(&text).replace('\n', "  \n")).collect();
    if let Some(title) = blocks.first_mut() {
        *title = format!("## {title}");
    }
    for table in document.tables.iter().filter(|table| table.shown) {
        if let Some(title) = &table.title {
            blocks.push(format!("### {}", escaped(&title.text(language))));
        }
        if table.row_count() > 0 {
            blocks.push(rows(table, occurring, language));
        }
        blocks.extend(table.footer.iter().map(|sentence| escaped(&sentence.text(language))));
    }
    blocks.extend(document.notes.iter().map(|note| escaped(&note.text(language))));
    blocks.extend(explained.iter().chain(&zone(document, &[], language)).map(|it| escaped(it)));
    blocks.join("\n\n") + "\n"
}

fn rows(table: &Table, occurring: Occurring, language: Language) -> String {
    let columns = shown(table, language);
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let labels = columns.iter().map(|column| escaped(column.label.text(language)));
    let rules = columns.iter().map(|column| {
        let numbers = column.cells.iter().any(crate::Cell::is_number);
        if numbers { "---:" } else { "---" }.to_owned()
    });
    let mut lines = vec![line(labels.collect()), line(rules.collect())];
    for at in 0..table.row_count() {
        let cells = columns.iter().map(|column| {
            let cell = column.cells.get(at).map(|cell| occurring.differing(cell));
            cell.map_or_else(String::new, |cell| escaped(&format::text(&cell, language)))
        });
        lines.push(line(cells.collect()));
    }
    lines.join("\n")
}

/// Text that Markdown takes for nothing else.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for line in text.lines() {
        if !escaped.is_empty() {
            escaped.push('\n');
        }
        for letter in safe(line).chars() {
            if "\\`*_[]<>|#".contains(letter) {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
    }
    escaped
}
