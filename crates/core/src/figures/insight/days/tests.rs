use proptest::prelude::*;

use super::*;
use crate::{
    Observation,
    figures::{
        fold::DAYS_MAX,
        rollup::fixture::{Log, code, observation, period},
    },
};

const COMMUNE: &str = "00001";
const CRITERIA: [&str; 2] = ["a", "b"];

fn late() -> Timestamp {
    "2026-01-01".parse().expect("a time")
}

/// An hour of a day, counted from 20 June 2025.
fn hour(day: i64, hour: i64) -> Timestamp {
    let begin: Timestamp = "2025-06-20".parse().expect("a time");
    Timestamp::from_micros(begin.micros() + (day * 24 + hour) * 3_600_000_000).expect("in range")
}

/// Each at a time of its own, so that no order of arrival decides between two; over the end of
/// June, July and the beginning of August, for the months of June, July and August.
fn told() -> impl Strategy<Value = Vec<Observation>> {
    let one = (
        prop::sample::select(CRITERIA.to_vec()),
        prop::sample::select(vec!["2025-06", "2025-07", "2025-07", "2025-07", "2025-08"]),
        prop::option::weighted(0.9, 0..2_i64),
    );
    let times = prop::collection::btree_set(0..48 * 24_i64, 0..50);
    (times, prop::collection::vec(one, 50)).prop_map(|(times, told)| {
        let all = times.into_iter().zip(told);
        all.map(|(at, (metric, month, value))| {
            observation(COMMUNE, metric, month, value, hour(0, at))
        })
        .collect()
    })
}

fn fold_of(all: &[Observation]) -> Fold {
    let mut log = Log::new();
    for part in all.chunks(3) {
        log.write(part.to_vec());
    }
    log.fold().clone()
}

fn days(fold: &Fold, criteria: &[&str], month: &Month) -> Days {
    let metric = |id: &&str| fold.metric_key(&id.parse().expect("an id"));
    let keys: Vec<_> = criteria.iter().map(metric).collect();
    Days::new(fold, code(COMMUNE), &keys, month)
}

/// True if a criterion held once the first days are over, by looking at everything told by then.
fn held(all: &[Observation], id: &str, month: &str, end: Timestamp) -> Option<bool> {
    let mut told: Vec<_> = all
        .iter()
        .filter(|one| one.key.metric.as_str() == id && one.key.period <= period(month))
        .filter(|one| one.observed < end)
        .collect();
    told.sort_by_key(|one| (one.key.period, one.observed));
    let standing = told.chunk_by(|one, next| one.key.period == next.key.period);
    let mut standing = standing.filter_map(|cell| cell.last()?.value);
    standing.next_back().map(|value| value == 1)
}

fn naive(all: &[Observation], criteria: &[&str], month: &str, first_day: i64, count: i64) -> Days {
    let state = |day| {
        let held: Vec<_> = criteria.iter().map(|id| held(all, id, month, hour(day, 0))).collect();
        if held.contains(&Some(false)) {
            Some(false)
        } else {
            held.iter().all(Option::is_some).then_some(true)
        }
    };
    let states: Vec<_> = (first_day + 1..=first_day + count).map(state).collect();
    let number = |wanted| {
        u32::try_from(states.iter().filter(|found| **found == wanted).count()).expect("few")
    };
    let known: Vec<_> = [state(first_day)].iter().chain(&states).flatten().copied().collect();
    let turns = known.windows(2).filter(|pair| pair[0] != pair[1]).count();
    Days {
        met_count: number(Some(true)),
        unmet_count: number(Some(false)),
        unknown_count: number(None),
        turn_count: u32::try_from(turns).expect("few"),
        is_cut: false,
    }
}

proptest! {
    /// July begins with the twelfth of these days.
    #[test]
    fn days_equal_a_look_at_each_of_them_in_any_order_of_arrival(
        (all, shuffled) in told().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        passed in 0..40_i64,
    ) {
        let fold = fold_of(&shuffled);
        let (month, count) = (Month::new(period("2025-07"), hour(11 + passed, 1)), (passed + 1).min(31));
        prop_assert_eq!(i64::try_from(month.day_count()), Ok(count));
        for criteria in [&CRITERIA[..], &CRITERIA[..1], &CRITERIA[1..]] {
            let expected = naive(&all, criteria, "2025-07", 11, count);
            prop_assert_eq!(days(&fold, criteria, &month), expected);
        }
    }

    #[test]
    fn what_is_repeated_changes_no_day(all in told(), again in 0..50_usize) {
        let mut twice = all.clone();
        twice.extend(all.get(again).cloned());
        let month = Month::new(period("2025-07"), late());
        let [once, twice] = [all, twice].map(|all| days(&fold_of(&all), &CRITERIA, &month));
        prop_assert_eq!(once, twice);
    }
}

#[test]
fn the_last_correction_of_a_day_decides_it() {
    let noon = hour(20, 12);
    let [first, corrected] =
        [1, 0].map(|value| observation(COMMUNE, "a", "2025-07", Some(value), noon));
    let corrected = Observation { revision: 1, ..corrected };
    let next = observation(COMMUNE, "a", "2025-07", Some(1), hour(21, 12));
    for all in [[&first, &corrected, &next], [&next, &corrected, &first]] {
        let fold = fold_of(&all.map(Observation::clone));
        let found = days(&fold, &["a"], &Month::new(period("2025-07"), hour(22, 1)));
        let expected =
            Days { met_count: 2, unmet_count: 1, unknown_count: 9, turn_count: 1, is_cut: false };
        assert_eq!(found, expected);
    }
}

/// July's criterion is observed on each of its days and of the first of August.
#[test]
fn days_that_are_not_kept_any_more_are_unknown_and_said_to_be_cut() {
    let all: Vec<_> = (11..11 + 31 + 5)
        .map(|day| observation(COMMUNE, "a", "2025-07", Some(day % 2), hour(day, 8)))
        .collect();
    let month = Month::new(period("2025-07"), late());
    for order in [all.clone(), all.iter().rev().cloned().collect()] {
        let fold = fold_of(&order);
        // Of 36 days the last is in force, and the first four are not kept.
        let key = fold.metric_key(&"a".parse().expect("an id")).expect("reported");
        let earlier = fold.earlier(code(COMMUNE), key, period("2025-07")).expect("earlier days");
        assert_eq!((earlier.moments.len(), earlier.is_cut), (DAYS_MAX, true));
        let found = days(&fold, &["a"], &month);
        let expected =
            Days { met_count: 14, unmet_count: 13, unknown_count: 4, turn_count: 26, is_cut: true };
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_is_known_of_a_criterion_that_nobody_reported() {
    let month = Month::new(period("2025-02"), late());
    let found = days(&Fold::default(), &["a"], &month);
    assert_eq!(found, Days { unknown_count: 28, ..Days::default() });
    let ahead = Month::new(period("2026-02"), late());
    assert_eq!(ahead.day_count(), 0);
}
