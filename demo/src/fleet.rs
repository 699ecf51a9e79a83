//! The daemons of the demo: aggregators and a collector per province, as child processes.
//!
//! Owns their directories, logs and ends. Signals go only to processes that it started and has
//! not yet waited for, so that no other can be hit.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use futures_util::future;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

/// Longest time that a daemon may take to end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Lines of a log that are shown when its process ends early.
const LOG_LINES_SHOWN: usize = 15;

/// Settings of the daemons; those of the demo are given as flags.
const SETTINGS_PREFIX: &str = "PHUXANH__";

/// The running daemons.
#[derive(Debug)]
pub struct Fleet {
    binaries: PathBuf,
    directory: PathBuf,
    processes: Vec<Process>,
}

/// Store in which the aggregators keep their logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A file of the only aggregator.
    Embedded,
    /// A Redis, for any number of aggregators.
    Redis { url: String, key_prefix: &'static str },
}

/// Kind of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Redis,
    Aggregator,
    Collector,
}

/// Kinds in the order in which they end: each before the kinds that it needs.
const STOP_ORDER: [Role; 3] = [Role::Collector, Role::Aggregator, Role::Redis];

#[derive(Debug)]
struct Process {
    role: Role,
    name: String,
    child: Child,
    log: PathBuf,
}

impl Fleet {
    /// A fleet of the binaries that lie beside this one, with all its files below `directory`.
    pub fn new(directory: &Path) -> anyhow::Result<Self> {
        let this = env::current_exe().context("cannot find the demo's own binary")?;
        let binaries = this.parent().context("the demo's binary lies in no directory")?.to_owned();
        let logs = directory.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(Self { binaries, directory: directory.to_owned(), processes: Vec::new() })
    }

    /// Path of a binary of the product.
    pub fn binary(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.binaries.join(name);
        ensure!(path.is_file(), "{} is missing: run deploy/demo, which builds it", path.display());
        Ok(path)
    }

    /// Starts a Redis server that syncs before it answers.
    pub fn start_redis(&mut self, program: &str, port: u16) -> anyhow::Result<()> {
        let data = self.directory.join("redis");
        fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(data);
        self.start(Role::Redis, "redis".to_owned(), command)
    }

    /// Starts an aggregator.
    pub fn start_aggregator(&mut self, port: u16, store: &Store) -> anyhow::Result<()> {
        let data = self.directory.join("aggregator");
        let mut command = self.command("phuxanh-aggregator")?;
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).arg("--data-dir").arg(data);
        let name = match store {
            Store::Embedded => "aggregator".to_owned(),
            Store::Redis { url, key_prefix } => {
                command.env("PHUXANH__STORE__KIND", "redis");
                command.env("PHUXANH__STORE__REDIS__URLS", url);
                command.env("PHUXANH__STORE__REDIS__KEY_PREFIX", key_prefix);
                format!("aggregator-{port}")
            }
        };
        command.arg("run");
        self.start(Role::Aggregator, name, command)
    }

    /// Starts a province's collector, with a file in its inbox.
    pub fn start_collector(
        &mut self,
        reporter: &str,
        server: &str,
        sample: &Path,
    ) -> anyhow::Result<()> {
        let home = self.directory.join("collectors").join(reporter);
        let inbox = home.join("inbox");
        deliver(sample, &home, &inbox)
            .with_context(|| format!("cannot put {} into {}", sample.display(), inbox.display()))?;
        let mut command = self.command("phuxanh-collector")?;
        command.args(["--reporter", reporter, "--aggregator", server]);
        command.arg("--inbox").arg(inbox).arg("--data-dir").arg(home.join("data"));
        command.arg("run");
        self.start(Role::Collector, format!("collector-{reporter}"), command)
    }

    /// Processes that were started.
    #[must_use]
    pub const fn process_count(&self) -> usize {
        self.processes.len()
    }

    /// Does something as long as all processes live; fails with the log of one that ends.
    pub async fn while_running<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            error = self.early_end() => Err(error),
            done = work => done,
        }
    }

    /// Ends all processes, each kind before what it needs, and waits until they are gone.
    pub async fn stop(mut self) {
        for role in STOP_ORDER {
            stop(self.processes.extract_if(.., |process| process.role == role).collect()).await;
        }
    }

    fn command(&self, binary: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(self.binary(binary)?);
        // Settings of somebody's own installation have no place here.
        for (key, _) in env::vars_os() {
            if key.to_string_lossy().starts_with(SETTINGS_PREFIX) {
                command.env_remove(key);
            }
        }
        // All run on one host, and the default port is one.
        command.env("PHUXANH__OPS__LISTEN", "off");
        Ok(command)
    }

    fn start(&mut self, role: Role, name: String, mut command: Command) -> anyhow::Result<()> {
        let log = self.directory.join("logs").join(format!("{name}.log"));
        let file =
            fs::File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let stdout = file.try_clone().context("cannot share a log between stdout and stderr")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.processes.push(Process { role, name, child, log });
        Ok(())
    }

    /// The first end of any process, as an error. Never comes while all live.
    async fn early_end(&mut self) -> anyhow::Error {
        if self.processes.is_empty() {
            return future::pending().await;
        }
        let ends = self.processes.iter_mut().map(|process| Box::pin(process.child.wait()));
        let (end, at, rest) = future::select_all(ends).await;
        drop(rest);
        let Process { name, log, .. } = &self.processes[at];
        let how = end.map_or_else(|error| error.to_string(), |status| status.to_string());
        let text = fs::read_to_string(log).unwrap_or_default();
        anyhow!("{name} ended early ({how}); the end of {}:\n{}", log.display(), last_lines(&text))
    }
}

