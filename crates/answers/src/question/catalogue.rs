//! What is measured, and how.

use phuxanh_proto::v1::{
    Criterion, GetCatalogueResponse, Indicator, Level, Measure, Plausibility, TaskGroup,
};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::{Words, words},
    reply::{self, known},
    sentence::Sentence,
    terms, vocabulary,
};

pub async fn answer(client: &Client) -> Result<Document, Error> {
    let catalogue: GetCatalogueResponse = client.catalogue().await?;
    let mut document = Document::default();
    document.head.push(Sentence::new(
        "Danh mục chỉ tiêu bản {0} (sha256 {1})",
        "Catalogue version {0} (sha256 {1})",
        [Cell::count(catalogue.version), Cell::text(crate::cell::hex(&catalogue.digest))],
    ));
    document.fact("version", Cell::count(catalogue.version));
    document.fact("digest", Cell::from(Value::Digest(catalogue.digest.clone())));
    document.tables = vec![
        criteria(&catalogue.criteria),
        measures(&catalogue.measures)?,
        indicators(&catalogue.indicators)?,
        task_groups(&catalogue.task_groups),
    ];
    if let Some(rules) = &catalogue.plausibility {
        plausibility(&mut document, rules)?;
    }
    Ok(document)
}

/// Adds id and names of elements.
fn names<'a>(
    table: &mut Table,
    ids: impl Iterator<Item = &'a String>,
    names: impl Iterator<Item = (&'a String, &'a String)>,
) {
    table.add(Key, "id", words("Mã định danh", "Id"), ids.map(Cell::code));
    let names = names.map(|(vi, en)| Cell::name(vi, en));
    table.add(Key, "name_vi name_en", columns::NAME, names);
}

fn titled(key: &'static str, row_count: usize, title: Words) -> Table {
    let title = Sentence { words: title, cells: Vec::new() };
    Table::new(key, row_count).titled(title)
}

fn criteria(rows: &[Criterion]) -> Table {
    let mut table = titled("criteria", rows.len(), words("Tiêu chí", "Criteria"));
    let both = rows.iter().map(|row| (&row.name_vi, &row.name_en));
    names(&mut table, rows.iter().map(|row| &row.id), both);
    let required = rows.iter().map(|row| Cell::flag(row.required));
    table.add(Main, "required", words("Bắt buộc", "Required"), required);
    let evidence = rows.iter().map(|row| Cell::code(&row.evidence));
    table.add(Useful, "evidence", words("Bằng chứng", "Evidence"), evidence);
    let origin = rows.iter().map(|row| Cell::text(&row.origin));
    table.add(Data, "origin", words("Nguồn", "Origin"), origin);
    table
}

fn measures(rows: &[Measure]) -> Result<Table, Error> {
    let mut table = titled("measures", rows.len(), words("Số đếm", "Measures"));
    let both = rows.iter().map(|row| (&row.name_vi, &row.name_en));
    names(&mut table, rows.iter().map(|row| &row.id), both);
    let level = |row: &Measure| {
        let level: Level = known("level", row.level)?;
        Ok(Cell::from(vocabulary::level(level)))
    };
    let levels = rows.iter().map(level).collect::<Result<Vec<_>, Error>>()?;
    table.add(Main, "level", words("Cấp báo cáo", "Reported by"), levels);
    let sum = rows.iter().map(|row| Cell::codes(row.sum.iter().cloned()));
    table.add(Detail, "sum", words("Tổng của", "Sum of"), sum);
    let obstacle = rows.iter().map(|row| row.obstacle.then(|| Cell::flag(true)));
    table.add(Data, "obstacle", words("Vướng mắc", "Obstacle"), obstacle);
    let part_of = rows.iter().map(|row| Cell::code(&row.part_of));
    table.add(Data, "part_of", words("Bộ phận của", "Part of"), part_of);
    let total_of = rows.iter().map(|row| Cell::code(&row.total_of));
    table.add(Data, "total_of", words("Tổng số của", "Total of"), total_of);
    Ok(table)
}

