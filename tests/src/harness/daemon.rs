//! One process: how it is started, killed and read.

use std::{
    env,
    fs::{self, OpenOptions},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context, bail, ensure};

use super::eventually::{eventually, has_timed_out};

/// Longest time in which a process must end that was asked to.
const ENDED_WITHIN: Duration = Duration::from_secs(15);
/// Lines of a log that are shown when a test fails.
const LOG_LINES: usize = 25;

/// A program with its arguments, running or not.
pub(super) struct Daemon {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// Number of the user that it runs as, where that is not the tester.
    user: Option<u32>,
    child: Option<Child>,
}

impl Daemon {
    /// A program of this workspace by its path, or one of the system by its name.
    pub(super) fn new(program: impl Into<PathBuf>, name: &str, root: &Path) -> Self {
        let log = root.join(format!("{name}.log"));
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log,
            user: None,
            child: None,
        }
    }

    /// Lets it run as another user, who may have no way to the folder of the program: so it is
    /// copied to one that everybody may enter.
    pub(super) fn run_as(&mut self, user: u32, root: &Path) -> anyhow::Result<()> {
        let copy = root.join(self.program.file_name().context("a program has a name")?);
        fs::copy(&self.program, &copy)?;
        self.program = copy;
        self.user = Some(user);
        fs::set_permissions(root, fs::Permissions::from_mode(0o711))?;
        Ok(())
    }

    pub(super) fn arguments(&mut self, arguments: impl IntoIterator<Item = String>) {
        self.arguments.extend(arguments);
    }

    pub(super) fn environment(&mut self, variables: &[(String, String)]) {
        self.environment.extend_from_slice(variables);
    }

    /// Starts it with nothing of the tester's environment but what it was given.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "{} already runs", self.program.display());
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let child = command
            .args(&self.arguments)
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} does not start", self.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// True if it was started, and neither killed nor waited for since.
    pub(super) const fn runs(&self) -> bool {
        self.child.is_some()
    }

    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().with_context(|| self.gone())?;
        if let Some(status) = child.try_wait()? {
            let program = self.program.display();
            bail!("{program} ended by itself: {status}\n{}", self.log_end());
        }
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks it to end; returns its exit code, or `None` where a signal ended it.
    pub(super) async fn terminate(&mut self) -> anyhow::Result<Option<i32>> {
        self.signal("TERM")?;
        self.ended().await
    }

    /// Waits until it ends; returns its exit code, or `None` where a signal ended it.
    pub(super) async fn ended(&mut self) -> anyhow::Result<Option<i32>> {
        let mut child = self.child.take().with_context(|| self.gone())?;
        let ended = eventually("it ends", ENDED_WITHIN, async || {
            child.try_wait()?.with_context(|| format!("{} still runs", self.program.display()))
        });
        let status = ended.await;
        if status.is_err() {
            child.kill()?;
            child.wait()?;
        }
        Ok(status?.code())
    }

    pub(super) fn log(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.log).with_context(|| self.log.display().to_string())
    }

    pub(super) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let child = self.child.as_ref().with_context(|| self.gone())?;
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes: u64 = kibibytes.context("the system tells no VmRSS in kB")?.parse()?;
        Ok(kibibytes << 10)
    }

    pub(super) fn descriptor_count(&self) -> anyhow::Result<usize> {
        let child = self.child.as_ref().with_context(|| self.gone())?;
        Ok(fs::read_dir(format!("/proc/{}/fd", child.id()))?.count())
    }

    /// Sends it a signal by name, for example `STOP`.
    pub(super) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let child = self.child.as_ref().with_context(|| self.gone())?;
        let id = child.id().to_string();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id).status()?;
        ensure!(sent.success(), "kill: {sent}");
        Ok(())
    }

    fn gone(&self) -> String {
        format!("{} is gone", self.program.display())
    }

    fn log_end(&self) -> String {
        let text = self.log().unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "a failed test shows what its processes said")]
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, and there is nobody to tell.
            let killed = child.kill().and_then(|()| child.wait());
            drop(killed);
        }
        if std::thread::panicking() || has_timed_out() {
            eprintln!("--- end of {}\n{}", self.log.display(), self.log_end());
        }
    }
}

/// A program of this workspace, built beside the one that asks. `PHUXANH_TEST_AGGREGATOR` and
/// `PHUXANH_TEST_COLLECTOR` name those of another version to test the two together.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(program) = of_another_version(name) {
        return Ok(program);
    }
    let test = env::current_exe()?;
    let folder = test.parent().context("a program lies in a folder")?;
    // Tests lie in target/…/deps, other programs one folder higher.
    let folder = folder.parent().filter(|_| folder.ends_with("deps")).unwrap_or(folder);
    let program = folder.join(name);
    ensure!(
        program.exists(),
        "{} is not built: run ./tests/run, or cargo build --workspace",
        program.display()
    );
    Ok(program)
}

/// A program of another version, where the tester names one.
pub(super) fn of_another_version(name: &str) -> Option<PathBuf> {
    let program = match name {
        "phuxanh-aggregator" => env::var_os("PHUXANH_TEST_AGGREGATOR"),
        "phuxanh-collector" => env::var_os("PHUXANH_TEST_COLLECTOR"),
        _ => None,
    };
    program.map(PathBuf::from)
}

/// A port of 127.0.0.1 that nothing uses, below those that the system gives to callers: a
/// collector that calls an aggregator which is down must not be given its port.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static TRIED: AtomicU16 = AtomicU16::new(0);
    // Test binaries run beside each other, so each begins elsewhere.
    let start = u16::try_from(process::id() * 97 % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(tried) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}
