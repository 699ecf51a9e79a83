//! Deformations of single rows: cells too many or too few, stray marks, broken lines.

use super::{
    sheet::{Column, Field, Item, Kind, Marks, Sheet},
    spelling::grouped,
};

/// A change of the row at a place; false where it does not fit.
type Deform = fn(&mut Sheet, usize, &[Column]) -> bool;

const DEFORMATIONS: [(&str, Deform); 22] = [
    ("separator within a number", separator_within_number),
    ("decimals behind a separator", decimals_behind_separator),
    ("cell too many", cell_too_many),
    ("cell too many at the end", cell_at_end),
    ("cell missing", cell_missing),
    ("row cut short", row_cut_short),
    ("row broken between cells", broken_between_cells),
    ("row broken within a number", broken_within_number),
    ("two rows in one line", two_rows_in_one_line),
    ("row of another separator", other_separator),
    ("row between marks", row_between_marks),
    ("mark before a value", mark_before_value),
    ("mark before a remark", mark_before_remark),
    ("text behind a mark", text_behind_mark),
    ("space before a mark", space_before_mark),
    ("row within a remark", row_within_remark),
    ("row within a remark behind a space", row_within_spaced_remark),
    ("long remark", long_remark),
    ("same row twice", same_row_twice),
    ("same cells with other values", contradiction),
    ("marks closed in a later row", marks_closed_later),
    ("apostrophes for marks", apostrophes),
];

/// Deforms some rows of the latest table, which has these columns.
pub fn deform(sheet: &mut Sheet, from: usize, columns: &[Column]) {
    let mut at = from;
    while at < sheet.items.len() {
        if sheet.items[at].kind == Kind::Row && sheet.chance(sheet.oddness / 2) {
            let (name, deform) = sheet.pick(&DEFORMATIONS);
            if deform(sheet, at, columns) {
                sheet.note(name);
                // Two of them in one row could cancel each other.
                at += 1;
            }
        }
        at += 1;
    }
}

/// The latest value of a row that is a number, with its place.
fn number(item: &Item, columns: &[Column]) -> Option<(usize, i64)> {
    let found = item.meant.iter().rev().find_map(|meant| {
        let is_count = matches!(columns[meant.column], Column::Value | Column::Of(_));
        let value = meant.statement.value.filter(|value| is_count && *value >= 10)?;
        Some((meant.column, value))
    });
    found.filter(|(column, value)| item.fields[*column].text.trim() == value.to_string())
}

fn separator_within_number(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let separator = sheet.separator.to_string();
    let item = &mut sheet.items[at];
    let Some((column, value)) = number(item, columns).filter(|(_, value)| *value >= 1_000) else {
        return false;
    };
    item.fields[column] = Field::verbatim(grouped(value, &separator));
    item.doubt();
    true
}

fn decimals_behind_separator(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let separator = sheet.separator;
    let item = &mut sheet.items[at];
    let Some((column, value)) = number(item, columns) else { return false };
    item.fields[column] = Field::verbatim(format!("{value}{separator}0"));
    item.doubt();
    true
}

fn cell_too_many(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let place = sheet.random.usize(0..columns.len());
    let text = sheet.pick(&["", "", "1", "x"]);
    let item = &mut sheet.items[at];
    item.fields.insert(place, Field::new(text));
    item.doubt();
    true
}

fn cell_at_end(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    let text = sheet.pick(&["", "1", "x"]);
    let item = &mut sheet.items[at];
    item.fields.push(Field::new(text));
    item.doubt();
    true
}

fn cell_missing(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let named = columns.iter().filter(|column| **column != Column::Blank).count();
    let place = sheet.random.usize(0..named);
    let item = &mut sheet.items[at];
    item.fields.remove(place);
    item.doubt();
    true
}

/// A program that leaves out empty cells at the end.
fn row_cut_short(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let item = &mut sheet.items[at];
    let count = item.fields.iter().rposition(|field| !field.text.trim().is_empty());
    item.fields.truncate(count.map_or(0, |at| at + 1));
    item.doubt();
    item.fields.len() < columns.len()
}

fn broken_between_cells(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let place = sheet.random.usize(0..columns.len() - 1);
    let item = &mut sheet.items[at];
    // Without its basis a row would be right in all but that.
    let is_basis = columns[place] == Column::Basis;
    if is_basis || item.fields[place].text.contains(['"', '\n', ',', ';', '\t']) {
        return false;
    }
    item.fields[place] = Field::verbatim(format!("{}\n", item.fields[place].text));
    doubt_around(sheet, at);
    true
}

fn broken_within_number(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let item = &mut sheet.items[at];
    let Some((column, value)) = number(item, columns) else { return false };
    let text = value.to_string();
    let (before, after) = text.split_at(text.len() - 1);
    item.fields[column] = Field::verbatim(format!("{before}\n{after}"));
    doubt_around(sheet, at);
    true
}

/// The neighbours of a broken row may look as broken as it is.
fn doubt_around(sheet: &mut Sheet, at: usize) {
    let around = at.saturating_sub(1)..sheet.items.len().min(at + 2);
    sheet.items[around].iter_mut().for_each(Item::doubt);
}

