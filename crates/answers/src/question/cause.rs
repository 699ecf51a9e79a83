//! A locality's distance to the nation, in parts that sum to it.

use phuxanh_proto::v1::{
    self, GetCauseRequest, GetCauseResponse, RollupState, get_cause_response::Split,
};

use crate::{
    cell::{Cell, Unit, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Key, Main},
        Part, Table,
    },
    error::Error,
    format,
    language::words,
    reply::{self, Behind, Named, Reading},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

pub async fn answer(client: &Client, mut request: GetCauseRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let mut reply = client.ask(client.insights().get_cause(request)).await?;
    let terms = Terms::fetch(client).await?;
    let value = reply::reading(reply.value.take())?;
    let nation = reply::reading(reply.nation.take())?;
    let locality = Named::new(reply.locality.take())?;

    let mut document = Document::default();
    document.head.push(title(&locality, [&value, &nation], &reply.period, &terms));
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.fact("province", Cell::code(&reply.province_code));
    document.fact("indicator", Cell::code(&value.indicator));
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    let unit = terms.unit(&value.indicator);
    match reply.split.take() {
        None => document.head.push(Sentence::new(
            "Không chia được: một trong hai chưa có giá trị.",
            "Nothing can be split: one of them has no value.",
            [],
        )),
        Some(Split::Criteria(split)) => criteria(&mut document, &split, &terms, &unit),
        Some(Split::Communes(split)) => communes(&mut document, split, &unit)?,
    }
    document.tables.push(obstacles(&mut reply, &terms)?);
    let of_commune = !reply.province_code.is_empty();
    for (key, reading, of_commune) in [("value", &value, of_commune), ("nation", &nation, false)] {
        let mut table = columns::single(key);
        columns::readings(&mut table, Look { terms: &terms, of_commune }, [reading].into_iter());
        document.tables.push(table);
    }
    Ok(document)
}

fn title(locality: &Named, values: [&Reading; 2], period: &str, terms: &Terms) -> Sentence {
    let indicator = &values[0].indicator;
    let mut cells = vec![
        locality.cell(),
        Cell::code(&locality.code),
        terms.indicator(indicator),
        Cell::code(indicator),
        Cell::month(period),
    ];
    let mut parts = [Vec::new(), Vec::new()];
    for reading in values {
        let place = cells.len();
        cells.push(terms.value(reading));
        let open = reading.coverage().filter(|it| it.unknown > 0);
        if let Some(counts) = open.filter(|_| reading.state == RollupState::Known) {
            cells.push(columns::up_to(counts.green_max, reading));
            parts[0].push(format!("{{{place}}} (cao nhất có thể {{{}}})", place + 1));
            parts[1].push(format!("{{{place}}} (up to {{{}}})", place + 1));
        } else {
            for part in &mut parts {
                part.push(format!("{{{place}}}"));
            }
        }
    }
    let [vi, en] = parts;
    let vi = format!("{{0}} ({{1}}): {{2}} ({{3}}), {{4}}: {}", vi.join("; cả nước "));
    let en = format!("{{0}} ({{1}}): {{2}} ({{3}}), {{4}}: {}", en.join("; the nation "));
    Sentence::new(vi, en, cells)
}

/// Facts of a split: numerators are over the one denominator.
fn distance(document: &mut Document, denominator: i64, numerator: i64, value: f64) {
    document.fact("part_denominator", Cell::count(denominator));
    document.fact("distance_numerator", Cell::count(numerator));
    document.fact("distance", Cell::from(Value::Number(value)));
}

