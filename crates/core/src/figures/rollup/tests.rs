use proptest::prelude::*;

use super::{
    fixture::{
        Log, Naive, PROVINCES, catalogue, code, gazetteer, july, months, naive, observation,
        observations, of_province, period,
    },
    *,
};
use crate::{Basis, Observation};

/// Places of the indicators in the catalogue of the fixture.
const COVERAGE: usize = 0;
const RATE: usize = 1;

fn full(province: &str, log: &Log) -> ProvinceRollup {
    let (catalogue, gazetteer) = (catalogue(), gazetteer());
    let changes = Changes::new();
    ProvinceRollup::build(code(province), log.fold(), &catalogue, &gazetteer, None, &changes)
}

fn rolled_up(province: &str, all: Vec<Observation>) -> ProvinceRollup {
    let mut log = Log::new();
    log.write(all);
    full(province, &log)
}

fn counts(rollup: &Rollup) -> (i64, i64, u32, u32) {
    (rollup.numerator, rollup.denominator, rollup.reported_count, rollup.commune_count)
}

#[test]
fn one_unmet_outweighs_unknown_and_all_met_is_green() {
    let cao_bang = rolled_up(
        "04",
        vec![
            observation("00002", "a", "2025-07", Some(0), july(1)),
            observation("00005", "a", "2025-07", Some(1), july(2)),
            observation("00009", "a", "2025-07", Some(1), july(3)),
            observation("00009", "b", "2025-07", Some(1), july(4)),
            observation("00009", "c", "2025-07", Some(0), july(5)),
        ],
    );
    let july_rollup = cao_bang.period(period("2025-07"), &gazetteer());
    let values: Vec<_> =
        july_rollup.communes().iter().map(|commune| commune.rollups[COVERAGE].value()).collect();
    let share = |green| Value::Known(Ratio::new(green, 1).expect("positive"));
    assert_eq!(values, [share(0), Value::Unknown, share(1)]);
    let total = july_rollup.rollups()[COVERAGE];
    assert_eq!(counts(&total), (1, 3, 2, 3));
    // The criterion that green does not ask for is not under green coverage.
    assert_eq!(total.provenance.map(|behind| behind.observed), Some(july(4)));
    let a = july_rollup.criteria()[0];
    assert_eq!((a.met_count, a.unmet_count, a.unknown_count), (2, 1, 0));
}

#[test]
fn a_criterion_holds_until_replaced_and_a_measure_does_not() {
    let tuyen_quang = rolled_up(
        "08",
        vec![
            observation("00003", "a", "2025-05", Some(1), july(1)),
            observation("00003", "b", "2025-05", Some(1), july(1)),
            observation("00003", "m", "2025-05", Some(1), july(1)),
            observation("00003", "n", "2025-05", Some(2), july(1)),
            observation("00003", "a", "2025-08", Some(0), july(2)),
            observation("00003", "a", "2025-10", None, july(3)),
        ],
    );
    let gazetteer = gazetteer();
    let green = |month: &str| {
        let rollup = tuyen_quang.period(period(month), &gazetteer);
        (rollup.rollups()[COVERAGE].numerator, rollup.rollups()[RATE].reported_count)
    };
    assert_eq!(green("2025-04"), (0, 0));
    assert_eq!(green("2025-05"), (1, 1));
    assert_eq!(green("2025-07"), (1, 0));
    assert_eq!(green("2025-08"), (0, 0));
    // Withdrawn counts as never reported, so that of August holds on.
    assert_eq!(green("2025-10"), (0, 0));
    let october = tuyen_quang.period(period("2025-10"), &gazetteer);
    let held = october.communes()[0].criteria[0].expect("held");
    assert_eq!((held.met, held.since), (false, period("2025-08")));
    assert_eq!(october.reported_count(), 0);
}

#[test]
fn a_ratio_sums_communes_that_reported_both_parts() {
    let synthetic = Observation {
        basis: Basis::Synthetic,
        ..observation("00005", "n", "2025-07", Some(4), july(3))
    };
    let cao_bang = rolled_up(
        "04",
        vec![
            observation("00002", "m", "2025-07", Some(1), july(1)),
            observation("00002", "n", "2025-07", Some(3), july(2)),
            observation("00005", "m", "2025-07", Some(2), july(1)),
            synthetic,
            observation("00009", "m", "2025-07", Some(9), july(4)),
        ],
    );
    let rate = cao_bang.period(period("2025-07"), &gazetteer()).rollups()[RATE];
    assert_eq!(counts(&rate), (3, 7, 2, 3));
    let expected = Provenance { observed: july(3), basis: Basis::Synthetic };
    assert_eq!(rate.provenance, Some(expected));
}

