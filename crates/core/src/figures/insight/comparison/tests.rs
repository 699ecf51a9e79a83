use proptest::prelude::*;

use super::*;
use crate::figures::{
    insight::fixture::{MEASURES, PROVINCES, Told, country, told_in, view_of},
    rollup::fixture::{self, code, period},
};

/// Sums of both months over the pairs that are known, by hand: now, before, how many.
fn naive(now: &[&Told], before: &[&Told], measure: usize) -> (i64, i64, usize) {
    let mut sums = (0, 0, 0);
    for one in now {
        let earlier = before.iter().find(|other| other.code == one.code).expect("told as well");
        if let (Some(now), Some(before)) = (one.measures[measure], earlier.measures[measure]) {
            sums = (sums.0 + now, sums.1 + before, sums.2 + 1);
        }
    }
    sums
}

fn reported_count(told: &[&Told], measure: usize) -> usize {
    told.iter().filter(|one| one.measures[measure].is_some()).count()
}

proptest! {
    #[test]
    fn comparisons_equal_a_naive_computation(
        june in country(),
        july in country(),
        measure in 0..MEASURES.len(),
        day_counts in (0..24_u32, 0..24_u32),
    ) {
        let view = view_of(&[("2025-06", &june), ("2025-07", &july)]);
        let [now, before] = ["2025-07", "2025-06"].map(|month| view.nation(period(month)));
        let days = Months { now: day_counts.0, before: day_counts.1 };
        let mut parts = Vec::new();
        for province in PROVINCES {
            let [now, before] =
                [&now, &before].map(|nation| nation.province(code(province)).expect("a province"));
            let compare = |one: &CommuneRollup| {
                Comparison::new(one, before.commune(one.code), measure)
            };
            let communes: Vec<_> = now.communes().iter().map(compare).collect();
            let found = Comparison::total(communes.iter());
            let (now, before) = (told_in(&july, province), told_in(&june, province));
            let expected = naive(&now, &before, measure);
            prop_assert_eq!(
                (found.sums.now.sum, found.sums.before.sum, found.compared_count),
                expected
            );
            prop_assert_eq!(found.sums.now.reported_count, reported_count(&now, measure));
            prop_assert_eq!(found.sums.before.reported_count, reported_count(&before, measure));
            prop_assert_eq!(found.commune_count, now.len());
            let time = found.sums.now.provenance.map(|behind| behind.observed);
            prop_assert_eq!(time, (expected.2 > 0).then(|| fixture::july(1)));
            parts.push((code(province), found));
        }
        let total = Comparison::total(parts.iter().map(|(_, part)| part));
        let all = naive(&told_in(&july, "00"), &told_in(&june, "00"), measure);
        prop_assert_eq!((total.sums.now.sum, total.sums.before.sum, total.compared_count), all);

        // now/days − before/days, times both counts of days; what cannot be told comes last.
        let order = |(code, found): &(LocalityCode, Comparison)| {
            let known = found.compared_count > 0 && days.now > 0 && days.before > 0;
            let moved = found.sums.now.sum * i64::from(days.before)
                - found.sums.before.sum * i64::from(days.now);
            (!known, if known { moved } else { 0 }, *code)
        };
        let mut expected = parts.clone();
        expected.sort_by_key(order);
        sort(&mut parts, days);
        prop_assert_eq!(&parts, &expected);
        for (_, part) in &parts {
            let change = part.change(days);
            let moved = order(&(code("00"), *part)).1;
            prop_assert_eq!(change.is_some(), !order(&(code("00"), *part)).0);
            let movement = change.map(|change| change.up.cmp(&change.down));
            prop_assert!(movement.is_none_or(|movement| movement == moved.cmp(&0)));
        }
    }
}
