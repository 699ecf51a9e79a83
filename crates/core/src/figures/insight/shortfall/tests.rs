use proptest::prelude::*;

use super::*;
use crate::figures::{
    insight::fixture::{
        CRITERIA, PROVINCES, REQUIRED, Told, catalogue, country, month, told_in, view,
    },
    rollup::fixture::code,
};

fn counts(shortfall: &Shortfall) -> [usize; 5] {
    let Shortfall { rollup, flip_count, flip_unknown_count } = shortfall;
    [rollup.met_count, rollup.unmet_count, rollup.unknown_count, *flip_count, *flip_unknown_count]
        .map(|count| count as usize)
}

/// Fixes the criterion in each commune and looks whether that turns it green.
fn naive(told: &[&Told], at: usize) -> [usize; 5] {
    let count = |wanted| told.iter().filter(|one| one.criteria[at] == wanted).count();
    let flips = |wanted| {
        let turned = told.iter().filter(|one| {
            let mut fixed = (**one).clone();
            fixed.criteria[at] = Some(true);
            one.criteria[at] == wanted && !one.is_green() && fixed.is_green()
        });
        turned.count()
    };
    [count(Some(true)), count(Some(false)), count(None), flips(Some(false)), flips(None)]
}

proptest! {
    #[test]
    fn shortfalls_equal_a_naive_computation(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        let provinces = PROVINCES.map(|province| {
            of_province(nation.province(code(province)).expect("of the gazetteer"), &catalogue)
        });
        let total = total(provinces.iter().map(Vec::as_slice), &catalogue);
        let scopes = PROVINCES.into_iter().zip(&provinces).chain([("00", &total)]);
        for (scope, found) in scopes {
            let told = told_in(&all, scope);
            prop_assert_eq!(found.len(), CRITERIA.len());
            for (at, shortfall) in found.iter().enumerate() {
                prop_assert_eq!(counts(shortfall), naive(&told, at));
                prop_assert!(at < REQUIRED || shortfall.flip_count + shortfall.flip_unknown_count == 0);
            }
        }
    }
}
