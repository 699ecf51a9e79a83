//! `phuxanh scorecard`: how a locality stands on every criterion and indicator.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{Basis, CriterionRollup, GetScorecardRequest, Locality};
use serde::Serialize;

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
    table::{self, Cell, Paint, Table},
    terms::Terms,
    words,
};

#[derive(Debug)]
struct Scorecard {
    locality: Locality,
    period: String,
    view_version: String,
    coverage: Reading,
    criteria: Vec<Criterion>,
    indicators: Vec<Reading>,
}

#[derive(Debug)]
struct Criterion {
    id: String,
    required: bool,
    met: i32,
    unmet: i32,
    unknown: i32,
    data_time: Option<Timestamp>,
    stale: bool,
    basis: Basis,
}

pub async fn answer(
    client: &Client,
    ask: &args::Scorecard,
    format: Format,
) -> Result<Answer, Error> {
    let scorecard = fetch(client, ask).await?;
    match format {
        Format::Json => Answer::json(&ScorecardJson::from(&scorecard)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &scorecard, colour)))
        }
    }
}

async fn fetch(client: &Client, ask: &args::Scorecard) -> Result<Scorecard, Error> {
    let request = GetScorecardRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        period: ask.period.clone().unwrap_or_default(),
    };
    let response = client.scorecard(request).await?;
    let locality =
        response.locality.ok_or_else(|| Error::Contract("the locality is missing".to_owned()))?;
    let criteria = response.criteria.into_iter().map(Criterion::try_from);
    let indicators = response.indicators.into_iter().map(Reading::try_from);
    Ok(Scorecard {
        locality,
        period: response.period,
        view_version: response.view_version,
        coverage: reply::reading(response.coverage)?,
        criteria: criteria.collect::<Result<_, _>>()?,
        indicators: indicators.collect::<Result<_, _>>()?,
    })
}

impl TryFrom<CriterionRollup> for Criterion {
    type Error = Error;

    fn try_from(rollup: CriterionRollup) -> Result<Self, Error> {
        Ok(Self {
            id: rollup.criterion,
            required: rollup.required,
            met: rollup.met_count,
            unmet: rollup.unmet_count,
            unknown: rollup.unknown_count,
            data_time: reply::time(rollup.data_time)?,
            stale: rollup.stale,
            basis: reply::known("basis", rollup.basis)?,
        })
    }
}

#[derive(Debug, Serialize)]
struct ScorecardJson<'a> {
    code: &'a str,
    name: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    period: &'a str,
    view_version: &'a str,
    coverage: IndicatorJson<'a>,
    criteria: Vec<CriterionJson<'a>>,
    indicators: Vec<IndicatorJson<'a>>,
}

#[derive(Debug, Serialize)]
struct IndicatorJson<'a> {
    indicator: &'a str,
    #[serde(flatten)]
    reading: ReadingJson,
}

#[derive(Debug, Serialize)]
struct CriterionJson<'a> {
    criterion: &'a str,
    required: bool,
    met: i32,
    unmet: i32,
    unknown: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_time: Option<String>,
    stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
}

impl<'a> From<&'a Scorecard> for ScorecardJson<'a> {
    fn from(scorecard: &'a Scorecard) -> Self {
        let locality = &scorecard.locality;
        let of_commune = !locality.province_code.is_empty();
        let indicator = |reading| IndicatorJson::new(reading, of_commune);
        Self {
            code: &locality.code,
            name: &locality.name,
            kind: words::kind(locality.kind()),
            province: &locality.province_code,
            period: &scorecard.period,
            view_version: &scorecard.view_version,
            coverage: indicator(&scorecard.coverage),
            criteria: scorecard.criteria.iter().map(CriterionJson::from).collect(),
            indicators: scorecard.indicators.iter().map(indicator).collect(),
        }
    }
}

impl<'a> IndicatorJson<'a> {
    fn new(reading: &'a Reading, of_commune: bool) -> Self {
        Self { indicator: &reading.indicator, reading: ReadingJson::new(reading, of_commune) }
    }
}

impl<'a> From<&'a Criterion> for CriterionJson<'a> {
    fn from(criterion: &'a Criterion) -> Self {
        Self {
            criterion: &criterion.id,
            required: criterion.required,
            met: criterion.met,
            unmet: criterion.unmet,
            unknown: criterion.unknown,
            data_time: criterion.data_time.map(|time| time.to_string()),
            stale: criterion.stale,
            basis: words::basis(criterion.basis),
        }
    }
}

