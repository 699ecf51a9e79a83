//! Random small countries, and the random files that their provinces report.
//!
//! Made for hard cases to be common: values from a short list, so that ties, equal confirmations
//! and zero denominators abound; observed times from a short list, so that reports arrive too late
//! or contradict each other at one time; communes that never report, end or begin.

use std::fmt::Write as _;

use fastrand::Rng;
use phuxanh_core::{Basis, Period, catalogue::Catalogue, gazetteer::Gazetteer};

use crate::{
    harness::Facts,
    oracle::{Oracle, Report},
};

/// Catalogue of every random country.
pub const CATALOGUE: &str = include_str!("../data/catalogue.toml");

const CRITERIA: [&str; 3] = ["desk", "signed", "shaded"];
const METRICS: [&str; 6] = ["desk", "signed", "shaded", "received", "online", "late"];
const PERIODS: [&str; 3] = ["2025-06", "2025-07", "2025-08"];
const OBSERVED: [&str; 4] =
    ["2025-09-01T08:00:00Z", "2025-09-01 15:00:01", "2025-09-02", "2025-09-02T00:00:00.000001"];
/// The largest is the largest there is.
const COUNTS: [i64; 8] = [0, 0, 1, 2, 3, 4, 6, 1_000_000_000_000];
/// The gazetteer's first day, and the one on which communes end and begin.
const FIRST_DAY: &str = "2025-07-01";
const CHANGE: &str = "2025-08-01";
const PROVINCES: usize = 3;
const COMMUNES_MAX: usize = 5;

/// A country of three provinces.
#[derive(Debug)]
pub struct Country {
    /// Its localities, as a gazetteer file.
    pub gazetteer: String,
    pub provinces: Vec<Province>,
}

/// A province with its communes.
#[derive(Debug)]
pub struct Province {
    pub code: String,
    pub communes: Vec<Commune>,
}

/// A commune, and the periods in which it counts: others are refused.
#[derive(Debug)]
pub struct Commune {
    code: String,
    periods: &'static [&'static str],
}

/// A file, and what it says.
#[derive(Debug)]
pub struct File {
    pub province: String,
    pub text: String,
    /// In the order of its rows.
    pub reports: Vec<Report>,
}

impl Country {
    /// A country with few communes; a province may have none.
    #[must_use]
    pub fn random(random: &mut Rng) -> Self {
        let mut gazetteer = String::from(
            "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n\
             00,nation,Nước,,,2025-07-01,,,\n",
        );
        let mut provinces = Vec::new();
        for number in 1..=PROVINCES {
            let code = format!("{number:02}");
            line(&mut gazetteer, format_args!("{code},tinh,Tỉnh {code},,,{FIRST_DAY},,,"));
            let mut communes = Vec::new();
            for place in 0..random.usize(0..=COMMUNES_MAX) {
                // Codes run across the provinces, so that code order is not province order.
                let commune = format!("{:05}", place * 10 + PROVINCES - number);
                let (from, until, periods) = match random.u8(0..8) {
                    0 => (CHANGE, "", &PERIODS[2..]),
                    1 => (FIRST_DAY, CHANGE, &PERIODS[..2]),
                    _ => (FIRST_DAY, "", &PERIODS[..]),
                };
                let row = format_args!("{commune},xa,Xã {commune},,{code},{from},{until},,");
                line(&mut gazetteer, row);
                communes.push(Commune { code: commune, periods });
            }
            provinces.push(Province { code, communes });
        }
        Self { gazetteer, provinces }
    }

    /// Returns the facts that its daemons are started with.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts { catalogue: Some(CATALOGUE.to_owned()), gazetteer: Some(self.gazetteer.clone()) }
    }

    /// Returns the oracle of these reports.
    pub fn oracle(&self, reports: &[Report]) -> anyhow::Result<Oracle> {
        let catalogue = Catalogue::parse(CATALOGUE.as_bytes())?;
        let gazetteer = Gazetteer::parse(self.gazetteer.as_bytes())?;
        Ok(Oracle::new(catalogue, gazetteer, reports))
    }

    /// The periods that its files speak of, with one before and one behind them.
    #[must_use]
    pub fn periods() -> Vec<Period> {
        let asked = ["2025-05"].into_iter().chain(PERIODS).chain(["2025-09"]);
        asked.map(|period| period.parse().expect("a period")).collect()
    }
}

