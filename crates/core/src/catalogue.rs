//! The catalogue: criteria, measures, indicators with their legends, task groups, and the public
//! holidays between working days.
//!
//! Owns the definitions and no value. A TOML file in the format of the built-in one may replace
//! it; [`Catalogue::parse`] says everything that is wrong with one. Only [`GREEN_COVERAGE`] is
//! known by name, since it counts communes and not a measure.

pub mod calendar;
mod file;
mod plausibility;
mod resolve;

use std::{cmp::Ordering, collections::BTreeMap};

use sha2::{Digest, Sha256};

use calendar::Calendar;
pub use file::{Error, Fault};
pub use plausibility::{Deadline, Part, Plausibility, Total, Whole};

use crate::{Level, MetricId, Period, Timestamp};

const BUILTIN: &[u8] = include_bytes!("../data/catalogue.toml");

/// The indicator that counts green communes.
pub const GREEN_COVERAGE: &str = "green_coverage";

/// The checked definitions of one version.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub version: u32,
    pub plausibility: Plausibility,
    pub criteria: Vec<Criterion>,
    pub measures: Vec<Measure>,
    /// Green coverage first, then in the order of the file.
    pub indicators: Vec<Indicator>,
    pub task_groups: Vec<TaskGroup>,
    /// The public holidays.
    pub calendar: Calendar,
    source: Vec<u8>,
    digest: [u8; 32],
    metrics: BTreeMap<String, Place>,
}

/// Name of a thing, and who defined it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub id: String,
    pub name_vi: String,
    pub name_en: String,
    /// Source of the definition.
    pub origin: String,
}

/// A declared yes/no condition of a commune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    pub definition: Definition,
    pub metric: MetricId,
    /// True if green requires it.
    pub required: bool,
    /// Index of the indicator that shows whether the condition really works.
    pub evidence: Option<usize>,
}

/// A count of a locality in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub definition: Definition,
    pub metric: MetricId,
    /// Level that reports it.
    pub level: Level,
    /// Reported measures whose sum it is; empty for one that is itself reported.
    pub sum: Vec<MetricId>,
    /// True if it counts obstacles of one kind, which are shown beside the cause of a low value.
    pub obstacle: bool,
}

/// A ratio, with what makes it good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    pub definition: Definition,
    pub formula: Formula,
    pub direction: Direction,
    /// Unit of the value; empty for a share.
    pub unit: String,
    pub legend: Option<Legend>,
    /// Value at which measured evidence is complete.
    pub full_at: Millionths,
}

/// Inputs of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// Communes that meet every required criterion, over all communes.
    Coverage,
    /// A sum of reported measures over another, each over the communes that reported both.
    Ratio { numerator: Vec<MetricId>, denominator: Vec<MetricId> },
}

/// Direction in which an indicator is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// Bounds of the colours. Upwards a value at or above a bound has its colour, downwards one at or
/// below it; the rest is red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Legend {
    pub green_from: Millionths,
    pub yellow_from: Millionths,
}

/// Colour of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Green,
    Yellow,
    Red,
    /// Unknown or untested.
    Grey,
}

/// A decimal fraction, exact to six places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millionths(pub u64);

/// A group of the plan's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGroup {
    pub definition: Definition,
    /// Tasks overdue by the published report.
    pub overdue_published: u32,
}

/// Anything that can be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric<'a> {
    Criterion(&'a Criterion),
    Measure(&'a Measure),
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Criterion(usize),
    Measure(usize),
}

impl Catalogue {
    /// The definitions that Phủ Xanh brings.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the built-in catalogue is checked by a test")
    }

    /// Reads and checks a catalogue file.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let resolved = resolve::resolve(file::parse(bytes)?)?;
        let criteria = resolved.criteria.iter().enumerate();
        let measures = resolved.measures.iter().enumerate();
        let metrics = criteria
            .map(|(at, found)| (found.definition.id.clone(), Place::Criterion(at)))
            .chain(measures.map(|(at, found)| (found.definition.id.clone(), Place::Measure(at))))
            .collect();
        Ok(Self {
            version: resolved.version,
            plausibility: resolved.plausibility,
            criteria: resolved.criteria,
            measures: resolved.measures,
            indicators: resolved.indicators,
            task_groups: resolved.task_groups,
            calendar: resolved.calendar,
            source: bytes.to_vec(),
            digest: Sha256::digest(bytes).into(),
            metrics,
        })
    }

    /// The file's bytes.
    #[must_use]
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// SHA-256 of the file.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The criterion or measure of an id.
    #[must_use]
    pub fn metric(&self, id: &str) -> Option<Metric<'_>> {
        match *self.metrics.get(id)? {
            Place::Criterion(at) => self.criteria.get(at).map(Metric::Criterion),
            Place::Measure(at) => self.measures.get(at).map(Metric::Measure),
        }
    }

    /// The first instant at which a report of a period is late.
    #[must_use]
    pub fn deadline(&self, period: Period) -> Timestamp {
        period.end_of_following(self.plausibility.deadline_day)
    }

    /// The measures that count obstacles.
    pub fn obstacles(&self) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(|measure| measure.obstacle)
    }

    /// Place of a measure in [`Self::measures`].
    #[must_use]
    pub fn measure_index(&self, id: &str) -> Option<usize> {
        self.measures.iter().position(|found| found.definition.id == id)
    }

    /// Place of an indicator in [`Self::indicators`].
    #[must_use]
    pub fn indicator_index(&self, id: &str) -> Option<usize> {
        self.indicators.iter().position(|found| found.definition.id == id)
    }
}

