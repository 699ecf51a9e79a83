//! Validation of observations before they are admitted. The collector validates at its source and
//! the aggregator before it admits, so both give the same answer for the same catalogue.

use std::time::Duration;

use super::{LocalityCode, MetricId, Observation, Observations, Period, Row, Timestamp};
use crate::{
    Level,
    catalogue::{Catalogue, Metric},
    gazetteer::Gazetteer,
};

/// Largest count of a measure: sums of it over any gazetteer stay within 63 bits.
pub const MEASURE_MAX: i64 = 1_000_000_000_000;

/// Reason why an observation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the gazetteer does not hold the locality")]
    UnknownLocality,
    #[error("the locality is not the reporter's")]
    ForeignLocality,
    #[error("the catalogue does not hold the metric, or computes it")]
    UnknownMetric,
    #[error("the metric is not reported at the locality's level")]
    WrongLevel,
    #[error("the value is out of the metric's range")]
    ImpossibleValue,
    #[error("observed too far ahead of the receipt")]
    ObservedAhead,
    #[error("the period begins after the observed time")]
    ImpossiblePeriod,
    #[error("observed before the locality was in force")]
    ObservedBeforeLocality,
    #[error("the locality is not in force in the period")]
    PeriodOutsideLocality,
}

/// Rules that observations are checked by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Reporter of the observations.
    pub reporter: LocalityCode,
    pub catalogue: &'a Catalogue,
    pub gazetteer: &'a Gazetteer,
    /// The time of the check.
    pub now: Timestamp,
    /// Furthest that the observed time may lie ahead of it.
    pub ahead_max: Duration,
    /// Months before a locality began for which figures may be restated for it.
    pub restated_months_max: u32,
}

impl<'a> Rules<'a> {
    /// Says why an observation must be refused, if it must.
    pub fn check(&self, observation: &Observation) -> Result<(), Refusal> {
        let key = &observation.key;
        self.check_locality(key.locality)?;
        let metric = self.metric(&key.metric)?;
        self.check_value(metric, key.locality.level(), observation.value)?;
        self.check_times(key.locality, observation.observed, key.period)
    }

    /// Returns the observations of a batch that must be refused and why, by rising place; for each
    /// the same answer as [`Self::check`] gives. Neighbours are mostly of one locality and one
    /// time, so what is found for one holds for the next.
    #[must_use]
    pub fn refusals(&self, batch: &Observations) -> Vec<(u32, Refusal)> {
        let metrics: Vec<_> = batch.metrics().iter().map(|id| self.metric(id)).collect();
        let (mut localities, mut times) = (Latest::default(), Latest::default());
        let mut check = |row: &Row| {
            localities.answer(row.locality, |code| self.check_locality(code))?;
            let metric = metrics[row.metric as usize]?;
            self.check_value(metric, row.locality.level(), row.value)?;
            let question = (row.locality, row.observed, row.period);
            times.answer(question, |(code, at, period)| self.check_times(code, at, period))
        };
        let checked = (0..).zip(batch.rows().iter().map(&mut check));
        checked.filter_map(|(place, checked)| Some((place, checked.err()?))).collect()
    }

