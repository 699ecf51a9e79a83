//! Columns that several questions share.

use std::collections::BTreeMap;

use phuxanh_proto::v1::{Level, Locality, rollup::Counts};

use crate::{
    cell::{Cell, Value},
    client::Client,
    document::{
        Importance::{self, Data, Detail, Key, Main, Mark, Useful},
        Part, Table,
    },
    error::Error,
    language::{Words, words},
    reply::{Behind, Named, Reading},
    sentence::Sentence,
    term::Paint,
    terms::Terms,
    vocabulary,
};

/// Names of provinces by code, where rows of several provinces stand together.
pub type Provinces = BTreeMap<String, Words>;

pub const CODE: Words = words("Mã", "Code");
/// Keys of a name.
pub const NAMES: &str = "name name_en";
pub const NAME: Words = words("Tên", "Name");
pub const VALUE: Words = words("Giá trị", "Value");
pub const UNKNOWN: Words = words("Chưa rõ", "Unknown");
pub const GREEN: Words = words("Xanh", "Green");
pub const NOT_GREEN: Words = words("Chưa xanh", "Not green");
pub const MET: Words = words("Đạt", "Met");
pub const UNMET: Words = words("Chưa đạt", "Unmet");
pub const COUNTS: Words = words("Tử số, mẫu số", "Counts");
pub const REPORTED: Words = words("Đã báo cáo", "Reported");
pub const CRITERION: Words = words("Tiêu chí", "Criterion");
pub const COMMUNES: Words = words("Số xã", "Communes");
pub const STATE: Words = words("Trạng thái", "State");
const DATA_TIME: Words = words("Thời điểm số liệu", "Data time");
const NOTES: Words = words("Ghi chú", "Notes");
const UP_TO: Words = words("Cao nhất có thể", "Up to");
const NO_LABEL: Words = words("", "");

/// Adds code and name.
pub fn localities<'a>(table: &mut Table, rows: impl Iterator<Item = &'a Named> + Clone) {
    table.add(Key, "code", CODE, rows.clone().map(|row| Cell::code(&row.code)));
    table.add(Key, NAMES, NAME, rows.map(Named::cell));
}

/// Adds the codes of provinces, and their names where rows of several ones stand together.
pub fn provinces<'a>(
    table: &mut Table,
    names: Option<&Provinces>,
    codes: impl Iterator<Item = &'a String> + Clone,
) {
    const PROVINCE: Words = words("Tỉnh", "Province");
    table.add(Data, "province", PROVINCE, codes.clone().map(Cell::code));
    if let Some(names) = names {
        let name = |code: &String| match names.get(code) {
            Some(name) => with_code(&name.vi, &name.en, code),
            None => Cell::code(code),
        };
        table.add(Main, "", PROVINCE, codes.map(name));
    }
}

/// Names of the provinces where communes of several ones stand together.
pub async fn province_names(
    client: &Client,
    level: Level,
    within: &str,
) -> Result<Option<Provinces>, Error> {
    if level != Level::Commune || within != "00" {
        return Ok(None);
    }
    let listed = client.provinces().await?;
    let names = |found: Locality| Words { vi: found.name.into(), en: found.name_en.into() };
    Ok(Some(listed.into_iter().map(|found| (found.code.clone(), names(found))).collect()))
}

/// A name with the code behind it.
pub fn with_code(vi: &str, en: &str, code: &str) -> Cell {
    let en = if en.is_empty() { String::new() } else { format!("{en} ({code})") };
    Cell::name(format!("{vi} ({code})"), en)
}

/// The province of a commune.
pub fn province_of(locality: &Locality) -> Cell {
    let Locality { province_name, province_name_en, province_code, .. } = locality;
    match province_code.as_str() {
        "" => Cell::NOTHING,
        code => with_code(province_name, province_name_en, code),
    }
}

/// Name of a scope by its code.
pub async fn scope(client: &Client, code: &str) -> Result<[Cell; 2], Error> {
    let Locality { name, name_en, code, .. } = client.locality(code).await?;
    Ok([Cell::name(name, name_en), Cell::code(code)])
}

/// Look of readings in a table.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub terms: &'a Terms,
    /// True if they are of single communes, for whom the counts go without saying.
    pub of_commune: bool,
}

/// Adds everything about readings, with their age and origin.
pub fn readings<'a>(
    table: &mut Table,
    look: Look,
    rows: impl Iterator<Item = &'a Reading> + Clone,
) {
    value(table, look, "", VALUE, rows.clone().map(Some));
    counts(table, look, rows.clone());
    ends(table, rows);
}

/// Adds status, age and origin.
pub fn ends<'a>(table: &mut Table, rows: impl Iterator<Item = &'a Reading> + Clone) {
    const STATUS: Words = words("Màu", "Status");
    table.add(Main, "status", STATUS, rows.clone().map(|row| vocabulary::status(row.status)));
    table.add(Detail, "data_time", DATA_TIME, rows.clone().map(|row| Cell::time(row.data_time)));
    table.add(Mark, "stale basis", NOTES, rows.map(Reading::marks));
}

/// Adds the values, and the exact integers for programs. Keys begin with the prefix.
pub fn value<'a>(
    table: &mut Table,
    look: Look,
    prefix: &str,
    label: Words,
    rows: impl Iterator<Item = Option<&'a Reading>> + Clone,
) {
    let terms = look.terms;
    let values = rows.clone().map(|row| row.map(|row| terms.value(row)));
    table.add(Key, &format!("{prefix}value"), label, values);
    let state = |row: &Reading| vocabulary::state(row.state);
    let states = rows.clone().map(|row| row.and_then(state));
    table.add(Data, &format!("{prefix}state"), STATE, states);
    let keys = format!("{prefix}numerator {prefix}denominator");
    table.add(Data, &keys, COUNTS, rows.map(|row| row.map(|row| terms.ratio(row))));
}

