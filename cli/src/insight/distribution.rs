//! `phuxanh distribution`: how localities are spread over the bands of a legend.

use phuxanh_proto::v1::{self, Band, Direction, GetDistributionRequest, Level};
use serde::Serialize;

use super::{Behind, BehindJson, Named, part};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
    marks::{self, Marks},
    number, reply,
    table::{Cell, Table},
    terms::Terms,
    words,
};

#[derive(Debug)]
struct Answered {
    indicator: String,
    level: Level,
    period: String,
    view_version: String,
    green_from: f64,
    yellow_from: f64,
    direction: Direction,
    total: Distribution,
    provinces: Vec<Distribution>,
}

#[derive(Debug)]
struct Distribution {
    scope: Named,
    locality_count: i32,
    bands: Vec<BandCount>,
    behind: Behind,
}

#[derive(Debug)]
struct BandCount {
    band: Band,
    locality_count: i32,
    at_least_count: i32,
    provinces: Vec<Named>,
}

pub async fn answer(
    client: &Client,
    ask: &args::Distribution,
    format: Format,
) -> Result<Answer, Error> {
    let request = GetDistributionRequest {
        indicator: ask.indicator.clone(),
        level: super::level(ask.level, ask.within.is_some()).into(),
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
    };
    let answered = Answered::try_from(client.distribution(request).await?)?;
    match format {
        Format::Json => Answer::json(&AnsweredJson::from(&answered)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &answered, colour)))
        }
    }
}

impl TryFrom<v1::GetDistributionResponse> for Answered {
    type Error = Error;

