//! A real Redis server, whose data stay in a folder when it is killed.

use std::{path::Path, time::Duration};

use anyhow::Context;
use redis::{AsyncConnectionConfig, FromRedisValue};

use super::{STARTED_WITHIN, copy_files, daemon::Daemon, eventually, free_port};

/// The program.
pub(super) const SERVER: &str = "/usr/bin/redis-server";
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// One server.
pub struct Redis {
    daemon: Daemon,
    port: u16,
    /// Folder of its append-only file, in `appendonlydir`.
    folder: std::path::PathBuf,
    password: Option<String>,
}

impl Redis {
    /// Starts a server that syncs before it answers, unless the options say otherwise, and waits
    /// until it answers. Options are those of `redis.conf`.
    pub async fn start(folder: &Path, options: &[(&str, &str)]) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = free_port()?;
        let mut daemon = Daemon::new(SERVER, "redis", folder);
        let dir = folder.display().to_string();
        let port_text = port.to_string();
        let fixed = [
            ("bind", "127.0.0.1"),
            ("port", &port_text),
            ("dir", &dir),
            ("save", ""),
            ("appendonly", "yes"),
            ("appendfsync", "always"),
        ];
        for (key, value) in fixed.iter().chain(options) {
            // `CONFIG ` has two words, the second of them empty.
            daemon.arguments([format!("--{key}")]);
            daemon.arguments(value.split(' ').map(str::to_owned));
        }
        let password = options.iter().find(|(key, _)| *key == "requirepass");
        let mut redis = Self {
            daemon,
            port,
            folder: folder.to_owned(),
            password: password.map(|(_, password)| (*password).to_owned()),
        };
        redis.restart().await?;
        Ok(redis)
    }

    /// Address of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Ends it without warning (SIGKILL).
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.daemon.kill()
    }

    /// Starts it on the data that there are, and waits until it answers.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.daemon.start()?;
        eventually("redis answers", STARTED_WITHIN, async || {
            self.ask::<String>(&["PING"]).await.map(drop)
        })
        .await
    }

    /// Stops it where it stands, or lets it go on.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        self.daemon.signal(name)
    }

    /// Gives it a command.
    pub async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> anyhow::Result<T> {
        let login = self.password.as_ref().map(|it| format!(":{it}@")).unwrap_or_default();
        ask(&format!("redis://{login}{}", self.address()), command).await
    }

    /// Gives it a command whose words may be any bytes.
    pub async fn ask_bytes<T: FromRedisValue>(&self, command: &[Vec<u8>]) -> anyhow::Result<T> {
        ask(&self.url(), command).await
    }

    /// Folder of its append-only file.
    #[must_use]
    pub fn appends(&self) -> std::path::PathBuf {
        self.folder.join("appendonlydir")
    }

    /// Copies what it keeps.
    pub fn copy(&self, to: &Path) -> anyhow::Result<()> {
        copy_files(&self.appends(), to)
    }

    pub(super) const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    pub(super) const fn daemon_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) const fn runs(&self) -> bool {
        self.daemon.runs()
    }
}

/// Gives the server at a URL a command.
pub(super) async fn ask<T: FromRedisValue, W: AsRef<[u8]>>(
    url: &str,
    command: &[W],
) -> anyhow::Result<T> {
    let settings = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_TIMEOUT));
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&settings).await?;
    let (name, arguments) = command.split_first().context("a command")?;
    let mut asked = redis::Cmd::new();
    asked.arg(name.as_ref());
    for argument in arguments {
        asked.arg(argument.as_ref());
    }
    Ok(asked.query_async(&mut connection).await?)
}
