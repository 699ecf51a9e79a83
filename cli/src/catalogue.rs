//! `phuxanh catalogue`: what is measured, and how.

use phuxanh_proto::v1::{
    Criterion, Direction, GetCatalogueResponse, Indicator, Level, Measure, Plausibility, TaskGroup,
};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    client::Client,
    error::Error,
    number, reply,
    table::{Cell, Table},
    words,
};

pub async fn answer(client: &Client, format: Format) -> Result<Answer, Error> {
    let catalogue = client.catalogue().await?;
    match format {
        Format::Json => Answer::json(&json(&catalogue)?),
        Format::Table { colour } => Ok(Answer::table(text(&catalogue, colour)?)),
    }
}

#[derive(Debug, Serialize)]
struct CatalogueJson<'a> {
    version: u32,
    digest: String,
    criteria: Vec<CriterionJson<'a>>,
    measures: Vec<MeasureJson<'a>>,
    indicators: Vec<IndicatorJson<'a>>,
    task_groups: Vec<TaskGroupJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plausibility: Option<PlausibilityJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CriterionJson<'a> {
    id: &'a str,
    name_vi: &'a str,
    name_en: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    evidence: &'a str,
    origin: &'a str,
}

#[derive(Debug, Serialize)]
struct MeasureJson<'a> {
    id: &'a str,
    name_vi: &'a str,
    name_en: &'a str,
    level: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sum: &'a [String],
    /// Only for a count of obstacles.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    obstacle: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    part_of: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    total_of: &'a str,
}

#[derive(Debug, Serialize)]
struct IndicatorJson<'a> {
    id: &'a str,
    name_vi: &'a str,
    name_en: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    numerator: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    denominator: &'a [String],
    direction: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    legend: Option<LegendJson>,
    full_at: f64,
    origin: &'a str,
}

#[derive(Debug, Serialize)]
struct LegendJson {
    green_from: f64,
    yellow_from: f64,
}

#[derive(Debug, Serialize)]
struct TaskGroupJson<'a> {
    id: &'a str,
    name_vi: &'a str,
    name_en: &'a str,
    overdue_published_count: u32,
}

#[derive(Debug, Serialize)]
struct PlausibilityJson<'a> {
    deadline_day: u32,
    deadlines: Vec<DeadlineJson<'a>>,
    eve_hours: u32,
    frozen_periods: u32,
    copied_measures: u32,
    value_min: i64,
}

#[derive(Debug, Serialize)]
struct DeadlineJson<'a> {
    id: &'a str,
    name_vi: &'a str,
    name_en: &'a str,
    time: Option<String>,
    origin: &'a str,
}

impl<'a> PlausibilityJson<'a> {
    fn new(rules: &'a Plausibility) -> Result<Self, Error> {
        let deadlines = rules.deadlines.iter().map(|deadline| {
            Ok(DeadlineJson {
                id: &deadline.id,
                name_vi: &deadline.name_vi,
                name_en: &deadline.name_en,
                time: reply::time(deadline.deadline_time)?.map(|time| time.to_string()),
                origin: &deadline.origin,
            })
        });
        Ok(Self {
            deadline_day: rules.deadline_day,
            deadlines: deadlines.collect::<Result<_, Error>>()?,
            eve_hours: rules.eve_hours,
            frozen_periods: rules.frozen_periods,
            copied_measures: rules.copied_measures,
            value_min: rules.value_min,
        })
    }
}

fn json(catalogue: &GetCatalogueResponse) -> Result<CatalogueJson<'_>, Error> {
    Ok(CatalogueJson {
        version: catalogue.version,
        digest: number::hex(&catalogue.digest),
        criteria: catalogue.criteria.iter().map(CriterionJson::from).collect(),
        measures: catalogue.measures.iter().map(MeasureJson::new).collect::<Result<_, _>>()?,
        indicators: catalogue
            .indicators
            .iter()
            .map(IndicatorJson::new)
            .collect::<Result<_, _>>()?,
        task_groups: catalogue.task_groups.iter().map(TaskGroupJson::from).collect(),
        plausibility: catalogue.plausibility.as_ref().map(PlausibilityJson::new).transpose()?,
    })
}

impl<'a> From<&'a Criterion> for CriterionJson<'a> {
    fn from(criterion: &'a Criterion) -> Self {
        Self {
            id: &criterion.id,
            name_vi: &criterion.name_vi,
            name_en: &criterion.name_en,
            required: criterion.required,
            evidence: &criterion.evidence,
            origin: &criterion.origin,
        }
    }
}

