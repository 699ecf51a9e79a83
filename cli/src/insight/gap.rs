//! `phuxanh gap`: how far what is declared runs ahead of what is measured.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, GapState, GetGapRequest, RollupState};
use serde::Serialize;

use super::{Behind, BehindJson, Named, gap_ranking, part};
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
    table::{Cell, Paint, Table},
    terms::Terms,
    words,
};

/// A whole, in the unit of a criterion's gap.
pub const BILLION: i64 = 1_000_000_000;

#[derive(Debug)]
struct LocalityGap {
    locality: Named,
    province_code: String,
    period: String,
    view_version: String,
    gap: Gap,
    criteria: Vec<Criterion>,
}

/// The mean over the criteria.
#[derive(Debug)]
pub struct Gap {
    pub state: RollupState,
    pub numerator: i64,
    pub denominator: i64,
    value: f64,
    pub criterion_count: i32,
    pub without_gap_count: i32,
    behind: Behind,
}

#[derive(Debug)]
struct Criterion {
    id: String,
    state: GapState,
    gap_billionths: i64,
    met: i32,
    unmet: i32,
    unknown: i32,
    declared: Behind,
    measured: Reading,
    full_at: f64,
}

pub async fn answer(client: &Client, ask: &args::Gap, format: Format) -> Result<Answer, Error> {
    let Some(locality) = &ask.locality else {
        return gap_ranking::answer(client, ask, format).await;
    };
    let request = GetGapRequest {
        code: resolve::code(client, locality, Among::All).await?,
        period: ask.period.clone().unwrap_or_default(),
    };
    let gap = LocalityGap::try_from(client.gap(request).await?)?;
    match format {
        Format::Json => Answer::json(&LocalityGapJson::from(&gap)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &gap, colour)))
        }
    }
}

impl TryFrom<v1::GetGapResponse> for LocalityGap {
    type Error = Error;

