//! How a locality stands on every criterion and indicator.

use phuxanh_proto::v1::{CriterionRollup, GetScorecardRequest, Locality};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Data, Key, Main, Useful},
        Part, Table,
    },
    error::Error,
    language::words,
    marks::Marks,
    reply::{self, Behind, Reading, known},
    resolve,
    sentence::Sentence,
    term::Paint,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

pub async fn answer(client: &Client, mut request: GetScorecardRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let reply = client.ask(client.localities().get_scorecard(request)).await?;
    let terms = Terms::fetch(client).await?;
    let locality = reply::part("the locality", reply.locality)?;
    let look = Look { terms: &terms, of_commune: !locality.province_code.is_empty() };
    let coverage = reply::reading(reply.coverage)?;
    let indicators = reply::all(reply.indicators, Reading::try_from)?;

    let mut document =
        Document { head: vec![title(&locality, &reply.period)], ..Document::default() };
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, Cell::name(&locality.name, &locality.name_en));
    document.fact("kind", vocabulary::kind(locality.kind()));
    document.fact("province", Cell::code(&locality.province_code));
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    let mut total = Table::of_parts(vec![Part::single("coverage")]);
    let rows = [&coverage].into_iter();
    let label = words("Chỉ số", "Indicator");
    let name = |id: &str| terms.indicator(id);
    columns::named(&mut total, Main, "indicator", label.clone(), ids(rows.clone()), name);
    columns::readings(&mut total, look, rows);
    let mut table = Table::new("indicators", indicators.len());
    columns::named(&mut table, Key, "indicator", label, ids(indicators.iter()), name);
    columns::readings(&mut table, look, indicators.iter());
    document.tables = vec![total, criteria(&reply.criteria, look)?, table];
    Ok(document)
}

fn ids<'a>(
    rows: impl Iterator<Item = &'a Reading> + Clone,
) -> impl Iterator<Item = &'a String> + Clone {
    rows.map(|row| &row.indicator)
}

fn title(locality: &Locality, period: &str) -> Sentence {
    let kind = vocabulary::kind(locality.kind());
    let cells = [
        Cell::name(&locality.name, &locality.name_en),
        Cell::code(&locality.code),
        kind.into(),
        Cell::month(period),
        columns::province_of(locality),
    ];
    if locality.province_code.is_empty() {
        Sentence::new("{0} ({1}), {2}, {3}", "{0} ({1}), {2}, {3}", cells)
    } else {
        Sentence::new("{0} ({1}), {2} thuộc {4}, {3}", "{0} ({1}), {2} of {4}, {3}", cells)
    }
}

fn criteria(rows: &[CriterionRollup], look: Look) -> Result<Table, Error> {
    let behind = rows.iter().map(|row| {
        let marks = Marks::new(row.stale, known("basis", row.basis)?);
        Ok(Behind { data_time: reply::time(row.data_time)?, marks })
    });
    let behind = behind.collect::<Result<Vec<_>, Error>>()?;
    let mut table = Table::new("criteria", rows.len());
    let cross = |row: &CriterionRollup| Cell::text(if row.unmet_count > 0 { "✗" } else { "" });
    columns::sign(&mut table, rows.iter().map(cross));
    let name = |id: &str| look.terms.criterion(id);
    let ids = rows.iter().map(|row| &row.criterion);
    columns::named(&mut table, Key, "criterion", columns::CRITERION, ids, name);
    if look.of_commune {
        table.add(Key, "", columns::MET, rows.iter().map(own_answer));
    }
    let shown = if look.of_commune { Data } else { Key };
    let met = rows.iter().map(|row| Cell::count(row.met_count));
    // Where the room is narrow, who is silent must not look as if all had answered.
    table.add(shown.min(Main), "met", columns::MET, met);
    let unmet = rows.iter().map(|row| Cell::standing_out(row.unmet_count, Paint::Bad));
    table.add(shown, "unmet", columns::UNMET, unmet);
    let unknown = rows.iter().map(|row| Cell::standing_out(row.unknown_count, Paint::Middling));
    table.add(shown, "unknown", columns::UNKNOWN, unknown);
    let required = rows.iter().map(|row| Cell::flag(row.required));
    table.add(Useful, "required", words("Bắt buộc", "Required"), required);
    columns::behind(&mut table, behind.iter());
    Ok(table)
}

/// Answer of a single commune.
fn own_answer(row: &CriterionRollup) -> Cell {
    match (row.met_count, row.unmet_count) {
        (1.., _) => Cell::from(Value::Flag(true)).painted(Paint::Good),
        (_, 1..) => Cell::from(Value::Flag(false)).painted(Paint::Bad),
        _ => vocabulary::UNKNOWN.into(),
    }
}
