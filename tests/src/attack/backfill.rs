//! A careless backfill: one criterion of every commune in every month that is taken.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_core::{Basis, Period, catalogue::Catalogue, gazetteer::Gazetteer};
use phuxanh_daemon::clock;

use crate::{
    harness::{Deployment, LOADED_WITHIN, eventually},
    oracle::Report,
    sample::Sample,
};

/// First month that may be restated: the one before the communes began.
const FIRST_MONTH: &str = "2025-06";

/// Provinces that report everything they may.
pub(super) struct Backfill {
    random: Rng,
    reports: Vec<Report>,
}

impl Backfill {
    /// Those with the most communes.
    pub(super) const PROVINCES: [&str; 3] = ["01", "38", "79"];

    /// Starts their collectors, each with its sample.
    pub(super) fn start(seed: u64, deployment: &mut Deployment) -> anyhow::Result<Self> {
        let mut reports = Vec::new();
        for province in Self::PROVINCES {
            let sample = Sample::of(province)?;
            for text in sample.pieces(1) {
                deployment.report(province, "sample.csv", text.as_bytes())?;
            }
            reports.extend(sample.reports()?);
        }
        Ok(Self { random: Rng::with_seed(seed), reports })
    }

    /// Waits until all so far was applied.
    pub(super) async fn is_reported(&self, deployment: &Deployment) -> anyhow::Result<()> {
        let client = deployment.client()?;
        eventually("the samples are applied", LOADED_WITHIN, async || {
            let collectors = client.collectors().await?;
            let known =
                collectors.iter().filter(|one| Self::PROVINCES.contains(&one.reporter.as_str()));
            let applied: u64 = known.filter_map(|one| one.ledger).map(|it| it.applied_count).sum();
            ensure!(applied == u64::try_from(self.reports.len())?, "{applied} are");
            Ok(())
        })
        .await
    }

    /// Puts a file of every province.
    pub(super) fn put(&mut self, deployment: &Deployment) -> anyhow::Result<()> {
        let gazetteer = Gazetteer::builtin();
        let observed = clock::now();
        let last = Period::containing(observed).to_string();
        let months: Vec<_> = months().take_while(|month| *month <= last).collect();
        for province in Self::PROVINCES {
            let catalogue = Catalogue::builtin();
            let criterion = self.random.choice(&catalogue.criteria).context("a criterion")?;
            let metric = criterion.metric.to_string();
            let mut text = format!("locality,period,observed_time,{metric}\n");
            for commune in gazetteer.communes(province.parse()?) {
                for month in &months {
                    let value = i64::from(self.random.u8(0..4) > 0);
                    writeln!(text, "{},{month},{observed},{value}", commune.code)?;
                    self.reports.push(Report {
                        locality: commune.code,
                        metric: metric.clone(),
                        period: month.parse()?,
                        value: Some(value),
                        observed,
                        basis: Basis::Reported,
                    });
                }
            }
            deployment.put_file(province, "backfill.csv", text.as_bytes())?;
        }
        Ok(())
    }

    /// Everything that was reported.
    pub(super) fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Months of it whose rankings tell most.
    pub(super) fn periods(&self) -> anyhow::Result<Vec<Period>> {
        let last = self.reports.iter().map(|report| report.period).max().context("reports")?;
        Ok(vec![FIRST_MONTH.parse()?, "2025-07".parse()?, last])
    }
}

/// Months from the first on, without end.
fn months() -> impl Iterator<Item = String> {
    let years = 2025..;
    let all = years.flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    all.skip_while(|month| month != FIRST_MONTH)
}
