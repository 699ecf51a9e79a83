//! Whole files: titles, headers, joined tables and sums.

use super::{
    rows,
    sheet::{Column, Field, Item, Kind, Marks, Sheet},
    spelling::{full_width, with_unseen},
};

/// Fills a sheet with tables.
pub fn fill(sheet: &mut Sheet) {
    add_titles(sheet);
    let part_count = sheet.pick(&[1, 1, 1, 1, 2, 2, 3]);
    let mut columns = sheet.columns();
    for part in 0..part_count {
        let from = sheet.items.len();
        if part == 0 {
            sheet.add_table(&columns);
        } else {
            columns = join(sheet, columns);
        }
        add_strangers(sheet, &columns);
        if sheet.items.get(from).is_some_and(|item| item.kind == Kind::Header)
            && sheet.chance(if sheet.oddness == 0 { 0 } else { 250 })
        {
            deform_header(sheet, from, &columns, part > 0);
        }
        // A cell that is missing in the header would be made up for by one that a row lacks.
        let is_whole = sheet
            .items
            .get(from)
            .is_none_or(|item| item.kind != Kind::Header || item.fields.len() == columns.len());
        if is_whole {
            rows::deform(sheet, from, &columns);
        }
    }
    sheet.finish();
}

fn other(text: &str) -> Item {
    Item::new(Kind::Other, vec![Field::verbatim(text)])
}

fn add_titles(sheet: &mut Sheet) {
    if !sheet.chance(200) {
        return;
    }
    sheet.note("lines above the header");
    let titles = [
        "BÁO CÁO THÁNG 9/2025",
        "BÁO CÁO,,,",
        "Đơn vị: Hà Nội; tháng 9, quý III",
        "",
        ",,,",
        ";;;",
        "Locality: 01",
        "Kính gửi: Văn phòng \"một cửa\"",
        "01,2025-09",
        "Số 12/BC-UBND\t\t",
    ];
    for _ in 0..sheet.random.usize(1..=3) {
        let title = sheet.pick(&titles);
        sheet.items.push(other(title));
    }
}

/// Lines that say nothing of any cell.
fn add_strangers(sheet: &mut Sheet, columns: &[Column]) {
    if sheet.oddness == 0 && sheet.chance(700) {
        return;
    }
    let separator = sheet.separator.to_string();
    if sheet.chance(250) {
        sheet.note("sums below the rows");
        let code = sheet.pick(&["Tổng cộng", "", "01", "Cộng:", "00"]);
        let text = |column: &Column| match column {
            Column::Locality => code,
            Column::Period => "2025-09",
            Column::Observed => "2025-09-30 16:00",
            Column::Basis => "reported",
            Column::Metric => "applications_received",
            Column::Value | Column::Of(_) => "1",
            Column::Note | Column::Blank => "",
        };
        let fields = columns.iter().map(|column| Field::new(text(column))).collect();
        sheet.items.push(Item::new(Kind::Other, fields));
    }
    let strangers = [
        String::new(),
        separator.repeat(columns.len() - 1),
        separator.repeat(columns.len() + 2),
        "   ".to_owned(),
        "Người lập biểu".to_owned(),
        "# hết".to_owned(),
        format!("(1){separator}(2){separator}(3){separator}(4)"),
        (1..=columns.len()).map(|number| number.to_string()).collect::<Vec<_>>().join(&separator),
        "\u{1a}".to_owned(),
        "\0\0\0\0".to_owned(),
    ];
    for _ in 0..sheet.random.usize(0..2) {
        sheet.note("lines without a meaning");
        let text = sheet.pick(&strangers);
        sheet.items.push(other(&text));
    }
}

/// Puts another table behind those that are there, as `copy a + b` does; its columns.
fn join(sheet: &mut Sheet, before: Vec<Column>) -> Vec<Column> {
    let from = sheet.items.len();
    match sheet.random.u8(0..6) {
        0 => {
            sheet.note("joined without a header");
            sheet.add_rows(&before);
            before
        }
        1 => {
            sheet.note("joined with the same header");
            sheet.add_table(&before);
            before
        }
        2 => {
            sheet.note("joined with columns exchanged");
            let mut columns = before;
            columns.reverse();
            sheet.add_table(&columns);
            columns
        }
        3 => {
            sheet.note("joined with another separator");
            let others: Vec<_> =
                [',', ';', '\t'].into_iter().filter(|one| *one != sheet.separator).collect();
            let separator = sheet.pick(&others);
            let columns = sheet.columns();
            sheet.add_table(&columns);
            for item in &mut sheet.items[from..] {
                item.separator = Some(separator);
            }
            sheet.doubt_from(from);
            columns
        }
        4 => {
            sheet.note("joined without a line end between");
            let columns = sheet.columns();
            sheet.add_table(&columns);
            if let Some(last) = sheet.items[..from].last_mut() {
                last.end = Some("");
                last.doubt();
            }
            sheet.doubt_from(from);
            columns
        }
        _ => {
            sheet.note("joined with another header");
            let columns = sheet.columns();
            sheet.add_table(&columns);
            if sheet.chance(300) {
                sheet.note("byte order mark in the middle");
                let first = &mut sheet.items[from].fields[0];
                first.text = format!("\u{feff}{}", first.text);
            }
            columns
        }
    }
}

