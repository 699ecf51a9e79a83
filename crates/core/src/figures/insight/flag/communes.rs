//! Implausible values of one commune by itself.

use std::iter;

use super::{Deadline, Declared, Finding, Flag, Province};
use crate::{Basis, LocalityCode, Timestamp, figures::fold::MetricKey};

/// Place of green coverage among the indicators: a catalogue puts it first.
const COVERAGE: usize = 0;

/// A part greater than its whole, where both were reported.
pub(super) fn parts(province: &Province<'_>, found: &mut Vec<Flag>) {
    for rule in &province.catalogue.plausibility.parts {
        let (Some(part), Some(whole)) = (province.terms(rule.part), province.terms(rule.whole))
        else {
            continue;
        };
        for locality in province.communes() {
            let sums = (province.sum(locality, &part), province.sum(locality, &whole));
            let (Some(part_value), Some(whole_value)) = sums else { continue };
            if part_value > whole_value {
                let (part, whole) = (rule.part, rule.whole);
                let finding = Finding::Part { part, whole, part_value, whole_value };
                found.push(Flag { locality, extent: part_value - whole_value, finding });
            }
        }
    }
}

/// The same value of a measure in the period and the months before it, without a gap.
pub(super) fn frozen(province: &Province<'_>, found: &mut Vec<Flag>) {
    let rules = &province.catalogue.plausibility;
    for &measure in &rules.varying {
        let metric = &province.catalogue.measures[measure].metric;
        let Some(key) = province.fold.metric_key(metric) else { continue };
        for locality in province.communes() {
            let value = province.value(locality, key, province.period);
            let Some(value) = value.filter(|value| *value >= rules.value_min) else { continue };
            let months = iter::successors(Some(province.period), |period| period.previous());
            let same = |month: &_| province.value(locality, key, *month) == Some(value);
            let period_count = months.take_while(same).count();
            if period_count >= rules.frozen_period_count {
                let finding = Finding::Frozen { measure, value, period_count };
                let extent = i64::try_from(period_count).expect("fewer than there are months");
                found.push(Flag { locality, extent, finding });
            }
        }
    }
}

/// Green, and not without criteria that were not met in the month before, and are met since the
/// eve of a deadline. Only what was reported tells when it was observed: a published or made-up
/// value has the time of what it was taken from.
pub(super) fn eves(province: &Province<'_>, found: &mut Vec<Flag>) {
    let catalogue = province.catalogue;
    let required: Vec<_> = catalogue
        .criteria
        .iter()
        .enumerate()
        .filter(|(_, criterion)| criterion.required)
        .filter_map(|(at, criterion)| Some((at, province.fold.metric_key(&criterion.metric)?)))
        .collect();
    let named = catalogue.plausibility.deadlines.iter().enumerate();
    let deadlines = iter::once((Deadline::Report, catalogue.deadline(province.period)))
        .chain(named.map(|(at, deadline)| (Deadline::Named(at), deadline.time)));
    for (deadline, time) in deadlines {
        for commune in province.rollup.communes() {
            let is_green = commune.rollups.get(COVERAGE).is_some_and(|rollup| rollup.numerator > 0);
            if !is_green {
                continue;
            }
            let locality = commune.code;
            let criteria: Vec<_> = required
                .iter()
                .filter_map(|(criterion, key)| declared(province, locality, *criterion, *key, time))
                .collect();
            if !criteria.is_empty() {
                let extent = i64::try_from(criteria.len()).expect("few criteria");
                let finding = Finding::Eve { deadline, criteria };
                found.push(Flag { locality, extent, finding });
            }
        }
    }
}

/// The criterion, where it was first met on the eve of the deadline.
fn declared(
    province: &Province<'_>,
    locality: LocalityCode,
    criterion: usize,
    key: MetricKey,
    deadline: Timestamp,
) -> Option<Declared> {
    let (since, cell) = province.held(locality, key, province.period)?;
    let first = cell.unchanged_since;
    let on_eve = first < deadline && deadline <= first.plus(province.catalogue.plausibility.eve);
    let met_before = province.period.previous().is_some_and(|previous| {
        let held = province.held(locality, key, previous);
        held.is_some_and(|(_, cell)| cell.value == Some(1))
    });
    let is_reported = cell.basis == Basis::Reported;
    (is_reported && on_eve && !met_before).then_some(Declared { criterion, since })
}
