//! Real processes on this machine: one aggregator with its store, or several over one Redis, the
//! collectors of some provinces, all their data in a folder that goes away with them.
//!
//! ```text
//! put_file → inbox ─ collector ─┐
//! put_file → inbox ─ collector ─┴→ aggregators (─ redis) → Client
//! ```
//!
//! The store is the aggregator's own file, or a Redis server where a test says so or where
//! `PHUXANH_TEST_STORE=redis` stands in the tester's environment.
//!
//! A [`Deployment`] waits for conditions with deadlines, kills without warning, and starts again on
//! the same data. It knows nothing of what is right: that is the oracle's business.

mod caller;
mod client;
mod daemon;
mod eventually;
mod page;
mod redis;
mod servers;
mod setup;
mod store;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
pub use caller::{Caller, connect_from};
pub use client::Client;
use daemon::{Daemon, of_another_version};
pub use daemon::{binary, free_port};
pub use eventually::{eventually, random_moment};
pub use page::page;
pub use redis::Redis;
use serde_json::Value;
pub use servers::{Servers, Topology};
pub use setup::{CollectorSetup, Facts, Settings, Setup, settings};
use store::Store;
pub use store::StoreSetup;
use tempfile::TempDir;

/// Longest time in which a process must answer.
pub const STARTED_WITHIN: Duration = Duration::from_secs(20);
/// Longest time in which files must be read, delivered and ranked.
pub const LOADED_WITHIN: Duration = Duration::from_mins(1);

/// One of the processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Process {
    /// The first of them, which is the only one unless a setup asks for more.
    Aggregator,
    /// One of the aggregators beside the first, from 1 on.
    Replica(usize),
    /// The Redis server, where one keeps the logs.
    Store,
    /// By its name, which is the code of its province unless it was added under another.
    Collector(String),
}

impl Process {
    /// The collector of this name.
    #[must_use]
    pub fn collector(name: &str) -> Self {
        Self::Collector(name.to_owned())
    }

    /// Its place among the aggregators.
    const fn place(&self) -> Option<usize> {
        match self {
            Self::Aggregator => Some(0),
            Self::Replica(place) => Some(*place),
            Self::Store | Self::Collector(_) => None,
        }
    }
}

/// The running processes. Dropping it kills them, and shows their logs where a test failed.
pub struct Deployment {
    store: Store,
    /// With their addresses.
    aggregators: Vec<(Daemon, String)>,
    /// Addresses for TLS of those that serve it, beside those for plain text.
    secured: Vec<String>,
    collectors: BTreeMap<String, Daemon>,
    /// Environment of every collector.
    for_collectors: Settings,
    // Last, so that nothing runs when it is removed.
    root: TempDir,
}

impl Deployment {
    /// Starts an aggregator and the collectors of these provinces, and waits until it serves.
    pub async fn start(provinces: &[&str], facts: &Facts) -> anyhow::Result<Self> {
        let setup = Setup { facts: facts.clone(), ..Setup::default() };
        Self::start_with(provinces, &setup).await
    }

    /// The same with settings.
    pub async fn start_with(provinces: &[&str], setup: &Setup) -> anyhow::Result<Self> {
        let root = tempfile::tempdir().context("a folder for the processes")?;
        let shared = setup.facts.write(root.path())?;
        let store = Store::start(&setup.store, root.path()).await?;
        let mut deployment = Self {
            store,
            aggregators: Vec::new(),
            secured: Vec::new(),
            collectors: BTreeMap::new(),
            for_collectors: [&shared[..], &setup.collector].concat(),
            root,
        };
        let settings = [&shared[..], &setup.aggregator].concat();
        for place in 0..=setup.replica_count {
            let process = if place == 0 { Process::Aggregator } else { Process::Replica(place) };
            deployment.add_aggregator(&process, &settings)?;
        }
        for &province in provinces {
            deployment.add_collector(&CollectorSetup::of(province))?;
        }
        deployment.aggregators.iter_mut().try_for_each(|(aggregator, _)| aggregator.start())?;
        for aggregator in deployment.replicas() {
            deployment.serves(&aggregator).await?;
        }
        deployment.collectors.values_mut().try_for_each(Daemon::start)?;
        Ok(deployment)
    }

