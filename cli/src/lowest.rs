//! `phuxanh lowest`: which localities are lowest, and which nothing is known of.

use std::mem::take;

use phuxanh_proto::v1::{
    Level, LocalityKind, Order, RankBy, RankLocalitiesRequest, RankLocalitiesResponse,
    RankedLocality, Section,
};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    marks::{self, Marks},
    number,
    paging::{self, Version},
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
    section: Section,
    rows: Vec<Row>,
    left_out: Vec<LeftOut>,
    version: Version,
}

/// Localities without a rank, all for one reason.
#[derive(Debug)]
struct LeftOut {
    section: Section,
    count: i32,
    named: Vec<RankedLocality>,
}

pub async fn answer(client: &Client, ask: &args::Lowest, format: Format) -> Result<Answer, Error> {
    let mut request = RankLocalitiesRequest {
        order: order(ask.highest).into(),
        ..request(client, &ask.selection).await?
    };
    if ask.confident {
        request.by = RankBy::Confidence.into();
        // Only communes have an interval; another level that was asked for is refused.
        if ask.selection.level.is_none() && ask.selection.kind.is_none() {
            request.level = Level::Commune.into();
        }
    } else {
        request.by = RankBy::Value.into();
    }
    ranked(client, &ask.selection, request, format).await
}

/// Answers with the ranking of a request.
pub async fn ranked(
    client: &Client,
    selection: &args::Selection,
    request: RankLocalitiesRequest,
    format: Format,
) -> Result<Answer, Error> {
    let limit = (selection.limit > 0).then_some(selection.limit);
    let named = match format {
        Format::Json => None,
        Format::Table { .. } => Some(NAMED_MAX),
    };
    let section = if selection.stale { Section::Stale } else { Section::Ranked };
    let ranking = fetch(client, request, section, limit, named).await?;
    let warning = ranking.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&json(&ranking)?)?,
        Format::Table { colour } => Answer::table(text(client, &ranking, colour).await?),
    };
    Ok(answer.warning(warning))
}

/// A kind has a level; a scope without one asks for what lies in it.
pub async fn request(
    client: &Client,
    ask: &args::Selection,
) -> Result<RankLocalitiesRequest, Error> {
    let within = scope(client, ask.within.as_deref()).await?;
    let level = match ask.level.or(ask.kind.map(args::Kind::level)) {
        Some(args::Level::Commune) => Level::Commune,
        None if ask.within.is_some() => Level::Commune,
        Some(args::Level::Province) | None => Level::Province,
    };
    Ok(RankLocalitiesRequest {
        indicator: ask.indicator.clone(),
        level: level.into(),
        within,
        period: ask.period.clone().unwrap_or_default(),
        kind: ask.kind.map_or(LocalityKind::Unspecified, kind).into(),
        denominator_min: ask.min_denominator,
        ..Default::default()
    })
}

