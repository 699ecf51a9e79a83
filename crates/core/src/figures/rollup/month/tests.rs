use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{
    Observation, Period,
    figures::{
        fold::Changes,
        rollup::{
            PeriodRollup, ProvinceRollup,
            fixture::{
                Log, catalogue, code, gazetteer, july, months, observation, observations,
                of_province, period,
            },
        },
    },
};

/// A province whose communes are in force in every month.
const PROVINCE: &str = "04";

fn snapshot(log: &Log, previous: Option<(&ProvinceRollup, &Changes)>) -> ProvinceRollup {
    let (catalogue, gazetteer) = (catalogue(), gazetteer());
    let none = Changes::new();
    let (previous, changes) =
        previous.map_or((None, &none), |(previous, changes)| (Some(previous), changes));
    ProvinceRollup::build(code(PROVINCE), log.fold(), &catalogue, &gazetteer, previous, changes)
}

fn held(rollup: &ProvinceRollup) -> Vec<String> {
    rollup.held_periods().map(|period| period.to_string()).collect()
}

fn three_months() -> Log {
    let mut log = Log::new();
    let months = ["2025-05", "2025-07", "2025-08"];
    log.write(months.map(|month| observation("00002", "a", month, Some(1), july(1))).to_vec());
    log
}

#[test]
fn a_month_holds_figures_once_it_is_asked_for() {
    let rollup = snapshot(&three_months(), None);
    assert_eq!(held(&rollup), [""; 0]);
    let counts: Vec<_> = rollup.periods().map(|(_, count)| count).collect();
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!(rollup.period(period("2025-07"), &gazetteer()).criteria()[0].met_count, 1);
    assert_eq!(held(&rollup), ["2025-07"]);
    // A month without cells stands with the last one that has some.
    assert_eq!(rollup.period(period("2025-06"), &gazetteer()).reported_count(), 0);
    assert_eq!(held(&rollup), ["2025-05", "2025-07"]);
}

#[test]
fn a_month_that_nobody_asked_for_between_two_sweeps_is_dropped() {
    let (first, gazetteer) = (snapshot(&three_months(), None), gazetteer());
    let [may, august] = ["2025-05", "2025-08"].map(period);
    let asked = [may, august].map(|month| first.period(month, &gazetteer));
    assert_eq!(first.swept(), None);
    assert_eq!(*first.period(august, &gazetteer), *asked[1]);
    let second = first.swept().expect("May is dropped");
    assert_eq!(held(&second), ["2025-08"]);
    // The figures are the same, made anew.
    assert_eq!(second.period(may, &gazetteer), asked[0]);
    assert_eq!(held(&second.swept().expect("August is dropped")), ["2025-05"]);
}

#[test]
fn a_change_renews_the_months_that_are_held_and_no_others() {
    let mut log = three_months();
    let (first, gazetteer) = (snapshot(&log, None), gazetteer());
    let july_before = first.period(period("2025-07"), &gazetteer);
    let changes = log.write(vec![observation("00005", "a", "2025-05", Some(0), july(2))]);
    let second = snapshot(&log, Some((&first, &changes)));
    assert_eq!(held(&second), ["2025-07"]);
    let july_after = second.period(period("2025-07"), &gazetteer);
    assert_eq!(
        (july_before.criteria()[0].unmet_count, july_after.criteria()[0].unmet_count),
        (0, 1)
    );
    let figures = |rollup: &PeriodRollup| rollup.communes()[0].criteria.as_ptr();
    assert_eq!(figures(&july_before), figures(&july_after), "of a commune without changes");
    // Renewed is not asked for, but whoever asked before still counts.
    assert_eq!(second.swept(), None);
    assert_eq!(held(&second.swept().expect("July is dropped")), [""; 0]);
}

/// Lists of figures that rollups hold between them.
struct Lists {
    measures: usize,
    rollups: usize,
    criteria: usize,
}

fn lists<'a>(all: impl IntoIterator<Item = &'a PeriodRollup>) -> Lists {
    let (mut measures, mut rollups, mut criteria) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for commune in all.into_iter().flat_map(PeriodRollup::communes) {
        measures.insert(commune.measures.as_ptr());
        rollups.insert(commune.rollups.as_ptr());
        criteria.insert(commune.criteria.as_ptr());
    }
    Lists { measures: measures.len(), rollups: rollups.len(), criteria: criteria.len() }
}

/// Months of communes that any observation is of.
fn reported(all: &[Observation]) -> usize {
    let places: BTreeSet<_> = all.iter().map(|one| (one.key.locality, one.key.period)).collect();
    places.len()
}

proptest! {
    #[test]
    fn figures_take_room_by_what_was_reported(
        all in observations(40),
        order in Just(months().collect::<Vec<Period>>()).prop_shuffle(),
    ) {
        let all = of_province(&all, PROVINCE);
        let mut log = Log::new();
        log.write(all.clone());
        let (rollup, gazetteer) = (snapshot(&log, None), gazetteer());
        let asked: Vec<_> = order.iter().map(|month| rollup.period(*month, &gazetteer)).collect();
        let lists = lists(asked.iter().map(AsRef::as_ref));
        // One list of those that never reported; one for each report, and one for the months
        // through which it holds on.
        let reported = reported(&all);
        prop_assert!(lists.measures <= 1 + reported);
        prop_assert!(lists.rollups <= 1 + 2 * reported);
        prop_assert!(lists.criteria <= 1 + 2 * reported);
    }

    #[test]
    fn figures_do_not_depend_on_what_was_asked_for_before(
        all in observations(60),
        order in Just(months().collect::<Vec<Period>>()).prop_shuffle(),
        sizes in prop::collection::vec(1..9_usize, 1..10),
    ) {
        let mut rest = of_province(&all, PROVINCE);
        let (mut log, gazetteer) = (Log::new(), gazetteer());
        let mut current = snapshot(&log, None);
        for (at, size) in sizes.into_iter().enumerate() {
            let changes = log.write(rest.drain(..rest.len().min(size)).collect());
            let next = snapshot(&log, Some((&current, &changes)));
            // One month of each version, also of the one that was replaced.
            for rollup in [&next, &current] {
                let month = order[at % order.len()];
                let scratch = ProvinceRollup::build(
                    code(PROVINCE),
                    rollup.fold(),
                    &catalogue(),
                    &gazetteer,
                    None,
                    &Changes::new(),
                );
                prop_assert_eq!(
                    rollup.period(month, &gazetteer),
                    scratch.period(month, &gazetteer)
                );
            }
            current = next.swept().unwrap_or(next);
        }
        let scratch = snapshot(&log, None);
        for month in order {
            let [one, other] = [&current, &scratch].map(|found| found.period(month, &gazetteer));
            prop_assert_eq!(one, other);
        }
    }
}
