//! A locality's value month by month, and which communes swing.

use phuxanh_proto::v1::GetTrendRequest;

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Data, Key, Main},
        Table,
    },
    error::Error,
    language::words,
    reply::{self, Named},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
};

/// Flapping communes that a terminal names.
const NAMED_MAX: usize = 10;

pub async fn answer(client: &Client, mut request: GetTrendRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let reply = client.ask(client.trends().get_trend(request)).await?;
    let terms = Terms::fetch(client).await?;
    let locality = Named::new(reply.locality)?;
    let points =
        reply::all(reply.points, |mut point| Ok((reply::reading(point.rollup.take())?, point)))?;
    let flapping =
        reply::all(reply.flapping, |found| Ok((Named::new(found.commune)?, found.turn_count)))?;

    let mut document = Document::default();
    document.head.push(Sentence::new(
        "{0} ({1}): {2} ({3}) theo từng tháng",
        "{0} ({1}): {2} ({3}) month by month",
        [
            locality.cell(),
            Cell::code(&locality.code),
            terms.indicator(&reply.indicator),
            Cell::code(&reply.indicator),
        ],
    ));
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.fact("indicator", Cell::code(&reply.indicator));
    document.fact("view_version", Cell::code(&reply.view_version));
    document.fact("flapping_count", Cell::count(reply.flapping_count));

    let rows = || points.iter();
    let readings = || rows().map(|(reading, _)| reading);
    let of_coverage = readings().any(|reading| reading.coverage().is_some());
    let look = Look { terms: &terms, of_commune: !reply.province_code.is_empty() };
    let mut table = Table::new("points", points.len());
    let months = rows().map(|(_, point)| Cell::month(&point.period));
    table.add(Key, "period", words("Tháng", "Month"), months);
    columns::value(&mut table, look, "", columns::VALUE, readings().map(Some));
    let unit = terms.unit(&reply.indicator);
    let changes = rows().map(|(_, point)| match point.difference {
        Some(value) => Value::Difference { value, unit: unit.clone() }.into(),
        None => Cell::UNKNOWN,
    });
    table.add(Key, "difference", words("Biến động", "Change"), changes);
    columns::counts(&mut table, look, readings());
    let shown = if of_coverage { Main } else { Data };
    let turned = rows().map(|(_, point)| Cell::count(point.turned_green_count));
    table.add(shown, "turned_green", words("Thành xanh", "Turned green"), turned);
    let turned = rows().map(|(_, point)| Cell::count(point.turned_not_green_count));
    table.add(shown, "turned_not_green", words("Hết xanh", "Turned not green"), turned);
    columns::ends(&mut table, readings());
    document.tables.push(table);
    document.tables.push(swinging(&flapping, reply.flapping_count));
    Ok(document)
}

/// The communes that swing.
fn swinging(flapping: &[(Named, i32)], count: i32) -> Table {
    let title = Sentence::new(
        "Chập chờn, đổi trạng thái từ hai lần trở lên: {0}",
        "Flapping, turned twice or more: {0}",
        [Cell::count(count)],
    );
    let mut table = Table::new("flapping", flapping.len()).titled(title).glanced(NAMED_MAX);
    table.shown = !flapping.is_empty();
    columns::localities(&mut table, flapping.iter().map(|(named, _)| named));
    let turns = flapping.iter().map(|(_, turns)| Cell::count(*turns));
    table.add(Key, "turns", words("Số lần đổi", "Turns"), turns);
    table
}
