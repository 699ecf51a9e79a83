use proptest::prelude::*;

use super::*;
use crate::{
    catalogue::Direction,
    figures::{
        insight::fixture::{
            PROVINCES, RATE, REQUIRED, Told, catalogue, country, month, told_in, view,
        },
        rollup::{Ratio, Value, fixture::code},
    },
};

/// A fraction as it is, by hand: numerator and positive denominator.
type Fraction = (i128, i128);

fn plus(one: Fraction, other: Fraction) -> Fraction {
    (one.0 * other.1 + other.0 * one.1, one.1 * other.1)
}

fn less(one: Fraction, other: Fraction) -> Fraction {
    plus(one, (-other.0, other.1))
}

fn equal(one: Fraction, other: Fraction) -> bool {
    one.0 * other.1 == other.0 * one.1
}

/// Loss by a criterion in the share of these communes: from those not green, from unknown.
fn naive_loss(told: &[&Told], at: usize) -> (Fraction, Fraction) {
    // 60 is a multiple of 1 to 5, so that fractions stay small.
    let (mut unmet, mut unknown) = (0, 0);
    for one in told {
        let (not_met, silent) = one.lacks();
        if not_met.contains(&at) {
            unmet += 60 / i128::try_from(not_met.len()).expect("small");
        } else if not_met.is_empty() && silent.contains(&at) {
            unknown += 60 / i128::try_from(silent.len()).expect("small");
        }
    }
    let all = 60 * i128::try_from(told.len()).expect("small");
    ((unmet, all), (unknown, all))
}

fn share(told: &[&Told]) -> Fraction {
    let count = |count: usize| i128::try_from(count).expect("small");
    (count(told.iter().filter(|one| one.is_green()).count()), count(told.len()))
}

fn check_split(split: &CriteriaSplit, here: &[&Told], all: &[&Told]) -> Result<(), TestCaseError> {
    let over = |numerator: i64| (i128::from(numerator), i128::from(split.denominator));
    prop_assert!(split.denominator > 0);
    prop_assert!(equal(over(split.distance), less(share(all), share(here))));
    let sum = |of: fn(&CriterionPart) -> i64| split.parts.iter().map(of).sum::<i64>();
    prop_assert_eq!(sum(|part| part.unmet), split.unmet);
    prop_assert_eq!(sum(|part| part.unknown), split.unknown);
    prop_assert_eq!(sum(|part| part.sum), split.distance);
    prop_assert_eq!(split.parts.len(), REQUIRED);
    prop_assert!(split.parts.is_sorted_by_key(|part| -part.sum));
    for part in &split.parts {
        let (here, all) = (naive_loss(here, part.criterion), naive_loss(all, part.criterion));
        prop_assert!(equal(over(part.unmet), less(here.0, all.0)));
        prop_assert!(equal(over(part.unknown), less(here.1, all.1)));
        prop_assert_eq!(part.sum, part.unmet + part.unknown);
    }
    Ok(())
}

