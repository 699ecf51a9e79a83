use proptest::prelude::*;

use super::*;
use crate::{
    LocalityCode,
    figures::{
        insight::fixture::{RATE, country, month, view},
        ranking::Scope,
    },
};

fn interval(hits: i64, cases: i64) -> Interval {
    Interval::of(Ratio::new(hits, cases).expect("positive"))
}

/// True if a share p is compatible with x of n: |x/n − p| ≤ z √(p(1 − p)/n), the test that the
/// interval turns around.
fn is_compatible(share: f64, hits: f64, cases: f64) -> bool {
    (hits / cases - share).abs() <= 1.959_964 * (share * (1.0 - share) / cases).sqrt()
}

#[test]
fn intervals_are_those_of_the_literature() {
    // Newcombe, Statistics in Medicine 17 (1998), 857–872, table I: 81 of 263, 15 of 148, 0 of 20
    // and 1 of 29 by Wilson's method.
    let cases =
        [(81, 263, 2_553, 3_662), (15, 148, 624, 1_605), (0, 20, 0, 1_611), (1, 29, 61, 1_718)];
    for (hits, count, lower, upper) in cases {
        let found = interval(hits, count);
        let rounded = |end: i64| (end + 50_000) / 100_000;
        assert_eq!((rounded(found.lower), rounded(found.upper)), (lower, upper), "{hits}/{count}");
    }
    assert_eq!(interval(3, 2), interval(2, 2));
    assert_eq!((interval(5, 5).upper, interval(0, 5).lower), (BILLION, 0));
    let huge = interval(i64::MAX / 2, i64::MAX);
    assert!(huge.upper - huge.lower <= 2, "{huge:?}");
}

proptest! {
    #[test]
    fn an_interval_holds_what_its_test_does_not_refuse(hits in 0..400_i64, more in 0..400_i64) {
        let cases = hits + more;
        prop_assume!(cases > 0);
        let found = interval(hits, cases);
        let (n, x) = (to_f64(cases), to_f64(hits));
        let inside = |end: i64| to_f64(end) / 1e9;
        prop_assert!(is_compatible(inside(found.lower + 2).min(x / n), x, n));
        prop_assert!(is_compatible(inside(found.upper - 2).max(x / n), x, n));
        let below = inside(found.lower - 2);
        prop_assert!(below <= 0.0 || !is_compatible(below, x, n));
        let above = inside(found.upper + 2);
        prop_assert!(above >= 1.0 || !is_compatible(above, x, n));
    }

    #[test]
    fn communes_are_ranked_by_the_end_near_the_middle(all in country(), highest in any::<bool>()) {
        let order = if highest { Order::Highest } else { Order::Lowest };
        let query = Query::all(Scope::Communes { within: None }, RATE, order);
        let view = view(&all);
        let found = Confidence::new(&view.nation(month()), &query);
        let known: Vec<(LocalityCode, Interval)> = all
            .iter()
            .filter_map(|told| {
                let (m, n) = (told.measures[0]?, told.measures[1]?);
                (n > 0).then(|| (told.code, interval(m, n)))
            })
            .collect();
        let mut expected: Vec<_> = known
            .iter()
            .map(|(code, it)| {
                let precedes = |other: &Interval| {
                    if highest { other.lower > it.lower } else { other.upper < it.upper }
                };
                (1 + known.iter().filter(|(_, other)| precedes(other)).count(), *code)
            })
            .collect();
        expected.sort_unstable();
        let rows = found.ranking.rows_after(None, usize::MAX);
        let rows: Vec<_> = rows.iter().map(|row| (row.rank, row.key.code)).collect();
        prop_assert_eq!(rows, expected);
        for (_, it) in &known {
            let wholly_below = |one: &Interval, other: &Interval| one.upper < other.lower;
            let below = known.iter().filter(|(_, other)| wholly_below(other, it)).count();
            let above = known.iter().filter(|(_, other)| wholly_below(it, other)).count();
            let (before, behind) = if highest { (above, below) } else { (below, above) };
            prop_assert_eq!(found.ranks(*it), (1 + before, known.len() - behind));
        }
    }
}