fn criteria(document: &mut Document, split: &v1::CriteriaSplit, terms: &Terms, unit: &Unit) {
    let denominator = split.denominator;
    distance(document, denominator, split.distance_numerator, split.distance);
    let exact = |numerator, value| {
        Cell::from(Value::Exact { numerator, denominator, value, unit: unit.clone() })
    };
    document.head.push(Sentence::new(
        "Giá trị cả nước trừ giá trị của đơn vị là {0}, chia theo các tiêu chí còn thiếu",
        "The nation's value minus its own is {0}, split over the criteria that are lacking",
        [exact(split.distance_numerator, None)],
    ));
    let rows = || split.parts.iter();
    let parts = vec![Part::list("criteria", split.parts.len()), Part::single("sum")];
    let mut table = Table::of_parts(parts);
    let sum = Cell::from(words("Tổng", "Sum"));
    let names = rows().map(|row| terms.criterion(&row.criterion)).chain([sum]);
    table.add(Key, "", columns::CRITERION, names);
    let ids = rows().map(|row| Cell::code(&row.criterion));
    table.add(crate::Importance::Data, "criterion", words("Mã định danh", "Id"), ids);
    let unmet = rows().map(|row| row.unmet_numerator).chain([split.unmet_numerator]);
    let cells = unmet.map(|part| exact(part, None));
    table.add(Main, "unmet_numerator", columns::UNMET, cells);
    let unknown = rows().map(|row| row.unknown_numerator).chain([split.unknown_numerator]);
    let cells = unknown.map(|part| exact(part, None));
    table.add(Main, "unknown_numerator", words("Chưa báo cáo", "Not reported"), cells);
    let whole = (split.distance_numerator, split.distance);
    let both = rows().map(|row| (row.numerator, row.value)).chain([whole]);
    let cells = both.map(|(part, value)| exact(part, Some(value)));
    table.add(Key, "part_numerator part", words("Cộng", "Together"), cells);
    let down = [
        (rows().map(|row| row.unmet_numerator).collect(), split.unmet_numerator),
        (rows().map(|row| row.unknown_numerator).collect(), split.unknown_numerator),
        (rows().map(|row| row.numerator).collect(), split.distance_numerator),
    ];
    let across =
        rows().map(|row| (vec![row.unmet_numerator, row.unknown_numerator], row.numerator));
    let mut sums = down.into_iter().chain(across);
    if !sums.all(|(parts, whole): (Vec<_>, _)| format::add_up(&parts, whole, denominator, unit)) {
        table.note(rounded());
    }
    document.tables.push(table);
}

fn communes(document: &mut Document, split: v1::CommunesSplit, unit: &Unit) -> Result<(), Error> {
    let denominator = split.denominator;
    distance(document, denominator, split.distance_numerator, split.distance);
    document.fact("rest_count", Cell::count(split.rest_count));
    document.fact("rest_numerator", Cell::count(split.rest_numerator));
    let exact = |numerator, value| {
        Cell::from(Value::Exact { numerator, denominator, value, unit: unit.clone() })
    };
    document.head.push(Sentence::new(
        "Giá trị cả nước trừ giá trị của đơn vị là {0}, chia theo các xã",
        "The nation's value minus its own is {0}, split over its communes",
        [exact(split.distance_numerator, None)],
    ));
    let rows = reply::all(split.parts, |mut row| Ok((Named::new(row.commune.take())?, row)))?;
    let mut table = Table::new("communes", rows.len());
    columns::localities(&mut table, rows.iter().map(|(named, _)| named));
    let counts = rows.iter().map(|(_, row)| {
        let (part, whole) = (row.commune_numerator, row.commune_denominator);
        Cell::from(Value::Part { part, whole, of: Unit::None })
    });
    table.add(Main, "numerator denominator", columns::COUNTS, counts);
    let parts = rows.iter().map(|(_, row)| exact(row.numerator, Some(row.value)));
    table.add(Key, "part_numerator part", words("Phần", "Part"), parts);
    if split.rest_count > 0 {
        table.note(Sentence::new(
            "và {0} xã nữa, cộng lại {1}; --parts N hiện thêm",
            "and {0:more commune:more communes}, {1} together; --parts N lists more",
            [Cell::count(split.rest_count), exact(split.rest_numerator, None)],
        ));
    }
    let all = rows.iter().map(|(_, row)| row.numerator).chain([split.rest_numerator]);
    let all: Vec<_> = all.collect();
    if !format::add_up(&all, split.distance_numerator, denominator, unit) {
        table.note(rounded());
    }
    document.tables.push(table);
    Ok(())
}

/// Said where the parts do not add up as they are shown.
fn rounded() -> Sentence {
    Sentence::new("Đã làm tròn; số chính xác có trong -o json.", "Rounded; exact in -o json.", [])
}

/// The obstacles stand beside the split and explain nothing by arithmetic.
fn obstacles(reply: &mut GetCauseResponse, terms: &Terms) -> Result<Table, Error> {
    let rows = reply::all(std::mem::take(&mut reply.obstacles), |mut row| {
        Ok((Behind::new(row.provenance.take())?, row))
    })?;
    let mut table = Table::new("obstacles", rows.len());
    table.shown = !rows.is_empty();
    let label = words("Vướng mắc được báo cáo kèm theo", "Obstacles reported beside it");
    let ids = rows.iter().map(|(_, row)| &row.measure);
    columns::named(&mut table, Main, "measure", label, ids, |id| terms.measure(id));
    let sums = rows.iter().map(|(_, row)| match row.reported_count {
        0 => Value::Words(vocabulary::UNKNOWN.words).into(),
        _ => Cell::count(row.reported),
    });
    table.add(Key, "sum", words("Tổng", "Sum"), sums);
    let reported = rows.iter().map(|(_, row)| Cell::part(row.reported_count, row.commune_count));
    table.add(Main, "reported communes", columns::REPORTED, reported);
    columns::behind(&mut table, rows.iter().map(|(behind, _)| behind));
    Ok(table)
}