    fn add_aggregator(&mut self, process: &Process, settings: &Settings) -> anyhow::Result<()> {
        let data_dir = self.data_dir(process);
        let name = data_dir.file_name().context("its own folder")?.to_string_lossy();
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut daemon = Daemon::new(binary("phuxanh-aggregator")?, &name, self.root.path());
        let is_tls = settings.iter().any(|(key, _)| key == "PHUXANH__TLS__CERTIFICATE_FILE");
        let listen = if is_tls {
            let secured = format!("127.0.0.1:{}", free_port()?);
            daemon.environment(&setup::settings(&[("PLAINTEXT_LISTEN", &address)]));
            self.secured.push(format!("https://{secured}"));
            secured
        } else {
            address.clone()
        };
        daemon.arguments([
            "--listen".into(),
            listen,
            "--data-dir".into(),
            data_dir.display().to_string(),
        ]);
        daemon.environment(&no_ops("phuxanh-aggregator")?);
        daemon.environment(&self.store.settings());
        daemon.environment(settings);
        self.aggregators.push((daemon, format!("http://{address}")));
        Ok(())
    }

    /// Prepares one more collector, which [`Self::restart`] starts.
    pub fn add_collector(&mut self, setup: &CollectorSetup) -> anyhow::Result<Process> {
        let name = setup.name.clone();
        let inbox = self.inbox(&name);
        fs::create_dir_all(&inbox)?;
        let mut daemon =
            Daemon::new(binary("phuxanh-collector")?, &folder(&name), self.root.path());
        let process = Process::Collector(name.clone());
        daemon.arguments([
            "--reporter".into(),
            setup.province.clone(),
            "--inbox".into(),
            inbox.display().to_string(),
            "--data-dir".into(),
            self.data_dir(&process).display().to_string(),
        ]);
        // Each begins with another one, so that they spread.
        let first = self.collectors.len() % self.aggregators.len();
        let servers = match &setup.server {
            Some(server) => vec![server.clone()],
            None => self.aggregators.iter().map(|(_, server)| server.clone()).collect(),
        };
        for at in 0..servers.len() {
            let server = servers[(first + at) % servers.len()].clone();
            daemon.arguments(["--aggregator".into(), server]);
        }
        // Files are renamed in whole, so nothing is gained by watching them for long.
        daemon.environment(&settings(&[
            ("FOLDER__SETTLE_TIME", "50ms"),
            ("FOLDER__POLL_INTERVAL", "50ms"),
        ]));
        daemon.environment(&no_ops("phuxanh-collector")?);
        daemon.environment(&self.for_collectors);
        daemon.environment(&setup.settings);
        if let Some(user) = setup.user {
            daemon.run_as(user, self.root.path())?;
        }
        self.collectors.insert(name, daemon);
        Ok(process)
    }

    /// Starts the collector of one more province, which finds a file when it starts. So its first
    /// batch holds observations, and does not say that there are none.
    pub fn report(&mut self, province: &str, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let collector = self.add_collector(&CollectorSetup::of(province))?;
        self.put_file(province, name, bytes)?;
        self.restart(&collector)
    }