fn text(terms: &Terms, scorecard: &Scorecard, colour: bool) -> String {
    let of_commune = !scorecard.locality.province_code.is_empty();
    let criteria = &scorecard.criteria;
    let all_marks = criteria
        .iter()
        .map(Criterion::marks)
        .chain(scorecard.indicators.iter().chain([&scorecard.coverage]).map(Marks::from));
    [
        heading(&scorecard.locality, &scorecard.period),
        coverage(terms, &scorecard.coverage, of_commune, colour),
        criteria_table(terms, criteria, of_commune, colour),
        indicators_table(terms, &scorecard.indicators, of_commune, colour),
    ]
    .join("\n")
        + &marks::footer(all_marks)
}

fn heading(locality: &Locality, period: &str) -> String {
    let kind = words::kind(locality.kind()).replace('_', " ");
    let province = match resolve::province(locality) {
        province if province.is_empty() => String::new(),
        province => format!(" of {province}"),
    };
    format!("{} ({}), {kind}{province}, {period}\n", locality.name, locality.code)
}

fn coverage(terms: &Terms, reading: &Reading, of_commune: bool, colour: bool) -> String {
    let one = || std::iter::once(reading);
    let mut table = Table::new(colour);
    table.left("", one().map(|reading| terms.indicator(&reading.indicator)));
    table.right("Value", one().map(|reading| terms.value(reading)));
    if !of_commune {
        row_table::coverage_columns(&mut table, &[reading], terms);
    }
    table.left("Status", one().map(|reading| table::status(reading.status)));
    table.left("Data time", one().map(|reading| table::time(reading.data_time)));
    table.left_if_any("Notes", one().map(|reading| Marks::from(reading).cell()));
    table.render()
}

fn criteria_table(terms: &Terms, criteria: &[Criterion], of_commune: bool, colour: bool) -> String {
    let rows = || criteria.iter();
    let mut table = Table::new(colour);
    table.left("", rows().map(|row| if row.unmet > 0 { "✗" } else { "" }));
    table.left("Criterion", rows().map(|row| terms.criterion(&row.id)));
    if of_commune {
        table.left("Met", rows().map(Criterion::answer));
    } else {
        table.right("Met", rows().map(|row| number::grouped(row.met)));
        table.right("Unmet", rows().map(|row| count(row.unmet, Paint::Bad)));
        table.right("Unknown", rows().map(|row| count(row.unknown, Paint::Middling)));
    }
    table.left("Required", rows().map(|row| if row.required { "yes" } else { "no" }));
    table.left("Data time", rows().map(|row| table::time(row.data_time)));
    table.left_if_any("Notes", rows().map(|row| row.marks().cell()));
    table.render()
}

/// A count that stands out unless it is zero.
fn count(count: i32, paint: Paint) -> Cell {
    Cell::new(number::grouped(count), if count > 0 { paint } else { Paint::Plain })
}

impl Criterion {
    fn marks(&self) -> Marks {
        Marks { stale: self.stale, basis: self.basis }
    }

    /// Answer of a single commune.
    fn answer(&self) -> Cell {
        match (self.met, self.unmet) {
            (1.., _) => Cell::new("yes", Paint::Good),
            (_, 1..) => Cell::new("no", Paint::Bad),
            _ => Cell::new("unknown", Paint::Faint),
        }
    }
}

fn indicators_table(
    terms: &Terms,
    indicators: &[Reading],
    of_commune: bool,
    colour: bool,
) -> String {
    let rows = || indicators.iter();
    let mut table = Table::new(colour);
    table.left("Indicator", rows().map(|row| terms.indicator(&row.indicator)));
    table.left("Id", rows().map(|row| row.indicator.as_str()));
    table.right("Value", rows().map(|row| terms.value(row)));
    table.right("Counts", rows().map(|row| terms.ratio(row)));
    if !of_commune {
        table.right("Reported", rows().map(row_table::reported));
    }
    table.left_if_any("Status", rows().map(|row| table::status(row.status)));
    table.left("Data time", rows().map(|row| table::time(row.data_time)));
    table.left_if_any("Notes", rows().map(|row| Marks::from(row).cell()));
    table.render()
}
