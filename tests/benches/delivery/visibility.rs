//! Time until every aggregator of a store shows what one of them has acknowledged.
//!
//! ```text
//! one change ── batch ──▶ aggregator 1 ─▶ Redis ◀─ aggregators 2, 3     all of them processes
//!     ▲                       │             followed by all three
//!     └── durable ack: the clock begins     each is asked again and again until it shows the change
//! ```
//!
//! The aggregators and the Redis are as they are by default, with `appendfsync always`. A province
//! with a year of months is there before, so that a change costs what it costs to roll that up.
//! The clock ends when an answer with the change has come, so that a lag includes the question that
//! found it and up to one interval between two questions. Changes come at random moments, a third
//! of them to each aggregator.

use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use phuxanh_core::{Basis, CellKey, Observation, Timestamp};
use phuxanh_proto::v1::{
    self, RankLocalitiesRequest, ranking_service_client::RankingServiceClient,
};
use phuxanh_tests::harness::{Client, Deployment, Setup, StoreSetup, random_moment};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::{
    report::Report,
    sender::Sender,
    workload::{BATCH_OBSERVATIONS, Workload},
};

/// Longest time for a change to be shown, at the 99th percentile on an idle machine.
const LIMIT: Duration = Duration::from_millis(500);
/// Aggregators beside the first.
const OTHERS: usize = 2;
/// Between two questions to one aggregator.
const ASKED_EVERY: Duration = Duration::from_millis(2);
/// Longest pause between two changes: more than any interval that a change waits for.
const PAUSE: Duration = Duration::from_millis(400);
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
const MONTHS: i64 = 12;
const DAYS_A_MONTH: i64 = 31;
/// So many received that the commune that changes is the lowest whatever it reports.
const RECEIVED: i64 = 1_000_000_000_000;
const INDICATOR: &str = "online_submission_rate";

/// Measures so many changes.
pub fn run(changes: u32) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(measure(changes))
}

async fn measure(changes: u32) -> anyhow::Result<()> {
    let mut report = Report::new();
    report.load()?;
    let setup =
        Setup { store: StoreSetup::Redis(Vec::new()), replica_count: OTHERS, ..Setup::default() };
    let deployment = Deployment::start_with(&[], &setup).await?;
    let replicas = deployment.replicas();
    let clients = replicas.iter().map(|replica| deployment.client_of(replica));
    let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
    let workload = Workload::new(0);
    let mut sender = Sender::new(workload.reporter);
    let mut subject = Subject::load(&workload, &mut sender, &clients).await?;

    let mut random = fastrand::Rng::with_seed(1);
    let mut lags = vec![Vec::new(); clients.len()];
    let each = changes / u32::try_from(clients.len())?;
    for receiver in &clients {
        let mut stream = sender.open(receiver).await?;
        for _ in 0..each {
            random_moment(&mut random, PAUSE).await;
            let change = [subject.next()];
            let shown = clients.iter().map(|client| subject.shown(client));
            let (acked, shown) =
                tokio::try_join!(sender.deliver(&mut stream, &change), try_join_all(shown))?;
            for (lags, shown) in lags.iter_mut().zip(shown) {
                lags.push(shown.saturating_duration_since(acked));
            }
        }
    }
    report.visibility(&lags, LIMIT)
}

/// The cell that changes, and the answer that shows it.
struct Subject {
    received: Observation,
    online: Observation,
}

impl Subject {
    /// Delivers a province with a year of months, and the cell before its first change.
    async fn load(
        workload: &Workload,
        sender: &mut Sender,
        clients: &[Client],
    ) -> anyhow::Result<Self> {
        let mut stream = sender.open(clients.first().context("an aggregator")?).await?;
        let mut last = None;
        for month in 0..MONTHS {
            let mut reports = workload.reports(month * DAYS_A_MONTH).peekable();
            let observed = reports.peek().context("a commune")?.observed;
            let day: Vec<_> = reports.take_while(|it| it.observed == observed).collect();
            for batch in day.chunks(BATCH_OBSERVATIONS) {
                sender.deliver(&mut stream, batch).await?;
            }
            last = day.into_iter().next();
        }
        let last = last.context("a report")?;
        let of = |metric: &str, value| -> anyhow::Result<Observation> {
            let key = CellKey { metric: metric.parse()?, ..last.key.clone() };
            let observed = next(last.observed);
            Ok(Observation {
                key,
                value: Some(value),
                observed,
                revision: 0,
                basis: Basis::Reported,
            })
        };
        let subject = Self {
            received: of("applications_received", RECEIVED)?,
            online: of("applications_online", 0)?,
        };
        sender.deliver(&mut stream, &[subject.received.clone(), subject.online.clone()]).await?;
        try_join_all(clients.iter().map(|client| subject.shown(client))).await?;
        Ok(subject)
    }

    /// The next change.
    fn next(&mut self) -> Observation {
        self.online.observed = next(self.online.observed);
        self.online.value = self.online.value.map(|value| value + 1);
        self.online.clone()
    }

    /// Asks until the present value is in the answer; says when that came.
    async fn shown(&self, client: &Client) -> anyhow::Result<Instant> {
        let CellKey { period, .. } = self.online.key;
        let request = RankLocalitiesRequest {
            indicator: INDICATOR.to_owned(),
            level: v1::Level::Commune.into(),
            period: period.to_string(),
            page_size: 1,
            ..Default::default()
        };
        let mut ranking = RankingServiceClient::new(client.channel());
        let mut asking = interval(ASKED_EVERY);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let asked = async {
            loop {
                asking.tick().await;
                let answer = ranking.rank_localities(request.clone()).await?.into_inner();
                let row = answer.rows.into_iter().next().and_then(|row| row.rollup);
                let is_whole = row.as_ref().is_some_and(|row| row.denominator == RECEIVED);
                if is_whole && row.map(|row| row.numerator) == self.online.value {
                    return anyhow::Ok(Instant::now());
                }
            }
        };
        timeout(SHOWN_WITHIN, asked).await.context("a change is not shown")?
    }
}

/// A later time than this.
fn next(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros() + 1_000_000).expect("a second later")
}
