//! `phuxanh compare`: a measure of a month against that of an earlier one, per working day.

use phuxanh_proto::v1::{self, ComparePeriodsRequest, Movement};
use serde::Serialize;

use super::{Behind, BehindJson, Named, part};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    marks::{self, Marks},
    number, reply,
    resolve::{self, Among},
    table::{self, Cell, Paint, Table},
    terms::Terms,
    words,
};

#[derive(Debug)]
struct Answered {
    measure: String,
    view_version: String,
    period: v1::WorkingDays,
    baseline: v1::WorkingDays,
    total: Comparison,
    /// Number of the localities in it, before the limit.
    part_count: usize,
    parts: Vec<Comparison>,
}

#[derive(Debug)]
struct Comparison {
    locality: Named,
    compared: i32,
    communes: i32,
    now: Sum,
    before: Sum,
    movement: Movement,
    difference: f64,
    relative: Option<f64>,
}

#[derive(Debug)]
struct Sum {
    total: i64,
    per_working_day: f64,
    reported: i32,
    behind: Behind,
}

pub async fn answer(client: &Client, ask: &args::Compare, format: Format) -> Result<Answer, Error> {
    let request = ComparePeriodsRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        measure: ask.measure.clone(),
        period: ask.period.clone().unwrap_or_default(),
        baseline_period: ask.against.clone().unwrap_or_default(),
    };
    let mut answered = Answered::try_from(client.compare(request).await?)?;
    if ask.limit > 0 {
        answered.parts.truncate(ask.limit);
    }
    match format {
        Format::Json => Answer::json(&AnsweredJson::from(&answered)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &answered, colour)))
        }
    }
}

impl TryFrom<v1::ComparePeriodsResponse> for Answered {
    type Error = Error;

    fn try_from(response: v1::ComparePeriodsResponse) -> Result<Self, Error> {
        let part_count = response.parts.len();
        let parts = response.parts.into_iter().map(Comparison::try_from);
        Ok(Self {
            measure: response.measure,
            view_version: response.view_version,
            period: part("the period", response.period)?,
            baseline: part("the baseline", response.baseline)?,
            total: part("the total", response.total)?.try_into()?,
            part_count,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::Comparison> for Comparison {
    type Error = Error;

    fn try_from(comparison: v1::Comparison) -> Result<Self, Error> {
        Ok(Self {
            locality: Named::new(comparison.locality)?,
            compared: comparison.compared_count,
            communes: comparison.commune_count,
            now: Sum::new(comparison.now)?,
            before: Sum::new(comparison.before)?,
            movement: reply::known("movement", comparison.movement)?,
            difference: comparison.difference,
            relative: comparison.relative_difference,
        })
    }
}

impl Sum {
    fn new(sum: Option<v1::ComparedSum>) -> Result<Self, Error> {
        let sum = part("a sum", sum)?;
        Ok(Self {
            total: sum.sum,
            per_working_day: sum.per_working_day,
            reported: sum.reported_count,
            behind: Behind::new(sum.provenance)?,
        })
    }
}

#[derive(Debug, Serialize)]
struct AnsweredJson<'a> {
    measure: &'a str,
    view_version: &'a str,
    period: DaysJson<'a>,
    baseline: DaysJson<'a>,
    total: ComparisonJson<'a>,
    /// Number of the localities in it, whatever the limit.
    localities: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<ComparisonJson<'a>>,
}

#[derive(Debug, Serialize)]
struct DaysJson<'a> {
    period: &'a str,
    working_days: i32,
    weekdays: i32,
    holidays: &'a [String],
    holidays_listed: bool,
}

#[derive(Debug, Serialize)]
struct ComparisonJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    movement: &'static str,
    /// Keys of a movement only where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_difference: Option<f64>,
    compared: i32,
    communes: i32,
    now: SumJson,
    before: SumJson,
}

#[derive(Debug, Serialize)]
struct SumJson {
    sum: i64,
    per_working_day: f64,
    reported: i32,
    #[serde(flatten)]
    behind: BehindJson,
}

impl<'a> From<&'a Answered> for AnsweredJson<'a> {
    fn from(answered: &'a Answered) -> Self {
        Self {
            measure: &answered.measure,
            view_version: &answered.view_version,
            period: DaysJson::from(&answered.period),
            baseline: DaysJson::from(&answered.baseline),
            total: ComparisonJson::from(&answered.total),
            localities: answered.part_count,
            parts: answered.parts.iter().map(ComparisonJson::from).collect(),
        }
    }
}