/// Adds what stands behind the values: counts of communes by their state, or of those that reported.
pub fn counts<'a>(table: &mut Table, look: Look, rows: impl Iterator<Item = &'a Reading> + Clone) {
    let Look { terms, of_commune } = look;
    let of_coverage = rows.clone().any(|row| row.coverage().is_some());
    if of_coverage {
        let shown = |importance| if of_commune { Data } else { importance };
        let is_open = rows.clone().any(|row| row.coverage().is_some_and(|it| it.unknown > 0));
        let count = |of: fn(&phuxanh_proto::v1::CoverageCounts) -> i32| {
            rows.clone().map(move |row| row.coverage().map(of).map(Cell::count))
        };
        let of = |row: &Reading| row.coverage().map(|_| terms.ratio(row));
        table.add(shown(Main), "", GREEN, rows.clone().map(of));
        table.add(Data, "green", GREEN, count(|counts| counts.green));
        table.add(shown(Useful), "not_green", NOT_GREEN, count(|counts| counts.not_green));
        table.add(shown(Main), "unknown", UNKNOWN, count(|counts| counts.unknown));
        let up_to =
            rows.clone().map(|row| row.coverage().map(|counts| up_to(counts.green_max, row)));
        table.add(if is_open { shown(Useful) } else { Data }, "", UP_TO, up_to);
        table.add(Data, "green_max", UP_TO, count(|counts| counts.green_max));
    }
    if rows.clone().any(|row| row.coverage().is_none()) {
        let ratio = |row: &Reading| row.coverage().is_none().then(|| terms.ratio(row));
        table.add(Main, "", COUNTS, rows.clone().map(ratio));
        if !of_commune {
            table.add(Useful, "reported communes", REPORTED, rows.map(reported));
        }
    }
}

/// The upper end of the band in which green coverage lies.
#[expect(clippy::cast_precision_loss, reason = "counts of communes are small")]
pub fn up_to(green_max: i32, row: &Reading) -> Cell {
    let value = f64::from(green_max) / row.denominator as f64;
    Cell::share(green_max.into(), row.denominator, value)
}

/// Communes that reported, standing out where some are silent.
fn reported(row: &Reading) -> Cell {
    match &row.counts {
        Some(Counts::Reporting(counts)) => of_all(counts.reported, counts.communes),
        Some(Counts::Coverage(_)) | None => Cell::NOTHING,
    }
}

/// A part of a whole that stands out where it is not all of it.
pub fn of_all(part: i32, whole: i32) -> Cell {
    Cell::part(part, whole).painted(if part < whole { Paint::Middling } else { Paint::Plain })
}

/// Adds age and origin.
pub fn behind<'a>(table: &mut Table, rows: impl Iterator<Item = &'a Behind> + Clone) {
    table.add(Detail, "data_time", DATA_TIME, rows.clone().map(|row| Cell::time(row.data_time)));
    marks(table, rows.map(|row| row.cell()));
}

/// Adds marks alone.
pub fn marks(table: &mut Table, marks: impl Iterator<Item = Cell>) {
    table.add(Mark, "stale basis", NOTES, marks);
}

/// Marks of several numbers in one cell that is for people alone.
pub fn merged(table: &mut Table, rows: impl Iterator<Item = Vec<Cell>>) {
    let merged = rows.map(|cells| {
        let marks = cells.iter().filter_map(|cell| match cell.value {
            Value::Marks(marks) => Some(marks),
            _ => None,
        });
        let merged = marks.reduce(|one, other| one.with(other, |one, other| one || other));
        merged.map(|marks| Cell::from(Value::Marks(marks)))
    });
    table.add(Mark, "", NOTES, merged);
}

/// Adds a column for people alone, such as a sign before a row.
pub fn sign(table: &mut Table, rows: impl Iterator<Item = Cell>) {
    table.add(Key, "", NO_LABEL, rows);
}

/// A single row for programs, such as a value beside the rows.
pub fn single(key: &'static str) -> Table {
    Table::of_parts(vec![Part::single(key)]).hidden()
}

/// Adds an element of the catalogue: its id for programs, its name for people.
pub fn named<'a>(
    table: &mut Table,
    importance: Importance,
    key: &str,
    label: Words,
    ids: impl Iterator<Item = &'a String> + Clone,
    name: impl Fn(&str) -> Cell,
) {
    let id_label = words("Mã định danh", "Id");
    table.add(importance, "", label, ids.clone().map(|id| name(id)));
    let importance = if importance == Key { Detail } else { Data };
    table.add(importance, key, id_label, ids.map(Cell::code));
}

/// Says how many rows of how many are listed.
pub fn listed(row_count: usize, all: impl Into<i128>, vi: &str, en: [&str; 2]) -> Sentence {
    let all = all.into();
    let noun = en.join(":");
    let cells = [Cell::count(row_count as i128), Cell::count(all)];
    if (row_count as i128) < all {
        Sentence::new(
            format!("{{0}} trong {{1}} {vi}; --limit 0 hiện tất cả"),
            format!("{{0}} of {{1:{noun}}}; --limit 0 shows all"),
            cells,
        )
    } else {
        Sentence::new(format!("{{1}} {vi}"), format!("{{1:{noun}}}"), cells)
    }
}