/// Copies a file beside the inbox and renames it in, so that it is complete when seen.
fn deliver(sample: &Path, home: &Path, inbox: &Path) -> anyhow::Result<()> {
    let name = sample.file_name().context("a file of the sample has a name")?;
    fs::create_dir_all(inbox)?;
    let copy = home.join("arriving");
    fs::copy(sample, &copy)?;
    Ok(fs::rename(copy, inbox.join(name))?)
}

async fn stop(mut processes: Vec<Process>) {
    for process in &processes {
        process.terminate();
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    for process in &mut processes {
        let ended = tokio::time::timeout_at(deadline, process.child.wait()).await;
        if ended.is_err() {
            // It may end on its own at this very moment, and then there is nothing to kill.
            drop(process.child.kill().await);
        }
    }
}

impl Process {
    fn terminate(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            match kill_process(pid, Signal::TERM) {
                // One that has ended in between needs no signal; one that refuses it is killed.
                Ok(()) | Err(_) => {}
            }
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(directory: &Path, name: &str, script: &str) -> Fleet {
        let mut fleet = Fleet::new(directory).expect("a fleet");
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        fleet.start(Role::Aggregator, name.to_owned(), shell).expect("a shell");
        fleet
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_end_of_its_log() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut fleet = fleet(directory.path(), "aggregator", "seq 1 20 >&2; exit 3");
        let error = fleet.while_running(future::pending::<anyhow::Result<()>>()).await;
        let text = error.expect_err("an early end").to_string();
        assert!(text.starts_with("aggregator ended early (exit status: 3)"), "{text}");
        assert!(
            text.ends_with("\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_stopped_fleet_got_its_signal_and_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let ready = directory.path().join("ready");
        let script = format!(
            "trap 'echo ended; exit 0' TERM; touch {}; while :; do sleep 0.01; done",
            ready.display()
        );
        let mut fleet = fleet(directory.path(), "aggregator", &script);
        let pid = fleet.processes[0].child.id().expect("running");
        let is_ready = async {
            while !ready.exists() {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        fleet.while_running(is_ready).await.expect("ready");
        fleet.stop().await;
        let log = fs::read_to_string(directory.path().join("logs/aggregator.log"));
        assert_eq!(log.expect("a log"), "ended\n");
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_delivered_file_is_complete_when_it_appears() {
        let directory = tempfile::tempdir().expect("a directory");
        let sample = directory.path().join("04.csv");
        fs::write(&sample, "text").expect("written");
        let home = directory.path().join("home");
        deliver(&sample, &home, &home.join("inbox")).expect("delivered");
        assert_eq!(fs::read_to_string(home.join("inbox/04.csv")).expect("there"), "text");
        assert!(!home.join("arriving").exists());
    }
}
