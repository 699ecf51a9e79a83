//! Light questions and acknowledgements, alone and while others ask heavy questions without pause.
//!
//! ```text
//! 16 callers: flags, paths, causes, gaps, changes ──▶ aggregator with the sample of all provinces
//! one caller: a locality, a ranking of provinces  ──▶     (a process, the embedded store,
//! one reporter: batch after batch                 ──▶      everything as it is by default)
//! ```
//!
//! Heavy questions have random parameters, so that few are the same and are computed once. Nothing is
//! put on a core: callers and aggregator share what there is.

use std::time::Duration;

use anyhow::{Context, ensure};
use phuxanh_core::{Basis, CellKey, LocalityCode, Observation, Timestamp, gazetteer::Gazetteer};
use phuxanh_daemon::clock;
use phuxanh_proto::v1::{
    GetLocalityRequest, RankLocalitiesRequest, locality_service_client::LocalityServiceClient,
    ranking_service_client::RankingServiceClient,
};
use phuxanh_tests::{
    attack::questions::{self, question},
    harness::{Caller, Client, Deployment, LOADED_WITHIN, Setup, eventually},
    oracle::Report as Row,
    sample::Sample,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use crate::{
    report::{Report, Targets},
    sender::Sender,
    workload::BATCH_OBSERVATIONS,
};

/// Callers that ask heavy questions, each over a connection of its own.
const CALLERS: u64 = 16;
/// Between two light questions, and between two batches, where the one before was answered.
const ASKED_EVERY: Duration = Duration::from_millis(5);
const SENT_EVERY: Duration = Duration::from_millis(50);
/// Observations of a batch.
const SENT_COUNT: usize = 200;
/// Province that goes on reporting.
const REPORTER: &str = "04";
const PERIOD: &str = "2025-07";
const TARGETS: Targets =
    Targets { light: Duration::from_millis(20), acks: Duration::from_millis(100) };

/// Times of one phase.
#[derive(Debug, Default)]
pub struct Phase {
    pub light: Vec<Duration>,
    pub acks: Vec<Duration>,
    /// Heavy questions that were answered, and the bytes of the answers.
    pub heavy_count: usize,
    pub heavy_bytes: usize,
}

/// Measures each phase for so many seconds.
pub fn run(seconds: u32) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(measure(Duration::from_secs(seconds.into())))
}

async fn measure(span: Duration) -> anyhow::Result<()> {
    let mut report = Report::new();
    report.load()?;
    let deployment = Deployment::start_with(&[], &Setup::default()).await?;
    let client = deployment.client()?;
    let mut reporter = load(&client).await?;
    let alone = phase(&deployment, &mut reporter, span).await?;
    let scopes: Vec<_> = Gazetteer::builtin().provinces().map(|province| province.code).collect();
    let mut callers = JoinSet::new();
    let until = Instant::now() + span;
    for seed in 0..CALLERS {
        callers.spawn(ask(seed, deployment.server().to_owned(), scopes.clone(), until));
    }
    let mut loaded = phase(&deployment, &mut reporter, span).await?;
    for caller in callers.join_all().await {
        let (count, bytes) = caller?;
        loaded.heavy_count += count;
        loaded.heavy_bytes += bytes;
    }
    report.load()?;
    report.questions([&alone, &loaded], &TARGETS)
}

/// Province that goes on reporting.
struct Reporter {
    sender: Sender,
    rows: Vec<Observation>,
}