proptest! {
    #[test]
    fn parts_of_coverage_equal_a_naive_computation_and_sum_exactly(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        let everybody = told_in(&all, "00");
        for province in PROVINCES {
            let rollup = nation.province(code(province)).expect("of the gazetteer");
            let communes = rollup.communes().iter();
            let split = CriteriaSplit::new(communes, nation.communes(), &catalogue).expect("fits");
            let told = told_in(&all, province);
            match split {
                None => prop_assert!(told.is_empty()),
                Some(split) => check_split(&split, &told, &everybody)?,
            }
            for one in told {
                let commune = rollup.commune(one.code).into_iter();
                let split = CriteriaSplit::new(commune, nation.communes(), &catalogue);
                check_split(&split.expect("fits").expect("in force"), &[one], &everybody)?;
            }
        }
    }

    #[test]
    fn parts_of_a_ratio_equal_a_naive_computation_and_sum_exactly(
        all in country(),
        down in any::<bool>(),
        part_max in 0..6_usize,
    ) {
        let direction = if down { Direction::Down } else { Direction::Up };
        let view = view(&all);
        let nation = view.nation(month());
        let pair = |one: &Told| Some((i128::from(one.measures[0]?), i128::from(one.measures[1]?)));
        let sum = |told: &[&Told]| {
            let pairs = told.iter().filter_map(|one| pair(one));
            pairs.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
        };
        let whole = sum(&told_in(&all, "00"));
        prop_assume!(whole.1 > 0);
        let fits = |number: i128| i64::try_from(number).expect("small");
        let ratio = Ratio::new(fits(whole.0), fits(whole.1)).expect("positive");
        for province in PROVINCES {
            let told = told_in(&all, province);
            let here = sum(&told);
            let rollup = nation.province(code(province)).expect("of the gazetteer");
            let split = CommunesSplit::new(rollup.communes().iter(), RATE, ratio, direction);
            let Some(split) = split.expect("fits") else {
                prop_assert_eq!(here.1, 0);
                continue;
            };
            let over = |numerator: i64| (i128::from(numerator), i128::from(split.denominator));
            prop_assert!(equal(over(split.distance), less(whole, here)));
            prop_assert_eq!(split.parts.iter().map(|part| part.part).sum::<i64>(), split.distance);
            let badness = |part: &CommunePart| (if down { part.part } else { -part.part }, part.code);
            prop_assert!(split.parts.is_sorted_by_key(badness));
            for one in &told {
                let part = split.parts.iter().find(|part| part.code == one.code);
                prop_assert_eq!(part.is_some(), pair(one).is_some());
                let (Some(part), Some((n, d))) = (part, pair(one)) else { continue };
                // (R d − n) ÷ D, with R = whole.0 ÷ whole.1.
                prop_assert!(equal(over(part.part), (whole.0 * d - n * whole.1, whole.1 * here.1)));
            }
            let (count, distance) = (split.parts.len(), split.distance);
            let (shown, rest_count, rest) = split.cut(part_max).expect("fits");
            prop_assert_eq!(shown.parts.len() + rest_count, count);
            prop_assert_eq!(shown.parts.len(), count.min(part_max));
            prop_assert_eq!(shown.parts.iter().map(|part| part.part).sum::<i64>() + rest, distance);
        }
    }

    #[test]
    fn obstacles_are_the_sums_of_what_was_reported(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        for province in PROVINCES {
            let told = told_in(&all, province);
            let rollup = nation.province(code(province)).expect("of the gazetteer");
            let found = obstacles(rollup.communes(), &catalogue);
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.count, one.reported_count, one.commune_count))
                .collect();
            let expected = [4, 5].map(|at| {
                let reported: Vec<_> = told.iter().filter_map(|one| one.measures[at]).collect();
                (reported.iter().sum::<i64>(), reported.len(), told.len())
            });
            prop_assert_eq!(found, expected);
        }
    }
}

/// Two communes of one province against three of the nation, worked out by hand.
#[test]
fn the_parts_of_a_small_country_sum_exactly_to_its_distance() {
    let mut all: Vec<Told> = Vec::new();
    let met = [Some(true); 6];
    let mut tell = |code_text: &str, province: &str, criteria| {
        let (code, province) = (code(code_text), code(province));
        all.push(Told { code, province, criteria, measures: [None; 6] });
    };
    for commune in ["00001", "00004", "00006", "00007", "00011"] {
        tell(commune, "01", met);
    }
    tell("00002", "04", [Some(false), Some(false), None, Some(true), Some(true), None]);
    tell("00005", "04", [Some(false), Some(true), Some(true), Some(true), Some(true), None]);
    tell("00009", "04", [Some(true), Some(true), None, Some(true), Some(true), None]);
    tell("00010", "04", met);
    tell("00003", "08", met);
    let view = view(&all);
    let nation = view.nation(month());
    let cao_bang = nation.province(code("04")).expect("Cao Bằng").communes().iter();
    let split = CriteriaSplit::new(cao_bang, nation.communes(), &catalogue());
    let split = split.expect("fits").expect("communes");
    // 7/10 − 1/4 = 9/20 = a: 3/2 × 3/20, b: 1/2 × 3/20, c unknown: 1 × 3/20.
    assert_eq!((split.distance, split.denominator), (18, 40));
    let parts: Vec<_> =
        split.parts.iter().map(|part| (part.criterion, part.unmet, part.unknown)).collect();
    assert_eq!(parts, [(0, 9, 0), (2, 0, 6), (1, 3, 0), (3, 0, 0), (4, 0, 0)]);
    assert_eq!((split.unmet, split.unknown), (12, 6));
}

#[test]
fn what_does_not_fit_is_refused() {
    let all = [("00001", "01", i64::MAX / 4), ("00004", "01", i64::MAX / 4 - 1)];
    let told = all.map(|(commune, province, count)| Told {
        code: code(commune),
        province: code(province),
        criteria: [None; 6],
        measures: [Some(count), Some(count - 1), None, None, None, None],
    });
    let view = view(&told);
    let nation = view.nation(month());
    let rollup = nation.province(code("01")).expect("Hà Nội");
    let Value::Known(ratio) = rollup.rollups()[RATE].value() else { panic!("known") };
    let split = CommunesSplit::new(rollup.communes().iter(), RATE, ratio, Direction::Up);
    assert_eq!(split, Err(TooLarge));
}