impl<'a> MeasureJson<'a> {
    fn new(measure: &'a Measure) -> Result<Self, Error> {
        Ok(Self {
            id: &measure.id,
            name_vi: &measure.name_vi,
            name_en: &measure.name_en,
            level: words::level(reply::known::<Level>("level", measure.level)?),
            sum: &measure.sum,
            obstacle: measure.obstacle,
            part_of: &measure.part_of,
            total_of: &measure.total_of,
        })
    }
}

impl<'a> IndicatorJson<'a> {
    fn new(indicator: &'a Indicator) -> Result<Self, Error> {
        let legend = indicator.legend.as_ref();
        Ok(Self {
            id: &indicator.id,
            name_vi: &indicator.name_vi,
            name_en: &indicator.name_en,
            numerator: &indicator.numerator,
            denominator: &indicator.denominator,
            direction: direction(indicator)?,
            unit: &indicator.unit,
            legend: legend.map(|legend| LegendJson {
                green_from: legend.green_from,
                yellow_from: legend.yellow_from,
            }),
            full_at: indicator.full_at,
            origin: &indicator.origin,
        })
    }
}

impl<'a> From<&'a TaskGroup> for TaskGroupJson<'a> {
    fn from(group: &'a TaskGroup) -> Self {
        Self {
            id: &group.id,
            name_vi: &group.name_vi,
            name_en: &group.name_en,
            overdue_published_count: group.overdue_published_count,
        }
    }
}

fn direction(indicator: &Indicator) -> Result<&'static str, Error> {
    Ok(words::direction(reply::known::<Direction>("direction", indicator.direction)?))
}

fn text(catalogue: &GetCatalogueResponse, colour: bool) -> Result<String, Error> {
    let sections = [
        format!(
            "Catalogue version {} (sha256 {})\n",
            catalogue.version,
            number::hex(&catalogue.digest)
        ),
        format!("Criteria\n\n{}", criteria(&catalogue.criteria, colour)),
        format!("Measures\n\n{}", measures(&catalogue.measures, colour)?),
        format!("Indicators\n\n{}", indicators(&catalogue.indicators, colour)?),
    ];
    Ok(sections.join("\n"))
}

fn criteria(criteria: &[Criterion], colour: bool) -> String {
    let rows = || criteria.iter();
    let mut table = Table::new(colour);
    table.left("Id", rows().map(|row| &row.id));
    table.left("Name", rows().map(|row| &row.name_vi));
    table.left("Required", rows().map(|row| if row.required { "yes" } else { "no" }));
    table.left("Evidence", rows().map(|row| &row.evidence));
    table.render()
}

fn measures(measures: &[Measure], colour: bool) -> Result<String, Error> {
    let rows = || measures.iter();
    let level = |row: &Measure| Ok(words::level(reply::known::<Level>("level", row.level)?));
    let levels: Vec<_> = rows().map(level).collect::<Result<_, Error>>()?;
    let mut table = Table::new(colour);
    table.left("Id", rows().map(|row| &row.id));
    table.left("Name", rows().map(|row| &row.name_vi));
    table.left("Reported by", levels.iter());
    table.left_if_any("Sum of", rows().map(|row| Cell::from(row.sum.join(" + "))));
    Ok(table.render())
}

fn indicators(indicators: &[Indicator], colour: bool) -> Result<String, Error> {
    let rows = || indicators.iter();
    let directions: Vec<_> = rows().map(direction).collect::<Result<_, _>>()?;
    let mut table = Table::new(colour);
    table.left("Id", rows().map(|row| &row.id));
    table.left("Name", rows().map(|row| &row.name_vi));
    table.left("Better", directions.iter());
    table.left("Unit", rows().map(|row| if row.unit.is_empty() { "share" } else { &row.unit }));
    table.left("Green, yellow from", rows().map(legend));
    table.left("Formula", rows().map(formula));
    Ok(table.render())
}

fn legend(indicator: &Indicator) -> String {
    indicator.legend.as_ref().map_or_else(
        || number::NONE.to_owned(),
        |legend| format!("{}, {}", legend.green_from, legend.yellow_from),
    )
}

fn formula(indicator: &Indicator) -> String {
    let sum = |measures: &[String]| match measures {
        [] => "green communes".to_owned(),
        [only] => only.clone(),
        several => format!("({})", several.join(" + ")),
    };
    match indicator.denominator.as_slice() {
        [] => "green communes / communes".to_owned(),
        denominator => format!("{} / {}", sum(&indicator.numerator), sum(denominator)),
    }
}
