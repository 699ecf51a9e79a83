//! `phuxanh lowest`: which localities are lowest, and which nothing is known of.

use phuxanh_proto::v1::{
    Level, Order, RankLocalitiesRequest, RankLocalitiesResponse, RankedLocality, Section,
};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    marks::{self, Marks},
    number,
    paging::{Version, Walk},
    reply::{self, Row},
    resolve::{self, Among},
    row_json::RowJson,
    row_table::{self, Provinces, Wording},
    table::Table,
    terms::Terms,
    words,
};

/// Unknown and untested localities that the table names.
const NAMED_MAX: u32 = 10;

/// A ranking with what it leaves out.
#[derive(Debug)]
struct Ranking {
    /// The first page, without its rows.
    head: RankLocalitiesResponse,
    rows: Vec<Row>,
    unknown: Vec<RankedLocality>,
    untested: Vec<RankedLocality>,
    version: Version,
}

pub async fn answer(client: &Client, ask: &args::Lowest, format: Format) -> Result<Answer, Error> {
    let request = request(client, ask).await?;
    let limit = (ask.limit > 0).then_some(ask.limit);
    let named = match format {
        Format::Json => None,
        Format::Table { .. } => Some(NAMED_MAX),
    };
    let ranking = fetch(client, request, limit, named).await?;
    let warning = ranking.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&json(&ranking)?)?,
        Format::Table { colour } => Answer::table(text(client, &ranking, colour).await?),
    };
    Ok(answer.warning(warning))
}

/// A scope without a level asks for what lies in it.
async fn request(client: &Client, ask: &args::Lowest) -> Result<RankLocalitiesRequest, Error> {
    let within = scope(client, ask.within.as_deref()).await?;
    let level = match ask.level {
        Some(args::Level::Commune) => Level::Commune,
        None if ask.within.is_some() => Level::Commune,
        Some(args::Level::Province) | None => Level::Province,
    };
    Ok(RankLocalitiesRequest {
        indicator: ask.indicator.clone(),
        level: level.into(),
        within,
        period: ask.period.clone().unwrap_or_default(),
        order: order(ask.highest).into(),
        ..Default::default()
    })
}

/// The code of the scope asked for; empty for none.
pub async fn scope(client: &Client, within: Option<&str>) -> Result<String, Error> {
    match within {
        Some(text) => resolve::code(client, text, Among::Scopes).await,
        None => Ok(String::new()),
    }
}

pub const fn order(highest: bool) -> Order {
    if highest { Order::Highest } else { Order::Lowest }
}

/// Asks for the ranked rows up to the limit, then for those left out up to `named`.
async fn fetch(
    client: &Client,
    mut request: RankLocalitiesRequest,
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
    Ok(Ranking { head, rows: reply::rows(rows)?, unknown, untested, version })
}

/// The first page without its rows, and the rows of all pages.
async fn section(
    client: &Client,
    request: &RankLocalitiesRequest,
    section: Section,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(RankLocalitiesResponse, Vec<RankedLocality>), Error> {
    let mut walk = Walk::new(limit);
    let mut rows = Vec::new();
    let mut head = None;
    loop {
        let (page_size, page_token) = walk.page();
        let request = RankLocalitiesRequest {
            page_size,
            page_token,
            section: section.into(),
            ..request.clone()
        };
        let mut page = client.rank(request).await?;
        version.see(&page.view_version);
        let page_rows = std::mem::take(&mut page.rows);
        let goes_on = walk.goes_on(page_rows.len(), std::mem::take(&mut page.next_page_token))?;
        rows.extend(page_rows);
        let first = head.get_or_insert(page);
        if !goes_on {
            return Ok((std::mem::take(first), rows));
        }
    }
}

#[derive(Debug, Serialize)]
struct RankingJson<'a> {
    indicator: &'a str,
    level: &'static str,
    within: &'a str,
    period: &'a str,
    view_version: &'a str,
    rows: Vec<RowJson<'a>>,
    unknown: Vec<NameJson<'a>>,
    untested: Vec<NameJson<'a>>,
}

#[derive(Debug, Serialize)]
struct NameJson<'a> {
    code: &'a str,
    name: &'a str,
}

