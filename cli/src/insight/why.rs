//! `phuxanh why`: a locality's distance to the nation, in parts that sum to it.

use phuxanh_proto::v1::{self, GetCauseRequest, RollupState, get_cause_response::Split};
use serde::Serialize;

use super::{Behind, BehindJson, Named};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    marks::{self, Marks},
    number,
    reply::{self, Reading},
    resolve::{self, Among},
    row_json::ReadingJson,
    row_table,
    table::{Cell, Paint, Table},
    terms::Terms,
};

#[derive(Debug)]
struct Cause {
    locality: Named,
    province_code: String,
    period: String,
    view_version: String,
    value: Reading,
    nation: Reading,
    split: Option<Parts>,
    obstacles: Vec<Obstacle>,
}

#[derive(Debug)]
enum Parts {
    Criteria(v1::CriteriaSplit),
    Communes { split: v1::CommunesSplit, parts: Vec<CommunePart> },
}

#[derive(Debug, Serialize)]
struct CommunePart {
    #[serde(flatten)]
    commune: Named,
    part_numerator: i64,
    part: f64,
    numerator: i64,
    denominator: i64,
}

#[derive(Debug)]
struct Obstacle {
    measure: String,
    reported: i64,
    reported_count: i32,
    commune_count: i32,
    behind: Behind,
}

pub async fn answer(client: &Client, ask: &args::Why, format: Format) -> Result<Answer, Error> {
    let request = GetCauseRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        indicator: ask.indicator.clone(),
        period: ask.period.clone().unwrap_or_default(),
        part_max: ask.parts.into(),
    };
    let cause = Cause::try_from(client.cause(request).await?)?;
    match format {
        Format::Json => Answer::json(&CauseJson::from(&cause)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &cause, colour)))
        }
    }
}

impl TryFrom<v1::GetCauseResponse> for Cause {
    type Error = Error;

    fn try_from(response: v1::GetCauseResponse) -> Result<Self, Error> {
        let obstacles = response.obstacles.into_iter().map(|found| {
            Ok(Obstacle {
                measure: found.measure,
                reported: found.reported,
                reported_count: found.reported_count,
                commune_count: found.commune_count,
                behind: Behind::new(found.provenance)?,
            })
        });
        Ok(Self {
            locality: Named::new(response.locality)?,
            province_code: response.province_code,
            period: response.period,
            view_version: response.view_version,
            value: reply::reading(response.value)?,
            nation: reply::reading(response.nation)?,
            split: response.split.map(Parts::try_from).transpose()?,
            obstacles: obstacles.collect::<Result<_, Error>>()?,
        })
    }
}

impl TryFrom<Split> for Parts {
    type Error = Error;

