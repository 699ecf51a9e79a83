use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    Observation, Timestamp,
    figures::{
        insight::fixture::deliveries::{Replay, received, view},
        rollup::{
            Provenance,
            fixture::{PROVINCES, catalogue, code, gazetteer, months, observations},
        },
    },
};

/// Metrics of the fixture's indicators: those of green coverage, and those of the ratios with the
/// times that they are added above and below.
const COVERAGE: [&str; 2] = ["a", "b"];
const RATE: [(&str, u32, u32); 2] = [("m", 1, 0), ("n", 0, 1)];
const BURDEN: [(&str, u32, u32); 3] = [("m", 1, 1), ("o", 1, 0), ("n", 0, 1)];
const SUM: [(&str, u32, u32); 2] = [("m", 1, 0), ("n", 1, 0)];

/// A cell as told: whose, which, when observed and received, how often added.
type Told = (LocalityCode, String, Period, Observation, Timestamp, u32, u32);

struct Naive<'a> {
    replay: &'a Replay,
    period: Period,
}

impl Naive<'_> {
    fn told(
        &self,
        locality: LocalityCode,
        metric: &str,
        month: Period,
        factors: (u32, u32),
    ) -> Option<Told> {
        let found = self.replay.cells.iter().find(|(key, _)| {
            (key.locality, key.metric.as_str(), key.period) == (locality, metric, month)
        });
        let (one, receipt) = found?.1;
        one.value?;
        let metric = metric.to_owned();
        Some((locality, metric, month, one.clone(), *receipt, factors.0, factors.1))
    }

    fn held(&self, locality: LocalityCode, metric: &str) -> Option<Told> {
        let earlier = months().filter(|month| *month <= self.period);
        earlier.filter_map(|month| self.told(locality, metric, month, (0, 0))).last()
    }

    fn terms(&self, locality: LocalityCode, terms: &[(&str, u32, u32)]) -> Vec<Told> {
        let told = terms.iter().map(|(metric, above, below)| {
            self.told(locality, metric, self.period, (*above, *below))
        });
        told.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    fn of_commune(&self, locality: LocalityCode, subject: Subject) -> Vec<Told> {
        let held = |metric: &&str| self.held(locality, metric);
        match subject {
            Subject::Indicator(0) => COVERAGE.iter().filter_map(held).collect(),
            Subject::Indicator(1) => self.terms(locality, &RATE),
            Subject::Indicator(_) => self.terms(locality, &BURDEN),
            Subject::Criterion(at) => ["a", "b", "c"][at..=at].iter().filter_map(held).collect(),
            Subject::Measure(3) => self.terms(locality, &SUM),
            Subject::Measure(at) => self.terms(locality, &[(["m", "n", "o"][at], 1, 0)]),
        }
    }
}

fn subjects() -> impl Iterator<Item = Subject> {
    let indicators = (0..3).map(Subject::Indicator);
    indicators.chain((0..3).map(Subject::Criterion)).chain((0..4).map(Subject::Measure))
}

proptest! {
    #[test]
    fn receipts_equal_a_naive_search_and_add_up(deliveries in received(observations(60))) {
        let view = view(catalogue(), &gazetteer(), &deliveries);
        let (replay, gazetteer) = (Replay::of(&deliveries), gazetteer());
        for month in months() {
            let (nation, naive) = (view.nation(month), Naive { replay: &replay, period: month });
            for locality in gazetteer.localities() {
                let in_scope = |one: &&Locality| {
                    one.province.is_some()
                        && gazetteer.in_force(one, month)
                        && (locality.code == LocalityCode::NATION
                            || one.code == locality.code
                            || one.province == Some(locality.code))
                };
                let communes: Vec<_> = gazetteer.localities().filter(in_scope).collect();
                for subject in subjects() {
                    let found = counted(&view, &nation, locality, subject);
                    let receipts: Vec<_> = found
                        .iter()
                        .map(|one| {
                            let reporter = view.reporter(one.reporter).expect("a reporter");
                            Receipt::of(reporter, one.place.clone()).expect("a cell")
                        })
                        .collect();
                    let told: Vec<_> = found.iter().zip(&receipts).map(told).collect();
                    let expected: Vec<_> = communes
                        .iter()
                        .flat_map(|commune| naive.of_commune(commune.code, subject))
                        .collect();
                    prop_assert_eq!(told, expected, "{} {} {:?}", locality.code, month, subject);
                    if let Subject::Indicator(at) = subject {
                        let rollup = nation.rollup(locality, at);
                        adds_up(at, &rollup, &found, &receipts)?;
                    }
                }
            }
        }
    }
}

fn told((counted, receipt): (&Counted, &Receipt)) -> Told {
    let Place { locality, metric, period } = receipt.place.clone();
    let cell = &receipt.cell;
    let one = Observation {
        key: crate::CellKey { locality, metric: metric.clone(), period },
        value: cell.value,
        observed: cell.observed,
        revision: cell.revision,
        basis: cell.basis,
    };
    let factors = (counted.numerator_factor, counted.denominator_factor);
    (locality, metric.to_string(), period, one, cell.receipt, factors.0, factors.1)
}

/// The receipts are those of the number itself: sums and provenance are equal.
fn adds_up(
    indicator: usize,
    rollup: &crate::figures::rollup::Rollup,
    counted: &[Counted],
    receipts: &[Receipt],
) -> Result<(), TestCaseError> {
    let provenance = receipts.iter().fold(None, |behind, receipt| {
        let (observed, basis) = (receipt.cell.observed, receipt.cell.basis);
        Provenance::merge(behind, Some(Provenance { observed, basis }))
    });
    prop_assert_eq!(rollup.provenance, provenance);
    if indicator > 0 {
        let sum = |factor: fn(&Counted) -> u32| -> i64 {
            let values = counted.iter().zip(receipts);
            values
                .map(|(one, receipt)| i64::from(factor(one)) * receipt.cell.value.unwrap_or(0))
                .sum()
        };
        prop_assert_eq!(rollup.numerator, sum(|one| one.numerator_factor));
        prop_assert_eq!(rollup.denominator, sum(|one| one.denominator_factor));
    }
    Ok(())
}

#[test]
fn what_provinces_and_the_nation_report_is_theirs() {
    use crate::figures::{
        insight::fixture::deliveries::Delivery,
        rollup::fixture::{july, observation, period},
    };
    let declared = |locality: &str, value| {
        observation(locality, "declared_green_communes", "2025-07", Some(value), july(1))
    };
    let all = vec![declared("01", 7), declared("08", 9)];
    let builtin = std::sync::Arc::new(Catalogue::builtin());
    let at = builtin.measures.iter().position(|one| one.definition.id == "declared_green_communes");
    let subject = Subject::Measure(at.expect("built in"));
    let view = view(builtin, &gazetteer(), &[Delivery { receipt: july(2), all }]);
    let nation = view.nation(period("2025-07"));
    let found: BTreeMap<_, Vec<_>> = ["00", "01", "04", "00001"]
        .into_iter()
        .map(|scope| {
            let locality = view.gazetteer().locality(code(scope)).expect("of the gazetteer");
            let found = counted(&view, &nation, locality, subject);
            (scope, found.iter().map(|one| one.place.locality).collect())
        })
        .collect();
    let both = vec![code(PROVINCES[0]), code(PROVINCES[2])];
    let expected =
        [("00", both), ("01", vec![code("01")]), ("04", Vec::new()), ("00001", Vec::new())];
    assert_eq!(found, BTreeMap::from(expected));
}
