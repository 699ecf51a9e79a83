//! Many observations of one province, such that it can be told exactly what becomes of them.
//!
//! Every file states every cell anew, observed later than in any file before it. So each of its
//! observations travels and is applied once, in whatever pieces it arrives.

use std::fmt::Write as _;

use fastrand::Rng;
use phuxanh_core::{
    Basis, Level, LocalityCode, Period, catalogue::Catalogue, gazetteer::Gazetteer,
};

use crate::{
    country::CATALOGUE,
    harness::Facts,
    oracle::{Oracle, Question, Report},
};

const CRITERIA: [&str; 3] = ["desk", "signed", "shaded"];
const METRICS: [&str; 6] = ["desk", "signed", "shaded", "received", "online", "late"];
const COMMUNES: u32 = 30;
const PERIODS: u32 = 12;
/// Large enough for a value to take some bytes.
const COUNT_MAX: i64 = 1_000_000_000;
/// In each file.
const FILE_OBSERVATIONS: usize = COMMUNES as usize * PERIODS as usize * METRICS.len();

/// A province that reports everything, again and again.
#[derive(Debug)]
pub struct Bulk {
    province: String,
    random: Rng,
    file_count: u32,
    reports: Vec<Report>,
}

impl Bulk {
    /// A province that has reported nothing.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            province: "01".to_owned(),
            random: Rng::with_seed(seed),
            file_count: 0,
            reports: Vec::new(),
        }
    }

    /// Its code.
    #[must_use]
    pub fn province(&self) -> &str {
        &self.province
    }

    /// Facts that the daemons are started with.
    #[must_use]
    pub fn facts() -> Facts {
        Facts { catalogue: Some(CATALOGUE.to_owned()), gazetteer: Some(gazetteer()) }
    }

    /// The next file: its name and its text. It counts as reported from now on.
    pub fn next_file(&mut self) -> (String, String) {
        self.file_count += 1;
        // A minute a file, from a day that is over.
        let (hours, minutes) = (self.file_count / 60, self.file_count % 60);
        let observed = format!("2025-09-02T{hours:02}:{minutes:02}:00Z");
        let mut reports = Vec::new();
        for commune in communes() {
            for period in periods() {
                for metric in METRICS {
                    let max = if is_criterion(metric) { 1 } else { COUNT_MAX };
                    reports.push(Report {
                        locality: commune,
                        metric: metric.to_owned(),
                        period,
                        value: Some(self.random.i64(0..=max)),
                        observed: observed.parse().expect("a time"),
                        basis: Basis::Reported,
                    });
                }
            }
        }
        self.file(reports)
    }

    /// A file that states another value for each one of the last file, as of the same time.
    pub fn next_corrections(&mut self) -> (String, String) {
        self.file_count += 1;
        let last = self.reports.len().saturating_sub(FILE_OBSERVATIONS);
        let mut reports = self.reports[last..].to_vec();
        for report in &mut reports {
            let is_criterion = is_criterion(&report.metric);
            let value = report.value.as_mut().expect("nothing is withdrawn");
            *value = if is_criterion { 1 - *value } else { *value + 1 };
        }
        self.file(reports)
    }

    fn file(&mut self, reports: Vec<Report>) -> (String, String) {
        let mut text = format!("locality,period,observed_time,{}\n", METRICS.join(","));
        for row in reports.chunks(METRICS.len()) {
            let Report { locality, period, observed, .. } = &row[0];
            let values: Vec<_> = row.iter().filter_map(|report| report.value).collect();
            let values = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            writeln!(text, "{locality},{period},{observed},{values}")
                .expect("a text takes what is written");
        }
        self.reports.extend(reports);
        (format!("report-{:04}.csv", self.file_count), text)
    }

    /// Observations in all files so far.
    #[must_use]
    pub fn observation_count(&self) -> u64 {
        self.reports.len() as u64
    }

    /// Returns the oracle of all files so far.
    pub fn oracle(&self) -> anyhow::Result<Oracle> {
        let catalogue = Catalogue::parse(CATALOGUE.as_bytes())?;
        let gazetteer = Gazetteer::parse(gazetteer().as_bytes())?;
        Ok(Oracle::new(catalogue, gazetteer, &self.reports))
    }

    /// Every ranking of its first and its last month.
    #[must_use]
    pub fn questions(oracle: &Oracle) -> Vec<Question> {
        let all: Vec<_> = periods().collect();
        let ends = [all.first(), all.last()].into_iter().flatten().copied().collect::<Vec<_>>();
        let mut questions = oracle.questions(&ends);
        let within = [LocalityCode::NATION];
        questions.retain(|question| {
            question.level == Level::Province || within.contains(&question.within)
        });
        questions
    }
}

fn is_criterion(metric: &str) -> bool {
    CRITERIA.contains(&metric)
}

fn communes() -> impl Iterator<Item = LocalityCode> {
    (1..=COMMUNES).map(|number| format!("{number:05}").parse().expect("a code"))
}

fn periods() -> impl Iterator<Item = Period> {
    (1..=PERIODS).map(|month| format!("2024-{month:02}").parse().expect("a period"))
}

fn gazetteer() -> String {
    let mut text = String::from(
        "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n\
         00,nation,Nước,,,2024-01-01,,,\n\
         01,tinh,Tỉnh 01,,,2024-01-01,,,\n",
    );
    for commune in communes() {
        let row = format!("{commune},xa,Xã {commune},,01,2024-01-01,,,\n");
        text.push_str(&row);
    }
    text
}