/// Delivers the sample of all provinces.
async fn load(client: &Client) -> anyhow::Result<Reporter> {
    let (mut reporter, mut count) = (None, 0);
    for province in Gazetteer::builtin().provinces() {
        let reports = Sample::of(&province.code.to_string())?.reports()?;
        let rows = reports.into_iter().map(observation).collect::<anyhow::Result<Vec<_>>>()?;
        let mut sender = Sender::new(province.code);
        let mut stream = sender.open(client).await?;
        for batch in rows.chunks(BATCH_OBSERVATIONS) {
            sender.deliver(&mut stream, batch).await?;
        }
        count += u64::try_from(rows.len())?;
        if province.code == REPORTER.parse::<LocalityCode>()? {
            reporter = Some(Reporter { sender, rows });
        }
    }
    eventually("the sample is folded", LOADED_WITHIN, async || {
        let collectors = client.collectors().await?;
        let applied = collectors.iter().filter_map(|one| one.ledger).map(|it| it.applied_count);
        let applied: u64 = applied.sum();
        ensure!(applied == count, "{applied} of {count} are");
        Ok(())
    })
    .await?;
    reporter.context("the province is in the gazetteer")
}

fn observation(row: Row) -> anyhow::Result<Observation> {
    let Row { locality, metric, period, value, observed, basis } = row;
    let key = CellKey { locality, metric: metric.parse()?, period };
    Ok(Observation { key, value, observed, revision: 0, basis })
}

/// Asks light questions and delivers batches until the time is over.
async fn phase(
    deployment: &Deployment,
    reporter: &mut Reporter,
    span: Duration,
) -> anyhow::Result<Phase> {
    let until = Instant::now() + span;
    let mut phase = Phase::default();
    // A connection of its own for each.
    let (asking, delivering) = (deployment.client()?, deployment.client()?);
    tokio::try_join!(
        ask_lightly(&asking, until, &mut phase.light),
        reporter.deliver(&delivering, until, &mut phase.acks),
    )?;
    Ok(phase)
}

async fn ask_lightly(
    client: &Client,
    until: Instant,
    times: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    let mut ranking = RankingServiceClient::new(client.channel());
    let mut localities = LocalityServiceClient::new(client.channel());
    let mut asking = interval(ASKED_EVERY);
    asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        asking.tick().await;
        let began = Instant::now();
        if times.len().is_multiple_of(2) {
            let request = RankLocalitiesRequest { period: PERIOD.to_owned(), ..Default::default() };
            ranking.rank_localities(request).await?;
        } else {
            let request = GetLocalityRequest { code: REPORTER.to_owned() };
            localities.get_locality(request).await?;
        }
        times.push(began.elapsed());
    }
    Ok(())
}

impl Reporter {
    /// Delivers batches of changed values.
    async fn deliver(
        &mut self,
        client: &Client,
        until: Instant,
        times: &mut Vec<Duration>,
    ) -> anyhow::Result<()> {
        let mut stream = self.sender.open(client).await?;
        let mut sending = interval(SENT_EVERY);
        sending.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < until {
            sending.tick().await;
            let batch = self.next(clock::now());
            let began = Instant::now();
            self.sender.deliver(&mut stream, &batch).await?;
            times.push(began.elapsed());
        }
        Ok(())
    }

    /// The next rows, with the counts among them one higher.
    fn next(&mut self, observed: Timestamp) -> Vec<Observation> {
        let count = SENT_COUNT.min(self.rows.len());
        self.rows.rotate_left(count);
        let rows = self.rows.iter_mut().take(count);
        rows.map(|row| {
            row.observed = observed;
            row.basis = Basis::Reported;
            row.value = row.value.map(|value| if value > 1 { value + 1 } else { value });
            row.clone()
        })
        .collect()
    }
}

/// Asks heavy questions until the time is over. Returns how many were answered, and the bytes.
async fn ask(
    seed: u64,
    server: String,
    scopes: Vec<LocalityCode>,
    until: Instant,
) -> anyhow::Result<(usize, usize)> {
    let caller = Caller::connect(1, &server).await?;
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut count, mut bytes) = (0, 0);
    loop {
        let (method, request) = question(&mut random, &scopes);
        match timeout_at(until, questions::answer(&caller, method, request)).await {
            Ok(answer) => bytes += answer?,
            Err(_) => return Ok((count, bytes)),
        }
        count += 1;
    }
}
