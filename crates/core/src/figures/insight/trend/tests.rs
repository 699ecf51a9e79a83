use proptest::prelude::*;

use super::*;
use crate::figures::{
    insight::fixture::{REQUIRED, Told, country, view_of},
    rollup::fixture::period,
};

const MONTHS: [&str; 4] = ["2025-04", "2025-05", "2025-06", "2025-07"];

/// True for each month at whose end a commune is green; a criterion holds until the next word.
fn states(months: &[Vec<Told>], at: usize) -> Vec<Option<bool>> {
    let mut held = [None; REQUIRED];
    let state = |month: &Vec<Told>| {
        for (held, told) in held.iter_mut().zip(month[at].criteria) {
            *held = told.or(*held);
        }
        if held.contains(&Some(false)) {
            return Some(false);
        }
        held.iter().all(|met| *met == Some(true)).then_some(true)
    };
    months.iter().map(state).collect()
}

proptest! {
    // Each case makes a view of four months.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn turns_are_the_changes_between_known_states(
        months in prop::collection::vec(country(), MONTHS.len()),
    ) {
        let told: Vec<_> =
            MONTHS.into_iter().zip(&months).map(|(month, all)| (month, all.as_slice())).collect();
        let view = view_of(&told);
        let mut turns = Turns::default();
        for month in MONTHS {
            turns.add(view.nation(period(month)).communes());
        }
        let mut expected = vec![Turned::default(); MONTHS.len()];
        let mut flapping = Vec::new();
        for (at, one) in months[0].iter().enumerate() {
            let known = states(&months, at).into_iter().enumerate();
            let known: Vec<_> =
                known.filter_map(|(month, state)| Some((month, state?))).collect();
            let turned = known.windows(2).filter(|pair| pair[0].1 != pair[1].1);
            let turned: Vec<_> = turned.map(|pair| pair[1]).collect();
            for (month, green) in &turned {
                let count = &mut expected[*month];
                *(if *green { &mut count.green_count } else { &mut count.not_green_count }) += 1;
            }
            if turned.len() > 1 {
                flapping.push((one.code, turned.len()));
            }
        }
        flapping.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        prop_assert_eq!(&turns.months, &expected);
        prop_assert_eq!(turns.flapping(), flapping);
    }
}