#[test]
fn a_commune_counts_while_it_is_in_force() {
    let hanoi = rolled_up(
        "01",
        vec![
            observation("00007", "a", "2025-07", Some(0), july(1)),
            observation("00008", "a", "2025-07", Some(0), july(1)),
        ],
    );
    let gazetteer = gazetteer();
    let unmet = |month: &str| {
        let rollup = hanoi.period(period(month), &gazetteer);
        let codes: Vec<_> = rollup.communes().iter().map(|found| found.code.to_string()).collect();
        let not_green = rollup.commune(code("00008")).is_some();
        (codes.len(), not_green, rollup.criteria()[0].unmet_count)
    };
    assert_eq!(unmet("2025-06"), (3, false, 0));
    assert_eq!(unmet("2025-07"), (3, false, 1));
    // Without cells in August: what was said of the new commune holds, the old one is gone.
    assert_eq!(unmet("2025-08"), (3, true, 1));
}

#[test]
fn periods_that_did_not_change_are_shared() {
    let (catalogue, gazetteer) = (catalogue(), gazetteer());
    let mut log = Log::new();
    let months = ["2025-05", "2025-07", "2025-08"];
    log.write(months.map(|month| observation("00003", "m", month, Some(1), july(1))).to_vec());
    let first = full("08", &log);
    let mut shared = |metric, value| {
        let change = observation("00003", metric, "2025-07", Some(value), july(2));
        let changes = log.write(vec![change]);
        let province = code("08");
        let next = ProvinceRollup::build(
            province,
            log.fold(),
            &catalogue,
            &gazetteer,
            Some(&first),
            &changes,
        );
        months.map(|month| {
            let month = period(month);
            Arc::ptr_eq(&first.period(month, &gazetteer), &next.period(month, &gazetteer))
        })
    };
    assert_eq!(shared("m", 2), [true, false, true]);
    assert_eq!(shared("a", 1), [true, false, false]);
}

#[test]
fn months_without_cells_are_made_once() {
    let cao_bang = rolled_up("04", vec![observation("00002", "a", "2025-07", Some(1), july(1))]);
    let gazetteer = gazetteer();
    let later = ["2025-08", "2030-01"].map(|month| cao_bang.period(period(month), &gazetteer));
    assert!(Arc::ptr_eq(&later[0], &later[1]));
    assert_eq!(later[0].criteria()[0].met_count, 1);
}

proptest! {
    #[test]
    fn step_by_step_equals_from_scratch(
        all in observations(60),
        sizes in prop::collection::vec(1..9_usize, 1..20),
    ) {
        let (catalogue, gazetteer) = (catalogue(), gazetteer());
        for province in PROVINCES {
            let mut rest = of_province(&all, province);
            let mut log = Log::new();
            let mut current = full(province, &log);
            for size in &sizes {
                let batch = rest.drain(..rest.len().min(*size)).collect();
                let changes = log.write(batch);
                current = ProvinceRollup::build(
                    code(province), log.fold(), &catalogue, &gazetteer, Some(&current), &changes,
                );
                let scratch = full(province, &log);
                prop_assert_eq!(&current, &scratch);
                for month in months() {
                    let [one, other] =
                        [&current, &scratch].map(|found| found.period(month, &gazetteer));
                    prop_assert_eq!(one, other);
                }
            }
        }
    }

    #[test]
    fn rollups_equal_a_naive_computation(all in observations(120)) {
        let gazetteer = gazetteer();
        for province in PROVINCES {
            let rollup = rolled_up(province, of_province(&all, province));
            for month in months() {
                let found = rollup.period(month, &gazetteer);
                let in_force: Vec<_> = gazetteer
                    .communes(code(province))
                    .filter(|commune| gazetteer.in_force(commune, month))
                    .map(|commune| naive(&all, commune.code, month))
                    .collect();
                for (indicator, rollup) in found.rollups().iter().enumerate() {
                    let expected = in_force
                        .iter()
                        .fold(Naive::default(), |sum, commune| sum.plus(commune[indicator]));
                    let found = Naive {
                        numerator: rollup.numerator,
                        denominator: rollup.denominator,
                        reported_count: rollup.reported_count,
                        commune_count: rollup.commune_count,
                    };
                    prop_assert_eq!(found, expected, "{} {} {}", province, month, indicator);
                }
            }
        }
    }

    #[test]
    fn counts_of_communes_add_up(all in observations(120)) {
        let gazetteer = gazetteer();
        for province in PROVINCES {
            let rollup = rolled_up(province, of_province(&all, province));
            for month in months() {
                let found = rollup.period(month, &gazetteer);
                let total = found.communes().len() as u64;
                for criterion in found.criteria() {
                    let parts =
                        [criterion.met_count, criterion.unmet_count, criterion.unknown_count];
                    prop_assert_eq!(parts.map(u64::from).iter().sum::<u64>(), total);
                }
                let coverage = found.rollups()[COVERAGE];
                prop_assert!(coverage.numerator <= i64::from(coverage.reported_count));
                prop_assert_eq!(u64::from(coverage.commune_count), total);
                for one in found.rollups() {
                    prop_assert!(one.reported_count <= one.commune_count);
                    prop_assert!(one.reported_count == 0 || one.provenance.is_some());
                }
            }
        }
    }
}
