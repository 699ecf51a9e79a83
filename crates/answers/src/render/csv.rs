//! CSV of one table: comma, decimal point, UTF-8 with a byte order mark, the keys of JSON as header.

use crate::{
    cell::Scalar,
    document::{Column, Document, Table},
    language::Language,
};

/// Tells a spreadsheet that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A table was asked for that the answer does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer has no table \"{asked}\"\n  Its tables: {}", tables.join(", "))]
pub struct NoTable {
    asked: String,
    tables: Vec<String>,
}

impl NoTable {
    /// What is wrong, in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::Vietnamese => format!(
                "câu trả lời không có bảng \"{}\"\n  Các bảng: {}",
                self.asked,
                self.tables.join(", ")
            ),
            Language::English | Language::Both => self.to_string(),
        }
    }
}

/// Writes the main table of a document, or another one by its key.
pub fn csv(document: &Document, key: Option<&str>) -> Result<String, NoTable> {
    let is_list = |table: &&Table| table.parts.iter().any(|part| !part.single);
    let mut tables = document.tables.iter();
    let table = match key {
        Some(key) => tables.find(|table| name(table) == key),
        None => tables.clone().find(is_list).or_else(|| tables.next()),
    };
    let table = table.ok_or_else(|| NoTable {
        asked: key.unwrap_or_default().to_owned(),
        tables: document.tables.iter().map(|table| name(table).to_owned()).collect(),
    })?;
    let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    let columns: Vec<_> = table.columns.iter().filter(|column| !column.keys.is_empty()).collect();
    let header = columns.iter().flat_map(|column| &column.keys);
    writer.write_record(header).expect("memory takes every record");
    for at in 0..table.row_count() {
        let fields = columns.iter().flat_map(|column| fields(column, at));
        writer.write_record(fields).expect("every row has the columns of the header");
    }
    let bytes = writer.into_inner().expect("memory takes every record");
    Ok(String::from_utf8(bytes).expect("only text was written"))
}

/// Key of the first rows that are a list.
fn name(table: &Table) -> &'static str {
    let list = table.parts.iter().find(|part| !part.single);
    list.or(table.parts.first()).map_or("", |part| part.key)
}

fn fields(column: &Column, at: usize) -> impl Iterator<Item = String> {
    let scalars = column.cells.get(at).map(crate::Cell::scalars).unwrap_or_default();
    let scalars = scalars.into_iter().chain(std::iter::repeat(Scalar::Nothing));
    scalars.take(column.keys.len()).map(plain)
}

fn plain(scalar: Scalar) -> String {
    match scalar {
        Scalar::Nothing => String::new(),
        Scalar::Text(text) => text,
        Scalar::Integer(count) => count.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Time(time) => time.to_string(),
        Scalar::List(list) => list.into_iter().map(plain).collect::<Vec<_>>().join(";"),
        Scalar::Localities(all) => {
            all.into_iter().map(|(code, _)| code).collect::<Vec<_>>().join(";")
        }
    }
}