impl Province {
    /// A file of one of the two shapes.
    #[must_use]
    pub fn random_file(&self, random: &mut Rng) -> File {
        let mut file = if random.bool() { self.long(random) } else { self.wide(random) };
        // Blank, and different in each file: a repeated file would not replace what came between.
        file.text.extend((0..64).map(|_| if random.bool() { ' ' } else { '\t' }));
        file.text.push('\n');
        file
    }

    fn long(&self, random: &mut Rng) -> File {
        let mut text = String::from("locality,metric,period,value,observed_time,basis\n");
        let mut reports = Vec::new();
        for _ in 0..random.usize(0..60) {
            let Some(place) = self.place(random) else { break };
            let metric = random.choice(METRICS).expect("some");
            let value = value(random, metric);
            let report = place.report(metric, value);
            if contradicts(&reports, &report) {
                continue;
            }
            line(
                &mut text,
                format_args!(
                    "{},{metric},{},{},{},{}",
                    place.commune,
                    place.period,
                    written(value),
                    place.observed,
                    place.basis
                ),
            );
            reports.push(report);
        }
        File { province: self.code.clone(), text, reports }
    }

    fn wide(&self, random: &mut Rng) -> File {
        let mut metrics = METRICS.to_vec();
        random.shuffle(&mut metrics);
        metrics.truncate(random.usize(1..=metrics.len()));
        let mut text = format!("locality;period;basis;observed_time;{}\r\n", metrics.join(";"));
        let mut reports = Vec::new();
        for _ in 0..random.usize(0..15) {
            let Some(place) = self.place(random) else { break };
            let Place { commune, period, observed, basis } = &place;
            let mut row = format!("{commune};{period};{basis};{observed}");
            for metric in &metrics {
                row.push(';');
                // An empty cell says nothing.
                let report = place.report(metric, value(random, metric));
                if random.u8(0..4) > 0 && !contradicts(&reports, &report) {
                    row.push_str(&written(report.value));
                    reports.push(report);
                }
            }
            text.push_str(&row);
            text.push_str("\r\n");
        }
        File { province: self.code.clone(), text, reports }
    }

    /// `None` where there is no commune.
    fn place(&self, random: &mut Rng) -> Option<Place<'_>> {
        // The first commune is silent where there are others.
        let reporting = self.communes.get(1..).filter(|rest| !rest.is_empty());
        let commune = random.choice(reporting.unwrap_or(&self.communes))?;
        let period = *random.choice(commune.periods)?;
        let commune = commune.code.as_str();
        // Told by the place, since it says where a value comes from and not what it is.
        let basis = match (commune > "00020", period) {
            (true, "2025-08") => Basis::Synthetic,
            (true, "2025-07") => Basis::Published,
            (true | false, _) => Basis::Reported,
        };
        Some(Place { commune, period, observed: random.choice(OBSERVED)?, basis })
    }
}

/// Key of a row.
struct Place<'a> {
    commune: &'a str,
    period: &'a str,
    observed: &'a str,
    basis: Basis,
}

impl Place<'_> {
    fn report(&self, metric: &str, value: Option<i64>) -> Report {
        Report {
            locality: self.commune.parse().expect("a code"),
            metric: metric.to_owned(),
            period: self.period.parse().expect("a period"),
            value,
            observed: self.observed.parse().expect("a time"),
            basis: self.basis,
        }
    }
}

/// True if a file that says the one as well gives a cell two values at one time: it is refused
/// both.
fn contradicts(reports: &[Report], report: &Report) -> bool {
    let cell = |one: &Report| (one.locality, one.metric.clone(), one.period, one.observed);
    reports.iter().any(|other| cell(other) == cell(report) && other.value != report.value)
}

fn value(random: &mut Rng, metric: &str) -> Option<i64> {
    let is_withdrawn = random.u8(0..10) == 0;
    let value = if CRITERIA.contains(&metric) {
        i64::from(random.u8(0..5) > 0)
    } else {
        random.choice(COUNTS).expect("some")
    };
    (!is_withdrawn).then_some(value)
}

fn written(value: Option<i64>) -> String {
    value.map_or_else(|| "withdraw".to_owned(), |value| value.to_string())
}

fn line(text: &mut String, row: std::fmt::Arguments<'_>) {
    writeln!(text, "{row}").expect("a text takes what is written");
}
