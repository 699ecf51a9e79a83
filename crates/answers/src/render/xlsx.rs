//! A workbook: one sheet that states the question, and one for each table, with real numbers and
//! dates, codes as text and a frozen header.

use std::collections::BTreeSet;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{Occurring, zone};
use crate::{
    cell::{Cell, Scalar, Value},
    document::{Column, Document, Table},
    format,
    language::{Language, words},
};

/// Characters of a column, at least and at most.
const WIDTHS: (usize, usize) = (8, 60);

/// Writes the bytes of a workbook.
pub fn xlsx(document: &Document, language: Language) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    question(workbook.add_worksheet(), document, language)?;
    let mut names = BTreeSet::new();
    for table in document.tables.iter().filter(|table| table.row_count() > 0) {
        let key = table.parts.first().map_or("table", |part| part.key).replace('.', "_");
        if names.insert(key.clone()) {
            let sheet = workbook.add_worksheet();
            sheet.set_name(key)?;
            rows(sheet, table, language)?;
        }
    }
    workbook.save_to_buffer()
}

/// States what was asked, with the data's time, version and labels.
fn question(
    sheet: &mut Worksheet,
    document: &Document,
    language: Language,
) -> Result<(), XlsxError> {
    sheet.set_name(words("Câu hỏi", "Question").text(language))?;
    sheet.set_column_width(0, 40)?.set_column_width(1, 40)?;
    let [common, explained] = Occurring::of(document).explained(language);
    let head = document.head.iter().map(|sentence| sentence.text(language));
    let notes = document.notes.iter().chain(document.tables.iter().flat_map(|it| &it.footer));
    let notes = notes.chain(&document.warnings).map(|sentence| sentence.text(language));
    let mut row = 0;
    for line in head.chain(common) {
        sheet.write(row, 0, line)?;
        row += 1;
    }
    row += 1;
    for (key, cell) in &document.facts {
        for (key, scalar) in key.split_whitespace().zip(cell.scalars()) {
            sheet.write(row, 0, key)?;
            write(sheet, (row, 1), scalar, cell, language)?;
            row += 1;
        }
    }
    row += 1;
    for line in notes.chain(explained).chain(zone(document, &[], language)) {
        sheet.write(row, 0, line)?;
        row += 1;
    }
    Ok(())
}

fn rows(sheet: &mut Worksheet, table: &Table, language: Language) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let mut at = 0;
    for column in table.columns.iter().filter(|column| !column.keys.is_empty()) {
        for place in 0..column.keys.len() {
            sheet.write_with_format(0, at, label(column, place, language), &bold)?;
            let mut width = WIDTHS.0;
            for (row, cell) in (1..).zip(&column.cells) {
                let scalar = cell.scalars().into_iter().nth(place).unwrap_or(Scalar::Nothing);
                width = width.max(format::text(cell, language).chars().count());
                write(sheet, (row, at), scalar, cell, language)?;
            }
            sheet.set_column_width(at, u16::try_from(width.min(WIDTHS.1)).unwrap_or(u16::MAX))?;
            at += 1;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// Later values of a cell carry their key, since the label is that of the first.
fn label(column: &Column, place: usize, language: Language) -> String {
    let label = column.label.text(language);
    match place {
        0 if !label.is_empty() => label.to_owned(),
        _ => format!("{label} {}", column.keys[place]).trim_start().to_owned(),
    }
}

fn write(
    sheet: &mut Worksheet,
    (row, at): (u32, u16),
    scalar: Scalar,
    cell: &Cell,
    language: Language,
) -> Result<(), XlsxError> {
    match (scalar, &cell.value) {
        (Scalar::Nothing, _) => {}
        (_, Value::Term(_) | Value::Flag(_)) | (Scalar::List(_), _) => {
            sheet.write(row, at, format::text(cell, language))?;
        }
        (Scalar::Text(text), _) => {
            sheet.write(row, at, text)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a cell of a workbook holds a double")]
        (Scalar::Integer(count), _) => {
            sheet.write_with_format(row, at, count as f64, &pattern("#,##0"))?;
        }
        (Scalar::Float(number), value) => {
            sheet.write_with_format(row, at, number, &pattern(of(value)))?;
        }
        (Scalar::Bool(flag), _) => {
            sheet.write(row, at, flag)?;
        }
        (Scalar::Time(time), _) => {
            // Times of a workbook have no zone: these are Vietnamese.
            let civil = time.civil().to_string();
            let time = ExcelDateTime::parse_from_str(civil.get(..19).unwrap_or(&civil))?;
            sheet.write_with_format(row, at, &time, &pattern("yyyy-mm-dd hh:mm"))?;
        }
        (Scalar::Localities(all), _) => {
            let names = all.iter().map(|(code, name)| format!("{} ({code})", name.name(language)));
            sheet.write(row, at, names.collect::<Vec<_>>().join(", "))?;
        }
    }
    Ok(())
}

fn pattern(pattern: &str) -> Format {
    Format::new().set_num_format(pattern)
}

const fn of(value: &Value) -> &'static str {
    match value {
        Value::Share { .. }
        | Value::Relative(_)
        | Value::Interval { .. }
        | Value::Exact { unit: crate::Unit::Share, .. }
        | Value::Difference { unit: crate::Unit::Share, .. }
        | Value::Bound { unit: crate::Unit::Share, .. } => "0.00%",
        _ => "#,##0.00",
    }
}
