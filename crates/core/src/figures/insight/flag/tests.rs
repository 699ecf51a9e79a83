use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;

use super::*;
use crate::{
    Basis, CellKey, Observation, Timestamp,
    figures::{
        insight::fixture::deliveries::{Replay, received, view},
        rollup::{
            Provenance,
            fixture::{PROVINCES, code, gazetteer, july, observation, period},
        },
    },
    gazetteer::Locality,
};

/// The measures in the catalogue's order, with what the rules say of them.
const MEASURES: [(&str, &str); 8] = [
    ("m", "part_of = \"n\""),
    ("n", ""),
    ("o", "part_of = \"s\""),
    ("s", "sum = \"m + n\""),
    ("w", "varies = false"),
    ("dm", "level = \"province\"\ntotal_of = \"m\""),
    ("ds", "level = \"province\"\ntotal_of = \"s\""),
    ("dg", "level = \"province\"\ntotal_of = \"green_coverage\""),
];
const VARYING: [(usize, &str); 3] = [(0, "m"), (1, "n"), (2, "o")];
const FROZEN: usize = 2;
const COPIED: usize = 2;
const VALUE_MIN: i64 = 2;
const MONTHS: [&str; 3] = ["2025-05", "2025-06", "2025-07"];
/// Deadlines of June's report, as the catalogue's deadline day has it, and of the catalogue's own.
const REPORT_OF_JUNE: &str = "2025-07-06 00:00";
const NAMED: &str = "2025-07-08 12:00";

fn catalogue() -> Arc<Catalogue> {
    static PARSED: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
        let names = "vi = \"v\"\nen = \"e\"\norigin = \"ours\"";
        let mut text = format!(
            "version = 1\n[reporting]\ndeadline_day = 5\n[plausibility]\nfrozen_periods = {FROZEN}\n\
             copied_measures = {COPIED}\nvalue_min = {VALUE_MIN}\neve_hours = 24\n\
             [[deadline]]\nid = \"d\"\ntime = \"{NAMED}\"\n{names}\n\
             [[indicator]]\nid = \"green_coverage\"\n{names}\n"
        );
        for (id, required) in [("a", true), ("c", false), ("b", true)] {
            let row = format!("[[criterion]]\nid = \"{id}\"\nrequired = {required}\n{names}\n");
            text.push_str(&row);
        }
        for (id, rest) in MEASURES {
            let row = format!("[[measure]]\nid = \"{id}\"\n{names}\n{rest}\n");
            text.push_str(&row);
        }
        Arc::new(Catalogue::parse(text.as_bytes()).expect("a catalogue"))
    });
    Arc::clone(&PARSED)
}

/// Few values, so that they repeat; totals that are about right.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let communes = ["00001", "00004", "00007", "00002", "00005", "00009", "00003"];
    let of_commune = (
        prop::sample::select(communes.to_vec()),
        prop_oneof![
            5 => (prop::sample::select(vec!["m", "n", "o", "w"]),
                  prop::option::weighted(0.95, prop::sample::select(vec![0_i64, 1, 2, 2, 3, 3]))),
            4 => (prop::sample::select(vec!["a", "b"]),
                  prop::option::weighted(0.95, prop::sample::select(vec![0_i64, 1, 1, 1]))),
            1 => (Just("c"), Just(Some(1))),
        ],
    );
    let of_province = (
        prop::sample::select(PROVINCES.to_vec()),
        (prop::sample::select(vec!["dm", "ds", "dg"]), (0..9_i64).prop_map(Some)),
    );
    let told = prop_oneof![9 => of_commune.boxed(), 1 => of_province.boxed()];
    let bases = prop::sample::select(vec![Basis::Reported, Basis::Reported, Basis::Published]);
    let one = (told, prop::sample::select(MONTHS.to_vec()), 4..9_u32, bases).prop_map(
        |((locality, (metric, value)), month, day, basis)| Observation {
            basis,
            ..observation(locality, metric, month, value, july(day))
        },
    );
    prop::collection::vec(one, 0..300)
}

/// The rules once more, over nothing but the replayed observations.
struct Naive<'a> {
    replay: &'a Replay,
    period: Period,
}

