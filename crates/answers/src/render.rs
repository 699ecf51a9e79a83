//! Forms of a document. Each renderer reads the typed cells; none of them knows a question.

mod csv;
mod html;
mod json;
mod markdown;
mod text;
#[cfg(feature = "xlsx")]
mod xlsx;

use phuxanh_proto::v1::Basis;

use crate::{
    cell::{Cell, Value},
    document::{Column, Document, Importance, Table},
    format,
    language::{Language, words},
    marks::Marks,
    term::Paint,
};
pub use csv::{NoTable, csv};
pub use html::html;
pub use json::{json, json_error};
pub use markdown::markdown;
#[cfg(feature = "xlsx")]
pub use rust_xlsxwriter::XlsxError;
pub use text::{Layout, text};
#[cfg(feature = "xlsx")]
pub use xlsx::xlsx;

/// Columns that people are shown, without those in which there is nothing.
fn shown<'a>(table: &'a Table, language: Language) -> Vec<&'a Column> {
    let something = |column: &&'a Column| {
        column.cells.iter().any(|cell| !format::text(cell, language).is_empty())
    };
    let columns = table.columns.iter().filter(|column| column.importance > Importance::Data);
    columns.filter(|column| column.importance == Importance::Key || something(column)).collect()
}

fn has_time(cell: &Cell) -> bool {
    match &cell.value {
        Value::Time(_) => true,
        Value::Filled { cells, .. } => cells.iter().any(has_time),
        _ => false,
    }
}

/// Says the zone of the times that people see, once.
fn zone(document: &Document, left_out: &[String], language: Language) -> Option<String> {
    let seen = |column: &&Column| {
        let label = column.label.text(language);
        column.importance > Importance::Data && !left_out.iter().any(|it| it == label)
    };
    let tables = || document.tables.iter().filter(|table| table.shown);
    let columns = tables().flat_map(|table| &table.columns).filter(seen);
    let sentences = document.head.iter().chain(tables().flat_map(|table| &table.footer));
    let mut cells = columns.flat_map(|it| &it.cells).chain(sentences.flat_map(|it| &it.cells));
    let words = words("Giờ Việt Nam (UTC+7).", "Times are Vietnamese (UTC+7).");
    cells.any(has_time).then(|| words.text(language).to_owned())
}

/// Marks that hold for every number of a document, and those that occur at all.
#[derive(Debug, Clone, Copy)]
struct Occurring {
    common: Marks,
    any: Marks,
}

impl Occurring {
    fn of(document: &Document) -> Self {
        let none = Marks::new(false, Basis::Unspecified);
        let all = |rule: fn(bool, bool) -> bool| {
            document.marks().reduce(|one, other| one.with(other, rule)).unwrap_or(none)
        };
        Self { common: all(|one, other| one && other), any: all(|one, other| one || other) }
    }

    /// The cell of a row without what all rows share.
    fn differing(self, cell: &Cell) -> Cell {
        let Value::Marks(marks) = cell.value else { return cell.clone() };
        let differing = marks.with(self.common, |own, common| own && !common);
        Cell { value: Value::Marks(differing), paint: Paint::Middling }
    }

    /// What all rows share, explained for the head; then what only some rows are marked with.
    fn explained(self, language: Language) -> [Vec<String>; 2] {
        let some = self.any.with(self.common, |any, common| any && !common);
        [self.common, some].map(|marks| {
            marks.terms().iter().map(|(_, meaning)| meaning.text(language).to_owned()).collect()
        })
    }
}

#[cfg(test)]
mod tests;