    fn metric(&self, id: &MetricId) -> Result<Metric<'a>, Refusal> {
        self.catalogue.metric(id.as_str()).ok_or(Refusal::UnknownMetric)
    }

    fn check_times(
        &self,
        code: LocalityCode,
        observed: Timestamp,
        period: Period,
    ) -> Result<(), Refusal> {
        self.check_observed(observed)?;
        self.check_period(observed, period)?;
        self.check_in_force(code, observed)?;
        self.check_period_in_force(code, period)
    }

    /// Says why an observed time must be refused, if it must.
    pub fn check_observed(&self, observed: Timestamp) -> Result<(), Refusal> {
        let is_ahead = observed > self.now.plus(self.ahead_max);
        if is_ahead { Err(Refusal::ObservedAhead) } else { Ok(()) }
    }

    /// Says why a period must be refused beside an observed time, if it must.
    pub fn check_period(&self, observed: Timestamp, period: Period) -> Result<(), Refusal> {
        let is_ahead = period > Period::containing(observed);
        if is_ahead { Err(Refusal::ImpossiblePeriod) } else { Ok(()) }
    }

    /// Refuses what was observed before its locality began. Most codes of communes were, before
    /// that day, the code of one of the units that were merged into them.
    pub fn check_in_force(&self, code: LocalityCode, observed: Timestamp) -> Result<(), Refusal> {
        match self.gazetteer.locality(code) {
            Some(locality) if observed < Timestamp::midnight(locality.valid_from) => {
                Err(Refusal::ObservedBeforeLocality)
            }
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownLocality),
        }
    }

    /// Refuses a period in which its locality does not count, and one so long before the locality
    /// began that nobody can have restated it.
    pub fn check_period_in_force(&self, code: LocalityCode, period: Period) -> Result<(), Refusal> {
        let locality = self.gazetteer.locality(code).ok_or(Refusal::UnknownLocality)?;
        let began = Period::containing(Timestamp::midnight(locality.valid_from));
        let is_restated = period.number() + self.restated_months_max >= began.number();
        if is_restated && self.gazetteer.in_force(locality, period) {
            Ok(())
        } else {
            Err(Refusal::PeriodOutsideLocality)
        }
    }

    /// Says why a locality must be refused, if it must.
    pub fn check_locality(&self, code: LocalityCode) -> Result<(), Refusal> {
        let locality = self.gazetteer.locality(code).ok_or(Refusal::UnknownLocality)?;
        let owner = locality.province.unwrap_or(code);
        if owner == self.reporter { Ok(()) } else { Err(Refusal::ForeignLocality) }
    }

    /// Says why a value must be refused, if it must.
    pub fn check_value(
        &self,
        metric: Metric<'_>,
        level: Level,
        value: Option<i64>,
    ) -> Result<(), Refusal> {
        let (expected, max) = match metric {
            Metric::Criterion(_) => (Level::Commune, 1),
            Metric::Measure(measure) if measure.sum.is_empty() => (measure.level, MEASURE_MAX),
            Metric::Measure(_) => return Err(Refusal::UnknownMetric),
        };
        if level != expected {
            return Err(Refusal::WrongLevel);
        }
        match value {
            Some(value) if !(0..=max).contains(&value) => Err(Refusal::ImpossibleValue),
            Some(_) | None => Ok(()),
        }
    }
}

/// The latest question and its answer.
struct Latest<Q>(Option<(Q, Result<(), Refusal>)>);

impl<Q> Default for Latest<Q> {
    fn default() -> Self {
        Self(None)
    }
}

impl<Q: Copy + PartialEq> Latest<Q> {
    fn answer(
        &mut self,
        question: Q,
        ask: impl Fn(Q) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        match self.0 {
            Some((latest, answer)) if latest == question => answer,
            Some(_) | None => self.0.insert((question, ask(question))).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{Basis, CellKey};

    fn observation(locality: &str, metric: &str, value: i64) -> Observation {
        Observation {
            key: CellKey {
                locality: locality.parse().expect("a code"),
                metric: metric.parse().expect("an id"),
                period: "2025-07".parse().expect("a period"),
            },
            value: Some(value),
            observed: "2025-07-31 16:00".parse().expect("a time"),
            revision: 0,
            basis: Basis::Reported,
        }
    }

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);
    static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::builtin);

    fn check(observation: &Observation) -> Result<(), Refusal> {
        rules().check(observation)
    }