const fn kind(kind: args::Kind) -> LocalityKind {
    match kind {
        args::Kind::Province => LocalityKind::Province,
        args::Kind::City => LocalityKind::City,
        args::Kind::Commune => LocalityKind::Commune,
        args::Kind::Ward => LocalityKind::Ward,
        args::Kind::SpecialZone => LocalityKind::SpecialZone,
    }
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

/// Asks for the listed rows up to the limit, then for those left out up to `named`.
async fn fetch(
    client: &Client,
    mut request: RankLocalitiesRequest,
    listed: Section,
    limit: Option<u32>,
    named: Option<u32>,
) -> Result<Ranking, Error> {
    let mut version = Version::default();
    let (head, rows) = section(client, &request, listed, limit, &mut version).await?;
    // What was left to the server is now fixed, so that all sections answer one question.
    request.period.clone_from(&head.period);
    let mut left_out = Vec::new();
    for (part, count) in [
        (Section::Unknown, head.unknown_count),
        (Section::Untested, head.untested_count),
        (Section::Small, head.small_count),
        (Section::OneSided, head.one_sided_count),
    ] {
        let named = match count {
            ..=0 => Vec::new(),
            1.. => section(client, &request, part, named, &mut version).await?.1,
        };
        left_out.push(LeftOut { section: part, count, named });
    }
    Ok(Ranking { head, section: listed, rows: reply::rows(rows)?, left_out, version })
}

/// The first page without its rows, and the rows of all pages.
async fn section(
    client: &Client,
    request: &RankLocalitiesRequest,
    section: Section,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(RankLocalitiesResponse, Vec<RankedLocality>), Error> {
    let section = section.into();
    let ask = async |page_size, page_token| {
        let request = RankLocalitiesRequest { page_size, page_token, section, ..request.clone() };
        client.rank(request).await
    };
    paging::walk(limit, version, ask, |page| {
        (take(&mut page.rows), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await
}

/// Keys of what was not asked for are left out.
#[derive(Debug, Serialize)]
struct RankingJson<'a> {
    indicator: &'a str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    within: &'a str,
    period: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    order: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    baseline_period: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator_min: Option<i64>,
    view_version: &'a str,
    /// In the whole scope, whatever the limit.
    ranked: i32,
    /// Number of stale localities, where only they are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<i32>,
    rows: Vec<RowJson<'a>>,
    unknown: Vec<NameJson<'a>>,
    untested: Vec<NameJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    small: Vec<NameJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_sided: Vec<NameJson<'a>>,
}

#[derive(Debug, Serialize)]
struct NameJson<'a> {
    code: &'a str,
    name: &'a str,
}

fn json(ranking: &Ranking) -> Result<RankingJson<'_>, Error> {
    let head = &ranking.head;
    let kind = reply::known("kind", head.kind)?;
    let left_out = |section| {
        let all = ranking.left_out.iter().filter(move |one| one.section == section);
        all.flat_map(|one| &one.named).map(NameJson::from).collect()
    };
    Ok(RankingJson {
        indicator: &head.indicator,
        level: words::level(reply::known("level", head.level)?),
        kind: (kind != LocalityKind::Unspecified).then(|| words::kind(kind)),
        within: &head.within,
        period: &head.period,
        by: words::rank_by(reply::known("by", head.by)?),
        order: words::order(reply::known("order", head.order)?),
        baseline_period: &head.baseline_period,
        denominator_min: (head.denominator_min > 0).then_some(head.denominator_min),
        view_version: &head.view_version,
        ranked: head.ranked_count,
        stale: (ranking.section == Section::Stale).then_some(head.stale_count),
        rows: ranking.rows.iter().map(RowJson::from).collect(),
        unknown: left_out(Section::Unknown),
        untested: left_out(Section::Untested),
        small: left_out(Section::Small),
        one_sided: left_out(Section::OneSided),
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
        "{} ({}), {}: {} of {} ({}), {}\n\n",
        terms.indicator(&head.indicator),
        head.indicator,
        what_first(head)?,
        levels(head, level)?,
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
    text += &match ranking.section {
        Section::Stale => shown_stale(rows.len(), head.stale_count, head.ranked_count, level),
        Section::Unspecified
        | Section::Ranked
        | Section::Unknown
        | Section::Untested
        | Section::Small
        | Section::OneSided => shown(rows.len(), head.ranked_count, level),
    };
    for one in &ranking.left_out {
        text += &names(&why(one.section, head), &one.named, one.count, provinces.as_ref());
    }
    text += &marks::footer(ranking.rows.iter().map(Marks::from));
    Ok(text)
}

/// Names the end that comes first, and the indicator.
fn what_first(head: &RankLocalitiesResponse) -> Result<String, Error> {
    let order = reply::known("order", head.order)?;
    let word = words::order(order);
    Ok(match reply::known("by", head.by)? {
        RankBy::Unspecified | RankBy::Value => format!("{word} first"),
        RankBy::Confidence => format!("confidently {word} first"),
        RankBy::Change => {
            let moved = match order {
                Order::Unspecified | Order::Lowest => "declined",
                Order::Highest => "improved",
            };
            format!("change since {}, most {moved} first", head.baseline_period)
        }
    })
}

/// Names what was ranked, as a heading says it.
fn levels(head: &RankLocalitiesResponse, level: Level) -> Result<String, Error> {
    let kind = match reply::known("kind", head.kind)? {
        LocalityKind::Unspecified => String::new(),
        kind => format!(" of kind {}", words::kind(kind)),
    };
    let least = match head.denominator_min {
        ..=0 => String::new(),
        least => format!(" with a denominator of {} or more", number::grouped(least)),
    };
    Ok(format!("{}{kind}{least}", words::levels(level)))
}

/// Reason why the localities of a section have no rank.
fn why(section: Section, head: &RankLocalitiesResponse) -> String {
    match section {
        Section::Unknown => "Unknown, not all that it takes was reported".to_owned(),
        Section::Untested => "Untested, the denominator is 0".to_owned(),
        Section::Small => {
            format!("Small, the denominator is below {}", number::grouped(head.denominator_min))
        }
        Section::OneSided => {
            format!("Known in only one of {} and {}", head.baseline_period, head.period)
        }
        Section::Unspecified | Section::Ranked | Section::Stale => String::new(),
    }
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
    let ranked = ranked_localities(ranked_count, level);
    if usize::try_from(ranked_count).is_ok_and(|ranked_count| row_count < ranked_count) {
        format!("{row_count} of {ranked}; --limit 0 shows all\n")
    } else {
        format!("{ranked}\n")
    }
}

fn ranked_localities(count: i32, level: Level) -> String {
    let [one, many] =
        [words::level(level), words::levels(level)].map(|word| format!("ranked {word}"));
    number::counted(count, &one, &many)
}

fn shown_stale(row_count: usize, stale_count: i32, ranked_count: i32, level: Level) -> String {
    let (stale, ranked) = (number::grouped(stale_count), ranked_localities(ranked_count, level));
    let all = usize::try_from(stale_count).is_ok_and(|count| row_count >= count);
    let hint = if all { "" } else { "; --limit 0 shows all" };
    format!("{row_count} of {stale} stale among {ranked}{hint}\n")
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
        assert_eq!(shown(1, 1, Level::Province), "1 ranked province\n");
    }
}