impl Definition {
    const fn new(id: String, name_vi: String, name_en: String, origin: String) -> Self {
        Self { id, name_vi, name_en, origin }
    }
}

impl Measure {
    /// The reported measures that it is the sum of: itself, where it is reported.
    #[must_use]
    pub fn terms(&self) -> &[MetricId] {
        if self.sum.is_empty() { std::slice::from_ref(&self.metric) } else { &self.sum }
    }
}

impl Millionths {
    /// Compares a ratio of integers to this fraction, exactly.
    #[must_use]
    pub fn compare_ratio(self, numerator: i64, denominator: i64) -> Ordering {
        let left = i128::from(numerator) * 1_000_000;
        let right = i128::from(denominator) * i128::from(self.0);
        left.cmp(&right)
    }

    /// For reading, never for comparing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Indicator {
    /// Colour of a ratio with a positive denominator; `None` without a legend.
    #[must_use]
    pub fn status(&self, numerator: i64, denominator: i64) -> Option<Status> {
        let legend = self.legend?;
        let reaches = |bound: Millionths| match self.direction {
            Direction::Up => bound.compare_ratio(numerator, denominator).is_ge(),
            Direction::Down => bound.compare_ratio(numerator, denominator).is_le(),
        };
        Some(if reaches(legend.green_from) {
            Status::Green
        } else if reaches(legend.yellow_from) {
            Status::Yellow
        } else {
            Status::Red
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalogue_is_sound() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.criteria.len(), 13);
        let plausibility = &catalogue.plausibility;
        assert_eq!((plausibility.deadline_day, plausibility.deadlines.len()), (5, 1));
        assert_eq!((plausibility.parts.len(), plausibility.totals.len()), (12, 2));
        assert!(
            plausibility.varying.len() + 1
                == catalogue
                    .measures
                    .iter()
                    .filter(|measure| { measure.level == Level::Commune && measure.sum.is_empty() })
                    .count()
        );
        assert_eq!(catalogue.indicator_index(GREEN_COVERAGE), Some(0));
        assert!(catalogue.criteria.iter().all(|criterion| criterion.required));
        assert!(matches!(catalogue.metric("digital_signatures"), Some(Metric::Criterion(_))));
        assert!(matches!(catalogue.metric("applications_received"), Some(Metric::Measure(_))));
        assert_eq!(catalogue.metric(GREEN_COVERAGE), None);
        let obstacles: Vec<_> = catalogue.obstacles().map(|found| &found.definition.id).collect();
        assert_eq!(obstacles.len(), 5);
        assert_eq!(obstacles[0], "obstacles_software");
    }

    #[test]
    fn a_legend_colours_by_exact_bounds() {
        let coverage = &Catalogue::builtin().indicators[0];
        let cases = [
            (70, 100, Status::Green),
            (699_999, 1_000_000, Status::Yellow),
            (1, 2, Status::Yellow),
            (49, 100, Status::Red),
            (0, 1, Status::Red),
        ];
        for (numerator, denominator, status) in cases {
            assert_eq!(coverage.status(numerator, denominator), Some(status));
        }
    }

    #[test]
    fn a_legend_that_points_down_has_upper_bounds() {
        let down = Indicator {
            direction: Direction::Down,
            legend: Some(Legend {
                green_from: Millionths(100_000),
                yellow_from: Millionths(200_000),
            }),
            ..Catalogue::builtin().indicators[0].clone()
        };
        let of_ten = |part| down.status(part, 10);
        assert_eq!(of_ten(1), Some(Status::Green));
        assert_eq!(of_ten(2), Some(Status::Yellow));
        assert_eq!(of_ten(3), Some(Status::Red));
    }
}