    fn try_from(response: v1::GetGapResponse) -> Result<Self, Error> {
        let criteria = response.criteria.into_iter().map(Criterion::try_from);
        Ok(Self {
            locality: Named::new(response.locality)?,
            province_code: response.province_code,
            period: response.period,
            view_version: response.view_version,
            gap: Gap::new(response.gap)?,
            criteria: criteria.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::CriterionGap> for Criterion {
    type Error = Error;

    fn try_from(found: v1::CriterionGap) -> Result<Self, Error> {
        Ok(Self {
            state: reply::known("state", found.state)?,
            gap_billionths: found.gap_billionths,
            id: found.criterion,
            met: found.met_count,
            unmet: found.unmet_count,
            unknown: found.unknown_count,
            declared: Behind::new(found.declared_provenance)?,
            measured: reply::reading(found.measured)?,
            full_at: found.full_at,
        })
    }
}

impl Gap {
    pub fn new(gap: Option<v1::Gap>) -> Result<Self, Error> {
        let gap = part("the gap", gap)?;
        Ok(Self {
            state: reply::known("state", gap.state)?,
            numerator: gap.numerator,
            denominator: gap.denominator,
            value: gap.value,
            criterion_count: gap.criterion_count,
            without_gap_count: gap.without_gap_count,
            behind: Behind::new(gap.provenance)?,
        })
    }

    pub fn marks(&self) -> Marks {
        Marks::from(self.behind)
    }

    pub const fn data_time(&self) -> Option<Timestamp> {
        self.behind.data_time
    }

    /// The mean as people read it.
    pub fn text(&self) -> String {
        match words::state(self.state) {
            Some(state) => state.to_owned(),
            None => number::points(self.numerator, self.denominator),
        }
    }
}

/// Numerator and denominator are exact.
#[derive(Debug, Serialize)]
pub struct MeanJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerator: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator: Option<i64>,
    criteria_with_gap: i32,
    criteria_without_gap: i32,
    #[serde(flatten)]
    behind: BehindJson,
}

impl From<&Gap> for MeanJson {
    fn from(gap: &Gap) -> Self {
        let known = gap.state == RollupState::Known;
        Self {
            state: words::state(gap.state),
            gap: known.then_some(gap.value),
            numerator: known.then_some(gap.numerator),
            denominator: known.then_some(gap.denominator),
            criteria_with_gap: gap.criterion_count,
            criteria_without_gap: gap.without_gap_count,
            behind: gap.behind.into(),
        }
    }
}

#[derive(Debug, Serialize)]
struct LocalityGapJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    period: &'a str,
    view_version: &'a str,
    mean: MeanJson,
    criteria: Vec<CriterionJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CriterionJson<'a> {
    criterion: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_billionths: Option<i64>,
    declared: DeclaredJson,
    evidence: &'a str,
    full_at: f64,
    measured: ReadingJson,
}

#[derive(Debug, Serialize)]
struct DeclaredJson {
    met: i32,
    unmet: i32,
    unknown: i32,
    #[serde(flatten)]
    behind: BehindJson,
}

impl<'a> From<&'a LocalityGap> for LocalityGapJson<'a> {
    fn from(gap: &'a LocalityGap) -> Self {
        let of_commune = !gap.province_code.is_empty();
        let criteria = gap.criteria.iter().map(|row| CriterionJson {
            criterion: &row.id,
            state: words::gap_state(row.state),
            gap_billionths: (row.state == GapState::Known).then_some(row.gap_billionths),
            declared: DeclaredJson {
                met: row.met,
                unmet: row.unmet,
                unknown: row.unknown,
                behind: row.declared.into(),
            },
            evidence: &row.measured.indicator,
            full_at: row.full_at,
            measured: ReadingJson::new(&row.measured, of_commune),
        });
        Self {
            locality: &gap.locality,
            province: &gap.province_code,
            period: &gap.period,
            view_version: &gap.view_version,
            mean: MeanJson::from(&gap.gap),
            criteria: criteria.collect(),
        }
    }
}

fn text(terms: &Terms, gap: &LocalityGap, colour: bool) -> String {
    let rows = || gap.criteria.iter();
    let mut table = Table::new(colour);
    table.left("Criterion", rows().map(|row| terms.criterion(&row.id)));
    table.right("Declared met", rows().map(declared));
    table.left("Evidence", rows().map(|row| terms.indicator(&row.measured.indicator)));
    table.right("Measured", rows().map(|row| terms.value(&row.measured)));
    table.right("Full at", rows().map(|row| row.full_at.to_string()));
    table.right("Gap", rows().map(criterion_gap));
    table.left_if_any("Notes", rows().map(|row| marks::merged(&row.marks())));
    format!(
        "{}, {}: gap {}, the mean over {} criteria; {} with evidence have none\n\n{}{}",
        gap.locality.text(),
        gap.period,
        gap.gap.text(),
        gap.gap.criterion_count,
        gap.gap.without_gap_count,
        table.render(),
        marks::footer(rows().flat_map(Criterion::marks).chain([gap.gap.marks()])),
    )
}

/// Met among those that said.
fn declared(row: &Criterion) -> String {
    let said = if row.unknown > 0 {
        format!(", {} unknown", number::grouped(row.unknown))
    } else {
        String::new()
    };
    format!("{}, {} unmet{said}", number::grouped(row.met), number::grouped(row.unmet))
}

fn criterion_gap(row: &Criterion) -> Cell {
    match words::gap_state(row.state) {
        Some(state) => Cell::new(state, Paint::Faint),
        None if row.gap_billionths > 0 => Cell::new(points(row.gap_billionths), Paint::Bad),
        None => Cell::from(points(row.gap_billionths)),
    }
}

/// A criterion's gap as people read it.
pub fn points(billionths: i64) -> String {
    number::points(billionths, BILLION)
}

impl Criterion {
    fn marks(&self) -> [Marks; 2] {
        [Marks::from(self.declared), Marks::from(&self.measured)]
    }
}