fn indicators(rows: &[Indicator]) -> Result<Table, Error> {
    let mut table = titled("indicators", rows.len(), words("Chỉ số", "Indicators"));
    let both = rows.iter().map(|row| (&row.name_vi, &row.name_en));
    names(&mut table, rows.iter().map(|row| &row.id), both);
    let better = |row: &Indicator| Ok(vocabulary::direction(known("direction", row.direction)?));
    let better = rows.iter().map(better).collect::<Result<Vec<_>, Error>>()?;
    table.add(Main, "direction", words("Tốt khi", "Better"), better);
    let unit = rows.iter().map(|row| match row.unit.as_str() {
        "" => words("tỷ lệ", "share").into(),
        unit => Cell::from(terms::unit_words(unit)),
    });
    table.add(Useful, "", words("Đơn vị tính", "Unit"), unit);
    let unit = rows.iter().map(|row| Cell::text(&row.unit));
    table.add(Data, "unit", words("Đơn vị tính", "Unit"), unit);
    let legend = |of: fn(&phuxanh_proto::v1::Legend) -> f64| {
        rows.iter().map(move |row| row.legend.as_ref().map(|it| Cell::from(Value::Number(of(it)))))
    };
    let green = legend(|it| it.green_from);
    table.add(Useful, "legend.green_from", words("Xanh từ", "Green from"), green);
    let yellow = legend(|it| it.yellow_from);
    table.add(Useful, "legend.yellow_from", words("Vàng từ", "Yellow from"), yellow);
    table.add(Detail, "", words("Công thức", "Formula"), rows.iter().map(formula));
    let numerator = rows.iter().map(|row| Cell::codes(row.numerator.iter().cloned()));
    table.add(Data, "numerator", words("Tử số", "Numerator"), numerator);
    let denominator = rows.iter().map(|row| Cell::codes(row.denominator.iter().cloned()));
    table.add(Data, "denominator", words("Mẫu số", "Denominator"), denominator);
    let full = rows.iter().map(|row| Cell::from(Value::Number(row.full_at)));
    table.add(Data, "full_at", words("Đủ khi đạt", "Full at"), full);
    let origin = rows.iter().map(|row| Cell::text(&row.origin));
    table.add(Data, "origin", words("Nguồn", "Origin"), origin);
    Ok(table)
}

fn formula(indicator: &Indicator) -> Cell {
    let sum = |measures: &[String]| match measures {
        [only] => only.clone(),
        several => format!("({})", several.join(" + ")),
    };
    match indicator.denominator.as_slice() {
        [] => words("xã xanh / xã", "green communes / communes").into(),
        denominator => Cell::text(format!("{} / {}", sum(&indicator.numerator), sum(denominator))),
    }
}

fn task_groups(rows: &[TaskGroup]) -> Table {
    let mut table = Table::new("task_groups", rows.len()).hidden();
    let both = rows.iter().map(|row| (&row.name_vi, &row.name_en));
    names(&mut table, rows.iter().map(|row| &row.id), both);
    let overdue = rows.iter().map(|row| Cell::count(row.overdue_published_count));
    let label = words("Quá hạn đã công bố", "Published overdue");
    table.add(Data, "overdue_published_count", label, overdue);
    table
}

fn plausibility(document: &mut Document, rules: &Plausibility) -> Result<(), Error> {
    document.fact("plausibility.deadline_day", Cell::count(rules.deadline_day));
    document.fact("plausibility.eve_hours", Cell::count(rules.eve_hours));
    document.fact("plausibility.frozen_periods", Cell::count(rules.frozen_periods));
    document.fact("plausibility.copied_measures", Cell::count(rules.copied_measures));
    document.fact("plausibility.value_min", Cell::count(rules.value_min));
    let rows = &rules.deadlines;
    let mut table = Table::new("plausibility.deadlines", rows.len()).hidden();
    let both = rows.iter().map(|row| (&row.name_vi, &row.name_en));
    names(&mut table, rows.iter().map(|row| &row.id), both);
    let times = rows.iter().map(|row| Ok(Cell::time(reply::time(row.deadline_time)?)));
    let times = times.collect::<Result<Vec<_>, Error>>()?;
    table.add(Data, "time", words("Thời điểm", "Time"), times);
    let origin = rows.iter().map(|row| Cell::text(&row.origin));
    table.add(Data, "origin", words("Nguồn", "Origin"), origin);
    document.tables.push(table);
    Ok(())
}
