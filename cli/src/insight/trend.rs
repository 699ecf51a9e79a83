//! `phuxanh trend`: a locality's value month by month, and which communes swing.

use phuxanh_proto::v1::{self, GetTrendRequest};
use serde::Serialize;

use super::Named;
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
    table::{self, Table},
    terms::Terms,
};

/// Flapping communes that the table names.
const NAMED_MAX: usize = 10;

#[derive(Debug)]
struct Trend {
    locality: Named,
    of_commune: bool,
    indicator: String,
    view_version: String,
    points: Vec<Point>,
    flapping_count: i32,
    flapping: Vec<(Named, i32)>,
}

#[derive(Debug)]
struct Point {
    period: String,
    reading: Reading,
    difference: Option<f64>,
    turned_green: i32,
    turned_not_green: i32,
}

pub async fn answer(client: &Client, ask: &args::Trend, format: Format) -> Result<Answer, Error> {
    let request = GetTrendRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        indicator: ask.indicator.clone(),
        from_period: ask.from.clone().unwrap_or_default(),
        to_period: ask.to.clone().unwrap_or_default(),
    };
    let trend = Trend::try_from(client.trend(request).await?)?;
    match format {
        Format::Json => Answer::json(&TrendJson::from(&trend)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &trend, colour)))
        }
    }
}

impl TryFrom<v1::GetTrendResponse> for Trend {
    type Error = Error;

    fn try_from(response: v1::GetTrendResponse) -> Result<Self, Error> {
        let points = response.points.into_iter().map(Point::try_from);
        let flapping = response.flapping.into_iter();
        let flapping = flapping.map(|found| Ok((Named::new(found.commune)?, found.turn_count)));
        Ok(Self {
            locality: Named::new(response.locality)?,
            of_commune: !response.province_code.is_empty(),
            indicator: response.indicator,
            view_version: response.view_version,
            points: points.collect::<Result<_, _>>()?,
            flapping_count: response.flapping_count,
            flapping: flapping.collect::<Result<_, Error>>()?,
        })
    }
}

impl TryFrom<v1::TrendPoint> for Point {
    type Error = Error;

    fn try_from(point: v1::TrendPoint) -> Result<Self, Error> {
        Ok(Self {
            period: point.period,
            reading: reply::reading(point.rollup)?,
            difference: point.difference,
            turned_green: point.turned_green_count,
            turned_not_green: point.turned_not_green_count,
        })
    }
}

#[derive(Debug, Serialize)]
struct TrendJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    indicator: &'a str,
    view_version: &'a str,
    points: Vec<PointJson<'a>>,
    flapping_count: i32,
    flapping: Vec<FlappingJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PointJson<'a> {
    period: &'a str,
    #[serde(flatten)]
    reading: ReadingJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<f64>,
    turned_green: i32,
    turned_not_green: i32,
}

#[derive(Debug, Serialize)]
struct FlappingJson<'a> {
    #[serde(flatten)]
    commune: &'a Named,
    turns: i32,
}

impl<'a> From<&'a Trend> for TrendJson<'a> {
    fn from(trend: &'a Trend) -> Self {
        let points = trend.points.iter().map(|point| PointJson {
            period: &point.period,
            reading: ReadingJson::new(&point.reading, trend.of_commune),
            difference: point.difference,
            turned_green: point.turned_green,
            turned_not_green: point.turned_not_green,
        });
        let flapping = trend.flapping.iter();
        Self {
            locality: &trend.locality,
            indicator: &trend.indicator,
            view_version: &trend.view_version,
            points: points.collect(),
            flapping_count: trend.flapping_count,
            flapping: flapping
                .map(|(commune, turns)| FlappingJson { commune, turns: *turns })
                .collect(),
        }
    }
}

fn text(terms: &Terms, trend: &Trend, colour: bool) -> String {
    let heading = format!(
        "{}: {} ({}) month by month\n\n",
        trend.locality.text(),
        terms.indicator(&trend.indicator),
        trend.indicator,
    );
    let points = || trend.points.iter();
    let mut table = Table::new(colour);
    table.left("Month", points().map(|point| &point.period));
    table.right("Value", points().map(|point| terms.value(&point.reading)));
    table.right("Change", points().map(|point| change(terms, point)));
    let readings: Vec<_> = points().map(|point| &point.reading).collect();
    if readings.iter().any(|reading| row_table::coverage(reading).is_some()) {
        if !trend.of_commune {
            row_table::coverage_columns(&mut table, &readings, terms);
        }
        table.right("Turned green", points().map(|point| number::grouped(point.turned_green)));
        let lost = |point: &Point| number::grouped(point.turned_not_green);
        table.right("Turned not green", points().map(lost));
    } else {
        table.right("Counts", readings.iter().map(|reading| terms.ratio(reading)));
        if !trend.of_commune {
            table.right("Reported", readings.iter().map(|reading| row_table::reported(reading)));
        }
    }
    table.left_if_any("Status", readings.iter().map(|reading| table::status(reading.status)));
    table.left("Data time", readings.iter().map(|reading| table::time(reading.data_time)));
    table.left_if_any("Notes", readings.iter().map(|reading| Marks::from(*reading).cell()));
    let marks = readings.iter().map(|reading| Marks::from(*reading));
    heading + &table.render() + &flapping(trend) + &marks::footer(marks)
}

fn change(terms: &Terms, point: &Point) -> String {
    let worded = |found| terms.rounded_difference(&point.reading.indicator, found);
    point.difference.map_or_else(|| number::NONE.to_owned(), worded)
}

/// The communes that swing; empty where there are none.
fn flapping(trend: &Trend) -> String {
    if trend.flapping.is_empty() {
        return String::new();
    }
    let named = trend.flapping.iter().take(NAMED_MAX);
    let named: Vec<_> =
        named.map(|(commune, turns)| format!("{} {turns} times", commune.text())).collect();
    let more = usize::try_from(trend.flapping_count).is_ok_and(|count| count > named.len());
    let more = if more { ", …" } else { "" };
    let count = number::grouped(trend.flapping_count);
    let line = format!("Flapping, turned twice or more: {count}: {}{more}", named.join(", "));
    format!("\n{}\n", table::safe(&line))
}