fn two_rows_in_one_line(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    if sheet.items.get(at + 1).is_none_or(|next| next.kind != Kind::Row) {
        return false;
    }
    sheet.items[at].end = Some("");
    // Words at its end may look like a header.
    sheet.doubt_from(at);
    true
}

fn other_separator(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    let others: Vec<_> =
        [',', ';', '\t', '|'].into_iter().filter(|other| *other != sheet.separator).collect();
    sheet.items[at].separator = Some(sheet.pick(&others));
    sheet.items[at].doubt();
    true
}

fn row_between_marks(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    let separator = sheet.separator.to_string();
    let item = &mut sheet.items[at];
    let texts: Vec<_> = item.fields.iter().map(|field| field.text.replace('\n', " ")).collect();
    item.fields = vec![Field { text: texts.join(&separator), marks: Marks::Always }];
    item.doubt();
    true
}

fn mark_before_value(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some((column, value)) = number(&sheet.items[at], columns) else { return false };
    sheet.items[at].fields[column] = Field::verbatim(format!("\"{value}"));
    sheet.doubt_from(at);
    true
}

fn remark(columns: &[Column]) -> Option<usize> {
    columns.iter().position(|column| *column == Column::Note)
}

fn mark_before_remark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some(column) = remark(columns) else { return false };
    sheet.items[at].fields[column] = Field::verbatim("\"tạm");
    sheet.doubt_from(at);
    true
}

fn text_behind_mark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let item = &mut sheet.items[at];
    let Some((column, value)) = number(item, columns) else { return false };
    let text = value.to_string();
    let (before, after) = text.split_at(text.len() - 1);
    item.fields[column] = Field::verbatim(format!("\"{before}\"{after}"));
    item.doubt();
    true
}

fn space_before_mark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let item = &mut sheet.items[at];
    let Some((column, value)) = number(item, columns) else { return false };
    item.fields[column] = Field::verbatim(format!(" \"{value}\""));
    item.doubt();
    true
}

/// Text that looks like a row of this table, with other values.
fn row_like(sheet: &mut Sheet, at: usize) -> Option<String> {
    let separator = sheet.separator.to_string();
    let below = sheet.items[at..].to_vec();
    let like = sheet.pick(&below);
    let texts: Vec<_> =
        like.fields.iter().map(|field| field.text.trim().replace('"', "")).collect();
    let is_row = like.kind == Kind::Row && texts.iter().all(|text| !text.contains('\n'));
    let other = |text: String| match text.parse::<i64>() {
        Ok(value) if text.len() < 5 => (value + 1).to_string(),
        Ok(_) | Err(_) => text,
    };
    is_row.then(|| texts.into_iter().map(other).collect::<Vec<_>>().join(&separator))
}

fn row_within_remark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some(column) = remark(columns) else { return false };
    let Some(row) = row_like(sheet, at) else { return false };
    sheet.items[at].fields[column] =
        Field { text: format!("gồm:\n{row}\nhết"), marks: Marks::Always };
    sheet.items[at].doubt();
    true
}

/// Some programs write a space between the separator and the mark.
fn row_within_spaced_remark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some(column) = remark(columns) else { return false };
    let Some(row) = row_like(sheet, at) else { return false };
    sheet.items[at].fields[column] = Field::verbatim(format!(" \"gồm:\n{row}\nhết\""));
    sheet.doubt_from(at);
    true
}

fn long_remark(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some(column) = remark(columns) else { return false };
    sheet.items[at].fields[column] = Field::new("ệ".repeat(3_000));
    sheet.items[at].doubt();
    true
}

fn same_row_twice(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    let copy = sheet.items[at].clone();
    sheet.items.insert(at, copy);
    true
}

fn contradiction(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let mut copy = sheet.items[at].clone();
    let Some((column, value)) = number(&copy, columns) else { return false };
    let other = value + 1;
    copy.fields[column] = Field::new(other.to_string());
    for meant in copy.meant.iter_mut().filter(|meant| meant.column == column) {
        meant.statement.value = Some(other);
    }
    let place = sheet.random.usize(at..=at + 1);
    sheet.items.insert(place, copy);
    true
}

/// Two stray marks, between which rows are text.
fn marks_closed_later(sheet: &mut Sheet, at: usize, columns: &[Column]) -> bool {
    let Some(column) = remark(columns) else { return false };
    let behind: Vec<_> =
        (at + 1..sheet.items.len()).take_while(|at| sheet.items[*at].kind == Kind::Row).collect();
    let Some(last) = behind.last().copied() else { return false };
    sheet.items[at].fields[column] = Field::verbatim("\"tạm");
    sheet.items[last].fields[column] = Field::verbatim(sheet.pick(&["tạm\"", "\"tạm", "\""]));
    sheet.doubt_from(at);
    true
}

fn apostrophes(sheet: &mut Sheet, at: usize, _: &[Column]) -> bool {
    let item = &mut sheet.items[at];
    for field in &mut item.fields {
        *field = Field::new(format!("'{}'", field.text));
    }
    item.doubt();
    true
}
