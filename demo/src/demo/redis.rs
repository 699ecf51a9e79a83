//! The Redis that replicas share: one that was named, or one of the demo's own.

use std::{io, net::TcpListener, process::Command};

use anyhow::{Context, bail};

use crate::fleet::{Fleet, Store};

const PROGRAM: &str = "redis-server";
/// Begins every key, so that whatever else a named Redis holds stays as it is.
const KEY_PREFIX: &str = "phuxanh-demo";
/// Stands for the demo's own where a URL may.
pub const OWN: &str = "own";

/// Redis that is to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redis {
    /// One that is started on a free port, and goes with the demo.
    Own,
    /// One that runs, by its URL.
    At(String),
}

impl From<&str> for Redis {
    fn from(text: &str) -> Self {
        if text == OWN { Self::Own } else { Self::At(text.to_owned()) }
    }
}

impl Redis {
    /// Fails where it would have to be started and is not installed.
    pub fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::At(_) => Ok(()),
            Self::Own => match Command::new(PROGRAM).arg("--version").output() {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                    "{PROGRAM} is not installed: on Debian, apt install redis-server; or name a \
                     running one, for example --redis redis://127.0.0.1:6379"
                ),
                Err(error) => Err(error).context("cannot run redis-server"),
            },
        }
    }

    /// Store in which the aggregators keep their logs. A server of its own syncs before it answers.
    pub fn store(&self, fleet: &mut Fleet) -> anyhow::Result<Store> {
        let url = match self {
            Self::At(url) => url.clone(),
            Self::Own => {
                let port = free_port().context("no port is free for redis-server")?;
                fleet.start_redis(PROGRAM, port)?;
                format!("redis://127.0.0.1:{port}")
            }
        };
        Ok(Store::Redis { url, key_prefix: KEY_PREFIX })
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