    fn rules() -> Rules<'static> {
        Rules {
            reporter: "01".parse().expect("a code"),
            catalogue: &CATALOGUE,
            gazetteer: &GAZETTEER,
            now: "2025-07-31 16:00".parse().expect("a time"),
            ahead_max: Duration::from_mins(5),
            restated_months_max: 1,
        }
    }

    /// Few enough of each that neighbours often agree in some of it.
    fn any_observation() -> impl Strategy<Value = Observation> {
        let places =
            (select(&["00004", "00005", "01", "04"]), select(&["2025-05", "2025-07", "2025-08"]));
        let metrics = select(&["digital_signatures", "applications_received", "happiness"]);
        let times = select(&[
            "2025-06-30 16:00",
            "2025-07-31 16:00",
            "2025-07-31 16:06",
            "2025-08-01 00:00",
        ]);
        (places, metrics, times, -1..3_i64).prop_map(|((locality, period), metric, time, value)| {
            let mut any = observation(locality, metric, value);
            any.key.period = period.parse().expect("a period");
            any.observed = time.parse().expect("a time");
            any
        })
    }

    proptest! {
        #[test]
        fn a_batch_is_refused_what_its_observations_are_refused(
            batch in proptest::collection::vec(any_observation(), 0..20),
        ) {
            let one_by_one = (0..).zip(&batch).filter_map(|(at, one)| Some((at, check(one).err()?)));
            let expected: Vec<(u32, Refusal)> = one_by_one.collect();
            prop_assert_eq!(rules().refusals(&batch.into_iter().collect()), expected);
        }
    }

    #[test]
    fn each_rule_refuses_what_breaks_it() {
        let cases = [
            (observation("00004", "digital_signatures", 1), Ok(())),
            (observation("00004", "applications_received", MEASURE_MAX), Ok(())),
            (observation("01", "declared_green_communes", 126), Ok(())),
            (observation("00005", "digital_signatures", 1), Err(Refusal::UnknownLocality)),
            (observation("04", "declared_green_communes", 1), Err(Refusal::ForeignLocality)),
            (observation("00004", "happiness", 1), Err(Refusal::UnknownMetric)),
            (observation("00004", "obstacles_reported", 1), Err(Refusal::UnknownMetric)),
            (observation("01", "digital_signatures", 1), Err(Refusal::WrongLevel)),
            (observation("00004", "digital_signatures", 2), Err(Refusal::ImpossibleValue)),
            (observation("00004", "applications_received", -1), Err(Refusal::ImpossibleValue)),
            (
                observation("00004", "applications_received", MEASURE_MAX + 1),
                Err(Refusal::ImpossibleValue),
            ),
        ];
        for (observation, expected) in cases {
            assert_eq!(check(&observation), expected, "{observation:?}");
        }
    }

    #[test]
    fn times_ahead_and_future_months_are_refused() {
        let ahead = Observation {
            observed: "2025-07-31 16:05:01".parse().expect("a time"),
            ..observation("00004", "digital_signatures", 1)
        };
        assert_eq!(check(&ahead), Err(Refusal::ObservedAhead));
        let mut early = observation("00004", "digital_signatures", 1);
        early.key.period = "2025-08".parse().expect("a period");
        assert_eq!(check(&early), Err(Refusal::ImpossiblePeriod));
    }

    #[test]
    fn what_a_locality_cannot_have_reported_is_refused() {
        let at = |period: &str, observed: &str| {
            let mut one = observation("00004", "digital_signatures", 1);
            one.key.period = period.parse().expect("a period");
            one.observed = observed.parse().expect("a time");
            check(&one)
        };
        assert_eq!(at("2025-06", "2025-07-01 00:00"), Ok(()));
        assert_eq!(at("2025-06", "2025-06-30 23:59"), Err(Refusal::ObservedBeforeLocality));
        assert_eq!(at("2025-05", "2025-07-31 16:00"), Err(Refusal::PeriodOutsideLocality));
    }

    #[test]
    fn a_period_in_which_a_locality_does_not_count_is_refused() {
        let text = "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n\
                    00,nation,Việt Nam,,,2025-07-01,,,\n\
                    01,thanh_pho,Hà Nội,,,2025-07-01,,,\n\
                    00004,phuong,Ba Đình,,01,2025-07-01,2025-09-15,,\n\
                    00070,phuong,Mới,,01,2025-09-15,,,\n";
        let gazetteer = Gazetteer::parse(text.as_bytes()).expect("a gazetteer");
        let rules = Rules { gazetteer: &gazetteer, ..rules() };
        let in_force = |code: &str, period: &str| {
            let (code, period) = (code.parse().expect("a code"), period.parse().expect("a period"));
            rules.check_period_in_force(code, period).is_ok()
        };
        assert!(in_force("00004", "2025-08") && !in_force("00004", "2025-09"));
        assert!(in_force("00070", "2025-09") && !in_force("00070", "2025-08"));
    }
}
