//! The localities of a level or a province, with their kinds and dates.

use phuxanh_proto::v1::{Level, ListLocalitiesRequest};

use super::search;
use crate::{
    cell::Cell,
    client::Client,
    columns,
    document::{Document, Table},
    error::Error,
    paging::{self, Version},
    reply::known,
    resolve,
    sentence::Sentence,
    unresolved::Among,
    vocabulary,
};

pub async fn answer(
    client: &Client,
    mut request: ListLocalitiesRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    // The gazetteer stays the same while an aggregator runs.
    let (head, rows) = paging::walk(client, &request, limit, &mut Version::default()).await?;
    let level: Level = known("level", request.level)?;
    let within = if request.within.is_empty() { "00" } else { request.within.as_str() };
    let [name, code] = columns::scope(client, within).await?;
    let nouns = vocabulary::levels(level);
    let mut document = Document::default();
    document.head.push(Sentence::new(
        format!("{{0}} {} của {{1}} ({{2}})", nouns.vi),
        format!("{{0}} {} of {{1}} ({{2}})", nouns.en),
        [Cell::count(head.total_size), name, code],
    ));
    document.fact("level", vocabulary::level(level));
    document.fact("within", Cell::code(within));
    document.fact("locality_count", Cell::count(head.total_size));
    let mut table = Table::new("rows", rows.len());
    search::describe(&mut table, &rows.iter().map(|row| (row, false)));
    if usize::try_from(head.total_size).is_ok_and(|count| rows.len() < count) {
        let en = ["locality", "localities"];
        table.note(columns::listed(rows.len(), head.total_size, &nouns.vi, en));
    }
    document.tables.push(table);
    Ok(document)
}
