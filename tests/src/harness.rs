//! Real processes on this machine: one aggregator, the collectors of some provinces, all their
//! data in a folder that goes away with them.
//!
//! ```text
//! put_file → inbox ─ collector ─┐
//! put_file → inbox ─ collector ─┴→ aggregator → Client
//! ```
//!
//! A [`Deployment`] waits for conditions with deadlines, kills without warning, and starts again on
//! the same data. It knows nothing of what is right: that is the oracle's business.

mod client;
mod daemon;
mod eventually;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
pub use client::Client;
use daemon::Daemon;
pub use daemon::{binary, free_port};
pub use eventually::{eventually, random_moment};
use tempfile::TempDir;

/// Longest time in which a process must answer.
pub const STARTED_WITHIN: Duration = Duration::from_secs(20);
/// Longest time in which files must be read, delivered and ranked.
pub const LOADED_WITHIN: Duration = Duration::from_mins(1);

/// One of the processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Process {
    Aggregator,
    /// By the code of its province.
    Collector(String),
}

/// Files that replace what is built in; `None` keeps it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub catalogue: Option<String>,
    pub gazetteer: Option<String>,
}

/// The running processes. Dropping it kills them, and shows their logs where a test failed.
pub struct Deployment {
    aggregator: Daemon,
    collectors: BTreeMap<String, Daemon>,
    server: String,
    // Last, so that nothing runs when it is removed.
    root: TempDir,
}

impl Deployment {
    /// Starts an aggregator and the collectors of these provinces, and waits until it serves.
    pub async fn start(provinces: &[&str], facts: &Facts) -> anyhow::Result<Self> {
        let root = tempfile::tempdir().context("a folder for the processes")?;
        let port = free_port()?;
        let server = format!("http://127.0.0.1:{port}");
        let shared = shared_environment(root.path(), facts)?;
        let data = root.path().join("aggregator");
        let mut aggregator = Daemon::new("phuxanh-aggregator", "aggregator", root.path());
        aggregator.arguments([
            "--listen".into(),
            format!("127.0.0.1:{port}"),
            "--data-dir".into(),
            data.display().to_string(),
        ]);
        aggregator.environment(&shared);
        let mut collectors = BTreeMap::new();
        for &province in provinces {
            let collector = collector(root.path(), province, &server, &shared)?;
            collectors.insert(province.to_owned(), collector);
        }
        let mut deployment = Self { aggregator, collectors, server, root };
        deployment.aggregator.start()?;
        deployment.serving().await?;
        deployment.collectors.values_mut().try_for_each(Daemon::start)?;
        Ok(deployment)
    }

    /// Address of the aggregator.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Asks the aggregator.
    pub fn client(&self) -> anyhow::Result<Client> {
        Client::new(&self.server)
    }

    /// Waits until the aggregator says that it serves.
    pub async fn serving(&self) -> anyhow::Result<()> {
        let client = self.client()?;
        eventually("the aggregator serves", STARTED_WITHIN, async || client.is_serving().await)
            .await
    }

    /// Folder that a province's files are put into.
    #[must_use]
    pub fn inbox(&self, province: &str) -> PathBuf {
        inbox(self.root.path(), province)
    }

    /// Writes a file elsewhere and renames it into a province's inbox.
    pub fn put_file(&self, province: &str, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let partial = self.root.path().join(format!("{province}-{name}.partial"));
        fs::write(&partial, bytes)?;
        fs::rename(&partial, self.inbox(province).join(name))?;
        Ok(())
    }

    /// Waits until no inbox holds a file that was not read to its end.
    pub async fn files_are_read(&self) -> anyhow::Result<()> {
        eventually("all files are read", LOADED_WITHIN, async || {
            for province in self.collectors.keys() {
                let waiting = files(&self.inbox(province))?;
                ensure!(waiting.is_empty(), "the inbox of {province} still holds {waiting:?}");
            }
            Ok(())
        })
        .await
    }

    /// Every process there is.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let collectors = self.collectors.keys().cloned().map(Process::Collector);
        [Process::Aggregator].into_iter().chain(collectors).collect()
    }

    /// Ends a process without warning (SIGKILL).
    pub fn kill(&mut self, process: &Process) -> anyhow::Result<()> {
        self.daemon(process)?.kill()
    }

    /// Asks a process to end (SIGTERM), and returns its exit code.
    pub async fn terminate(&mut self, process: &Process) -> anyhow::Result<Option<i32>> {
        self.daemon(process)?.terminate().await
    }

    /// Starts a process that was ended again, on the same data.
    pub fn restart(&mut self, process: &Process) -> anyhow::Result<()> {
        self.daemon(process)?.start()
    }

    fn daemon(&mut self, process: &Process) -> anyhow::Result<&mut Daemon> {
        match process {
            Process::Aggregator => Ok(&mut self.aggregator),
            Process::Collector(province) => self
                .collectors
                .get_mut(province)
                .with_context(|| format!("no collector {province}")),
        }
    }
}

fn collector(
    root: &Path,
    province: &str,
    server: &str,
    shared: &[(String, String)],
) -> anyhow::Result<Daemon> {
    let inbox = inbox(root, province);
    fs::create_dir_all(&inbox)?;
    let name = format!("collector-{province}");
    let mut daemon = Daemon::new("phuxanh-collector", &name, root);
    daemon.arguments([
        "--reporter".into(),
        province.to_owned(),
        "--inbox".into(),
        inbox.display().to_string(),
        "--data-dir".into(),
        root.join(&name).display().to_string(),
        "--aggregator".into(),
        server.to_owned(),
    ]);
    daemon.environment(shared);
    // Files are renamed in whole, so nothing is gained by watching them for long.
    let short = [("SETTLE_TIME", "50ms"), ("POLL_INTERVAL", "50ms")];
    daemon.environment(
        &short.map(|(key, value)| (format!("PHUXANH__FOLDER__{key}"), value.to_owned())),
    );
    Ok(daemon)
}

fn inbox(root: &Path, province: &str) -> PathBuf {
    root.join("inbox").join(province)
}

fn shared_environment(root: &Path, facts: &Facts) -> anyhow::Result<Vec<(String, String)>> {
    let files = [
        ("PHUXANH__CATALOGUE_FILE", "catalogue.toml", &facts.catalogue),
        ("PHUXANH__GAZETTEER_FILE", "gazetteer.csv", &facts.gazetteer),
    ];
    let mut environment = Vec::new();
    for (key, name, text) in files {
        if let Some(text) = text {
            let path = root.join(name);
            fs::write(&path, text)?;
            environment.push((key.to_owned(), path.display().to_string()));
        }
    }
    Ok(environment)
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
