//! Findings of flags, in words and as JSON.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, flag::Finding as Wire};
use serde::Serialize;

use crate::{
    error::Error,
    insight::{Behind, BehindJson, Named, part},
    marks::Marks,
    number, reply, table,
};

#[derive(Debug)]
pub enum Finding {
    Part(v1::PartFinding),
    Total(v1::TotalFinding, Behind),
    Frozen(v1::FrozenFinding),
    Copied { original: Named, measures: Vec<String> },
    Eve { deadline: String, time: Timestamp, criteria: Vec<String> },
}

/// The keys of the rule alone.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum FindingJson<'a> {
    Part {
        part: &'a str,
        whole: &'a str,
        part_value: i64,
        whole_value: i64,
    },
    Total {
        declared: &'a str,
        of: &'a str,
        declared_value: i64,
        sum_least: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        sum_most: Option<i64>,
        reported: i32,
        communes: i32,
        sum_behind: BehindJson,
    },
    Frozen {
        measure: &'a str,
        value: i64,
        periods: i32,
    },
    Copied {
        original: &'a Named,
        measures: &'a [String],
    },
    Eve {
        /// Left out for that of the month's report.
        #[serde(skip_serializing_if = "str::is_empty")]
        deadline: &'a str,
        deadline_time: String,
        criteria: &'a [String],
    },
}

/// Measures and criteria that a line names; JSON lists all.
const NAMED_MAX: usize = 4;

fn names(ids: &[String]) -> String {
    let more = if ids.len() > NAMED_MAX { ", …" } else { "" };
    ids.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

impl Finding {
    pub fn new(found: Wire) -> Result<Self, Error> {
        Ok(match found {
            Wire::Part(found) => Self::Part(found),
            Wire::Total(mut found) => {
                let behind = Behind::new(found.provenance.take())?;
                Self::Total(found, behind)
            }
            Wire::Frozen(found) => Self::Frozen(found),
            Wire::Copied(found) => {
                Self::Copied { original: Named::new(found.original)?, measures: found.measures }
            }
            Wire::Eve(found) => Self::Eve {
                deadline: found.deadline,
                time: part("a deadline", reply::time(found.deadline_time)?)?,
                criteria: found.criteria,
            },
        })
    }

    /// Age and origin of what is found beside the evidence.
    pub fn marks(&self) -> Option<Marks> {
        match self {
            Self::Total(_, behind) => Some(Marks::from(*behind)),
            Self::Part(_) | Self::Frozen(_) | Self::Copied { .. } | Self::Eve { .. } => None,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Part(found) => format!(
                "{} {} > {} {}",
                found.part,
                number::grouped(found.part_value),
                found.whole,
                number::grouped(found.whole_value),
            ),
            Self::Total(found, _) => {
                let most = match found.sum_most {
                    Some(most) if most == found.sum_least => String::new(),
                    Some(most) => format!(" to {}", number::grouped(most)),
                    None => " or more".to_owned(),
                };
                format!(
                    "{} {}, but {} of its communes {}{most} ({} of {} known)",
                    found.declared,
                    number::grouped(found.declared_value),
                    found.of,
                    number::grouped(found.sum_least),
                    number::grouped(found.reported_count),
                    number::grouped(found.commune_count),
                )
            }
            Self::Frozen(found) => format!(
                "{} {} in {} months in a row",
                found.measure,
                number::grouped(found.value),
                found.period_count,
            ),
            Self::Copied { original, measures } => format!(
                "{} measures as in {}: {}",
                measures.len(),
                original.text(),
                names(measures),
            ),
            Self::Eve { deadline, time, criteria } => {
                let deadline =
                    if deadline.is_empty() { "the month's report" } else { deadline.as_str() };
                format!(
                    "green, {} criteria first met on the eve of {deadline} ({}): {}",
                    criteria.len(),
                    table::time(Some(*time)),
                    names(criteria),
                )
            }
        }
    }
}

impl<'a> From<&'a Finding> for FindingJson<'a> {
    fn from(found: &'a Finding) -> Self {
        match found {
            Finding::Part(found) => Self::Part {
                part: &found.part,
                whole: &found.whole,
                part_value: found.part_value,
                whole_value: found.whole_value,
            },
            Finding::Total(found, behind) => Self::Total {
                declared: &found.declared,
                of: &found.of,
                declared_value: found.declared_value,
                sum_least: found.sum_least,
                sum_most: found.sum_most,
                reported: found.reported_count,
                communes: found.commune_count,
                sum_behind: BehindJson::from(*behind),
            },
            Finding::Frozen(found) => Self::Frozen {
                measure: &found.measure,
                value: found.value,
                periods: found.period_count,
            },
            Finding::Copied { original, measures } => Self::Copied { original, measures },
            Finding::Eve { deadline, time, criteria } => {
                Self::Eve { deadline, deadline_time: time.to_string(), criteria }
            }
        }
    }
}
