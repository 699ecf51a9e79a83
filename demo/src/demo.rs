//! The demo from its first check to its last process.

mod directory;
mod port;
mod redis;
mod signals;

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::future;
use phuxanh_core::{Period, gazetteer::Gazetteer};
use tokio::time::timeout;

pub use self::redis::{OWN as OWN_REDIS, Redis};
use self::{directory::Directory, signals::Signals};
use crate::{
    facts::{Breakdown, Published},
    figures,
    fleet::{Fleet, Store},
    loading::{self, Progress, Share, Shares},
    query::Client,
    report::{self, Replica},
};

/// Port where the command line looks when it is not told.
pub const PORT: u16 = 7400;

/// Longest time that the aggregator may take to serve, and the sample to load.
const SERVE_TIMEOUT: Duration = Duration::from_mins(1);
const LOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// Longest time after the end of a daemon at which the signal that ended it may be seen.
const SIGNAL_GRACE: Duration = Duration::from_millis(300);

const SERVE_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Options of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// End after the figures instead of waiting.
    pub once: bool,
    /// Port of the aggregator on the loopback interface; a second one takes the next.
    pub port: u16,
    /// Redis that two aggregators share; `None` runs one aggregator with its own store.
    pub redis: Option<Redis>,
    /// Directory for data and logs; `None` takes a fresh one.
    pub directory: Option<PathBuf>,
    /// Directory with a file per province.
    pub sample: PathBuf,
}

impl Options {
    /// Returns the ports of the aggregators.
    fn ports(&self) -> anyhow::Result<Vec<u16>> {
        let mut ports = vec![self.port];
        if self.redis.is_some() {
            ports.push(
                self.port.checked_add(1).context("--port: expected one that another follows")?,
            );
        }
        Ok(ports)
    }
}

/// End of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All figures agree.
    Agreed,
    /// Some figure disagrees.
    Differed,
    /// Stopped by a signal before the figures were known.
    Interrupted,
}

/// Runs everything, and stops what it started however it ends.
pub async fn run(options: Options) -> anyhow::Result<Outcome> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    options.ports()?.into_iter().try_for_each(port::check)?;
    options.redis.as_ref().map_or(Ok(()), Redis::check)?;
    let directory = Directory::prepare(options.directory.as_deref())?;
    say(&format!("data and logs: {directory}\n"))?;
    let mut fleet = Fleet::new(directory.path())?;
    let mut outcome = None;
    let work = work(&options, &mut fleet, &mut outcome);
    let mut result = tokio::select! {
        biased;
        () = signals.next() => Ok(()),
        result = work => result,
    };
    // Ctrl-C goes to the daemons too, and their ends may be seen before the signal is.
    if result.is_err() && timeout(SIGNAL_GRACE, signals.next()).await.is_ok() {
        result = Ok(());
    }
    let started = fleet.process_count();
    say_stopping(started);
    fleet.stop().await;
    // The logs of a failure are kept.
    directory.finish(started == 0 || result.is_ok())?;
    result.map(|()| outcome.unwrap_or(Outcome::Interrupted))
}

async fn work(
    options: &Options,
    fleet: &mut Fleet,
    outcome: &mut Option<Outcome>,
) -> anyhow::Result<()> {
    let phuxanh = fleet.binary("phuxanh")?;
    let store = match &options.redis {
        None => Store::Embedded,
        Some(redis) => redis.store(fleet)?,
    };
    let mut servers = Vec::new();
    for port in options.ports()? {
        fleet.start_aggregator(port, &store)?;
        servers.push(format!("http://127.0.0.1:{port}"));
    }
    let mut clients = Vec::new();
    for server in &servers {
        clients.push(fleet.while_running(serving(server)).await?);
    }
    let shares = start_collectors(options, fleet, &servers)?;
    let published = Published::builtin();
    let period = Period::containing(published.known_at);
    let previous = period.previous().context("the month of the report has one before")?;
    fleet.while_running(load(&clients, &shares, [period, previous])).await?;
    let mut replicas = Vec::new();
    for (server, client) in servers.iter().zip(&clients) {
        let answers = fleet.while_running(client.answers(period, previous)).await?;
        let figures = figures::compare(&published, &Breakdown::builtin(), &answers);
        replicas.push(Replica { server, answers, figures });
    }
    *outcome = Some(show(&replicas, period)?);
    if options.once {
        return Ok(());
    }
    let server = servers.first().filter(|_| options.port != PORT).map(String::as_str);
    say(&format!("\n{}", report::how_to_ask(&phuxanh, server)))?;
    fleet.while_running(future::pending()).await
}

/// Shows the answers of the first aggregator, and says whether all others answer the same.
fn show(replicas: &[Replica<'_>], period: Period) -> anyhow::Result<Outcome> {
    let first = replicas.first().context("there is an aggregator")?;
    let lowest = report::lowest(&first.answers.green_coverage, period);
    say(&format!("\n{lowest}\n{}", report::figures(&first.figures)))?;
    if replicas.len() > 1 {
        say(&format!("\n{}", report::replicas(replicas)))?;
    }
    let agreed = replicas.iter().all(|it| it.figures.iter().all(|figure| figure.agrees));
    Ok(if agreed && report::is_same(replicas) { Outcome::Agreed } else { Outcome::Differed })
}

async fn serving(server: &str) -> anyhow::Result<Client> {
    let poll = async {
        let mut polls = tokio::time::interval(SERVE_POLL_INTERVAL);
        loop {
            polls.tick().await;
            if let Ok(client) = Client::connect(server).await
                && client.is_serving().await
            {
                return client;
            }
        }
    };
    let seconds = SERVE_TIMEOUT.as_secs();
    let connected = timeout(SERVE_TIMEOUT, poll).await;
    connected.with_context(|| format!("the aggregator does not serve after {seconds} s"))
}

/// Starts the collectors, which take the aggregators in turn.
fn start_collectors(
    options: &Options,
    fleet: &mut Fleet,
    servers: &[String],
) -> anyhow::Result<Shares> {
    let mut shares = Shares::new();
    for (province, server) in Gazetteer::builtin().provinces().zip(servers.iter().cycle()) {
        let code = province.code.to_string();
        let path = options.sample.join(format!("{code}.csv"));
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let observation_count = loading::observation_count(&text)?;
        fleet.start_collector(&code, server, &path)?;
        shares.insert(code, Share { province: province.name.clone(), observation_count });
    }
    say(&report::started(servers, shares.len()))?;
    Ok(shares)
}

async fn load(clients: &[Client], shares: &Shares, months: [Period; 2]) -> anyhow::Result<()> {
    let mut progress = Progress::new(shares);
    let waiting = loading::wait(clients, shares, &mut progress, months);
    if let Ok(result) = timeout(LOAD_TIMEOUT, waiting).await {
        return result;
    }
    let minutes = LOAD_TIMEOUT.as_secs() / 60;
    let Some(last) = progress.last() else {
        bail!("the aggregator says nothing of its collectors after {minutes} minutes");
    };
    let waiting_for = match last.waiting_for.as_slice() {
        [] => "the answers to show it".to_owned(),
        provinces => provinces.join(", "),
    };
    let (loaded, all) = (last.provinces, shares.len());
    bail!(
        "the sample is not loaded after {minutes} minutes: {loaded} of {all} provinces are; \
         waiting for {waiting_for}"
    )
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints a line on the way out. A closed terminal must not keep the processes from being stopped.
fn say_stopping(process_count: usize) {
    if process_count > 0 {
        drop(writeln!(io::stderr(), "stopping {process_count} processes"));
    }
}
