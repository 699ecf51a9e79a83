//! A random country that reports, contradicts and corrects itself for as long as it is let.

use fastrand::Rng;

use super::{pace, proof::Expected};
use crate::{
    country::Country,
    harness::{Deployment, Setup, settings},
    oracle::{Oracle, Report},
};

/// All that its provinces have reported so far.
pub(super) struct Reporting {
    country: Country,
    reports: Vec<Report>,
    file_count: usize,
}

impl Reporting {
    /// A country in which two provinces at least have somebody to report.
    pub(super) fn new(random: &mut Rng) -> Self {
        let country = loop {
            let country = Country::random(random);
            let reporting = country.provinces.iter().filter(|found| found.communes.len() > 1);
            if reporting.count() >= 2 {
                break country;
            }
        };
        Self { country, reports: Vec::new(), file_count: 0 }
    }

    /// Setup that is best broken: batches of so few observations that a file spans some, and chunks
    /// so small that a crash falls into a file.
    pub(super) fn setup(&self) -> Setup {
        let mut setup = pace::brisk(self.country.facts());
        setup.collector.extend(settings(&[
            ("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "5"),
            ("FOLDER__CHUNK_OBSERVATION_COUNT_MAX", "10"),
        ]));
        setup
    }

    /// Codes of its provinces, each of which has a collector.
    pub(super) fn codes(&self) -> Vec<&str> {
        self.country.provinces.iter().map(|found| found.code.as_str()).collect()
    }

    /// Code of the province with the most communes.
    pub(super) fn busiest(&self) -> &str {
        let provinces = self.country.provinces.iter();
        provinces.max_by_key(|found| found.communes.len()).map_or("", |found| &found.code)
    }

    /// Lets every province report once more.
    pub(super) fn feed(&mut self, random: &mut Rng, deployment: &Deployment) -> anyhow::Result<()> {
        for province in &self.country.provinces {
            let file = province.random_file(random);
            // By name in the order of their writing, where the clock does not tell them apart.
            let name = format!("report-{:06}.csv", self.file_count);
            self.file_count += 1;
            deployment.put_file(&file.province, &name, file.text.as_bytes())?;
            self.reports.extend(file.reports);
        }
        Ok(())
    }

    /// Returns the oracle of all reports so far.
    pub(super) fn oracle(&self) -> anyhow::Result<Oracle> {
        self.country.oracle(&self.reports)
    }

    /// Waits until every aggregator shows all that was reported, and both ends agree on it.
    pub(super) async fn stands(&self, deployment: &Deployment) -> anyhow::Result<()> {
        deployment.files_are_read().await?;
        let oracle = self.oracle()?;
        let questions = oracle.questions(&Country::periods());
        let provinces = self.codes();
        let expected = Expected { oracle: &oracle, questions: &questions, provinces: &provinces };
        for replica in deployment.replicas() {
            let stands = expected.stands(&deployment.client_of(&replica)?).await;
            stands.map_err(|error| error.context(format!("asked {replica:?}")))?;
        }
        Ok(())
    }
}
