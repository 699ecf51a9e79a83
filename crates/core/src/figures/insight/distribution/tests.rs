use proptest::prelude::*;

use super::*;
use crate::{
    catalogue::{Catalogue, Legend, Millionths},
    figures::{
        insight::fixture::{
            BURDEN, COVERAGE, PROVINCES, RATE, catalogue, country, month, told_in, view,
        },
        rollup::fixture::code,
    },
};

/// The bands by hand, from plain numbers: `None` for what was not reported.
fn naive(up: bool, ratio: Option<(i64, i64)>, green: (i64, i64), yellow: (i64, i64)) -> Band {
    let Some((numerator, denominator)) = ratio else { return Band::Unknown };
    if denominator == 0 {
        return Band::Untested;
    }
    let reaches = |(above, below): (i64, i64)| {
        let (left, right) = (numerator * below, above * denominator);
        if up { left >= right } else { left <= right }
    };
    if up && numerator == denominator {
        Band::Full
    } else if reaches(green) {
        Band::Green
    } else if reaches(yellow) {
        Band::Yellow
    } else {
        Band::Below
    }
}

fn sum(parts: impl Iterator<Item = Option<(i64, i64)>>) -> Option<(i64, i64)> {
    parts.flatten().reduce(|one, other| (one.0 + other.0, one.1 + other.1))
}

proptest! {
    #[test]
    fn bands_equal_a_naive_computation(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        for (at, up, numerator, denominator, green, yellow) in
            [(RATE, true, 0, 1, (3, 4), (1, 4)), (BURDEN, false, 2, 1, (1, 2), (1, 1))]
        {
            let indicator = &catalogue.indicators[at];
            for province in PROVINCES {
                let told = told_in(&all, province);
                let ratio = |one: &&crate::figures::insight::fixture::Told| {
                    Some((one.measures[numerator]?, one.measures[denominator]?))
                };
                let rollup = nation.province(code(province)).expect("of the gazetteer");
                let communes = rollup.communes().iter().map(|one| (one.code, one.rollups[at]));
                let found = Distribution::new(indicator, communes).expect("it has a legend");
                let mut expected = Distribution::default();
                for one in &told {
                    let band = naive(up, ratio(one), green, yellow);
                    expected.bands[band as usize].push(one.code);
                }
                prop_assert_eq!(&found.bands, &expected.bands);
                prop_assert_eq!(found.locality_count(), told.len());
                let band = Band::of(indicator, &rollup.rollups()[at]);
                let whole = naive(up, sum(told.iter().map(ratio)), green, yellow);
                prop_assert_eq!(band, Some(whole));
            }
        }
    }

    #[test]
    fn coverage_of_provinces_is_spread_by_its_legend(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        let rollups = nation.provinces().map(|(one, rollup)| (one.code, rollup.rollups()[COVERAGE]));
        let found = Distribution::new(&catalogue.indicators[COVERAGE], rollups).expect("a legend");
        let mut expected = Distribution::default();
        for province in PROVINCES {
            let told = told_in(&all, province);
            let green = told.iter().filter(|one| one.is_green()).count();
            let red = told.iter().filter(|one| !one.lacks().0.is_empty()).count();
            let band = match (green, told.len()) {
                _ if green + red == 0 => Band::Unknown,
                (green, all) if green == all => Band::Full,
                (green, all) if 10 * green >= 7 * all => Band::Green,
                (green, all) if 2 * green >= all => Band::Yellow,
                _ => Band::Below,
            };
            expected.bands[band as usize].push(code(province));
        }
        prop_assert_eq!(found.bands, expected.bands);
    }
}

#[test]
fn only_a_share_that_is_better_the_higher_can_be_full() {
    let catalogue = Catalogue::builtin();
    let whole = Rollup { numerator: 5, denominator: 5, reported_count: 1, ..Rollup::default() };
    let more = Rollup { numerator: 6, ..whole };
    let coverage = catalogue.indicators[0].clone();
    assert_eq!(Band::of(&coverage, &whole), Some(Band::Full));
    assert_eq!(Band::of(&coverage, &more), Some(Band::Green));
    let per_day = Indicator { unit: "per day".to_owned(), ..coverage.clone() };
    assert_eq!(Band::of(&per_day, &whole), Some(Band::Green));
    let legend = Legend { green_from: Millionths(1), yellow_from: Millionths(1_000_000) };
    let down = Indicator { direction: Direction::Down, legend: Some(legend), ..coverage.clone() };
    assert_eq!(Band::of(&down, &whole), Some(Band::Yellow));
    let plain = Indicator { legend: None, ..coverage };
    assert_eq!(Band::of(&plain, &whole), None);
    assert_eq!(Distribution::new(&plain, std::iter::empty()), None);
}

#[test]
fn bands_count_those_that_are_better_too() {
    let codes = ["01", "04", "08", "12"].map(code);
    let distribution = Distribution {
        bands: [
            codes[..2].to_vec(),
            codes[2..3].to_vec(),
            Vec::new(),
            Vec::new(),
            codes[3..].to_vec(),
            Vec::new(),
        ],
        provenance: None,
    };
    let counts: Vec<_> =
        distribution.counted().map(|(_, all, better)| (all.len(), better)).collect();
    assert_eq!(counts, [(2, 2), (1, 3), (0, 3), (0, 3), (1, 0), (0, 0)]);
}
