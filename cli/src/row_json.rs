//! Ranked localities and readings as JSON. Keys that do not apply are left out.

use phuxanh_proto::v1::{RollupState, rollup::Counts};
use serde::Serialize;

use crate::{
    reply::{Reading, Row},
    words,
};

/// A locality with its rank.
#[derive(Debug, Serialize)]
pub struct RowJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<i32>,
    code: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    #[serde(flatten)]
    reading: ReadingJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<ChangeJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<ConfidenceJson>,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    baseline: ReadingJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ConfidenceJson {
    lower: f64,
    upper: f64,
    rank_from: i32,
    rank_to: i32,
}

/// One indicator of one locality.
#[derive(Debug, Serialize)]
pub struct ReadingJson {
    /// Reason why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerator: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_time: Option<String>,
    stale: bool,
    #[serde(flatten)]
    counts: Option<CountsJson>,
    /// Only for what was not reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum CountsJson {
    Coverage { green: i32, not_green: i32, unknown: i32, green_max: i32 },
    Reporting { reported: i32, communes: i32 },
}

impl<'a> From<&'a Row> for RowJson<'a> {
    fn from(row: &'a Row) -> Self {
        let of_commune = !row.province_code.is_empty();
        Self {
            rank: (row.rank > 0).then_some(row.rank),
            code: &row.code,
            name: &row.name,
            province: &row.province_code,
            reading: ReadingJson::new(&row.reading, of_commune),
            change: row.change.as_ref().map(|change| ChangeJson {
                baseline: ReadingJson::new(&change.baseline, of_commune),
                difference: change.difference,
            }),
            confidence: row.confidence.map(|found| ConfidenceJson {
                lower: found.lower,
                upper: found.upper,
                rank_from: found.rank_from,
                rank_to: found.rank_to,
            }),
        }
    }
}

impl ReadingJson {
    /// Writes a reading; the number of communes that reported goes without saying for a single
    /// commune.
    pub fn new(reading: &Reading, of_commune: bool) -> Self {
        let known = reading.state == RollupState::Known;
        let summed = known || reading.state == RollupState::Untested;
        Self {
            state: words::state(reading.state),
            value: known.then_some(reading.value),
            numerator: summed.then_some(reading.numerator),
            denominator: summed.then_some(reading.denominator),
            status: words::status(reading.status),
            data_time: reading.data_time.map(|time| time.to_string()),
            stale: reading.stale,
            counts: counts(reading.counts.as_ref(), of_commune),
            basis: words::basis(reading.basis),
        }
    }
}

fn counts(counts: Option<&Counts>, of_commune: bool) -> Option<CountsJson> {
    match counts {
        Some(Counts::Coverage(counts)) => Some(CountsJson::Coverage {
            green: counts.green,
            not_green: counts.not_green,
            unknown: counts.unknown,
            green_max: counts.green_max,
        }),
        Some(Counts::Reporting(counts)) if !of_commune => {
            Some(CountsJson::Reporting { reported: counts.reported, communes: counts.communes })
        }
        Some(Counts::Reporting(_)) | None => None,
    }
}
