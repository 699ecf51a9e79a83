//! The shape of a catalogue file, as written.

use std::fmt;

use serde::Deserialize;

/// One thing wrong with a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Key of the fault, for example `indicator.on_time_rate.numerator`.
    pub key: String,
    /// The fault, and what was expected.
    pub message: String,
}

/// Faults found so far.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, key: String, message: impl Into<String>) {
        self.0.push(Fault { key, message: message.into() });
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Reason why a catalogue file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the catalogue is not UTF-8 text")]
    Encoding,
    #[error("the catalogue cannot be read: {0}")]
    Syntax(String),
    /// Never empty.
    #[error("the catalogue is faulty: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: u32,
    #[serde(default)]
    pub(super) reporting: Reporting,
    #[serde(default)]
    pub(super) deadline: Vec<Deadline>,
    #[serde(default)]
    pub(super) plausibility: Plausibility,
    #[serde(default)]
    pub(super) criterion: Vec<Criterion>,
    #[serde(default)]
    pub(super) measure: Vec<Measure>,
    #[serde(default)]
    pub(super) indicator: Vec<Indicator>,
    #[serde(default)]
    pub(super) task_group: Vec<TaskGroup>,
    #[serde(default)]
    pub(super) holiday: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reporting {
    pub(super) deadline_day: u8,
}

impl Default for Reporting {
    fn default() -> Self {
        Self { deadline_day: 5 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deadline {
    pub(super) id: String,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) time: String,
    pub(super) origin: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Plausibility {
    pub(super) frozen_periods: usize,
    pub(super) copied_measures: usize,
    pub(super) value_min: i64,
    pub(super) eve_hours: u32,
}

impl Default for Plausibility {
    fn default() -> Self {
        Self { frozen_periods: 3, copied_measures: 5, value_min: 10, eve_hours: 24 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Criterion {
    pub(super) id: String,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) origin: String,
    #[serde(default = "yes")]
    pub(super) required: bool,
    pub(super) evidence: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    pub(super) id: String,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) origin: String,
    pub(super) level: Option<String>,
    pub(super) sum: Option<String>,
    #[serde(default)]
    pub(super) obstacle: bool,
    pub(super) part_of: Option<String>,
    pub(super) total_of: Option<String>,
    #[serde(default = "yes")]
    pub(super) varies: bool,
    #[serde(default)]
    pub(super) counts_days: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Indicator {
    pub(super) id: String,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) origin: String,
    pub(super) numerator: Option<String>,
    pub(super) denominator: Option<String>,
    pub(super) direction: Option<String>,
    #[serde(default)]
    pub(super) unit: String,
    pub(super) legend: Option<Legend>,
    pub(super) full_at: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Legend {
    pub(super) green_from: f64,
    pub(super) yellow_from: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskGroup {
    pub(super) id: String,
    pub(super) vi: String,
    pub(super) en: String,
    #[serde(default)]
    pub(super) overdue_published: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holiday {
    pub(super) first: String,
    pub(super) last: String,
    pub(super) vi: String,
    pub(super) en: String,
}

const fn yes() -> bool {
    true
}

pub(super) fn parse(bytes: &[u8]) -> Result<File, Error> {
    let text = str::from_utf8(bytes).map_err(|_| Error::Encoding)?;
    toml::from_str(text).map_err(|error| Error::Syntax(error.to_string().trim_end().to_owned()))
}
