//! Honest work beside an attack: a province that reports row after row, and light questions.

use std::{fmt, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_core::{Basis, Level, catalogue::Catalogue, gazetteer::Gazetteer};
use phuxanh_daemon::clock;
use phuxanh_proto::v1::{
    GetLocalityRequest, RankLocalitiesRequest, locality_service_client::LocalityServiceClient,
    ranking_service_client::RankingServiceClient,
};
use tokio::time::{Instant, timeout};

use super::{AGGREGATOR, backfill::Backfill};
use crate::{
    harness::{Client, Deployment, LOADED_WITHIN, eventually},
    oracle::{Oracle, Report},
    sample::Sample,
};

/// Cao Bằng.
const PROVINCE: &str = "04";
const COMMUNE: &str = "01273";
const METRIC: &str = "applications_received";
const PERIOD: &str = "2025-07";
/// Time in which a light question is answered, by a debug build on two busy cores.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// Time in which a file is read, delivered and folded.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(8);
/// Memory that a debug build has for everything.
const RESIDENT_BYTES_MAX: u64 = 160 << 20;
/// Most descriptors: connections of the limit, and those of the store.
const DESCRIPTORS_MAX: usize = 120 + 64;
const PAGE_SIZE: i32 = 500;

/// Sees whether honest work suffers.
pub(super) struct Witness {
    reports: Vec<Report>,
    pub(super) seen: Seen,
}

/// Worst that was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    file_count: usize,
    acknowledged_within: Duration,
    answered_within: Duration,
    resident_bytes: u64,
    descriptor_count: usize,
}

impl Witness {
    /// Starts the collector of the province with its sample.
    pub(super) async fn start(deployment: &mut Deployment) -> anyhow::Result<Self> {
        let sample = Sample::of(PROVINCE)?;
        let [text] = <[String; 1]>::try_from(sample.pieces(1)).ok().context("one piece")?;
        deployment.report(PROVINCE, "sample.csv", text.as_bytes())?;
        let it = Self { reports: sample.reports()?, seen: Seen::default() };
        it.is_applied(&deployment.client()?, LOADED_WITHIN).await?;
        Ok(it)
    }

    /// Reports one more row, asks light questions, and measures.
    pub(super) async fn look(&mut self, deployment: &Deployment) -> anyhow::Result<()> {
        let client = deployment.client()?;
        self.report(deployment)?;
        let began = Instant::now();
        answered(&client).await?;
        let answered = began.elapsed();
        self.is_applied(&client, ACKNOWLEDGED_WITHIN).await?;
        let resident_bytes = deployment.resident_bytes(&AGGREGATOR)?;
        ensure!(resident_bytes <= RESIDENT_BYTES_MAX, "it has {resident_bytes} bytes of memory");
        let descriptor_count = deployment.descriptor_count(&AGGREGATOR)?;
        ensure!(descriptor_count <= DESCRIPTORS_MAX, "it has {descriptor_count} descriptors open");
        let seen = &mut self.seen;
        seen.file_count += 1;
        seen.answered_within = seen.answered_within.max(answered);
        seen.acknowledged_within = seen.acknowledged_within.max(began.elapsed());
        seen.resident_bytes = seen.resident_bytes.max(resident_bytes);
        seen.descriptor_count = seen.descriptor_count.max(descriptor_count);
        Ok(())
    }

    fn report(&mut self, deployment: &Deployment) -> anyhow::Result<()> {
        let (number, observed) = (self.reports.len(), clock::now());
        let text = format!(
            "locality,metric,period,value,observed_time\n\
             {COMMUNE},{METRIC},{PERIOD},{number},{observed}\n"
        );
        deployment.put_file(PROVINCE, &format!("row-{number}.csv"), text.as_bytes())?;
        self.reports.push(Report {
            locality: COMMUNE.parse()?,
            metric: METRIC.to_owned(),
            period: PERIOD.parse()?,
            value: Some(i64::try_from(number)?),
            observed,
            basis: Basis::Reported,
        });
        Ok(())
    }

    /// Waits until every row was applied, each once.
    async fn is_applied(&self, client: &Client, within: Duration) -> anyhow::Result<()> {
        let expected = u64::try_from(self.reports.len())?;
        eventually("the honest rows are acknowledged", within, async || {
            let collectors = client.collectors().await?;
            let honest = collectors.into_iter().find(|one| one.reporter == PROVINCE);
            let ledger = honest.and_then(|one| one.ledger).unwrap_or_default();
            ensure!(ledger.applied_count == expected, "{ledger:?}, {expected} rows were reported");
            Ok(())
        })
        .await
    }

    /// Proves that the aggregator is whole, and that rankings are those of the honest reports. Returns
    /// how many rankings were compared.
    pub(super) async fn proves(
        &self,
        deployment: &Deployment,
        backfill: &Backfill,
    ) -> anyhow::Result<usize> {
        let log = deployment.log(&AGGREGATOR)?;
        let panicked = log.lines().find(|line| line.contains("panicked"));
        ensure!(panicked.is_none(), "{panicked:?}");
        let reports = [&self.reports[..], backfill.reports()].concat();
        let oracle = Oracle::new(Catalogue::builtin(), Gazetteer::builtin(), &reports);
        let mut questions = oracle.questions(&backfill.periods()?);
        // Nothing is known of other provinces: anybody may have reported them.
        let known: Vec<_> = [PROVINCE].into_iter().chain(Backfill::PROVINCES).collect();
        questions.retain(|question| {
            question.level == Level::Commune
                && known.contains(&question.within.to_string().as_str())
        });
        let client = deployment.client()?;
        eventually("the rankings are the oracle's", LOADED_WITHIN, async || {
            client.agrees(&oracle, &questions, PAGE_SIZE).await
        })
        .await
    }
}

/// Waits for answers to light questions.
async fn answered(client: &Client) -> anyhow::Result<()> {
    let answers = async {
        let request = GetLocalityRequest { code: COMMUNE.to_owned() };
        let answer = LocalityServiceClient::new(client.channel()).get_locality(request).await?;
        let locality = answer.into_inner().locality.context("a locality")?;
        ensure!(locality.code == COMMUNE, "{locality:?}");
        let request = RankLocalitiesRequest { period: PERIOD.to_owned(), ..Default::default() };
        let answer = RankingServiceClient::new(client.channel()).rank_localities(request).await?;
        let answer = answer.into_inner();
        ensure!(answer.rows.iter().any(|row| row.code == PROVINCE), "{answer:?}");
        Ok(())
    };
    timeout(ANSWERED_WITHIN, answers)
        .await
        .with_context(|| format!("light questions are not answered within {ANSWERED_WITHIN:?}"))?
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} honest files, acknowledged within {:?}, light questions answered within {:?}, \
             at most {} MiB and {} descriptors",
            self.file_count,
            self.acknowledged_within,
            self.answered_within,
            self.resident_bytes >> 20,
            self.descriptor_count
        )
    }
}
