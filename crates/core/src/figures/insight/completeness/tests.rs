use proptest::prelude::*;

use super::*;
use crate::figures::{
    insight::fixture::deliveries::{Replay, received, view},
    rollup::fixture::{PROVINCES, catalogue, code, gazetteer, months, observations},
};

/// Criteria of the catalogue.
const CRITERIA: [&str; 3] = ["a", "b", "c"];

proptest! {
    #[test]
    fn reports_equal_a_naive_replay(deliveries in received(observations(60))) {
        let view = view(catalogue(), &gazetteer(), &deliveries);
        let replay = Replay::of(&deliveries);
        let gazetteer = gazetteer();
        for month in months() {
            let deadline = month.end_of_following(catalogue().plausibility.deadline_day);
            let nation = view.nation(month);
            let provinces: Vec<_> = reports(&view, &nation).collect();
            let codes: Vec<_> = provinces.iter().map(|(province, _)| province.code).collect();
            prop_assert_eq!(codes, PROVINCES.map(code));
            let mut sum = [0; 3];
            for (province, reports) in &provinces {
                let communes = gazetteer.communes(province.code);
                let counted: Vec<_> =
                    communes.filter(|commune| gazetteer.in_force(commune, month)).collect();
                let expected: Vec<_> = counted
                    .iter()
                    .map(|commune| {
                        let place = (commune.code, month);
                        let received = replay.first_receipts.get(&place).copied();
                        let silent = !replay.has_reported(commune.code, month);
                        let first_receipt = received.filter(|_| !silent);
                        Report { locality: commune.code, first_receipt }
                    })
                    .collect();
                prop_assert_eq!(reports, &expected);
                let receipts: Vec<_> =
                    expected.iter().filter_map(|report| report.first_receipt).collect();
                let in_time = receipts.iter().filter(|receipt| **receipt < deadline).count();
                let found = Completeness::new(reports, deadline);
                let counts = [counted.len(), in_time, receipts.len()];
                prop_assert_eq!(numbers(&found), counts);
                prop_assert_eq!(found.first_receipt, receipts.iter().min().copied());
                let rollup = nation.province(province.code).expect("a province");
                let told = MonthReports::new(rollup.communes().iter());
                let held = counted.iter().filter_map(|commune| {
                    let has = |month: &Period| {
                        let value = |id| replay.value(commune.code, id, *month);
                        CRITERIA.into_iter().any(|id| value(id).is_some())
                    };
                    months().filter(|earlier| *earlier <= month).filter(has).last()
                });
                let expected = MonthReports {
                    reported_count: u32::try_from(receipts.len()).expect("few"),
                    commune_count: u32::try_from(counted.len()).expect("few"),
                    carried_from: held.max().filter(|_| receipts.is_empty()),
                };
                prop_assert_eq!(told, expected);
                sum = [0, 1, 2].map(|at| sum[at] + counts[at]);
            }
            let scopes = provinces.iter().map(|(_, reports)| Completeness::new(reports, deadline));
            let total = scopes.fold(Completeness::default(), Completeness::plus);
            prop_assert_eq!(numbers(&total), sum);
        }
    }

    #[test]
    fn the_last_period_is_the_latest_in_which_anything_stands(
        deliveries in received(observations(60)),
    ) {
        let view = view(catalogue(), &gazetteer(), &deliveries);
        let (replay, gazetteer) = (Replay::of(&deliveries), gazetteer());
        let before = months().last().expect("months");
        for province in PROVINCES.map(code) {
            let reporter = view.reporter(province).expect("a province");
            let mut latest = None;
            for commune in gazetteer.communes(province) {
                let stands = |month: &Period| {
                    gazetteer.in_force(commune, *month)
                        && replay.has_reported(commune.code, *month)
                };
                let expected = months().filter(|month| *month < before).filter(stands).last();
                prop_assert_eq!(last_period(reporter, &gazetteer, commune, before), expected);
                latest = latest.max(expected);
            }
            let own = gazetteer.locality(province).expect("a province");
            prop_assert_eq!(last_period(reporter, &gazetteer, own, before), latest);
        }
    }
}

fn numbers(found: &Completeness) -> [usize; 3] {
    [found.commune_count, found.in_time_count, found.reported_count].map(|count| count as usize)
}

#[test]
fn the_deadline_itself_is_late() {
    let deadline: Timestamp = "2025-08-06".parse().expect("a time");
    let at = |receipt: &str| Report {
        locality: code("00001"),
        first_receipt: Some(receipt.parse().expect("a time")),
    };
    assert!(at("2025-08-05 23:59:59.999999").is_in_time(deadline));
    assert!(!at("2025-08-06 00:00").is_in_time(deadline));
    assert!(!Report { locality: code("00001"), first_receipt: None }.is_in_time(deadline));
}
