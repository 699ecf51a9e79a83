//! The sample evaluated the slow and obvious way, from the text of its files.
//!
//! Shares no code with the aggregator, so that the sample is shown to fit before any daemon runs.

use std::{collections::BTreeMap, sync::LazyLock};

use phuxanh_core::{Basis, gazetteer::Gazetteer};

use crate::{
    figures::{Answers, ProvinceCriteria, Ranked, Ratio, Tally},
    sample::{self, File},
};

/// The sample, made once for all tests.
pub static FILES: LazyLock<Vec<File>> = LazyLock::new(sample::files);

/// One row of a file: its cells by column.
pub type Row = BTreeMap<String, String>;

/// The rows of a file.
pub fn rows(file: &File) -> Vec<Row> {
    let mut lines = file.text.lines().map(|line| line.split(','));
    let header: Vec<&str> = lines.next().expect("a header").collect();
    let row = |cells: std::str::Split<'_, char>| {
        header.iter().map(|name| (*name).to_owned()).zip(cells.map(str::to_owned)).collect()
    };
    lines.map(row).collect()
}

/// A cell as a number; `None` for an empty one.
pub fn number(row: &Row, column: &str) -> Option<u64> {
    match row[column].as_str() {
        "" => None,
        text => Some(text.parse().expect("a number")),
    }
}

/// The criteria among the columns: all before the first measure.
pub fn criteria(file: &File) -> Vec<String> {
    let header = file.text.lines().next().expect("a header");
    let columns = header.split(',').skip(4).take_while(|name| *name != "applications_received");
    columns.map(str::to_owned).collect()
}

/// Answers that are expected of the product once it holds these files.
pub fn answers(files: &[File]) -> Answers {
    let gazetteer = Gazetteer::builtin();
    let all: Vec<(String, &File, Vec<Row>)> = gazetteer
        .provinces()
        .zip(files)
        .map(|(province, file)| (province.name.clone(), file, rows(file)))
        .collect();
    let rank = |ratio: &dyn Fn(&[Row]) -> Ratio| {
        let each = all.iter().map(|(name, file, rows)| (name.clone(), *file, ratio(rows)));
        ranked(each.collect())
    };
    let names = criteria(&files[0]);
    let everything: Vec<Row> = all.iter().flat_map(|(_, _, rows)| rows.clone()).collect();
    let coverage = |rows: &[Row]| coverage(rows, &names);
    let (now, before) = ("2025-07", "2025-06");
    let per_day =
        |period| rank(&|rows: &[Row]| share(rows, period, "applications_received", "working_days"));
    Answers {
        period: now.parse().expect("a month"),
        previous: before.parse().expect("a month"),
        provinces_total: files.len() as u64,
        communes_total: coverage(&everything).denominator,
        nation: coverage(&everything),
        green_coverage: rank(&coverage),
        online_submission: rank(&|rows: &[Row]| {
            share(rows, now, "applications_online", "applications_received")
        }),
        electronic_result: rank(&|rows: &[Row]| {
            share(rows, now, "results_electronic", "results_due")
        }),
        applications_per_day: per_day(now),
        applications_per_day_before: per_day(before),
        criteria: tallies(&everything, &names),
        province_criteria: all
            .iter()
            .map(|(name, _, rows)| ProvinceCriteria {
                name: name.clone(),
                criteria: tallies(rows, &names),
            })
            .collect(),
    }
}

fn coverage(rows: &[Row], criteria: &[String]) -> Ratio {
    let declared = rows.iter().filter(|row| number(row, &criteria[0]).is_some());
    let states: Vec<bool> = declared
        .map(|row| criteria.iter().all(|criterion| number(row, criterion) == Some(1)))
        .collect();
    let green = states.iter().filter(|green| **green).count();
    Ratio { numerator: green as u64, denominator: states.len() as u64 }
}

fn share(rows: &[Row], period: &str, part: &str, whole: &str) -> Ratio {
    let sum = |column: &str| {
        rows.iter()
            .filter(|row| row["period"] == period)
            .filter_map(|row| number(row, column))
            .sum()
    };
    Ratio { numerator: sum(part), denominator: sum(whole) }
}

fn tallies(rows: &[Row], criteria: &[String]) -> Vec<Tally> {
    let count = |criterion: &str, value| {
        rows.iter().filter(|row| number(row, criterion) == Some(value)).count() as u64
    };
    let tally = |criterion: &String| Tally {
        criterion: criterion.clone(),
        met: count(criterion, 1),
        unmet: count(criterion, 0),
        unknown: 0,
    };
    criteria.iter().map(tally).collect()
}

/// Lowest first, by cross-multiplication; equal values share a rank and stand by code.
fn ranked(mut rows: Vec<(String, &File, Ratio)>) -> Vec<Ranked> {
    rows.sort_by(|(_, _, a), (_, _, b)| {
        (a.numerator * b.denominator).cmp(&(b.numerator * a.denominator))
    });
    let lower = |ratio: &Ratio| {
        rows.iter()
            .filter(|(_, _, other)| {
                other.numerator * ratio.denominator < ratio.numerator * other.denominator
            })
            .count()
    };
    let row = |(name, file, ratio): &(String, &File, Ratio)| Ranked {
        rank: u32::try_from(lower(ratio) + 1).expect("34 at most"),
        code: file.province,
        name: name.clone(),
        ratio: *ratio,
        basis: Basis::Synthetic,
    };
    rows.iter().map(row).collect()
}
