//! `phuxanh standing`: a locality's rank with its neighbours.

use phuxanh_proto::v1::{GetStandingRequest, Level, RollupState};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
    marks::{self, Marks},
    number,
    reply::{self, Row},
    resolve::{self, Among},
    row_json::RowJson,
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
    })
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
        "{} ({indicator}), {} first: {} of {} ({}), {}\n{} ({}) {}\n\n",
        terms.indicator(indicator),
        standing.order,
        words::levels(standing.level),
        scope.name,
        scope.code,
        standing.period,
        locality.name,
        locality.code,
        place(standing),
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

fn place(standing: &Standing) -> String {
    let locality = &standing.locality;
    if locality.rank > 0 {
        let (rank, of) = (number::grouped(locality.rank), number::grouped(standing.ranked_count));
        return format!("has rank {rank} of {of}");
    }
    let why = match locality.reading.state {
        RollupState::Untested => "untested, the denominator is 0",
        RollupState::Unspecified | RollupState::Known | RollupState::Unknown => {
            "unknown, nothing that tells it was reported"
        }
    };
    format!("has no rank: {why}")
}
