//! Checks that need a whole file: one cell with two values, and values that cannot go together.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_core::{LocalityCode, MetricId, Observation, Period, catalogue::Catalogue};

use super::{Contents, Line};
use crate::source::{
    refusal::{Cell, Reason, Refusal, ValueFault},
    report::{Finding, Warning},
};

/// Refuses what contradicts itself, and warns of what is implausible.
pub(super) fn check(contents: &mut Contents, catalogue: &Catalogue) {
    // One order serves both: cells lie together, and so do those of a locality and period.
    let mut order: Vec<u32> =
        (0..u32::try_from(contents.lines.len()).expect("bounded by the configuration")).collect();
    order.sort_by_key(|at| cell_order(&line(&contents.lines, *at).good.observation));
    let twice = refuse_twice(contents, &order);
    order.retain(|at| !twice.contains(at));
    warn(contents, &order, catalogue);
    let mut at = 0;
    contents.lines.retain(|_| {
        at += 1;
        !twice.contains(&(at - 1))
    });
}

type CellOrder<'a> = (LocalityCode, Period, &'a MetricId, phuxanh_core::Timestamp);

fn cell_order(observation: &Observation) -> CellOrder<'_> {
    let key = &observation.key;
    (key.locality, key.period, &key.metric, observation.observed)
}

fn line(lines: &[Line], at: u32) -> &Line {
    &lines[usize::try_from(at).expect("32 bits fit")]
}

/// Refuses every value of a cell that has different ones at one observed time: the order of the
/// lines does not tell which is right.
fn refuse_twice(contents: &mut Contents, order: &[u32]) -> BTreeSet<u32> {
    let mut refused = BTreeSet::new();
    let lines = &contents.lines;
    let observation = |at: u32| &line(lines, at).good.observation;
    let said = |at: u32| (observation(at).value, observation(at).basis);
    for same in order
        .chunk_by(|one, other| cell_order(observation(*one)) == cell_order(observation(*other)))
    {
        let Some(differing) = same.iter().find(|at| said(**at) != said(same[0])) else { continue };
        for at in same {
            let other = if said(*at) == said(same[0]) { *differing } else { same[0] };
            let fault = ValueFault::Twice {
                line: line(lines, other).number,
                value: observation(other).value,
            };
            let Line { number, good } = line(lines, *at);
            let cell =
                Cell { column: Some(good.column.clone()), text: written(good.observation.value) };
            contents.entries.refuse(*number, Refusal { cell, reason: Reason::Value(fault) });
            refused.insert(*at);
        }
    }
    refused
}

fn written(value: Option<i64>) -> String {
    value.map_or_else(|| "withdraw".to_owned(), |value| value.to_string())
}

/// Warns of parts above their wholes, and of more days than the month has.
fn warn(contents: &mut Contents, order: &[u32], catalogue: &Catalogue) {
    let lines = &contents.lines;
    let place = |at: &u32| {
        let key = &line(lines, *at).good.observation.key;
        (key.locality, key.period)
    };
    for same in order.chunk_by(|one, other| place(one) == place(other)) {
        // The last of a cell is its newest.
        let values: BTreeMap<_, _> = same
            .iter()
            .map(|at| line(lines, *at))
            .map(|line| (line.good.observation.key.metric.as_str(), line))
            .collect();
        let (_, period) = place(&same[0]);
        for (line, warning) in implausible(&values, period, catalogue) {
            let good = &line.good;
            let text = written(good.observation.value);
            let cell = Cell { column: Some(good.column.clone()), text };
            contents.entries.add(line.number, cell, Finding::Warning(warning));
        }
    }
}

type Values<'a> = BTreeMap<&'a str, &'a Line>;

fn implausible<'a>(
    values: &Values<'a>,
    period: Period,
    catalogue: &Catalogue,
) -> Vec<(&'a Line, Warning)> {
    let mut found = Vec::new();
    for rule in &catalogue.plausibility.parts {
        let (part, whole) = (&catalogue.measures[rule.part], &catalogue.measures[rule.whole]);
        let sums = sum(values, part.terms()).zip(sum(values, whole.terms()));
        let Some(((line, part_value), (_, whole_value))) = sums else { continue };
        if part_value > whole_value {
            let (part, whole) = (part.metric.clone(), whole.metric.clone());
            found.push((line, Warning::PartAboveWhole { part, whole, part_value, whole_value }));
        }
    }
    let day_count = i64::from(period.last_day().day());
    for measure in &catalogue.plausibility.days {
        let metric = &catalogue.measures[*measure].metric;
        let Some((line, value)) = sum(values, std::slice::from_ref(metric)) else { continue };
        if value > day_count {
            found.push((line, Warning::TooManyDays { period, day_count }));
        }
    }
    found
}

/// The sum of what was reported of all terms, with the line of the first.
fn sum<'a>(values: &Values<'a>, terms: &[MetricId]) -> Option<(&'a Line, i64)> {
    let lines: Option<Vec<&Line>> =
        terms.iter().map(|id| values.get(id.as_str()).copied()).collect();
    let lines = lines?;
    let total: Option<i64> = lines.iter().map(|line| line.good.observation.value).sum();
    Some((lines.first()?, total?))
}
