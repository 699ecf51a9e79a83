//! Workload: the daily reports of the communes of a province.

use phuxanh_core::{
    Basis, CellKey, Level, LocalityCode, MetricId, Observation, Period, Timestamp,
    catalogue::Catalogue, gazetteer::Gazetteer,
};

/// Observations of a batch, and of an append that fills one.
pub const BATCH_OBSERVATIONS: usize = 10_000;
/// The communes of the gazetteer exist since this day; what is observed before is refused.
const FIRST_DAY: &str = "2025-07-01 16:00";
const DAY_MICROS: i64 = 86_400_000_000;
/// So many applications that a count takes one to three bytes.
const COUNT_MAX: i64 = 40_000;

pub struct Workload {
    pub catalogue: Catalogue,
    pub gazetteer: Gazetteer,
    pub reporter: LocalityCode,
    pub observation_count: usize,
    communes: Vec<LocalityCode>,
    /// With the largest value of each.
    metrics: Vec<(MetricId, i64)>,
}

impl Workload {
    /// Makes the workload of the province with the most communes.
    pub fn new(observation_count: usize) -> Self {
        let gazetteer = Gazetteer::builtin();
        let provinces = gazetteer.provinces().map(|province| province.code);
        let reporter = provinces.max_by_key(|code| gazetteer.communes(*code).count());
        Self::of(reporter.expect("a country has provinces"), observation_count)
    }

    /// An equal part for every province.
    pub fn of_every_province(observation_count: usize) -> Vec<Self> {
        let gazetteer = Gazetteer::builtin();
        let provinces: Vec<_> = gazetteer.provinces().map(|province| province.code).collect();
        let each = observation_count / provinces.len();
        provinces.into_iter().map(|reporter| Self::of(reporter, each)).collect()
    }

    fn of(reporter: LocalityCode, observation_count: usize) -> Self {
        let (catalogue, gazetteer) = (Catalogue::builtin(), Gazetteer::builtin());
        let communes = |code| gazetteer.communes(code).map(|found| found.code);
        let measures = catalogue
            .measures
            .iter()
            .filter(|measure| measure.level == Level::Commune && measure.sum.is_empty());
        let metrics = catalogue
            .criteria
            .iter()
            .map(|criterion| (criterion.metric.clone(), 1))
            .chain(measures.map(|measure| (measure.metric.clone(), COUNT_MAX)));
        let (communes, metrics) = (communes(reporter).collect(), metrics.collect());
        Self { catalogue, gazetteer, reporter, observation_count, communes, metrics }
    }

    /// Returns the observations that are delivered.
    pub fn observations(&self) -> impl Iterator<Item = Observation> {
        self.reports(0).take(self.observation_count)
    }

    /// Without end from a day on: every day each commune reports every metric of that day's month.
    pub fn reports(&self, from_day: i64) -> impl Iterator<Item = Observation> {
        let first: Timestamp = FIRST_DAY.parse().expect("a time");
        let mut random = fastrand::Rng::with_seed(1);
        let days = (from_day..).map(move |day| {
            Timestamp::from_micros(first.micros() + day * DAY_MICROS).expect("of this century")
        });
        let cells = days.flat_map(move |observed| {
            let period = Period::containing(observed);
            self.communes.iter().flat_map(move |&locality| {
                let cell = move |(metric, max): &(MetricId, i64)| {
                    (CellKey { locality, metric: metric.clone(), period }, *max, observed)
                };
                self.metrics.iter().map(cell)
            })
        });
        cells.map(move |(key, max, observed)| Observation {
            key,
            value: Some(random.i64(0..=max)),
            observed,
            revision: 0,
            basis: Basis::Reported,
        })
    }
}
