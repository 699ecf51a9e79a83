//! SIGKILL at random moments: the aggregator, its collectors, or both at once.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::{pace, proof::Expected};
use crate::{
    country::Country,
    harness::{Deployment, random_moment, settings},
    oracle::Report,
};

/// Longest pause around a kill: a few batches, or a part of a start.
const PAUSE: Duration = Duration::from_millis(200);
const KILLS_A_ROUND: usize = 3;
/// Rounds between two proofs.
const ROUNDS: usize = 8;

/// Kills whoever a die names for a span of time, while a random country reports, contradicts and
/// corrects itself; proves between the rounds and in the end that nothing was lost or doubled.
/// Returns how many kills that were.
pub async fn kill_for(seed: u64, span: Duration) -> anyhow::Result<usize> {
    let mut random = Rng::with_seed(seed);
    let mut attack = Attack::begin(&mut random).await?;
    let end = Instant::now() + span;
    while Instant::now() < end {
        for _ in 0..ROUNDS {
            attack.round(&mut random).await?;
        }
        attack.proof().await?;
    }
    Ok(attack.kill_count)
}

struct Attack {
    country: Country,
    deployment: Deployment,
    reports: Vec<Report>,
    file_count: usize,
    kill_count: usize,
}

impl Attack {
    async fn begin(random: &mut Rng) -> anyhow::Result<Self> {
        let country = populated(random);
        let codes: Vec<_> = country.provinces.iter().map(|found| found.code.as_str()).collect();
        let mut setup = pace::brisk(country.facts());
        // So few that a file spans batches, and chunks so small that a crash falls into a file.
        setup.collector.extend(settings(&[
            ("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "5"),
            ("FOLDER__CHUNK_OBSERVATION_COUNT_MAX", "10"),
        ]));
        let deployment = Deployment::start_with(&codes, &setup).await?;
        Ok(Self { country, deployment, reports: Vec::new(), file_count: 0, kill_count: 0 })
    }

    async fn round(&mut self, random: &mut Rng) -> anyhow::Result<()> {
        for province in &self.country.provinces {
            let file = province.random_file(random);
            // By name in the order of their writing, where the clock does not tell them apart.
            let name = format!("report-{:06}.csv", self.file_count);
            self.file_count += 1;
            self.deployment.put_file(&file.province, &name, file.text.as_bytes())?;
            self.reports.extend(file.reports);
        }
        for _ in 0..KILLS_A_ROUND {
            self.kill(random).await?;
        }
        Ok(())
    }

    /// Kills one process or two, and starts them again.
    async fn kill(&mut self, random: &mut Rng) -> anyhow::Result<()> {
        let mut victims = self.deployment.processes();
        random.shuffle(&mut victims);
        victims.truncate(random.usize(1..=2));
        random_moment(random, PAUSE).await;
        for victim in &victims {
            self.deployment.kill(victim)?;
        }
        random_moment(random, PAUSE).await;
        for victim in &victims {
            self.deployment.restart(victim)?;
        }
        self.kill_count += victims.len();
        Ok(())
    }

    async fn proof(&self) -> anyhow::Result<()> {
        self.deployment.files_are_read().await?;
        let oracle = self.country.oracle(&self.reports)?;
        let questions = oracle.questions(&Country::periods());
        let codes: Vec<_> =
            self.country.provinces.iter().map(|found| found.code.as_str()).collect();
        let expected = Expected { oracle: &oracle, questions: &questions, provinces: &codes };
        expected.stands(&self.deployment.client()?).await
    }
}

/// A country in which two provinces at least have somebody to report.
fn populated(random: &mut Rng) -> Country {
    loop {
        let country = Country::random(random);
        let reporting = country.provinces.iter().filter(|found| found.communes.len() > 1);
        if reporting.count() >= 2 {
            return country;
        }
    }
}
