//! `phuxanh gap` without a locality: who declares furthest ahead of what is measured.

use std::mem::take;

use phuxanh_proto::v1::{Level, RankGapsRequest, RankGapsResponse, RankedGap, Section};
use serde::Serialize;

use super::{
    Named,
    gap::{self, Gap, MeanJson},
};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest, marks, number,
    paging::{self, Version},
    reply, row_table,
    row_table::Provinces,
    table::{self, Table},
    terms::Terms,
    words,
};

/// Unknown and untested localities that the table names.
const NAMED_MAX: u32 = 10;

#[derive(Debug)]
struct Ranking {
    /// The first page, without its rows.
    head: RankGapsResponse,
    level: Level,
    rows: Vec<Row>,
    unknown: Vec<Row>,
    untested: Vec<Row>,
    version: Version,
}

#[derive(Debug)]
struct Row {
    rank: i32,
    locality: Named,
    province_code: String,
    gap: Gap,
    widest: String,
    widest_billionths: i64,
}

pub async fn answer(client: &Client, ask: &args::Gap, format: Format) -> Result<Answer, Error> {
    let request = RankGapsRequest {
        level: super::level(ask.level, ask.within.is_some()).into(),
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
        ..Default::default()
    };
    let limit = (ask.limit > 0).then_some(ask.limit);
    let named = match format {
        Format::Json => None,
        Format::Table { .. } => Some(NAMED_MAX),
    };
    let ranking = fetch(client, request, limit, named).await?;
    let warning = ranking.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&RankingJson::from(&ranking))?,
        Format::Table { colour } => Answer::table(text(client, &ranking, colour).await?),
    };
    Ok(answer.warning(warning))
}

async fn fetch(
    client: &Client,
    mut request: RankGapsRequest,
    limit: Option<u32>,
    named: Option<u32>,
) -> Result<Ranking, Error> {
    let mut version = Version::default();
    let (head, rows) = section(client, &request, Section::Ranked, limit, &mut version).await?;
    // What was left to the server is now fixed, so that all sections answer one question.
    request.period.clone_from(&head.period);
    let (mut unknown, mut untested) = (Vec::new(), Vec::new());
    if head.unknown_count > 0 {
        (_, unknown) = section(client, &request, Section::Unknown, named, &mut version).await?;
    }
    if head.untested_count > 0 {
        (_, untested) = section(client, &request, Section::Untested, named, &mut version).await?;
    }
    let level = reply::known("level", head.level)?;
    Ok(Ranking { head, level, rows, unknown, untested, version })
}

/// The first page without its rows, and the rows of all pages.
async fn section(
    client: &Client,
    request: &RankGapsRequest,
    section: Section,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(RankGapsResponse, Vec<Row>), Error> {
    let section = section.into();
    let ask = async |page_size, page_token| {
        client.gaps(RankGapsRequest { page_size, page_token, section, ..request.clone() }).await
    };
    let (head, rows) = paging::walk(limit, version, ask, |page| {
        (take(&mut page.rows), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await?;
    Ok((head, rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?))
}

impl TryFrom<RankedGap> for Row {
    type Error = Error;

    fn try_from(row: RankedGap) -> Result<Self, Error> {
        Ok(Self {
            rank: row.rank,
            locality: Named::new(row.locality)?,
            province_code: row.province_code,
            gap: Gap::new(row.gap)?,
            widest: row.widest_criterion,
            widest_billionths: row.widest_gap_billionths,
        })
    }
}

#[derive(Debug, Serialize)]
struct RankingJson<'a> {
    level: &'static str,
    within: &'a str,
    period: &'a str,
    view_version: &'a str,
    ranked: i32,
    rows: Vec<RowJson<'a>>,
    unknown: Vec<&'a Named>,
    untested: Vec<&'a Named>,
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    rank: i32,
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    #[serde(flatten)]
    gap: MeanJson,
    #[serde(skip_serializing_if = "str::is_empty")]
    widest_criterion: &'a str,
    widest_gap_billionths: i64,
}

impl<'a> From<&'a Ranking> for RankingJson<'a> {
    fn from(ranking: &'a Ranking) -> Self {
        let rows = ranking.rows.iter().map(|row| RowJson {
            rank: row.rank,
            locality: &row.locality,
            province: &row.province_code,
            gap: MeanJson::from(&row.gap),
            widest_criterion: &row.widest,
            widest_gap_billionths: row.widest_billionths,
        });
        Self {
            level: words::level(ranking.level),
            within: &ranking.head.within,
            period: &ranking.head.period,
            view_version: &ranking.head.view_version,
            ranked: ranking.head.ranked_count,
            rows: rows.collect(),
            unknown: ranking.unknown.iter().map(|row| &row.locality).collect(),
            untested: ranking.untested.iter().map(|row| &row.locality).collect(),
        }
    }
}

async fn text(client: &Client, ranking: &Ranking, colour: bool) -> Result<String, Error> {
    let Ranking { head, level, rows, .. } = ranking;
    let terms = Terms::fetch(client).await?;
    let scope = client.locality(head.within.clone()).await?;
    let provinces = lowest::provinces(client, *level, &head.within).await?;
    let mut text = format!(
        "Gap between declared and measured, the widest first: {} of {} ({}), {}\n\n",
        words::levels(*level),
        scope.name,
        scope.code,
        head.period,
    );
    if !rows.is_empty() {
        text += &table(&terms, rows, provinces.as_ref(), colour);
        text.push('\n');
    }
    text += &lowest::shown(rows.len(), head.ranked_count, *level);
    let left_out = [
        ("Unknown, no gap can be told", &ranking.unknown, head.unknown_count),
        ("Untested, the evidence has a denominator of 0", &ranking.untested, head.untested_count),
    ];
    for (title, named, count) in left_out {
        if count > 0 {
            let names = named.iter().map(|row| row.locality.text()).collect::<Vec<_>>().join(", ");
            let more = usize::try_from(count).is_ok_and(|count| count > named.len());
            let more = if more { ", …" } else { "" };
            text += &table::safe(&format!("{title}: {}: {names}{more}", number::grouped(count)));
            text.push('\n');
        }
    }
    Ok(text + &marks::footer(rows.iter().map(|row| row.gap.marks())))
}

fn table(terms: &Terms, rows: &[Row], provinces: Option<&Provinces>, colour: bool) -> String {
    let mut table = Table::new(colour);
    table.right("Rank", rows.iter().map(|row| number::grouped(row.rank)));
    table.left("Code", rows.iter().map(|row| &row.locality.code));
    table.left("Name", rows.iter().map(|row| &row.locality.name));
    if let Some(provinces) = provinces {
        let province = |row: &Row| row_table::province(&row.province_code, provinces);
        table.left("Province", rows.iter().map(province));
    }
    table.right("Gap", rows.iter().map(|row| row.gap.text()));
    table.right("Criteria", rows.iter().map(|row| row.gap.criterion_count.to_string()));
    table.right("Without", rows.iter().map(|row| row.gap.without_gap_count.to_string()));
    let widest = |row: &Row| match row.widest.as_str() {
        "" => number::NONE.to_owned(),
        id => format!("{} {}", gap::points(row.widest_billionths), terms.criterion(id)),
    };
    table.left("Widest", rows.iter().map(widest));
    table.left("Data time", rows.iter().map(|row| table::time(row.gap.data_time())));
    table.left_if_any("Notes", rows.iter().map(|row| row.gap.marks().cell()));
    table.render()
}
