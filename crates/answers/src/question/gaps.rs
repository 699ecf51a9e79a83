//! Who declares furthest ahead of what is measured.

use phuxanh_proto::v1::{RankGapsRequest, RankGapsResponse, RankedGap, Section};

use super::{
    gap::{self, Gap},
    ranking,
};
use crate::{
    cell::Cell,
    client::Client,
    columns::{self, Provinces},
    document::{
        Document,
        Importance::{Data, Key, Main},
        Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, Named, known},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

/// Localities without a gap that a terminal names.
const NAMED_MAX: usize = 10;

#[derive(Debug)]
struct Row {
    locality: Named,
    gap: Gap,
    /// The rest, as it came.
    told: RankedGap,
}

impl TryFrom<RankedGap> for Row {
    type Error = Error;

    fn try_from(mut told: RankedGap) -> Result<Self, Error> {
        Ok(Self {
            locality: Named::new(told.locality.take())?,
            gap: Gap::new(told.gap.take())?,
            told,
        })
    }
}

pub async fn answer(
    client: &Client,
    mut request: RankGapsRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut version = Version::default();
    let (head, rows) = section(client, &request, Section::Ranked, limit, &mut version).await?;
    // What was left to the server is now fixed, so that all sections answer one question.
    request.period.clone_from(&head.period);
    let level = known("level", head.level)?;
    let terms = Terms::fetch(client).await?;
    let [scope, scope_code] = columns::scope(client, &head.within).await?;
    let provinces = columns::province_names(client, level, &head.within).await?;
    let levels = vocabulary::levels(level);
    let mut document = Document::default();
    document.head.push(Sentence::new(
        format!(
            "Chênh lệch công bố và thực tế, xếp từ rộng nhất: các {} của {{0}} ({{1}}), {{2}}",
            levels.vi
        ),
        format!(
            "Gap between declared and measured, the widest first: {} of {{0}} ({{1}}), {{2}}",
            levels.en
        ),
        [scope, scope_code, Cell::month(&head.period)],
    ));
    document.fact("level", vocabulary::level(level));
    document.fact("within", Cell::code(&head.within));
    document.view(&head.period, &head.view_version);
    document.reports(&head.period, head.reports.as_ref());
    document.fact("ranked_count", Cell::count(head.ranked_count));
    let mut table = ranked(&rows, &terms, provinces.as_ref());
    table.note(ranking::ranked_count(rows.len(), head.ranked_count, level));
    document.tables.push(table);
    for (part, key, count, vi, en) in [
        (Section::Unknown, "unknown", head.unknown_count, "Chưa rõ", "Unknown, no gap can be told"),
        (
            Section::Untested,
            "untested",
            head.untested_count,
            "Chưa phát sinh, bằng chứng có mẫu số bằng 0",
            "Untested, the evidence has a denominator of 0",
        ),
    ] {
        let named = match count {
            ..=0 => Vec::new(),
            1.. => section(client, &request, part, None, &mut version).await?.1,
        };
        document.tables.push(left_out(key, &named, [vi, en]));
    }
    document.warnings.extend(version.warning());
    Ok(document)
}

/// The first page without its rows, and the rows of all pages.
async fn section(
    client: &Client,
    request: &RankGapsRequest,
    section: Section,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(RankGapsResponse, Vec<Row>), Error> {
    let request = RankGapsRequest { section: section.into(), ..request.clone() };
    let (head, rows) = paging::walk(client, &request, limit, version).await?;
    Ok((head, reply::all(rows, Row::try_from)?))
}

fn ranked(rows: &[Row], terms: &Terms, provinces: Option<&Provinces>) -> Table {
    let mut table = Table::new("rows", rows.len());
    table.add(
        Key,
        "rank",
        words("Hạng", "Rank"),
        rows.iter().map(|row| Cell::count(row.told.rank)),
    );
    columns::localities(&mut table, rows.iter().map(|row| &row.locality));
    columns::provinces(&mut table, provinces, rows.iter().map(|row| &row.told.province_code));
    gap::means(&mut table, rows.iter().map(|row| &row.gap));
    let has_widest = |row: &&Row| !row.told.widest_criterion.is_empty();
    let widest = |row: &Row| has_widest(&row).then(|| gap::points(row.told.widest_gap_billionths));
    let label = words("Rộng nhất", "Widest");
    table.add(Main, "widest_gap_billionths", label, rows.iter().map(widest));
    let name = |row: &Row| has_widest(&row).then(|| terms.criterion(&row.told.widest_criterion));
    table.add(Main, "", words("Ở tiêu chí", "Criterion"), rows.iter().map(name));
    let id = rows.iter().map(|row| Cell::code(&row.told.widest_criterion));
    table.add(Data, "widest_criterion", words("Ở tiêu chí", "Criterion"), id);
    table
}

fn left_out(key: &'static str, named: &[Row], [vi, en]: [&str; 2]) -> Table {
    let count = Cell::count(named.len() as i128);
    let title = Sentence::new(format!("{vi}: {{0}}"), format!("{en}: {{0}}"), [count]);
    let mut table = Table::new(key, named.len()).titled(title).glanced(NAMED_MAX);
    table.shown = !named.is_empty();
    columns::localities(&mut table, named.iter().map(|row| &row.locality));
    table
}
