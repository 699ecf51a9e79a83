//! On how many days of a month communes were green, and how often they turned.

use phuxanh_proto::v1::{CommuneDays, Level, ListDaysRequest, ListDaysResponse};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Provinces},
    document::{
        Document,
        Importance::{Data, Key, Main},
        Table,
    },
    error::Error,
    language::words,
    marks::Marks,
    paging::{self, Version},
    reply::{self, Behind, Named},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
};

#[derive(Debug)]
struct Row {
    commune: Named,
    behind: Behind,
    /// The rest, as it came.
    told: CommuneDays,
}

pub async fn answer(
    client: &Client,
    mut request: ListDaysRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let mut version = Version::default();
    let (mut head, rows) = paging::walk(client, &request, limit, &mut version).await?;
    let rows = reply::all(rows, |mut told| {
        let behind = Behind::new(told.provenance.take())?;
        let marks = Marks { cut: told.cut, ..behind.marks };
        let behind = Behind { marks, ..behind };
        Ok(Row { commune: Named::new(told.commune.take())?, behind, told })
    })?;
    let locality = Named::new(head.locality.take())?;
    let provinces = columns::province_names(client, Level::Commune, &locality.code).await?;
    let mut document = Document::default();
    document.head.push(title(&locality, &head, &Terms::fetch(client).await?));
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.fact("criterion", Cell::code(&head.criterion));
    document.view(&head.period, &head.view_version);
    document.reports(&head.period, head.reports.as_ref());
    document.fact("day_count", Cell::count(head.day_count));
    document.fact("commune_count", Cell::count(head.commune_count));
    document.fact("flapping_count", Cell::count(head.flapping_count));
    let mut table = table(&rows, head.criterion.is_empty(), provinces.as_ref());
    let communes = ["commune", "communes"];
    table.note(columns::listed(rows.len(), head.commune_count, "xã", communes));
    table.note(Sentence::new(
        "Chập chờn, đổi trạng thái từ hai lần trở lên: {0}",
        "Flapping, turned twice or more: {0}",
        [Cell::count(head.flapping_count)],
    ));
    document.tables.push(table);
    document.warnings.extend(version.warning());
    Ok(document)
}

fn title(locality: &Named, head: &ListDaysResponse, terms: &Terms) -> Sentence {
    let (vi, en) = match head.criterion.as_str() {
        "" => ("xanh", "were green"),
        _ => ("đạt tiêu chí {4} ({5})", "met {4} ({5})"),
    };
    Sentence::new(
        format!(
            "{{0}} ({{1}}): số ngày của tháng {{2}} mà các xã {vi}, trong {{3}} ngày đã bắt đầu"
        ),
        format!("{{0}} ({{1}}): days of {{2}} on which communes {en}, of {{3}} that have begun"),
        [
            locality.cell(),
            Cell::code(&locality.code),
            Cell::month(&head.period),
            Cell::count(head.day_count),
            terms.criterion(&head.criterion),
            Cell::code(&head.criterion),
        ],
    )
}

fn table(rows: &[Row], of_green: bool, provinces: Option<&Provinces>) -> Table {
    let days = |of: fn(&CommuneDays) -> i32| rows.iter().map(move |row| Cell::count(of(&row.told)));
    let [met, unmet] = if of_green {
        [columns::GREEN, columns::NOT_GREEN]
    } else {
        [columns::MET, columns::UNMET]
    };
    let mut table = Table::new("rows", rows.len());
    columns::localities(&mut table, rows.iter().map(|row| &row.commune));
    columns::provinces(&mut table, provinces, rows.iter().map(|row| &row.told.province_code));
    table.add(Key, "met", met, days(|told| told.met_day_count));
    table.add(Key, "unmet", unmet, days(|told| told.unmet_day_count));
    table.add(Main, "unknown", columns::UNKNOWN, days(|told| told.unknown_day_count));
    table.add(Key, "turns", words("Số lần đổi", "Turns"), days(|told| told.turn_count));
    let cut = rows.iter().map(|row| Cell::from(Value::Flag(row.told.cut)));
    table.add(Data, "cut", words("Thiếu ngày cũ", "Cut"), cut);
    columns::behind(&mut table, rows.iter().map(|row| &row.behind));
    table
}