fn json(ranking: &Ranking) -> Result<RankingJson<'_>, Error> {
    let head = &ranking.head;
    Ok(RankingJson {
        indicator: &head.indicator,
        level: words::level(reply::known("level", head.level)?),
        within: &head.within,
        period: &head.period,
        view_version: &head.view_version,
        rows: ranking.rows.iter().map(RowJson::from).collect(),
        unknown: ranking.unknown.iter().map(NameJson::from).collect(),
        untested: ranking.untested.iter().map(NameJson::from).collect(),
    })
}

impl<'a> From<&'a RankedLocality> for NameJson<'a> {
    fn from(row: &'a RankedLocality) -> Self {
        Self { code: &row.code, name: &row.name }
    }
}

async fn text(client: &Client, ranking: &Ranking, colour: bool) -> Result<String, Error> {
    let head = &ranking.head;
    let level = reply::known("level", head.level)?;
    let terms = Terms::fetch(client).await?;
    let scope = client.locality(head.within.clone()).await?;
    let provinces = provinces(client, level, &head.within).await?;
    let wording = Wording { terms: &terms, provinces: provinces.as_ref() };

    let mut text = format!(
        "{} ({}), {} first: {} of {} ({}), {}\n\n",
        terms.indicator(&head.indicator),
        head.indicator,
        words::order(reply::known("order", head.order)?),
        words::levels(level),
        scope.name,
        scope.code,
        head.period,
    );
    let rows: Vec<_> = ranking.rows.iter().collect();
    if !rows.is_empty() {
        let mut table = Table::new(colour);
        row_table::columns(&mut table, &rows, &wording);
        text += &table.render();
        text += "\n";
    }
    text += &shown(rows.len(), head.ranked_count, level);
    let left_out = [
        ("Unknown, nothing that tells it was reported", &ranking.unknown, head.unknown_count),
        ("Untested, the denominator is 0", &ranking.untested, head.untested_count),
    ];
    for (title, named, count) in left_out {
        text += &names(title, named, count, provinces.as_ref());
    }
    text += &marks::footer(ranking.rows.iter().map(Marks::from));
    Ok(text)
}

/// Names of the provinces where communes of several ones stand together.
pub async fn provinces(
    client: &Client,
    level: Level,
    within: &str,
) -> Result<Option<Provinces>, Error> {
    if level != Level::Commune || within != "00" {
        return Ok(None);
    }
    let listed = client.provinces().await?;
    Ok(Some(listed.into_iter().map(|found| (found.code, found.name)).collect()))
}

pub fn shown(row_count: usize, ranked_count: i32, level: Level) -> String {
    let (levels, ranked) = (words::levels(level), number::grouped(ranked_count));
    if usize::try_from(ranked_count).is_ok_and(|ranked_count| row_count < ranked_count) {
        format!("{row_count} of {ranked} ranked {levels}; --limit 0 shows all\n")
    } else {
        format!("{ranked} ranked {levels}\n")
    }
}

/// A short list of those left out; empty where there are none.
fn names(
    title: &str,
    named: &[RankedLocality],
    count: i32,
    provinces: Option<&Provinces>,
) -> String {
    if named.is_empty() {
        return String::new();
    }
    let mut table = Table::new(false);
    table.left("Code", named.iter().map(|row| &row.code));
    table.left("Name", named.iter().map(|row| &row.name));
    if let Some(provinces) = provinces {
        let province = |row: &RankedLocality| row_table::province(&row.province_code, provinces);
        table.left("Province", named.iter().map(province));
    }
    let more = match i128::from(count) - i128::try_from(named.len()).expect("a short list") {
        ..=0 => String::new(),
        more => format!("and {} more; --json lists all\n", number::grouped(more)),
    };
    format!("\n{title}: {}\n\n{}{more}", number::grouped(count), table.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_left_out_are_counted_beyond_the_first() {
        let named = [RankedLocality { code: "08".to_owned(), ..Default::default() }];
        let text = names("Unknown", &named, 13, None);
        assert!(text.starts_with("\nUnknown: 13\n"), "{text}");
        assert!(text.ends_with("\nand 12 more; --json lists all\n"), "{text}");
        assert!(!names("Unknown", &named, 1, None).contains("more"));
        assert_eq!(names("Unknown", &[], 0, None), "");
    }

    #[test]
    fn a_cut_list_says_so() {
        assert_eq!(
            shown(10, 34, Level::Province),
            "10 of 34 ranked provinces; --limit 0 shows all\n"
        );
        assert_eq!(shown(34, 34, Level::Province), "34 ranked provinces\n");
    }
}