    fn try_from(split: Split) -> Result<Self, Error> {
        match split {
            Split::Criteria(split) => Ok(Self::Criteria(split)),
            Split::Communes(mut split) => {
                let parts = std::mem::take(&mut split.parts).into_iter().map(|found| {
                    Ok(CommunePart {
                        commune: Named::new(found.commune)?,
                        part_numerator: found.numerator,
                        part: found.value,
                        numerator: found.commune_numerator,
                        denominator: found.commune_denominator,
                    })
                });
                let parts = parts.collect::<Result<_, Error>>()?;
                Ok(Self::Communes { split, parts })
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct CauseJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    indicator: &'a str,
    period: &'a str,
    view_version: &'a str,
    value: ReadingJson,
    nation: ReadingJson,
    #[serde(flatten)]
    split: Option<SplitJson<'a>>,
    obstacles: Vec<ObstacleJson<'a>>,
}

/// Numerators are over the one denominator.
#[derive(Debug, Serialize)]
struct SplitJson<'a> {
    part_denominator: i64,
    distance_numerator: i64,
    distance: f64,
    #[serde(flatten)]
    parts: PartsJson<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum PartsJson<'a> {
    Criteria { unmet_numerator: i64, unknown_numerator: i64, criteria: Vec<CriterionPartJson<'a>> },
    Communes { communes: &'a [CommunePart], rest: i32, rest_numerator: i64 },
}

#[derive(Debug, Serialize)]
struct CriterionPartJson<'a> {
    criterion: &'a str,
    unmet_numerator: i64,
    unknown_numerator: i64,
    part_numerator: i64,
    part: f64,
}

#[derive(Debug, Serialize)]
struct ObstacleJson<'a> {
    measure: &'a str,
    sum: i64,
    reported: i32,
    communes: i32,
    #[serde(flatten)]
    behind: BehindJson,
}

impl<'a> From<&'a Cause> for CauseJson<'a> {
    fn from(cause: &'a Cause) -> Self {
        let of_commune = !cause.province_code.is_empty();
        let obstacles = cause.obstacles.iter().map(|found| ObstacleJson {
            measure: &found.measure,
            sum: found.reported,
            reported: found.reported_count,
            communes: found.commune_count,
            behind: found.behind.into(),
        });
        Self {
            locality: &cause.locality,
            province: &cause.province_code,
            indicator: &cause.value.indicator,
            period: &cause.period,
            view_version: &cause.view_version,
            value: ReadingJson::new(&cause.value, of_commune),
            nation: ReadingJson::new(&cause.nation, false),
            split: cause.split.as_ref().map(SplitJson::from),
            obstacles: obstacles.collect(),
        }
    }
}

impl<'a> From<&'a Parts> for SplitJson<'a> {
    fn from(parts: &'a Parts) -> Self {
        match parts {
            Parts::Criteria(split) => Self {
                part_denominator: split.denominator,
                distance_numerator: split.distance_numerator,
                distance: split.distance,
                parts: PartsJson::Criteria {
                    unmet_numerator: split.unmet_numerator,
                    unknown_numerator: split.unknown_numerator,
                    criteria: split.parts.iter().map(CriterionPartJson::from).collect(),
                },
            },
            Parts::Communes { split, parts } => Self {
                part_denominator: split.denominator,
                distance_numerator: split.distance_numerator,
                distance: split.distance,
                parts: PartsJson::Communes {
                    communes: parts,
                    rest: split.rest_count,
                    rest_numerator: split.rest_numerator,
                },
            },
        }
    }
}

impl<'a> From<&'a v1::CriterionPart> for CriterionPartJson<'a> {
    fn from(part: &'a v1::CriterionPart) -> Self {
        Self {
            criterion: &part.criterion,
            unmet_numerator: part.unmet_numerator,
            unknown_numerator: part.unknown_numerator,
            part_numerator: part.numerator,
            part: part.value,
        }
    }
}

fn text(terms: &Terms, cause: &Cause, colour: bool) -> String {
    let indicator = &cause.value.indicator;
    let mut text = format!(
        "{}: {} ({indicator}) of {}, {}; the nation {}\n",
        cause.locality.text(),
        terms.indicator(indicator),
        band(terms, &cause.value),
        cause.period,
        band(terms, &cause.nation),
    );
    match &cause.split {
        None => text += "Nothing can be split: one of them has no value.\n",
        Some(Parts::Criteria(split)) => text += &criteria(terms, indicator, split, colour),
        Some(Parts::Communes { split, parts }) => {
            text += &communes(terms, indicator, split, parts, colour);
        }
    }
    text += &obstacles(terms, &cause.obstacles, colour);
    let behind = cause.obstacles.iter().map(|found| Marks::from(found.behind));
    text + &marks::footer(behind.chain([&cause.value, &cause.nation].map(Marks::from)))
}

/// A value, and how far it may rise where communes are unknown.
fn band(terms: &Terms, reading: &Reading) -> String {
    let value = terms.value(reading);
    match row_table::coverage(reading) {
        Some(counts) if counts.unknown > 0 && reading.state == RollupState::Known => {
            format!("{value} (up to {})", row_table::up_to(reading))
        }
        Some(_) | None => value,
    }
}

