//! HTML fragments, for a page that has its own frame.

use super::{Occurring, shown, zone};
use crate::{
    document::{Document, Table},
    format,
    language::Language,
};

/// Writes a document as a sequence of elements.
#[must_use]
pub fn html(document: &Document, language: Language) -> String {
    let occurring = Occurring::of(document);
    let [common, explained] = occurring.explained(language);
    let mut text = String::new();
    let paragraph = |line: String| format!("<p>{}</p>\n", escaped(&line));
    for sentence in &document.head {
        text += &paragraph(sentence.text(language));
    }
    text.extend(common.into_iter().map(paragraph));
    for table in document.tables.iter().filter(|table| table.shown && table.row_count() > 0) {
        text += &rows(table, occurring, language);
        text.extend(table.footer.iter().map(|line| paragraph(line.text(language))));
    }
    let notes = document.notes.iter().map(|note| note.text(language));
    text.extend(notes.chain(explained).chain(zone(document, &[], language)).map(paragraph));
    text
}

fn rows(table: &Table, occurring: Occurring, language: Language) -> String {
    let columns = shown(table, language);
    let title = table.title.as_ref();
    let title = title.map(|it| format!("<caption>{}</caption>", escaped(&it.text(language))));
    let labels = columns.iter().map(|it| format!("<th>{}</th>", escaped(it.label.text(language))));
    let labels: String = labels.collect();
    let mut text = format!(
        "<table>{}\n<thead><tr>{labels}</tr></thead>\n<tbody>\n",
        title.unwrap_or_default()
    );
    for at in 0..table.row_count() {
        let cells = columns.iter().map(|column| {
            let Some(cell) = column.cells.get(at) else { return "<td></td>".to_owned() };
            let class = if cell.is_number() { " class=\"number\"" } else { "" };
            let cell = escaped(&format::text(&occurring.differing(cell), language));
            format!("<td{class}>{cell}</td>")
        });
        text += "<tr>";
        text.extend(cells);
        text += "</tr>\n";
    }
    text + "</tbody></table>\n"
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\n', "<br>")
}
