use proptest::prelude::*;

use super::*;

/// A locality that is not sorted into anything yet.
type Locality = (LocalityCode, Result<Ratio, Unranked>);

fn value() -> impl Strategy<Value = Result<Ratio, Unranked>> {
    prop_oneof![
        6 => (0..4_i64, 1..4_i64).prop_map(|(numerator, denominator)| {
            Ok(Ratio::new(numerator, denominator).expect("positive"))
        }),
        2 => prop::sample::select(&Unranked::ALL[..]).prop_map(Err),
    ]
}

const LOCALITIES_MAX: usize = 50;

/// Up to five lists of interleaving codes.
fn lists() -> impl Strategy<Value = Vec<Vec<Locality>>> {
    prop::collection::vec((0..5_usize, value()), 0..LOCALITIES_MAX).prop_map(|localities| {
        let mut lists = vec![Vec::new(); 5];
        for (number, (list, value)) in (100_000..).zip(localities) {
            let code = LocalityCode::from_number(number).expect("a code");
            lists[list].push((code, value));
        }
        lists
    })
}

fn ranking(order: Order, lists: &[Vec<Locality>]) -> Ranking {
    let sorted = lists.iter().map(|list| Arc::new(Orders::new(list.iter().copied())));
    Ranking::new(order, sorted.collect())
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Lowest), Just(Order::Highest)]
}

/// Ranks and codes, by looking at every pair.
fn naive(order: Order, lists: &[Vec<Locality>]) -> Vec<(usize, LocalityCode)> {
    let comes_before = |one: Ratio, other: Ratio| {
        let left = one.numerator() * other.denominator();
        let right = other.numerator() * one.denominator();
        match order {
            Order::Lowest => left < right,
            Order::Highest => left > right,
        }
    };
    let known: Vec<_> =
        lists.iter().flatten().filter_map(|(code, value)| Some((*code, value.ok()?))).collect();
    let mut rows: Vec<_> = known
        .iter()
        .map(|(code, value)| {
            let before = known.iter().filter(|(_, other)| comes_before(*other, *value));
            (1 + before.count(), *code)
        })
        .collect();
    rows.sort_unstable();
    rows
}

fn codes_of(why: Unranked, lists: &[Vec<Locality>]) -> Vec<LocalityCode> {
    let all = lists.iter().flatten();
    let mut codes: Vec<_> =
        all.filter(|(_, found)| *found == Err(why)).map(|(code, _)| *code).collect();
    codes.sort_unstable();
    codes
}

fn flat(rows: &[Row]) -> Vec<(usize, LocalityCode)> {
    rows.iter().map(|row| (row.rank, row.key.code)).collect()
}

proptest! {
    #[test]
    fn a_ranking_equals_a_naive_sort(order in order(), lists in lists()) {
        let ranking = ranking(order, &lists);
        let expected = naive(order, &lists);
        prop_assert_eq!(flat(&ranking.rows_after(None, usize::MAX)), expected.clone());
        prop_assert_eq!(ranking.ranked_count(), expected.len());
        for why in Unranked::ALL {
            let codes = codes_of(why, &lists);
            prop_assert_eq!(ranking.unranked_count(why), codes.len());
            prop_assert_eq!(ranking.unranked_after(why, None, usize::MAX), codes);
        }
    }

    #[test]
    fn a_walk_over_pages_equals_the_whole(
        order in order(),
        lists in lists(),
        page_size in 1..7_usize,
    ) {
        let ranking = ranking(order, &lists);
        let mut walked = Vec::<Row>::new();
        // Bounded, so that a walk that stands still fails.
        for _ in 0..=LOCALITIES_MAX {
            let after = walked.last().map(|row| row.key);
            let page = ranking.rows_after(after.as_ref(), page_size);
            if page.is_empty() {
                break;
            }
            walked.extend(page);
        }
        prop_assert_eq!(walked, ranking.rows_after(None, usize::MAX));

        let mut codes = Vec::new();
        for _ in 0..=LOCALITIES_MAX {
            let page = ranking.unranked_after(Unranked::Unknown, codes.last().copied(), page_size);
            if page.is_empty() {
                break;
            }
            codes.extend(page);
        }
        prop_assert_eq!(codes, codes_of(Unranked::Unknown, &lists));
    }

    #[test]
    fn a_standing_is_a_cut_of_the_whole(
        order in order(),
        lists in lists(),
        neighbour_max in 0..6_usize,
    ) {
        let ranking = ranking(order, &lists);
        let all = ranking.rows_after(None, usize::MAX);
        for (at, row) in all.iter().enumerate() {
            let standing = ranking.standing(row.key, neighbour_max);
            let end = all.len().min(at + 1 + neighbour_max);
            prop_assert_eq!(standing.row, *row);
            prop_assert_eq!(&standing.before, &all[at.saturating_sub(neighbour_max)..at]);
            prop_assert_eq!(&standing.behind, &all[at + 1..end]);
        }
    }
}

#[test]
fn equal_values_share_a_rank_and_the_next_is_skipped() {
    let locality = |code: &str, numerator, denominator| {
        let ratio = Ratio::new(numerator, denominator).expect("positive");
        (code.parse().expect("a code"), Ok(ratio))
    };
    let lists = [vec![locality("04", 1, 2), locality("12", 3, 4)], vec![locality("01", 2, 4)]];
    let ranks = |order| {
        let rows = ranking(order, &lists).rows_after(None, 10);
        rows.iter().map(|row| (row.rank, row.key.code.to_string())).collect::<Vec<_>>()
    };
    let row = |rank, code: &str| (rank, code.to_owned());
    assert_eq!(ranks(Order::Lowest), [row(1, "01"), row(1, "04"), row(3, "12")]);
    assert_eq!(ranks(Order::Highest), [row(1, "12"), row(2, "01"), row(2, "04")]);
}