impl Naive<'_> {
    fn value(&self, locality: LocalityCode, id: &str) -> Option<i64> {
        match id {
            "s" => Some(self.value(locality, "m")? + self.value(locality, "n")?),
            _ => self.replay.value(locality, id, self.period),
        }
    }

    /// The latest period up to one for which a criterion stands, with its value.
    fn held(&self, locality: LocalityCode, id: &str, until: Period) -> Option<(Period, i64)> {
        let months = MONTHS.map(period).into_iter().rev().filter(|month| *month <= until);
        let mut told =
            months.filter_map(|month| Some((month, self.replay.value(locality, id, month)?)));
        told.next()
    }

    fn is_green(&self, locality: LocalityCode) -> Option<bool> {
        let held = ["a", "b"].map(|id| self.held(locality, id, self.period).map(|(_, met)| met));
        match held {
            [Some(0), _] | [_, Some(0)] => Some(false),
            [Some(_), Some(_)] => Some(true),
            [_, _] => None,
        }
    }

    fn flags(&self) -> Vec<Flag> {
        let gazetteer = gazetteer();
        let mut found = Vec::new();
        for province in PROVINCES.map(code) {
            let communes: Vec<_> = gazetteer
                .communes(province)
                .filter(|commune| gazetteer.in_force(commune, self.period))
                .collect();
            for commune in &communes {
                found.extend(self.of_commune(commune.code));
                found.extend(self.copy(commune, &communes));
            }
            found.extend(self.of_province(province, &communes));
        }
        let rank = |flag: &Flag| Rule::ALL.iter().position(|rule| *rule == flag.rule());
        found.sort_by_key(|flag| (rank(flag), -flag.extent, flag.locality, flag.key().place));
        found
    }

    fn of_commune(&self, locality: LocalityCode) -> Vec<Flag> {
        let mut found = Vec::new();
        for (part, whole, ids) in [(0, 1, ("m", "n")), (2, 3, ("o", "s"))] {
            let values = (self.value(locality, ids.0), self.value(locality, ids.1));
            if let (Some(part_value), Some(whole_value)) = values
                && part_value > whole_value
            {
                let finding = Finding::Part { part, whole, part_value, whole_value };
                found.push(Flag { locality, extent: part_value - whole_value, finding });
            }
        }
        for (measure, id) in VARYING {
            let mut period_count = 0;
            let value = self.value(locality, id);
            for month in MONTHS.map(period).into_iter().rev() {
                if month <= self.period && self.replay.value(locality, id, month) == value {
                    period_count += 1;
                } else if month <= self.period {
                    break;
                }
            }
            let Some(value) = value else { continue };
            if value >= VALUE_MIN && period_count >= FROZEN {
                let finding = Finding::Frozen { measure, value, period_count };
                let extent = i64::try_from(period_count).expect("few");
                found.push(Flag { locality, extent, finding });
            }
        }
        for (deadline, time) in self.deadlines() {
            let criteria: Vec<_> = [(0, "a"), (2, "b")]
                .into_iter()
                .filter_map(|(at, id)| self.first_met(locality, at, id, time))
                .collect();
            if self.is_green(locality) == Some(true) && !criteria.is_empty() {
                let extent = i64::try_from(criteria.len()).expect("few");
                let finding = Finding::Eve { deadline, criteria };
                found.push(Flag { locality, extent, finding });
            }
        }
        found
    }

    fn deadlines(&self) -> Vec<(Deadline, Timestamp)> {
        let time = |text: &str| text.parse().expect("a time");
        let named = (Deadline::Named(0), time(NAMED));
        match self.period.to_string().as_str() {
            "2025-06" => vec![(Deadline::Report, time(REPORT_OF_JUNE)), named],
            _ => vec![named],
        }
    }

    fn first_met(
        &self,
        locality: LocalityCode,
        criterion: usize,
        id: &str,
        deadline: Timestamp,
    ) -> Option<Declared> {
        let (since, met) = self.held(locality, id, self.period)?;
        let metric = id.parse().expect("an id");
        let history = &self.replay.histories[&CellKey { locality, metric, period: since }];
        let unbroken = history.iter().rev().take_while(|one| one.value == Some(1));
        let first = unbroken.last()?.observed;
        let ahead = deadline.micros() - first.micros();
        let on_eve = 0 < ahead && ahead <= 24 * 3_600 * 1_000_000;
        let earlier = self.held(locality, id, self.period.previous()?);
        let met_before = earlier.is_some_and(|(_, met)| met == 1);
        let is_reported = history.last()?.basis == Basis::Reported;
        (met == 1 && is_reported && on_eve && !met_before).then_some(Declared { criterion, since })
    }

    fn copy(&self, commune: &Locality, communes: &[&Locality]) -> Option<Flag> {
        let large = |locality, id| self.value(locality, id).filter(|value| *value >= VALUE_MIN);
        let before = communes.iter().filter(|other| other.code < commune.code);
        let copies = before.map(|other| {
            let same = VARYING.into_iter().filter(|(_, id)| {
                large(commune.code, id).is_some()
                    && large(commune.code, id) == large(other.code, id)
            });
            (other.code, same.map(|(at, _)| at).collect::<Vec<_>>())
        });
        let (original, measures) =
            copies.filter(|(_, same)| same.len() >= COPIED).min_by_key(|(code, _)| *code)?;
        let extent = i64::try_from(measures.len()).expect("few");
        let finding = Finding::Copied { original, measures };
        Some(Flag { locality: commune.code, extent, finding })
    }

    /// The newest time and the least certain basis under what the communes add up to.
    fn behind(&self, communes: &[&Locality], of: Whole) -> Option<Provenance> {
        let cells = communes.iter().flat_map(|commune| {
            let code = commune.code;
            let held = |id: &'static str| Some((id, self.held(code, id, self.period)?.0));
            match of {
                Whole::GreenCommunes => ["a", "b"].into_iter().filter_map(held).collect(),
                Whole::Measure(0) => vec![("m", self.period)],
                Whole::Measure(_) if self.value(code, "s").is_some() => {
                    vec![("m", self.period), ("n", self.period)]
                }
                Whole::Measure(_) => Vec::new(),
            }
            .into_iter()
            .filter_map(move |(id, period)| {
                let metric = id.parse().expect("an id");
                let (one, _) =
                    self.replay.cells.get(&CellKey { locality: code, metric, period })?;
                one.value.map(|_| (one.observed, one.basis))
            })
        });
        let (observed, bases): (Vec<_>, Vec<_>) = cells.unzip();
        Some(Provenance { observed: observed.into_iter().max()?, basis: bases.into_iter().max()? })
    }

    fn of_province(&self, province: LocalityCode, communes: &[&Locality]) -> Vec<Flag> {
        let totals = [
            (5, "dm", Whole::Measure(0)),
            (6, "ds", Whole::Measure(3)),
            (7, "dg", Whole::GreenCommunes),
        ];
        let mut found = Vec::new();
        for (declared, id, of) in totals {
            let Some(declared_value) = self.value(province, id) else { continue };
            let values = communes.iter().map(|commune| match of {
                Whole::GreenCommunes => self.is_green(commune.code).map(i64::from),
                Whole::Measure(0) => self.value(commune.code, "m"),
                Whole::Measure(_) => self.value(commune.code, "s"),
            });
            let values: Vec<_> = values.collect();
            let told: Vec<_> = values.iter().flatten().collect();
            let least = told.iter().copied().sum::<i64>();
            let missing = i64::try_from(values.len() - told.len()).expect("few");
            let most = match of {
                Whole::GreenCommunes => Some(least + missing),
                Whole::Measure(_) => (missing == 0).then_some(least),
            };
            let counts = [told.len(), values.len()].map(|count| u32::try_from(count).expect("few"));
            let [reported_count, commune_count] = counts;
            let provenance = self.behind(communes, of);
            let sum = Sum { least, most, reported_count, commune_count, provenance };
            let extent = if declared_value < least {
                least - declared_value
            } else {
                most.map_or(0, |most| (declared_value - most).max(0))
            };
            if extent > 0 {
                let finding = Finding::Total { declared, of, declared_value, sum };
                found.push(Flag { locality: province, extent, finding });
            }
        }
        found
    }
}

