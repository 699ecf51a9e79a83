//! Text for a terminal: no line is wider, and what is left out is said.

use unicode_width::UnicodeWidthStr;

use super::{Occurring, shown, zone};
use crate::{
    cell::{Cell, Value},
    document::{Column, Document, Importance, Table},
    format,
    grid::{self, safe},
    language::{Language, words},
};

/// Items up to which a list is spelled out.
const SPELLED_MAX: usize = 4;

/// Room and look of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub language: Language,
    pub colour: bool,
    /// Characters of a line; none where every column is wanted, whatever its width.
    pub width: Option<usize>,
}

/// Writes a document for people.
#[must_use]
pub fn text(document: &Document, layout: Layout) -> String {
    let occurring = Occurring::of(document);
    let [common, explained] = occurring.explained(layout.language);
    let head = document.head.iter().map(|sentence| sentence.text(layout.language));
    let mut blocks = vec![lines(head.chain(common), layout)];
    let mut left_out = Vec::new();
    for table in document.tables.iter().filter(|table| table.shown) {
        let title = table.title.iter().map(|title| title.text(layout.language));
        blocks.push(lines(title, layout));
        if table.row_count() > 0 {
            blocks.push(rows(table, occurring, layout, &mut left_out));
        }
        let footer = table.footer.iter().map(|sentence| sentence.text(layout.language));
        blocks.push(lines(footer.chain(more(table, layout)), layout));
    }
    let notes = document.notes.iter().map(|note| note.text(layout.language));
    blocks.push(lines(notes, layout));
    let zone = zone(document, &left_out, layout.language);
    let hint = hint(&left_out, layout.language);
    blocks.push(lines(explained.into_iter().chain(zone).chain(hint), layout));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n")
}

/// Rows that are shown, at a glance not all.
fn glance(table: &Table, layout: Layout) -> usize {
    let glance = layout.width.and(table.glance).unwrap_or(usize::MAX);
    glance.min(table.row_count())
}

/// Says how many rows are missing.
fn more(table: &Table, layout: Layout) -> Option<String> {
    let missing = table.row_count() - glance(table, layout);
    let more = words("và {} dòng nữa; -o wide hiện tất cả", "and {} more; -o wide shows all");
    let count = format::grouped(missing as i128, layout.language);
    (missing > 0).then(|| more.text(layout.language).replace("{}", &count))
}

/// Says which columns are missing.
fn hint(left_out: &[String], language: Language) -> Option<String> {
    let hint = words("Không hiện: {}; -o wide hiện tất cả.", "Not shown: {}; -o wide shows all.");
    let names = left_out.join(", ");
    (!left_out.is_empty()).then(|| hint.text(language).replace("{}", &names))
}

fn rows(table: &Table, occurring: Occurring, layout: Layout, left_out: &mut Vec<String>) -> String {
    let mut columns = shown(table, layout.language);
    // A column whose marks all rows share has nothing left.
    columns.retain(|column| column.importance == Importance::Key || !is_blank(column, occurring));
    let all: Vec<_> = columns.iter().map(|it| it.label.text(layout.language)).collect();
    let row_count = glance(table, layout);
    let mut grid = filled(&columns, row_count, occurring, layout);
    let width = layout.width.unwrap_or(usize::MAX);
    while let Some(at) = least(&columns).filter(|_| grid.width() > width) {
        columns.remove(at);
        grid = filled(&columns, row_count, occurring, layout);
    }
    for label in all {
        let is_kept = columns.iter().any(|column| column.label.text(layout.language) == label);
        if !is_kept && !left_out.iter().any(|known| known == label) {
            left_out.push(label.to_owned());
        }
    }
    grid.render_within(layout.width)
}

fn is_blank(column: &Column, occurring: Occurring) -> bool {
    column.cells.iter().all(|cell| match occurring.differing(cell).value {
        Value::Marks(marks) => marks.terms().is_empty(),
        Value::Nothing => true,
        _ => false,
    })
}

/// Place of the least important column, the last of several.
fn least(columns: &[&Column]) -> Option<usize> {
    let least = columns.iter().map(|column| column.importance).min()?;
    let place = columns.iter().rposition(|column| column.importance == least);
    place.filter(|_| least < Importance::Key)
}

fn filled(
    columns: &[&Column],
    row_count: usize,
    occurring: Occurring,
    layout: Layout,
) -> grid::Table {
    let mut grid = grid::Table::new(layout.colour);
    for column in columns {
        let label = column.label.text(layout.language);
        let cells = column.cells.iter().take(row_count).map(|cell| {
            let cell = occurring.differing(cell);
            grid::Cell::new(short(&cell, layout), cell.paint)
        });
        if column.cells.iter().any(Cell::is_number) {
            grid.right(label, cells);
        } else {
            grid.left(label, cells);
        }
    }
    grid
}

/// Counts a long list where the room is narrow.
fn short(cell: &Cell, layout: Layout) -> String {
    let counted = |count: usize| {
        let count = format::grouped(count as i128, layout.language);
        words("{} mục", "{} of them").text(layout.language).replace("{}", &count)
    };
    match &cell.value {
        Value::List(all) if layout.width.is_some() && all.len() > SPELLED_MAX => counted(all.len()),
        Value::Localities(all) if layout.width.is_some() && all.len() > SPELLED_MAX => {
            counted(all.len())
        }
        _ => format::text(cell, layout.language),
    }
}

/// Lines of text, broken at spaces where they are too wide.
fn lines(texts: impl Iterator<Item = String>, layout: Layout) -> String {
    let mut block = String::new();
    for text in texts {
        for line in text.lines() {
            block += &wrapped(&safe(line), layout.width.unwrap_or(usize::MAX));
            block.push('\n');
        }
    }
    block
}

/// Breaks a line at spaces. Its indent goes on; a word that is too wide stays whole.
#[must_use]
fn wrapped(line: &str, width: usize) -> String {
    let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
    let (mut text, mut used) = (indent.clone(), indent.width());
    let mut is_first = true;
    for word in line.split_whitespace() {
        let room = word.width() + usize::from(!is_first);
        if !is_first && used + room > width {
            text.push('\n');
            text += &indent;
            used = indent.width();
            is_first = true;
        }
        if !is_first {
            text.push(' ');
            used += 1;
        }
        text += word;
        used += word.width();
        is_first = false;
    }
    text
}
