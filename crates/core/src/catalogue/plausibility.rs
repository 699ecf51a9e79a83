//! Expectations of data: when they are due, and which values they cannot have.

use std::time::Duration;

use super::{
    Definition, GREEN_COVERAGE, Measure,
    file::{self, Faults},
};
use crate::{Level, Timestamp};

/// Limits beyond which data count as late or implausible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plausibility {
    /// Last day of the following month, in Vietnam, on which a report of a month is in time; from
    /// 1 to 28.
    pub deadline_day: u8,
    /// Other deadlines, in the order of the file.
    pub deadlines: Vec<Deadline>,
    /// Time before a deadline at which its eve begins.
    pub eve: Duration,
    /// Measures of communes that cannot exceed others.
    pub parts: Vec<Part>,
    /// Measures of provinces that add up others of their communes.
    pub totals: Vec<Total>,
    /// Places of the reported measures that count days of the month, and so cannot exceed them.
    pub days: Vec<usize>,
    /// Places of the reported measures of communes that vary from commune to commune and from
    /// month to month.
    pub varying: Vec<usize>,
    /// Months in a row with the same value that make a series frozen.
    pub frozen_period_count: usize,
    /// Measures with the same values that make two communes copies.
    pub copied_measure_count: usize,
    /// Smaller values are the same by chance.
    pub value_min: i64,
}

/// A deadline of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    pub definition: Definition,
    pub time: Timestamp,
}

/// A measure that cannot exceed another; places among the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub part: usize,
    pub whole: usize,
}

/// A province's measure that adds up something of its communes; a place among the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    pub declared: usize,
    pub of: Whole,
}

/// Values that a total adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    GreenCommunes,
    /// A place among the measures.
    Measure(usize),
}

pub(super) fn resolve(
    file: &file::File,
    measures: &[Measure],
    faults: &mut Faults,
) -> Plausibility {
    let deadline_day = file.reporting.deadline_day;
    let thresholds = &file.plausibility;
    let rules = [
        (
            "reporting.deadline_day",
            (1..=28).contains(&deadline_day),
            "expected a day that every month has: 1 to 28",
        ),
        ("plausibility.frozen_periods", thresholds.frozen_periods > 1, "expected 2 or more"),
        ("plausibility.copied_measures", thresholds.copied_measures > 0, "expected 1 or more"),
        (
            "plausibility.value_min",
            thresholds.value_min > 0,
            "expected 1 or more: no series is frozen or copied at 0",
        ),
        ("plausibility.eve_hours", thresholds.eve_hours > 0, "expected 1 or more"),
    ];
    for (key, _, message) in rules.into_iter().filter(|(_, right, _)| !right) {
        faults.add(key.into(), message);
    }
    let mut found = Plausibility {
        deadline_day,
        deadlines: file.deadline.iter().filter_map(|row| deadline(row, faults)).collect(),
        eve: Duration::from_hours(thresholds.eve_hours.into()),
        parts: Vec::new(),
        totals: Vec::new(),
        days: Vec::new(),
        varying: Vec::new(),
        frozen_period_count: thresholds.frozen_periods,
        copied_measure_count: thresholds.copied_measures,
        value_min: thresholds.value_min,
    };
    for row in &file.measure {
        // A measure whose id is faulty was left out, and named.
        let Some(at) = place(measures, &row.id) else { continue };
        let measure = &measures[at];
        if let Some(whole) = &row.part_of {
            match part(measures, at, whole) {
                Ok(part) => found.parts.push(part),
                Err(message) => faults.add(format!("measure.{}.part_of", row.id), message),
            }
        }
        if let Some(of) = &row.total_of {
            match total(measures, at, of) {
                Ok(total) => found.totals.push(total),
                Err(message) => faults.add(format!("measure.{}.total_of", row.id), message),
            }
        }
        if row.counts_days && measure.sum.is_empty() {
            found.days.push(at);
        }
        if row.varies && measure.level == Level::Commune && measure.sum.is_empty() {
            found.varying.push(at);
        }
    }
    found
}

fn deadline(row: &file::Deadline, faults: &mut Faults) -> Option<Deadline> {
    let time = row.time.parse();
    if let Err(error) = &time {
        let error: &crate::TimeError = error;
        faults.add(format!("deadline.{}.time", row.id), error.to_string());
    }
    let definition =
        Definition::new(row.id.clone(), row.vi.clone(), row.en.clone(), row.origin.clone());
    Some(Deadline { definition, time: time.ok()? })
}

fn part(measures: &[Measure], part: usize, whole: &str) -> Result<Part, String> {
    let whole = known(measures, whole)?;
    if whole == part {
        return Err("is itself: expected another measure".to_owned());
    }
    if [part, whole].iter().any(|at| measures[*at].level != Level::Commune) {
        return Err("expected two measures that communes report".to_owned());
    }
    Ok(Part { part, whole })
}

fn total(measures: &[Measure], declared: usize, of: &str) -> Result<Total, String> {
    let measure = &measures[declared];
    if measure.level != Level::Province || !measure.sum.is_empty() {
        return Err("expected a measure that provinces report".to_owned());
    }
    if of == GREEN_COVERAGE {
        return Ok(Total { declared, of: Whole::GreenCommunes });
    }
    let at = known(measures, of)?;
    if measures[at].level != Level::Commune {
        return Err(format!("{of} is not a measure of communes"));
    }
    Ok(Total { declared, of: Whole::Measure(at) })
}

fn known(measures: &[Measure], id: &str) -> Result<usize, String> {
    place(measures, id).ok_or_else(|| format!("\"{id}\" is not a measure of this catalogue"))
}

fn place(measures: &[Measure], id: &str) -> Option<usize> {
    measures.iter().position(|measure| measure.definition.id == id)
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Error};

    /// A catalogue with these lines in front of what every one must have.
    fn parse(lines: &str) -> Result<Catalogue, Error> {
        let names = "vi = \"x\"\nen = \"x\"\norigin = \"ours\"\n";
        let text = format!(
            "version = 1\n{lines}\n[[criterion]]\nid = \"a\"\n{names}\
             [[indicator]]\nid = \"green_coverage\"\n{names}"
        );
        Catalogue::parse(text.as_bytes())
    }

    #[test]
    fn thresholds_have_defaults_and_bounds() {
        let sound = parse("[reporting]\ndeadline_day = 28").expect("sound").plausibility;
        assert_eq!((sound.deadline_day, sound.frozen_period_count), (28, 3));
        assert_eq!((sound.copied_measure_count, sound.value_min), (5, 10));
        let wrong = [
            ("reporting", "deadline_day", 0),
            ("reporting", "deadline_day", 29),
            ("plausibility", "frozen_periods", 1),
            ("plausibility", "copied_measures", 0),
            ("plausibility", "value_min", 0),
            ("plausibility", "eve_hours", 0),
        ];
        for (section, key, value) in wrong {
            match parse(&format!("[{section}]\n{key} = {value}")) {
                Err(Error::Faults(faults)) => assert_eq!(faults[0].key, format!("{section}.{key}")),
                other => panic!("{other:?}"),
            }
        }
    }
}