proptest! {
    #[test]
    fn flags_equal_a_naive_search(deliveries in received(observations())) {
        let view = view(catalogue(), &gazetteer(), &deliveries);
        let replay = Replay::of(&deliveries);
        for month in MONTHS.map(period) {
            let expected = Naive { replay: &replay, period: month }.flags();
            let found = flags(&view, month, None);
            prop_assert_eq!(&found, &expected);
            let keys: BTreeSet<_> = found.iter().map(Flag::key).collect();
            prop_assert_eq!(keys.len(), found.len());
            let within = Some(code("01"));
            let inside = |flag: &&Flag| {
                let locality = gazetteer().locality(flag.locality).cloned().expect("one");
                locality.province.or(Some(locality.code)) == within
            };
            let expected: Vec<_> = expected.iter().filter(inside).cloned().collect();
            prop_assert_eq!(flags(&view, month, within), expected);
        }
    }

    /// The evidence that a flag names is there, and says what the flag says.
    #[test]
    fn the_evidence_of_a_flag_stands(deliveries in received(observations())) {
        let view = view(catalogue(), &gazetteer(), &deliveries);
        let replay = Replay::of(&deliveries);
        let month = period("2025-07");
        for flag in flags(&view, month, None) {
            let values: Vec<_> = flag
                .evidence(&catalogue(), month)
                .iter()
                .map(|place| replay.value(place.locality, place.metric.as_str(), place.period))
                .map(|value| value.expect("a value stands"))
                .collect();
            match flag.finding {
                Finding::Part { part_value, whole_value, .. } => {
                    prop_assert_eq!(values[0], part_value);
                    prop_assert_eq!(values[1..].iter().sum::<i64>(), whole_value);
                }
                Finding::Total { declared_value, .. } => {
                    prop_assert_eq!(values, vec![declared_value]);
                }
                Finding::Frozen { value, period_count, .. } => {
                    prop_assert_eq!(values, vec![value; period_count]);
                }
                Finding::Copied { measures, .. } => {
                    let (pairs, _) = values.as_chunks::<2>();
                    prop_assert_eq!(pairs.len(), measures.len());
                    prop_assert!(pairs.iter().all(|[one, other]| one == other));
                }
                Finding::Eve { criteria, .. } => {
                    prop_assert_eq!(values, vec![1; criteria.len()]);
                }
            }
        }
    }
}

/// The random data reach every rule, so that the comparison above compares something.
#[test]
fn every_rule_is_met_by_some_data() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeSet::new();
    for _ in 0..50 {
        let tree = received(observations()).new_tree(&mut runner).expect("data");
        let view = view(catalogue(), &gazetteer(), &tree.current());
        let all = MONTHS.into_iter().flat_map(|month| flags(&view, period(month), None));
        met.extend(all.map(|flag| flag.rule()));
    }
    assert_eq!(met, BTreeSet::from(Rule::ALL));
}
