//! `phuxanh standing`: a locality's rank with its neighbours.

use phuxanh_proto::v1::{GetStandingRequest, Level, PreviousStanding, RollupState};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
    marks::{self, Marks},
    number,
    reply::{self, Reading, Row},
    resolve::{self, Among},
    row_json::{ReadingJson, RowJson},
    row_table::{self, Wording},
    table::{Cell, Paint, Table},
    terms::Terms,
    words,
};

#[derive(Debug)]
struct Standing {
    level: Level,
    order: &'static str,
    within: String,
    period: String,
    view_version: String,
    ranked_count: i32,
    locality: Row,
    before: Vec<Row>,
    behind: Vec<Row>,
    previous: Option<Previous>,
}

/// The standing in the month before.
#[derive(Debug)]
struct Previous {
    period: String,
    /// 0 where it had none.
    rank: i32,
    ranked_count: i32,
    reading: Reading,
    rank_change: Option<i32>,
}

pub async fn answer(
    client: &Client,
    ask: &args::Standing,
    format: Format,
) -> Result<Answer, Error> {
    let standing = fetch(client, ask).await?;
    match format {
        Format::Json => Answer::json(&StandingJson::from(&standing)),
        Format::Table { colour } => Ok(Answer::table(text(client, &standing, colour).await?)),
    }
}

async fn fetch(client: &Client, ask: &args::Standing) -> Result<Standing, Error> {
    let request = GetStandingRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        indicator: ask.indicator.clone(),
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
        order: lowest::order(ask.highest).into(),
        neighbour_max: ask.neighbours.into(),
    };
    let response = client.standing(request).await?;
    let locality =
        response.locality.ok_or_else(|| Error::Contract("the locality is missing".to_owned()))?;
    Ok(Standing {
        level: reply::known("level", response.level)?,
        order: words::order(reply::known("order", response.order)?),
        within: response.within,
        period: response.period,
        view_version: response.view_version,
        ranked_count: response.ranked_count,
        locality: locality.try_into()?,
        before: reply::rows(response.before)?,
        behind: reply::rows(response.behind)?,
        previous: response.previous.map(Previous::try_from).transpose()?,
    })
}

impl TryFrom<PreviousStanding> for Previous {
    type Error = Error;

    fn try_from(previous: PreviousStanding) -> Result<Self, Error> {
        Ok(Self {
            period: previous.period,
            rank: previous.rank,
            ranked_count: previous.ranked_count,
            reading: reply::reading(previous.rollup)?,
            rank_change: previous.rank_change,
        })
    }
}

#[derive(Debug, Serialize)]
struct StandingJson<'a> {
    indicator: &'a str,
    level: &'static str,
    within: &'a str,
    period: &'a str,
    order: &'static str,
    view_version: &'a str,
    ranked_count: i32,
    locality: RowJson<'a>,
    before: Vec<RowJson<'a>>,
    behind: Vec<RowJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PreviousJson<'a> {
    period: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<i32>,
    ranked_count: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_change: Option<i32>,
    #[serde(flatten)]
    reading: ReadingJson,
}

impl<'a> From<&'a Standing> for StandingJson<'a> {
    fn from(standing: &'a Standing) -> Self {
        Self {
            indicator: &standing.locality.reading.indicator,
            level: words::level(standing.level),
            within: &standing.within,
            period: &standing.period,
            order: standing.order,
            view_version: &standing.view_version,
            ranked_count: standing.ranked_count,
            locality: RowJson::from(&standing.locality),
            before: standing.before.iter().map(RowJson::from).collect(),
            behind: standing.behind.iter().map(RowJson::from).collect(),
            previous: standing.previous.as_ref().map(|found| PreviousJson {
                period: &found.period,
                rank: (found.rank > 0).then_some(found.rank),
                ranked_count: found.ranked_count,
                rank_change: found.rank_change,
                reading: ReadingJson::new(&found.reading, standing.level == Level::Commune),
            }),
        }
    }
}

async fn text(client: &Client, standing: &Standing, colour: bool) -> Result<String, Error> {
    let terms = Terms::fetch(client).await?;
    let scope = client.locality(standing.within.clone()).await?;
    let provinces = lowest::provinces(client, standing.level, &standing.within).await?;
    let wording = Wording { terms: &terms, provinces: provinces.as_ref() };
    let locality = &standing.locality;
    let indicator = &locality.reading.indicator;

    let heading = format!(
        "{} ({indicator}), {} first: {} of {} ({}), {}\n{} ({}) {}\n{}\n",
        terms.indicator(indicator),
        standing.order,
        words::levels(standing.level),
        scope.name,
        scope.code,
        standing.period,
        locality.name,
        locality.code,
        place(standing),
        past(standing, &terms),
    );
    let rows: Vec<_> = standing.before.iter().chain([locality]).chain(&standing.behind).collect();
    let pointer = |row: &&Row| {
        let here = row.code == locality.code;
        Cell::new(if here { "→" } else { "" }, Paint::Strong)
    };
    let mut table = Table::new(colour);
    table.left("", rows.iter().map(pointer));
    row_table::columns(&mut table, &rows, &wording);
    let footer = marks::footer(rows.iter().map(|row| Marks::from(*row)));
    Ok(heading + &table.render() + &footer)
}

/// Standing a month before, on a line of its own; empty where there is no month before.
fn past(standing: &Standing, terms: &Terms) -> String {
    let Some(found) = &standing.previous else { return String::new() };
    let value = terms.value(&found.reading);
    if found.rank == 0 {
        return format!("In {} it had no rank: {value}\n", found.period);
    }
    let moved = found.rank_change.map_or_else(String::new, |moved| moved_to(moved, standing.order));
    let (rank, of) = (number::grouped(found.rank), number::grouped(found.ranked_count));
    format!("In {} it had rank {rank} of {of} with {value}{moved}\n", found.period)
}

/// Rank 1 is at the end that comes first, whichever end is the better one.
fn moved_to(moved: i32, first: &str) -> String {
    let ranks = number::counted(moved.abs(), "rank", "ranks");
    match moved {
        0 => ", the same rank".to_owned(),
        ..0 => format!("; now it is {ranks} nearer to the {first}"),
        1.. => format!("; now it is {ranks} further from the {first}"),
    }
}

fn place(standing: &Standing) -> String {
    let locality = &standing.locality;
    if locality.rank > 0 {
        let (rank, of) = (number::grouped(locality.rank), number::grouped(standing.ranked_count));
        return format!("has rank {rank} of {of}");
    }
    let why = match locality.reading.state {
        RollupState::Untested => "untested, the denominator is 0",
        RollupState::Unspecified | RollupState::Known | RollupState::Unknown => {
            "unknown, not all that it takes was reported"
        }
    };
    format!("has no rank: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_told_by_the_end_that_comes_first() {
        assert_eq!(moved_to(-61, "lowest"), "; now it is 61 ranks nearer to the lowest");
        assert_eq!(moved_to(1, "lowest"), "; now it is 1 rank further from the lowest");
        assert_eq!(moved_to(-2, "highest"), "; now it is 2 ranks nearer to the highest");
        assert_eq!(moved_to(0, "lowest"), ", the same rank");
    }
}
