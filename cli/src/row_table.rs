//! Ranked localities as a table.

use std::collections::BTreeMap;

use phuxanh_proto::v1::{Confidence, CoverageCounts, rollup::Counts};

use crate::{
    marks::Marks,
    number,
    reply::{Reading, Row},
    table::{self, Cell, Paint, Table},
    terms::Terms,
};

/// Names of provinces by code, where rows of several provinces stand together.
pub type Provinces = BTreeMap<String, String>;

/// Names needed to render rows.
#[derive(Debug)]
pub struct Wording<'a> {
    pub terms: &'a Terms,
    /// Nothing where all rows lie in one province, or are provinces.
    pub provinces: Option<&'a Provinces>,
}

/// Adds the columns of the rows to a table.
pub fn columns(table: &mut Table, rows: &[&Row], wording: &Wording) {
    let rows = || rows.iter().copied();
    let terms = wording.terms;
    table.right("Rank", rows().map(|row| rank(row.rank)));
    table.left("Code", rows().map(|row| &row.code));
    table.left("Name", rows().map(|row| &row.name));
    if let Some(provinces) = wording.provinces {
        table.left("Province", rows().map(|row| province(&row.province_code, provinces)));
    }
    table.right("Value", rows().map(|row| terms.value(&row.reading)));
    if rows().any(|row| row.change.is_some()) {
        let before = |row: &Row| row.change.as_ref().map(|change| terms.value(&change.baseline));
        table.right("Before", rows().map(|row| before(row).unwrap_or_default()));
        table.right("Change", rows().map(|row| difference(row, terms)));
    }
    if rows().any(|row| row.confidence.is_some()) {
        table.right("95 % interval", rows().map(|row| interval(row.confidence.as_ref())));
        table.right("Rank interval", rows().map(|row| ranks(row.confidence.as_ref())));
    }
    let of_communes = rows().any(|row| !row.province_code.is_empty());
    let coverage = rows().any(|row| coverage(&row.reading).is_some());
    if coverage && !of_communes {
        coverage_columns(table, &rows().map(|row| &row.reading).collect::<Vec<_>>(), terms);
    } else if !coverage {
        table.right("Counts", rows().map(|row| terms.ratio(&row.reading)));
    }
    if !coverage && !of_communes {
        table.right("Reported", rows().map(|row| reported(&row.reading)));
    }
    table.left_if_any("Status", rows().map(|row| table::status(row.reading.status)));
    table.left("Data time", rows().map(|row| table::time(row.reading.data_time)));
    table.left_if_any("Notes", rows().map(|row| Marks::from(row).cell()));
}

fn difference(row: &Row, terms: &Terms) -> String {
    let difference = row.change.as_ref().and_then(|change| change.difference);
    difference.map_or_else(
        || number::NONE.to_owned(),
        |difference| terms.rounded_difference(&row.reading.indicator, difference),
    )
}

fn interval(confidence: Option<&Confidence>) -> String {
    let ends = |found: &Confidence| number::rounded_percents(found.lower, found.upper);
    confidence.map_or_else(|| number::NONE.to_owned(), ends)
}

fn ranks(confidence: Option<&Confidence>) -> String {
    let ranks = |found: &Confidence| {
        format!("{}–{}", number::grouped(found.rank_from), number::grouped(found.rank_to))
    };
    confidence.map_or_else(|| number::NONE.to_owned(), ranks)
}

fn rank(rank: i32) -> String {
    if rank > 0 { number::grouped(rank) } else { number::NONE.to_owned() }
}

pub fn province(code: &str, provinces: &Provinces) -> String {
    provinces.get(code).map_or_else(|| code.to_owned(), |name| format!("{name} ({code})"))
}

/// Adds the counts of communes by their state.
pub fn coverage_columns(table: &mut Table, readings: &[&Reading], terms: &Terms) {
    let count = |of: fn(&CoverageCounts) -> i32| {
        move |reading: &&Reading| {
            coverage(reading).map(of).map_or_else(String::new, number::grouped)
        }
    };
    table.right("Green", readings.iter().map(|reading| terms.ratio(reading)));
    table.right("Not green", readings.iter().map(count(|counts| counts.not_green)));
    table.right("Unknown", readings.iter().map(count(|counts| counts.unknown)));
    let is_open = |reading: &&&Reading| coverage(reading).is_some_and(|found| found.unknown > 0);
    if readings.iter().any(|reading| is_open(&reading)) {
        table.right("Up to", readings.iter().map(|reading| up_to(reading)));
    }
}

/// The counts of green coverage; nothing for other indicators.
pub fn coverage(reading: &Reading) -> Option<&CoverageCounts> {
    match &reading.counts {
        Some(Counts::Coverage(counts)) => Some(counts),
        Some(Counts::Reporting(_)) | None => None,
    }
}

/// The upper end of the band in which green coverage lies.
pub fn up_to(reading: &Reading) -> String {
    coverage(reading).map_or_else(String::new, |counts| {
        number::percent(counts.green_max.into(), reading.denominator)
    })
}

/// Number of communes behind a ratio, standing out where some are silent.
pub fn reported(reading: &Reading) -> Cell {
    match &reading.counts {
        Some(Counts::Reporting(counts)) => {
            let complete = counts.reported >= counts.communes;
            let (reported, communes) =
                (number::grouped(counts.reported), number::grouped(counts.communes));
            let paint = if complete { Paint::Plain } else { Paint::Middling };
            Cell::new(format!("{reported} of {communes}"), paint)
        }
        Some(Counts::Coverage(_)) | None => Cell::from(number::NONE),
    }
}