fn criteria(terms: &Terms, indicator: &str, split: &v1::CriteriaSplit, colour: bool) -> String {
    let points = |numerator| terms.difference(indicator, numerator, split.denominator);
    let rows = || split.parts.iter();
    let mut table = Table::new(colour);
    table.left("Criterion", rows().map(|row| terms.criterion(&row.criterion)).chain(["Sum"]));
    let unmet = rows().map(|row| row.unmet_numerator).chain([split.unmet_numerator]);
    table.right("Unmet", unmet.map(points));
    let unknown = rows().map(|row| row.unknown_numerator).chain([split.unknown_numerator]);
    table.right("Not reported", unknown.map(points));
    let both = rows().map(|row| row.numerator).chain([split.distance_numerator]);
    table.right("Together", both.map(points));
    let down = [
        (rows().map(|row| row.unmet_numerator).collect(), split.unmet_numerator),
        (rows().map(|row| row.unknown_numerator).collect(), split.unknown_numerator),
        (rows().map(|row| row.numerator).collect(), split.distance_numerator),
    ];
    let across =
        rows().map(|row| (vec![row.unmet_numerator, row.unknown_numerator], row.numerator));
    let exact = down.into_iter().chain(across).all(|(parts, whole): (Vec<_>, _)| {
        terms.add_up(indicator, &parts, whole, split.denominator)
    });
    format!(
        "The nation's value minus its own is {}, split over the criteria that are lacking\n\n{}{}",
        points(split.distance_numerator),
        table.render(),
        rounded(exact),
    )
}

fn communes(
    terms: &Terms,
    indicator: &str,
    split: &v1::CommunesSplit,
    parts: &[CommunePart],
    colour: bool,
) -> String {
    let difference = |numerator| terms.difference(indicator, numerator, split.denominator);
    let mut table = Table::new(colour);
    table.left("Code", parts.iter().map(|row| &row.commune.code));
    table.left("Name", parts.iter().map(|row| &row.commune.name));
    let counts = |row: &CommunePart| {
        format!("{} / {}", number::grouped(row.numerator), number::grouped(row.denominator))
    };
    table.right("Counts", parts.iter().map(counts));
    table.right("Part", parts.iter().map(|row| difference(row.part_numerator)));
    let rest = match split.rest_count {
        0 => String::new(),
        count => format!(
            "and {}, {} together; --parts N lists more\n",
            number::counted(count, "more commune", "more communes"),
            difference(split.rest_numerator)
        ),
    };
    let all = parts.iter().map(|row| row.part_numerator).chain([split.rest_numerator]);
    let all: Vec<_> = all.collect();
    let exact = terms.add_up(indicator, &all, split.distance_numerator, split.denominator);
    format!(
        "The nation's value minus its own is {}, split over its communes\n\n{}{rest}{}",
        difference(split.distance_numerator),
        table.render(),
        rounded(exact),
    )
}

/// Says so where the parts do not add up as they are shown.
const fn rounded(exact: bool) -> &'static str {
    if exact { "" } else { "Rounded; exact in --json.\n" }
}

/// The obstacles stand beside the split and explain nothing by arithmetic.
fn obstacles(terms: &Terms, obstacles: &[Obstacle], colour: bool) -> String {
    if obstacles.is_empty() {
        return String::new();
    }
    let rows = || obstacles.iter();
    let mut table = Table::new(colour);
    table.left("Obstacles reported beside it", rows().map(|row| terms.measure(&row.measure)));
    let sum = |row: &Obstacle| match row.reported_count {
        0 => Cell::new("unknown", Paint::Faint),
        _ => Cell::from(number::grouped(row.reported)),
    };
    table.right("Sum", rows().map(sum));
    let reported = |row: &Obstacle| {
        let (reported, communes) = (row.reported_count, row.commune_count);
        format!("{} of {}", number::grouped(reported), number::grouped(communes))
    };
    table.right("Reported", rows().map(reported));
    table.left_if_any("Notes", rows().map(|row| Marks::from(row.behind).cell()));
    format!("\n{}", table.render())
}
