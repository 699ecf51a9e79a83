//! `phuxanh shortfalls`: who lacks which criterion, and the flip table.

use phuxanh_proto::v1::{self, GetShortfallsRequest};
use serde::Serialize;

use super::{Behind, BehindJson, Named, part};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
    marks::{self, Marks},
    number,
    reply::{self, Reading},
    row_json::ReadingJson,
    table::{Cell, Paint, Table},
    terms::Terms,
};

#[derive(Debug)]
struct Answered {
    period: String,
    view_version: String,
    total: Scope,
    provinces: Vec<Scope>,
}

#[derive(Debug)]
struct Scope {
    locality: Named,
    coverage: Reading,
    flip: i32,
    shortfalls: Vec<Shortfall>,
}

#[derive(Debug)]
struct Shortfall {
    criterion: String,
    required: bool,
    unmet: i32,
    unknown: i32,
    flip: i32,
    flip_unknown: i32,
    behind: Behind,
}

pub async fn answer(
    client: &Client,
    ask: &args::Shortfalls,
    format: Format,
) -> Result<Answer, Error> {
    let request = GetShortfallsRequest {
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
    };
    let answered = Answered::try_from(client.shortfalls(request).await?)?;
    let colour = match format {
        Format::Json => return Answer::json(&AnsweredJson::from(&answered)),
        Format::Table { colour } => colour,
    };
    let terms = Terms::fetch(client).await?;
    let text = match &ask.criterion {
        Some(criterion) => by_province(&terms, &answered, criterion, colour)?,
        None => by_criterion(&terms, &answered, colour),
    };
    Ok(Answer::table(text))
}

impl TryFrom<v1::GetShortfallsResponse> for Answered {
    type Error = Error;

    fn try_from(response: v1::GetShortfallsResponse) -> Result<Self, Error> {
        let provinces = response.provinces.into_iter().map(Scope::try_from);
        Ok(Self {
            period: response.period,
            view_version: response.view_version,
            total: part("the total", response.total)?.try_into()?,
            provinces: provinces.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::ScopeShortfalls> for Scope {
    type Error = Error;

    fn try_from(scope: v1::ScopeShortfalls) -> Result<Self, Error> {
        let shortfalls = scope.shortfalls.into_iter().map(|found| {
            Ok(Shortfall {
                criterion: found.criterion,
                required: found.required,
                unmet: found.unmet_count,
                unknown: found.unknown_count,
                flip: found.flip_count,
                flip_unknown: found.flip_unknown_count,
                behind: Behind::new(found.provenance)?,
            })
        });
        Ok(Self {
            locality: Named::new(scope.scope)?,
            coverage: reply::reading(scope.coverage)?,
            flip: scope.flip_count,
            shortfalls: shortfalls.collect::<Result<_, Error>>()?,
        })
    }
}

#[derive(Debug, Serialize)]
struct AnsweredJson<'a> {
    period: &'a str,
    view_version: &'a str,
    total: ScopeJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    provinces: Vec<ScopeJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ScopeJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    coverage: ReadingJson,
    flip: i32,
    shortfalls: Vec<ShortfallJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ShortfallJson<'a> {
    criterion: &'a str,
    required: bool,
    unmet: i32,
    unknown: i32,
    flip: i32,
    flip_unknown: i32,
    #[serde(flatten)]
    behind: BehindJson,
}

impl<'a> From<&'a Answered> for AnsweredJson<'a> {
    fn from(answered: &'a Answered) -> Self {
        Self {
            period: &answered.period,
            view_version: &answered.view_version,
            total: ScopeJson::from(&answered.total),
            provinces: answered.provinces.iter().map(ScopeJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Scope> for ScopeJson<'a> {
    fn from(scope: &'a Scope) -> Self {
        let shortfalls = scope.shortfalls.iter().map(|found| ShortfallJson {
            criterion: &found.criterion,
            required: found.required,
            unmet: found.unmet,
            unknown: found.unknown,
            flip: found.flip,
            flip_unknown: found.flip_unknown,
            behind: found.behind.into(),
        });
        Self {
            locality: &scope.locality,
            coverage: ReadingJson::new(&scope.coverage, false),
            flip: scope.flip,
            shortfalls: shortfalls.collect(),
        }
    }
}

const FLIPS: &str = "
Would flip: communes that turn green if the criterion alone is fixed, since they meet all others.
By report: communes that meet all others and have not said whether they meet this one.
";

fn by_criterion(terms: &Terms, answered: &Answered, colour: bool) -> String {
    let Scope { locality, coverage, flip, shortfalls } = &answered.total;
    let rows = || shortfalls.iter();
    let mut table = Table::new(colour);
    table.left("Criterion", rows().map(|row| terms.criterion(&row.criterion)));
    table.left("Id", rows().map(|row| &row.criterion));
    count_columns(&mut table, shortfalls.iter().collect::<Vec<_>>().as_slice());
    format!(
        "Shortfalls of {}, {}: {} green ({})\n\
         Blocked by exactly one unmet criterion: {}\n\n{}{FLIPS}{}",
        locality.text(),
        answered.period,
        terms.ratio(coverage),
        terms.value(coverage),
        number::counted(*flip, "commune", "communes"),
        table.render(),
        marks::footer(rows().map(|row| Marks::from(row.behind))),
    )
}

fn by_province(
    terms: &Terms,
    answered: &Answered,
    criterion: &str,
    colour: bool,
) -> Result<String, Error> {
    let find =
        |scope: &'_ Scope| scope.shortfalls.iter().position(|row| row.criterion == criterion);
    let scopes = || answered.provinces.iter().chain([&answered.total]);
    let found = scopes().filter_map(|scope| Some((scope, scope.shortfalls.get(find(scope)?)?)));
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(Error::UnknownCriterion(criterion.to_owned()));
    }
    let rows = || found.iter();
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|(scope, _)| &scope.locality.code));
    table.left("Name", rows().map(|(scope, _)| &scope.locality.name));
    table.right("Green", rows().map(|(scope, _)| terms.ratio(&scope.coverage)));
    count_columns(&mut table, rows().map(|(_, row)| *row).collect::<Vec<_>>().as_slice());
    Ok(format!(
        "{} ({criterion}) by province, {}\n\n{}{FLIPS}{}",
        terms.criterion(criterion),
        answered.period,
        table.render(),
        marks::footer(rows().map(|(_, row)| Marks::from(row.behind))),
    ))
}

fn count_columns(table: &mut Table, shortfalls: &[&Shortfall]) {
    let rows = || shortfalls.iter().copied();
    table.right("Unmet", rows().map(|row| count(row.unmet, Paint::Bad)));
    table.right("Unknown", rows().map(|row| count(row.unknown, Paint::Middling)));
    table.right("Would flip", rows().map(|row| flips(row, row.flip)));
    table.right("By report", rows().map(|row| flips(row, row.flip_unknown)));
    table.left_if_any("Notes", rows().map(|row| Marks::from(row.behind).cell()));
}

/// A count that stands out unless it is zero.
fn count(count: i32, paint: Paint) -> Cell {
    Cell::new(number::grouped(count), if count > 0 { paint } else { Paint::Plain })
}

/// Green does not ask for every criterion.
fn flips(row: &Shortfall, flips: i32) -> Cell {
    if row.required { count(flips, Paint::Good) } else { Cell::from("not required") }
}
