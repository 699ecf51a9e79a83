//! JSON: facts and rows by key. Keys that do not apply are left out.

use serde_json::{Map, Value, json as value};

use crate::{
    cell::{Cell, Scalar},
    document::{Document, Table},
    language::Words,
};

/// Writes a failure as one JSON object.
#[must_use]
pub fn json_error(exit_code: u8, message: &str) -> String {
    value!({ "error": { "exit_code": exit_code, "message": message } }).to_string()
}

/// Writes a document as one JSON object.
#[must_use]
pub fn json(document: &Document) -> String {
    let mut object = Map::new();
    for (key, cell) in &document.facts {
        let keys: Vec<_> = key.split_whitespace().map(str::to_owned).collect();
        put_cell(&mut object, &keys, cell);
    }
    for table in &document.tables {
        put_table(&mut object, table);
    }
    let text = serde_json::to_string_pretty(&Value::Object(object));
    text.expect("an object with keys of text is JSON") + "\n"
}

fn put_table(object: &mut Map<String, Value>, table: &Table) {
    let mut rows = (0..table.row_count()).map(|at| row(table, at));
    for part in &table.parts {
        if part.single {
            let row = rows.next().unwrap_or_default();
            match object.get_mut(part.key) {
                Some(Value::Object(there)) => there.extend(row),
                _ => put(object, part.key, Value::Object(row)),
            }
        } else {
            let rows = rows.by_ref().take(part.row_count).map(Value::Object).collect();
            put(object, part.key, Value::Array(rows));
        }
    }
}

fn row(table: &Table, at: usize) -> Map<String, Value> {
    let mut object = Map::new();
    for column in &table.columns {
        if let Some(cell) = column.cells.get(at) {
            put_cell(&mut object, &column.keys, cell);
        }
    }
    object
}

fn put_cell(object: &mut Map<String, Value>, keys: &[String], cell: &Cell) {
    for (key, scalar) in keys.iter().zip(cell.scalars()) {
        if scalar != Scalar::Nothing {
            put(object, key, plain(scalar));
        }
    }
}

/// A dot in a key leads into an object.
fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            object.insert(key.to_owned(), value);
        }
        Some((outer, inner)) => {
            let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(nested) = nested {
                put(nested, inner, value);
            }
        }
    }
}

fn plain(scalar: Scalar) -> Value {
    match scalar {
        Scalar::Nothing => Value::Null,
        Scalar::Text(text) => text.into(),
        // Counts of the contract have 64 bits.
        Scalar::Integer(count) => match (i64::try_from(count), u64::try_from(count)) {
            (Ok(count), _) => count.into(),
            (_, Ok(count)) => count.into(),
            _ => Value::Null,
        },
        Scalar::Float(number) => number.into(),
        Scalar::Bool(flag) => flag.into(),
        Scalar::Time(time) => time.to_string().into(),
        Scalar::List(list) => list.into_iter().map(plain).collect(),
        Scalar::Localities(all) => {
            let one = |(code, name): (_, Words)| match name.en.as_ref() {
                "" => value!({ "code": code, "name": name.vi }),
                name_en => value!({ "code": code, "name": name.vi, "name_en": name_en }),
            };
            all.into_iter().map(one).collect()
        }
    }
}
