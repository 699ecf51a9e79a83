use proptest::prelude::*;

use super::*;
use crate::{
    LocalityCode,
    figures::{
        insight::fixture::{BURDEN, PROVINCES, RATE, Told, catalogue, country, told_in, view_of},
        ranking::Scope,
        rollup::{
            Order,
            fixture::{code, period},
        },
    },
    gazetteer::Kind,
};

/// Sums a locality's pairs of measures; `None` where none was reported.
fn sum(told: &[&Told], numerator: usize, denominator: usize) -> Option<(i128, i128)> {
    let pair = |one: &&Told| {
        Some((i128::from(one.measures[numerator]?), i128::from(one.measures[denominator]?)))
    };
    told.iter().filter_map(pair).reduce(|one, other| (one.0 + other.0, one.1 + other.1))
}

/// The move towards better as a fraction, or why there is none, by hand.
fn naive(
    now: Option<(i128, i128)>,
    before: Option<(i128, i128)>,
    sign: i128,
    least: i128,
) -> Result<(i128, i128), Unranked> {
    let known = |sum: Option<(i128, i128)>| sum.filter(|(_, denominator)| *denominator > 0);
    match (known(now), known(before)) {
        (Some((_, b)), Some((_, d))) if b < least || d < least => Err(Unranked::Small),
        (Some((a, b)), Some((c, d))) => Ok((sign * (a * d - c * b), b * d)),
        (None, None) if now.is_some() || before.is_some() => Err(Unranked::Untested),
        (None, None) => Err(Unranked::Unknown),
        (_, _) => Err(Unranked::OneSided),
    }
}

proptest! {
    #[test]
    fn a_ranking_of_changes_is_a_naive_sort(
        june in country(),
        july in country(),
        up in any::<bool>(),
        highest in any::<bool>(),
        of_provinces in any::<bool>(),
        least in 0..4_i64,
        kind in prop::option::of(prop::sample::select(vec![Kind::Ward, Kind::Commune])),
    ) {
        let view = view_of(&[("2025-06", &june), ("2025-07", &july)]);
        let (at, numerator, denominator, sign) =
            if up { (RATE, 0, 1, 1) } else { (BURDEN, 2, 1, -1) };
        let order = if highest { Order::Highest } else { Order::Lowest };
        let kind = kind.filter(|_| !of_provinces);
        let scope =
            if of_provinces { Scope::Provinces } else { Scope::Communes { within: None } };
        let query = Query { kind, denominator_min: least, ..Query::all(scope, at, order) };
        let [now, before] = ["2025-07", "2025-06"].map(|month| view.nation(period(month)));
        let found = ranking(&now, &before, &catalogue().indicators[at], &query);

        let mut told: Vec<(LocalityCode, Vec<&Told>, Vec<&Told>)> = if of_provinces {
            let of = |one: &&str| (code(one), told_in(&july, one), told_in(&june, one));
            PROVINCES.iter().map(of).collect()
        } else {
            let pairs = july.iter().zip(&june);
            pairs.map(|(now, before)| (now.code, vec![now], vec![before])).collect()
        };
        // Hà Nội's are wards, all others communes.
        told.retain(|(_, now, _)| match kind {
            None => true,
            Some(kind) => (now[0].province == code("01")) == (kind == Kind::Ward),
        });
        let all: Vec<_> = told
            .iter()
            .map(|(code, now, before)| {
                let [now, before] = [now, before].map(|told| sum(told, numerator, denominator));
                (*code, naive(now, before, sign, least.into()))
            })
            .collect();
        let known: Vec<_> = all.iter().filter_map(|(code, it)| Some((*code, it.ok()?))).collect();
        let precedes = |one: (i128, i128), other: (i128, i128)| {
            let (left, right) = (one.0 * other.1, other.0 * one.1);
            if highest { left > right } else { left < right }
        };
        let mut expected: Vec<_> = known
            .iter()
            .map(|(code, it)| {
                let before = known.iter().filter(|(_, other)| precedes(*other, *it)).count();
                (before + 1, *code)
            })
            .collect();
        expected.sort_unstable();
        let rows = found.rows_after(None, usize::MAX);
        let rows: Vec<_> = rows.iter().map(|row| (row.rank, row.key.code)).collect();
        prop_assert_eq!(rows, expected);
        for why in Unranked::ALL {
            let left_out = all.iter().filter(|(_, it)| *it == Err(why)).map(|(code, _)| *code);
            let expected: Vec<_> = left_out.collect();
            prop_assert_eq!(found.unranked_after(why, None, usize::MAX), expected, "{:?}", why);
        }
    }

    #[test]
    fn fractions_compare_as_by_cross_multiplication(
        one in (-60..60_i128, 1..40_i128),
        other in (-60..60_i128, 1..40_i128),
        factor in 1..1_000_000_000_000_i128,
    ) {
        let expected = (one.0 * other.1).cmp(&(other.0 * one.1));
        prop_assert_eq!(compare_fractions(one, other), expected);
        let large = (one.0 * factor, one.1 * factor);
        prop_assert_eq!(compare_fractions(large, other), expected);
        prop_assert_eq!(compare_fractions(large, one), Ordering::Equal);
    }
}

#[test]
fn changes_that_no_common_denominator_could_hold_are_told_apart() {
    let ratio = |numerator, denominator| Ratio::new(numerator, denominator).expect("positive");
    let large = i64::MAX;
    let change = |up, down| Change { up, down };
    let less = change(ratio(large - 2, large), ratio(1, large - 1));
    let more = change(ratio(large - 1, large), ratio(1, large - 1));
    assert!(less < more);
    assert_eq!(more.cmp(&more), Ordering::Equal);
    assert!(change(ratio(0, large), ratio(1, 1)) < change(ratio(1, large), ratio(1, 1)));
}
