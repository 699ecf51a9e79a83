//! The daemons under a service manager: they say when they serve, live and stop, and SIGHUP lets them read
//! their log filter again. A socket of this test stands for the manager's.

use std::{
    fs::{self, File},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context, ensure};
use phuxanh_tests::harness::{STARTED_WITHIN, binary, eventually, free_port};
use tempfile::TempDir;

/// Longest wait for what comes within milliseconds.
const WITHIN: Duration = Duration::from_secs(20);

/// A daemon with its manager. Dropping it kills the process.
struct Managed {
    process: Child,
    socket: UnixDatagram,
    address: String,
    folder: TempDir,
}

impl Managed {
    /// Starts a daemon whose file of settings holds this filter. Its data lie in a folder of its own.
    fn start(program: &str, filter: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let socket = UnixDatagram::bind(at("notify"))?;
        socket.set_read_timeout(Some(STARTED_WITHIN))?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let own = if program == "phuxanh-collector" {
            format!(
                "reporter = \"04\"\naggregators = [\"http://{address}\"]\nfolder.path = \"{}\"\n",
                at("inbox").display()
            )
        } else {
            format!("listen = {address:?}\n")
        };
        let data_dir = at("data");
        let common = format!("ops.listen = \"off\"\ndata_dir = \"{}\"\n", data_dir.display());
        fs::write(at("own.toml"), own + &common)?;
        write_filter(folder.path(), filter)?;
        let log = File::create(at("log"))?;
        let process = Command::new(binary(program)?)
            .env_clear()
            .env("NOTIFY_SOCKET", at("notify"))
            .env("WATCHDOG_USEC", "200000")
            .arg("--config")
            .arg(at("settings.toml"))
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { process, socket, address, folder })
    }

    /// Waits for a word to the manager; returns those before it.
    fn told(&self, word: &str) -> anyhow::Result<Vec<String>> {
        let mut before = Vec::new();
        loop {
            let mut bytes = [0; 64];
            let length = self.socket.recv(&mut bytes);
            let length = length.with_context(|| format!("no {word} after {before:?}"))?;
            let found = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if found == word {
                return Ok(before);
            }
            before.push(found);
        }
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let id = self.process.id().to_string();
        ensure!(Command::new("kill").arg(format!("-{name}")).arg(id).status()?.success());
        Ok(())
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("log"))?)
    }

    async fn logs(&self, line: &str) -> anyhow::Result<()> {
        eventually(line, WITHIN, async || {
            let log = self.log()?;
            ensure!(log.contains(line), "{log}");
            Ok(())
        })
        .await
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        // It may have ended in order.
        drop(self.process.kill().and_then(|()| self.process.wait()));
    }
}

/// Writes the settings of a folder anew, with another filter.
fn write_filter(folder: &Path, filter: &str) -> anyhow::Result<PathBuf> {
    let own = fs::read_to_string(folder.join("own.toml"))?;
    let path = folder.join("settings.toml");
    fs::write(&path, format!("{own}log.filter = {filter:?}\n"))?;
    Ok(path)
}

#[test]
fn a_daemon_says_that_it_is_ready_lives_and_stops() -> anyhow::Result<()> {
    for program in ["phuxanh-aggregator", "phuxanh-collector"] {
        let mut daemon = Managed::start(program, "info")?;
        daemon.told("READY=1").context(program)?;
        if program == "phuxanh-aggregator" {
            std::net::TcpStream::connect(&daemon.address).context("ready, so it serves")?;
        }
        daemon.told("WATCHDOG=1").context(program)?;
        daemon.told("WATCHDOG=1").context(program)?;
        daemon.signal("TERM")?;
        let before = daemon.told("STOPPING=1").context(program)?;
        ensure!(before.iter().all(|word| word == "WATCHDOG=1"), "{program}: {before:?}");
        ensure!(daemon.process.wait()?.success(), "{program}");
    }
    Ok(())
}

#[tokio::test]
async fn sighup_lets_a_daemon_read_its_log_filter_again() -> anyhow::Result<()> {
    for program in ["phuxanh-aggregator", "phuxanh-collector"] {
        let mut daemon = Managed::start(program, "error")?;
        daemon.told("READY=1").context(program)?;
        ensure!(daemon.log()?.is_empty(), "{program}: {}", daemon.log()?);
        write_filter(daemon.folder.path(), "info")?;
        daemon.signal("HUP")?;
        daemon.logs("log filter read again").await.context(program)?;
        write_filter(daemon.folder.path(), "phuxanh=loud")?;
        daemon.signal("HUP")?;
        daemon.logs("log filter refused: the former stays in use").await.context(program)?;
        daemon.signal("TERM")?;
        daemon.logs("\"stopped\"").await.context(program)?;
        ensure!(daemon.process.wait()?.success(), "{program}");
    }
    Ok(())
}