    fn try_from(response: v1::GetDistributionResponse) -> Result<Self, Error> {
        let provinces = response.provinces.into_iter().map(Distribution::try_from);
        Ok(Self {
            indicator: response.indicator,
            level: reply::known("level", response.level)?,
            period: response.period,
            view_version: response.view_version,
            green_from: response.green_from,
            yellow_from: response.yellow_from,
            direction: reply::known("direction", response.direction)?,
            total: part("the total", response.total)?.try_into()?,
            provinces: provinces.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::Distribution> for Distribution {
    type Error = Error;

    fn try_from(distribution: v1::Distribution) -> Result<Self, Error> {
        let bands = distribution.bands.into_iter().map(|found| {
            let provinces = found.provinces.into_iter().map(|named| Named::new(Some(named)));
            Ok(BandCount {
                band: reply::known("band", found.band)?,
                locality_count: found.locality_count,
                at_least_count: found.at_least_count,
                provinces: provinces.collect::<Result<_, _>>()?,
            })
        });
        Ok(Self {
            scope: Named::new(distribution.scope)?,
            locality_count: distribution.locality_count,
            bands: bands.collect::<Result<_, Error>>()?,
            behind: Behind::new(distribution.provenance)?,
        })
    }
}

#[derive(Debug, Serialize)]
struct AnsweredJson<'a> {
    indicator: &'a str,
    level: &'static str,
    period: &'a str,
    view_version: &'a str,
    green_from: f64,
    yellow_from: f64,
    direction: &'static str,
    total: DistributionJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    provinces: Vec<DistributionJson<'a>>,
}

#[derive(Debug, Serialize)]
struct DistributionJson<'a> {
    #[serde(flatten)]
    scope: &'a Named,
    localities: i32,
    bands: Vec<BandJson<'a>>,
    #[serde(flatten)]
    behind: BehindJson,
}

#[derive(Debug, Serialize)]
struct BandJson<'a> {
    band: &'static str,
    localities: i32,
    /// Absent for localities without a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<i32>,
    #[serde(skip_serializing_if = "<[Named]>::is_empty")]
    provinces: &'a [Named],
}

impl<'a> From<&'a Answered> for AnsweredJson<'a> {
    fn from(answered: &'a Answered) -> Self {
        Self {
            indicator: &answered.indicator,
            level: words::level(answered.level),
            period: &answered.period,
            view_version: &answered.view_version,
            green_from: answered.green_from,
            yellow_from: answered.yellow_from,
            direction: words::direction(answered.direction),
            total: DistributionJson::from(&answered.total),
            provinces: answered.provinces.iter().map(DistributionJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Distribution> for DistributionJson<'a> {
    fn from(distribution: &'a Distribution) -> Self {
        let bands = distribution.bands.iter().map(|found| BandJson {
            band: words::band(found.band),
            localities: found.locality_count,
            at_least: has_value(found.band).then_some(found.at_least_count),
            provinces: &found.provinces,
        });
        Self {
            scope: &distribution.scope,
            localities: distribution.locality_count,
            bands: bands.collect(),
            behind: distribution.behind.into(),
        }
    }
}

const fn has_value(band: Band) -> bool {
    match band {
        Band::Full | Band::Green | Band::Yellow | Band::Below => true,
        Band::Unspecified | Band::Unknown | Band::Untested => false,
    }
}

fn text(terms: &Terms, answered: &Answered, colour: bool) -> String {
    let total = &answered.total;
    let mut text = format!(
        "{} ({}): {} {} of {} by band, {}\n\n{}",
        terms.indicator(&answered.indicator),
        answered.indicator,
        number::grouped(total.locality_count),
        words::levels(answered.level),
        total.scope.text(),
        answered.period,
        bands(terms, answered, colour),
    );
    if !answered.provinces.is_empty() {
        text.push('\n');
        text += &by_province(&answered.provinces, colour);
    }
    let behind = answered.provinces.iter().chain([total]).map(|found| Marks::from(found.behind));
    text + &marks::footer(behind)
}

fn bands(terms: &Terms, answered: &Answered, colour: bool) -> String {
    let rows = || answered.total.bands.iter();
    let mut table = Table::new(colour);
    table.left("Band", rows().map(|row| words::band(row.band)));
    table.left("Bound", rows().map(|row| bound(terms, answered, row.band)));
    table.right("Localities", rows().map(|row| number::grouped(row.locality_count)));
    let at_least = |row: &BandCount| {
        if has_value(row.band) { number::grouped(row.at_least_count) } else { String::new() }
    };
    table.right("Or better", rows().map(at_least));
    let named = |row: &BandCount| {
        Cell::from(row.provinces.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "))
    };
    table.left_if_any("Which", rows().map(named));
    table.render()
}

/// The legend's bound of a band, where it has one.
fn bound(terms: &Terms, answered: &Answered, band: Band) -> String {
    let bound = match band {
        Band::Green => answered.green_from,
        Band::Yellow => answered.yellow_from,
        Band::Unspecified | Band::Full | Band::Below | Band::Unknown | Band::Untested => {
            return String::new();
        }
    };
    let bound = terms.bound(&answered.indicator, bound);
    match answered.direction {
        Direction::Down => format!("up to {bound}"),
        Direction::Unspecified | Direction::Up => format!("from {bound}"),
    }
}

fn by_province(provinces: &[Distribution], colour: bool) -> String {
    let rows = || provinces.iter();
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.scope.code));
    table.left("Name", rows().map(|row| &row.scope.name));
    table.right("Communes", rows().map(|row| number::grouped(row.locality_count)));
    for (title, band) in [
        ("Full", Band::Full),
        ("Green", Band::Green),
        ("Yellow", Band::Yellow),
        ("Below", Band::Below),
        ("Unknown", Band::Unknown),
        ("Untested", Band::Untested),
    ] {
        let count = |row: &Distribution| {
            let found = row.bands.iter().find(|found| found.band == band);
            found.map_or_else(String::new, |found| number::grouped(found.locality_count))
        };
        table.right(title, rows().map(count));
    }
    table.left_if_any("Notes", rows().map(|row| Marks::from(row.behind).cell()));
    table.render()
}