fn deform_header(sheet: &mut Sheet, at: usize, columns: &[Column], is_second: bool) {
    match sheet.random.u8(0..16) {
        0 | 1 => deform_letters(sheet, at),
        2 | 3 => deform_metric(sheet, at, columns),
        4 => rename(sheet, at, columns, "header in Vietnamese"),
        // What columns a second one names would be in the head of its writer alone.
        5 if !is_second => rename(sheet, at, columns, "header in numbers"),
        6 => change_names(sheet, at, "invisible character in a header", with_unseen),
        7 => change_names(sheet, at, "full-width header", |_, text| full_width(text)),
        8 => change_names(sheet, at, "header in brackets", |_, text| format!("({text})")),
        9 => {
            sheet.note("column without its name");
            let place = sheet.random.usize(0..columns.len());
            sheet.items[at].fields[place].text.clear();
            sheet.doubt_from(at);
        }
        10 => {
            sheet.note("header with a cell too few");
            let place = sheet.random.usize(0..columns.len());
            sheet.items[at].fields.remove(place);
            sheet.doubt_from(at);
        }
        11 => {
            sheet.note("column named twice");
            let (one, two) = (sheet.pick(columns), sheet.random.usize(0..columns.len()));
            one.name().clone_into(&mut sheet.items[at].fields[two].text);
            sheet.doubt_from(at);
        }
        12 => {
            sheet.note("header between marks");
            let separator = sheet.separator.to_string();
            let header = &mut sheet.items[at];
            let names: Vec<_> = header.fields.iter().map(|field| field.text.clone()).collect();
            header.fields = vec![Field { text: names.join(&separator), marks: Marks::Always }];
            sheet.doubt_from(at);
        }
        13 => {
            sheet.note("header that is a remark");
            let first = &mut sheet.items[at].fields[0];
            first.text = format!("# {}", first.text);
            sheet.doubt_from(at);
        }
        14 if !is_second => {
            sheet.note("no header");
            sheet.items[at] = other("");
            sheet.doubt_from(at);
        }
        // Below the rows of another table it would be read as one of them.
        _ if !is_second => move_row_above(sheet, at),
        _ => deform_letters(sheet, at),
    }
}

/// Case, spaces and marks do not matter.
fn deform_letters(sheet: &mut Sheet, at: usize) {
    sheet.note("header of other letters");
    let kind = sheet.random.u8(0..3);
    for field in &mut sheet.items[at].fields {
        match kind {
            0 => field.text = field.text.to_uppercase(),
            1 => field.text = format!(" {}  ", field.text),
            _ => field.marks = Marks::Always,
        }
    }
}

/// A metric's column has another name than the catalogue knows.
fn deform_metric(sheet: &mut Sheet, at: usize, columns: &[Column]) {
    let metrics: Vec<_> =
        (0..columns.len()).filter(|at| matches!(columns[*at], Column::Of(_))).collect();
    if metrics.is_empty() {
        return;
    }
    sheet.note("metric's column misspelt");
    let place = sheet.pick(&metrics);
    let name = columns[place].name();
    let (shorter, _) = name.split_at(name.len() - 1);
    let names = [
        shorter.to_owned(),
        format!("{name}s"),
        name.replace('_', " "),
        format!("{name} (hồ sơ)"),
        name.replace('_', "_\n"),
        with_unseen(&mut sheet.random, name),
        "ratings_given".to_owned(),
    ];
    sheet.items[at].fields[place].text = sheet.pick(&names);
    let is_alone = metrics.len() == 1;
    if is_alone {
        return sheet.doubt_from(at);
    }
    sheet.doubt_column(at, place);
}

fn rename(sheet: &mut Sheet, at: usize, columns: &[Column], deformation: &'static str) {
    sheet.note(deformation);
    let is_words = deformation == "header in Vietnamese";
    let name = |at: usize, column: Column| match column {
        Column::Blank => String::new(),
        _ if !is_words => format!("({})", at + 1),
        Column::Locality => "Mã xã".to_owned(),
        Column::Period => "Tháng".to_owned(),
        Column::Observed => "Thời điểm".to_owned(),
        Column::Basis => "Nguồn".to_owned(),
        Column::Metric => "Chỉ tiêu".to_owned(),
        Column::Value => "Giá trị".to_owned(),
        Column::Of(metric) => format!("Số {}", metric.len()),
        Column::Note => "Ghi chú".to_owned(),
    };
    let names = columns.iter().enumerate().map(|(at, column)| Field::new(name(at, *column)));
    sheet.items[at].fields = names.collect();
    sheet.doubt_from(at);
}

fn change_names(
    sheet: &mut Sheet,
    at: usize,
    deformation: &'static str,
    change: impl Fn(&mut fastrand::Rng, &str) -> String,
) {
    sheet.note(deformation);
    let is_one = sheet.random.bool();
    let count = sheet.items[at].fields.len();
    let chosen = sheet.random.usize(0..count);
    let Sheet { items, random, .. } = sheet;
    for (place, field) in items[at].fields.iter_mut().enumerate() {
        if (!is_one || place == chosen) && !field.text.is_empty() {
            field.text = change(random, &field.text);
        }
    }
    sheet.doubt_from(at);
}

/// A row stands above the header that names its columns.
fn move_row_above(sheet: &mut Sheet, at: usize) {
    if sheet.items.get(at + 1).is_some_and(|next| next.kind == Kind::Row) {
        sheet.note("row above its header");
        sheet.items[at + 1].doubt();
        sheet.items.swap(at, at + 1);
    }
}
