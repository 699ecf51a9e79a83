//! A wrong clock of the aggregator holds batches. It spoils no receipt and refuses no observation,
//! and all goes on once it is right. That it trims nothing is shown in `stores/trimmed.rs`.
//!
//! Aggregator and collector run here with all their parts, over TCP; the aggregator by a clock that
//! the test moves.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use phuxanh_aggregator::{config as aggregator_config, server::Aggregator};
use phuxanh_collector::{
    config as collector_config,
    control::{self, Command, Outcome, Stat},
    daemon,
};
use phuxanh_core::Timestamp;
use phuxanh_daemon::{clock, ops::Listen, settings::Host};
use phuxanh_proto::v1::{self, AlarmKind};
use phuxanh_tests::harness::{Client, eventually};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

const WITHIN: Duration = Duration::from_secs(40);
const YEAR_SECONDS: i64 = 365 * 24 * 3_600;
const HEAD: &str = "locality,metric,period,value,observed_time\n";

/// Seconds by which the aggregator's clock is wrong.
static OFFSET: AtomicI64 = AtomicI64::new(0);

fn aggregator_clock() -> Timestamp {
    let micros = clock::now().micros() + OFFSET.load(Ordering::SeqCst) * 1_000_000;
    Timestamp::from_micros(micros).expect("a few years from now")
}

/// Both ends, and how to ask them.
struct Ends<'a> {
    client: Client,
    inbox: &'a Path,
    data_dir: &'a Path,
    spool: phuxanh_collector::spool::Config,
}

impl Ends<'_> {
    fn put(&self, name: &str, value: u32) -> anyhow::Result<()> {
        let observed = clock::now();
        let row = format!("01273,applications_received,2025-07,{value},{observed}\n");
        Ok(fs::write(self.inbox.join(name), format!("{HEAD}{row}"))?)
    }

    async fn collector(&self) -> anyhow::Result<v1::Collector> {
        let collectors = self.client.collectors().await?;
        collectors.into_iter().find(|one| one.reporter == "04").context("04 is listed")
    }

    async fn stat(&self) -> anyhow::Result<Box<Stat>> {
        let asked = control::run(&Command::Stat, self.data_dir, self.spool, clock::now).await?;
        let Outcome::Stat(stat) = asked else { bail!("{asked:?}") };
        Ok(stat)
    }

    /// Waits until so many observations are applied, none refused, and receipts by a right clock.
    async fn has_applied(&self, count: u64) -> anyhow::Result<()> {
        eventually("the observations are applied", WITHIN, async || {
            let found = self.collector().await?;
            let ledger = found.ledger.context("a ledger")?;
            ensure!((ledger.applied_count, ledger.rejected_count) == (count, 0), "{found:?}");
            let receipt = found.last_receipt_time.context("a receipt")?.seconds;
            let now = clock::now().micros() / 1_000_000;
            ensure!((now - receipt).abs() < 300, "received at {receipt}, now {now}");
            Ok(())
        })
        .await
    }

    /// Moves the clock, and sees that a file is held until the clock is put back.
    async fn hold(&self, offset_seconds: i64, name: &str, value: u32) -> anyhow::Result<()> {
        OFFSET.store(offset_seconds, Ordering::SeqCst);
        self.put(name, value)?;
        eventually("the collector is held", WITHIN, async || {
            let stat = self.stat().await?;
            ensure!(stat.batches > 0, "{stat:?}");
            let hold = stat.aggregator.as_ref().and_then(|it| it.hold.as_deref());
            ensure!(hold.is_some_and(|hold| hold.contains("clock was stepped")), "{hold:?}");
            Ok(())
        })
        .await?;
        let alarms = self.client.store_alarms().await?;
        let kinds: Vec<_> = alarms.iter().map(v1::Alarm::kind).collect();
        ensure!(kinds == [AlarmKind::AggregatorClock], "{alarms:?}");
        self.has_applied(u64::from(value) - 1).await?;
        OFFSET.store(0, Ordering::SeqCst);
        self.has_applied(value.into()).await?;
        ensure!(self.client.store_alarms().await?.is_empty(), "the alarm stands");
        let stat = self.stat().await?;
        ensure!(stat.dead_letters == 0, "{stat:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_the_aggregators_clock_holds_batches_and_spoils_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let [data_dir, inbox, spool_dir] = ["store", "inbox", "spool"].map(|it| folder.path().join(it));
    fs::create_dir(&inbox)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut settings = aggregator_config::Settings { data_dir, ..Default::default() };
    settings.ingest.heartbeat_interval = Duration::from_secs(1);
    let config = aggregator_config::Config::new(&settings)?;
    let mut aggregator = Aggregator::start(&config, aggregator_clock).await?;
    aggregator.complete().await?;
    let incoming = TcpListenerStream::new(listener);
    let serving = aggregator.serve(&config, aggregator_clock, incoming, std::future::pending());

    let collector = collector(&url, inbox.clone(), spool_dir.clone())?;
    let ends = Ends {
        client: Client::new(&url)?,
        inbox: &inbox,
        data_dir: &spool_dir,
        spool: collector.spool,
    };
    let delivering = daemon::run(collector, clock::now, std::future::pending());
    let steps = async {
        ends.put("first.csv", 1)?;
        ends.has_applied(1).await?;
        ends.hold(2 * YEAR_SECONDS, "second.csv", 2).await?;
        ends.hold(-2 * YEAR_SECONDS, "third.csv", 3).await
    };
    tokio::select! {
        ended = serving => bail!("the aggregator ended: {ended:?}"),
        ended = delivering => bail!("the collector ended: {ended:?}"),
        done = steps => done,
    }
}

fn collector(
    url: &str,
    inbox: PathBuf,
    data_dir: PathBuf,
) -> anyhow::Result<collector_config::Config> {
    let mut settings = collector_config::Settings {
        reporter: "04".to_owned(),
        aggregators: vec![url.to_owned()],
        host: Host("alpha".to_owned()),
        data_dir,
        ..Default::default()
    };
    settings.ops.listen = Listen("off".to_owned());
    settings.folder.path = inbox;
    settings.folder.settle_time = Duration::from_millis(50);
    settings.folder.poll_interval = Duration::from_millis(50);
    settings.delivery.backoff_max = Duration::from_secs(1);
    Ok(collector_config::Config::new(&settings)?)
}