impl<'a> From<&'a v1::WorkingDays> for DaysJson<'a> {
    fn from(days: &'a v1::WorkingDays) -> Self {
        Self {
            period: &days.period,
            working_days: days.day_count,
            weekdays: days.weekday_count,
            holidays: &days.holidays,
            holidays_listed: days.holidays_listed,
        }
    }
}

impl<'a> From<&'a Comparison> for ComparisonJson<'a> {
    fn from(found: &'a Comparison) -> Self {
        let sum = |sum: &Sum| SumJson {
            sum: sum.total,
            per_working_day: sum.per_working_day,
            reported: sum.reported,
            behind: sum.behind.into(),
        };
        Self {
            locality: &found.locality,
            movement: words::movement(found.movement),
            difference: found.is_told().then_some(found.difference),
            relative_difference: found.relative,
            compared: found.compared,
            communes: found.communes,
            now: sum(&found.now),
            before: sum(&found.before),
        }
    }
}

impl Comparison {
    fn is_told(&self) -> bool {
        self.movement != Movement::Unspecified
    }

    fn marks(&self) -> [Marks; 2] {
        [&self.now, &self.before].map(|sum| sum.behind.into())
    }
}

fn text(terms: &Terms, answered: &Answered, colour: bool) -> String {
    let Answered { measure, period, baseline, total, part_count, parts, .. } = answered;
    let heading = format!(
        "{}: {} ({measure}) per working day, {} against {}: {}\n{}{}\n",
        total.locality.text(),
        terms.measure(measure),
        period.period,
        baseline.period,
        words::movement(total.movement),
        days(period),
        days(baseline),
    );
    let rows: Vec<_> = parts.iter().chain([total]).collect();
    let cut = if parts.len() < *part_count {
        format!("\n{} of {part_count} localities; --limit 0 shows all\n", parts.len())
    } else {
        String::new()
    };
    heading
        + &table(answered, &rows, colour)
        + &cut
        + &marks::footer(rows.iter().flat_map(|row| row.marks()))
}

/// A line on a month's working days.
fn days(month: &v1::WorkingDays) -> String {
    let holidays = match (month.holidays_listed, month.holidays.as_slice()) {
        (false, _) => ", holidays of this year are not listed".to_owned(),
        (true, []) => String::new(),
        (true, names) => format!(", without {}", names.join(", ")),
    };
    let line = format!("{}: {} working days{holidays}", month.period, month.day_count);
    format!("{}\n", table::safe(&line))
}

fn table(answered: &Answered, rows: &[&Comparison], colour: bool) -> String {
    let rows = || rows.iter().copied();
    let told = |row: &Comparison, text: String| {
        if row.is_told() { text } else { number::NONE.to_owned() }
    };
    let per_day = |row: &Comparison, sum: &Sum, days: &v1::WorkingDays| {
        told(row, number::quotient(sum.total, days.day_count.into()))
    };
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.locality.code));
    table.left("Name", rows().map(|row| &row.locality.name));
    table.right("Per day", rows().map(|row| per_day(row, &row.now, &answered.period)));
    table.right("Before", rows().map(|row| per_day(row, &row.before, &answered.baseline)));
    table.right("Change", rows().map(|row| told(row, number::rounded_difference(row.difference))));
    let relative = |row: &Comparison| row.relative.map(number::rounded_relative);
    table.right("In percent", rows().map(|row| relative(row).unwrap_or_default()));
    table.left("Movement", rows().map(|row| movement(row.movement)));
    table.right("Sum", rows().map(|row| told(row, number::grouped(row.now.total))));
    table.right("Sum before", rows().map(|row| told(row, number::grouped(row.before.total))));
    let compared = |row: &Comparison| {
        let paint = if row.compared < row.communes { Paint::Middling } else { Paint::Plain };
        let [compared, communes] = [row.compared, row.communes].map(number::grouped);
        Cell::new(format!("{compared} of {communes}"), paint)
    };
    table.right("Compared", rows().map(compared));
    table.left_if_any("Notes", rows().map(|row| marks::merged(&row.marks())));
    table.render()
}

fn movement(movement: Movement) -> Cell {
    let paint = match movement {
        Movement::Fell | Movement::Equal | Movement::Rose => Paint::Plain,
        Movement::Unspecified => Paint::Faint,
    };
    Cell::new(words::movement(movement), paint)
}