    /// Address of the first aggregator.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.aggregators[0].1
    }

    /// Address of the first aggregator for TLS, where its settings name a certificate.
    pub fn secured_server(&self) -> anyhow::Result<&str> {
        self.secured.first().map(String::as_str).context("no aggregator serves TLS")
    }

    /// Every aggregator.
    #[must_use]
    pub fn replicas(&self) -> Vec<Process> {
        let others = (1..self.aggregators.len()).map(Process::Replica);
        [Process::Aggregator].into_iter().chain(others).collect()
    }

    /// Asks the first aggregator.
    pub fn client(&self) -> anyhow::Result<Client> {
        Client::new(self.server())
    }

    /// Asks this aggregator.
    pub fn client_of(&self, aggregator: &Process) -> anyhow::Result<Client> {
        Client::new(&self.aggregator(aggregator)?.1)
    }

    /// Runs the command line against the first aggregator, with nothing of the tester's environment.
    pub fn phuxanh(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        phuxanh(&[&["--server", self.server()], arguments].concat())
    }

    /// Asks the command line in JSON.
    pub fn ask(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = self.phuxanh(&[&["--json"], arguments].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Waits until the first aggregator says that it serves.
    pub async fn serving(&self) -> anyhow::Result<()> {
        self.serves(&Process::Aggregator).await
    }

    /// Waits until an aggregator says that it serves.
    pub async fn serves(&self, aggregator: &Process) -> anyhow::Result<()> {
        let client = self.client_of(aggregator)?;
        let what = format!("{aggregator:?} serves");
        eventually(&what, STARTED_WITHIN, async || client.is_serving().await).await
    }

    /// Folder that holds everything of the deployment.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Folder that a collector's files are put into.
    #[must_use]
    pub fn inbox(&self, collector: &str) -> PathBuf {
        self.root.path().join("inbox").join(collector)
    }

    /// Folder that a process keeps its data in; there from its first start on.
    #[must_use]
    pub fn data_dir(&self, process: &Process) -> PathBuf {
        match process {
            Process::Aggregator => self.root.path().join("aggregator"),
            Process::Replica(number) => self.root.path().join(format!("aggregator-{number}")),
            Process::Store => self.root.path().join("redis"),
            Process::Collector(name) => self.root.path().join(folder(name)),
        }
    }

    /// Writes a file elsewhere and renames it into a collector's inbox.
    pub fn put_file(&self, collector: &str, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let partial = self.root.path().join(format!("{collector}-{name}.partial"));
        fs::write(&partial, bytes)?;
        fs::rename(&partial, self.inbox(collector).join(name))?;
        Ok(())
    }

    /// Waits until no inbox holds a file that was not read to its end.
    pub async fn files_are_read(&self) -> anyhow::Result<()> {
        eventually("all files are read", LOADED_WITHIN, async || {
            for name in self.collectors.keys() {
                let waiting = files(&self.inbox(name))?;
                ensure!(waiting.is_empty(), "the inbox of {name} still holds {waiting:?}");
            }
            Ok(())
        })
        .await
    }

    /// Every process there is.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let collectors = self.collectors.keys().cloned().map(Process::Collector);
        let store = matches!(self.store, Store::Redis(_)).then_some(Process::Store);
        self.replicas().into_iter().chain(store).chain(collectors).collect()
    }

    /// The Redis server that keeps the logs.
    pub fn redis(&self) -> anyhow::Result<&Redis> {
        match &self.store {
            Store::Redis(redis) => Ok(redis),
            Store::Embedded(_) => bail!("this deployment has no Redis"),
        }
    }

    /// Copies all that the store holds, while no aggregator runs; says where to.
    pub fn copy_store(&self) -> anyhow::Result<PathBuf> {
        let copy = self.root.path().join("store-copy");
        self.store.copy(&copy)?;
        Ok(copy)
    }

    /// Puts a copy in the place of what the store holds, or nothing, while no aggregator runs.
    pub async fn replace_store(&mut self, copy: Option<&Path>) -> anyhow::Result<()> {
        self.store.replace(copy).await
    }

    /// Ends a process without warning (SIGKILL).
    pub fn kill(&mut self, process: &Process) -> anyhow::Result<()> {
        self.daemon(process)?.kill()
    }

    /// Asks a process to end (SIGTERM), and returns its exit code.
    pub async fn terminate(&mut self, process: &Process) -> anyhow::Result<Option<i32>> {
        self.daemon(process)?.terminate().await
    }

    /// Waits until a process ends by itself, and returns its exit code.
    pub async fn ended(&mut self, process: &Process) -> anyhow::Result<Option<i32>> {
        self.daemon(process)?.ended().await
    }

    /// Sends a process a signal by name, for example `STOP`.
    pub fn signal(&self, process: &Process, name: &str) -> anyhow::Result<()> {
        self.known(process)?.signal(name)
    }

    /// Starts a process that does not run, on the data that there are.
    pub fn restart(&mut self, process: &Process) -> anyhow::Result<()> {
        self.daemon(process)?.start()
    }

    /// Settings of a process from its next start on, over those that it has.
    pub fn set(&mut self, process: &Process, settings: &Settings) -> anyhow::Result<()> {
        self.daemon(process)?.environment(settings);
        Ok(())
    }

    /// Everything that a process has said so far.
    pub fn log(&self, process: &Process) -> anyhow::Result<String> {
        self.known(process)?.log()
    }

    /// Waits until a process has said something.
    pub async fn says(&self, process: &Process, what: &str) -> anyhow::Result<()> {
        eventually(&format!("{process:?} says: {what}"), LOADED_WITHIN, async || {
            ensure!(self.log(process)?.contains(what), "it does not");
            Ok(())
        })
        .await
    }

    /// Lines of an aggregator's audit log.
    pub fn audit_log(&self, process: &Process) -> anyhow::Result<Vec<Value>> {
        let path = self.data_dir(process).join("audit-log.jsonl");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Number of descriptors that a running process has open.
    pub fn descriptor_count(&self, process: &Process) -> anyhow::Result<usize> {
        self.known(process)?.descriptor_count()
    }

    /// Bytes of memory that a running process has in use.
    pub fn resident_bytes(&self, process: &Process) -> anyhow::Result<u64> {
        self.known(process)?.resident_bytes()
    }

    fn aggregator(&self, process: &Process) -> anyhow::Result<&(Daemon, String)> {
        let found = process.place().and_then(|place| self.aggregators.get(place));
        found.with_context(|| format!("no aggregator {process:?}"))
    }

    fn known(&self, process: &Process) -> anyhow::Result<&Daemon> {
        match process {
            Process::Aggregator | Process::Replica(_) => Ok(&self.aggregator(process)?.0),
            Process::Store => Ok(self.redis()?.daemon()),
            Process::Collector(name) => {
                self.collectors.get(name).with_context(|| format!("no collector {name}"))
            }
        }
    }

    fn daemon(&mut self, process: &Process) -> anyhow::Result<&mut Daemon> {
        match process {
            Process::Aggregator | Process::Replica(_) => {
                let found = process.place().and_then(|place| self.aggregators.get_mut(place));
                Ok(&mut found.with_context(|| format!("no {process:?}"))?.0)
            }
            Process::Store => match &mut self.store {
                Store::Redis(redis) => Ok(redis.daemon_mut()),
                Store::Embedded(_) => bail!("this deployment has no Redis"),
            },
            Process::Collector(name) => {
                self.collectors.get_mut(name).with_context(|| format!("no collector {name}"))
            }
        }
    }
}

/// Runs the command line with nothing of the tester's environment.
pub fn phuxanh(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(binary("phuxanh")?).env_clear().args(arguments).output()?)
}

/// Name of a collector's data and log.
fn folder(name: &str) -> String {
    format!("collector-{name}")
}

/// Names of the files in a folder, without its folders.
pub fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        // A file may be moved away between the listing and the question.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Copies the files of a folder into another, which is made.
pub fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for name in files(from)? {
        fs::copy(from.join(&name), to.join(&name)).with_context(|| name.clone())?;
    }
    Ok(())
}

/// Switches the ops listener off: many daemons run on one host, and its default port is one. A
/// version that has no such listener refuses the setting.
fn no_ops(name: &str) -> anyhow::Result<Settings> {
    if let Some(program) = of_another_version(name) {
        let help = Command::new(program).arg("--help").output()?.stdout;
        if !String::from_utf8(help)?.contains("  health ") {
            return Ok(Settings::new());
        }
    }
    Ok(settings(&[("OPS__LISTEN", "off")]))
}
