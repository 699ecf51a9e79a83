//! The demo from its first check to its last process.

mod directory;
mod port;
mod signals;

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::future;
use phuxanh_proto::{gazetteer::Gazetteer, model::Period};
use tokio::time::timeout;

use self::{directory::Directory, signals::Signals};
use crate::{
    facts::{Breakdown, Published},
    figures,
    fleet::Fleet,
    loading::{self, Progress, Share, Shares},
    query::Client,
    report,
};

/// Port where the command line looks when it is not told.
pub const PORT: u16 = 7400;

/// How long the aggregator may take to serve, and the sample to load.
const SERVE_TIMEOUT: Duration = Duration::from_mins(1);
const LOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// How much later than the end of a daemon the signal that ended it may be seen.
const SIGNAL_GRACE: Duration = Duration::from_millis(300);

const SERVE_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What is asked of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// End after the figures instead of waiting.
    pub once: bool,
    /// Port of the aggregator on the loopback interface.
    pub port: u16,
    /// Where data and logs go; a fresh directory where not given.
    pub directory: Option<PathBuf>,
    /// Directory with a file per province.
    pub sample: PathBuf,
}

/// How the demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All figures agree.
    Agreed,
    /// Some figure does not.
    Differed,
    /// Stopped by a signal before the figures were known.
    Interrupted,
}

/// Runs everything, and stops what it started however it ends.
pub async fn run(options: Options) -> anyhow::Result<Outcome> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    port::check(options.port)?;
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
    let server = format!("http://127.0.0.1:{}", options.port);
    let client = Client::new(&server)?;
    let phuxanh = fleet.binary("phuxanh")?;
    fleet.start_aggregator(options.port)?;
    fleet.while_running(serving(&client)).await?;
    let shares = start_collectors(options, fleet, &server)?;
    let published = Published::builtin();
    let period = Period::containing(published.known_at);
    let previous = period.previous().context("the month of the report has one before")?;
    fleet.while_running(load(&client, &shares, [period, previous])).await?;
    let answers = fleet.while_running(client.answers(period, previous)).await?;
    let figures = figures::compare(&published, &Breakdown::builtin(), &answers);
    let lowest = report::lowest(&answers.green_coverage, period);
    say(&format!("\n{lowest}\n{}", report::figures(&figures)))?;
    let agreed = figures.iter().all(|figure| figure.agrees);
    *outcome = Some(if agreed { Outcome::Agreed } else { Outcome::Differed });
    if options.once {
        return Ok(());
    }
    let server = (options.port != PORT).then_some(server.as_str());
    say(&format!("\n{}", report::how_to_ask(&phuxanh, server)))?;
    fleet.while_running(future::pending()).await
}

async fn serving(client: &Client) -> anyhow::Result<()> {
    let poll = async {
        let mut polls = tokio::time::interval(SERVE_POLL_INTERVAL);
        while !client.is_serving().await {
            polls.tick().await;
        }
    };
    let seconds = SERVE_TIMEOUT.as_secs();
    let served = timeout(SERVE_TIMEOUT, poll).await;
    served.with_context(|| format!("the aggregator does not serve after {seconds} s"))
}

fn start_collectors(options: &Options, fleet: &mut Fleet, server: &str) -> anyhow::Result<Shares> {
    let mut shares = Shares::new();
    for province in Gazetteer::builtin().provinces() {
        let code = province.code.to_string();
        let path = options.sample.join(format!("{code}.csv"));
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let observation_count = loading::observation_count(&text)?;
        fleet.start_collector(&code, server, &path)?;
        shares.insert(code, Share { province: province.name.clone(), observation_count });
    }
    say(&format!("started 1 aggregator on {server} and {} collectors\n", shares.len()))?;
    Ok(shares)
}

async fn load(client: &Client, shares: &Shares, months: [Period; 2]) -> anyhow::Result<()> {
    let mut progress = Progress::new(shares);
    let waiting = loading::wait(client, shares, &mut progress, months);
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

/// Said on the way out, where a closed terminal must not keep the processes from being stopped.
fn say_stopping(process_count: usize) {
    if process_count > 0 {
        drop(writeln!(io::stderr(), "stopping {process_count} processes"));
    }
}
