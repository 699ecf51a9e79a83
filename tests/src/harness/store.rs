//! Stores of a deployment's aggregators.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{Redis, Settings, copy_files, settings};

/// Names the store that deployments have where a test does not choose.
const STORE: &str = "PHUXANH_TEST_STORE";

/// Store that a deployment is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSetup {
    /// The aggregator's own file.
    Embedded,
    /// A server of the deployment's own, with options of `redis.conf`.
    Redis(Vec<(&'static str, &'static str)>),
}

impl Default for StoreSetup {
    fn default() -> Self {
        match env::var(STORE).as_deref() {
            Ok("redis") => Self::Redis(Vec::new()),
            Ok("embedded") | Err(_) => Self::Embedded,
            Ok(other) => panic!("{STORE}={other}: expected embedded or redis"),
        }
    }
}

/// A store that was started.
pub(super) enum Store {
    Embedded(PathBuf),
    Redis(Redis),
}

impl Store {
    pub(super) async fn start(setup: &StoreSetup, root: &Path) -> anyhow::Result<Self> {
        Ok(match setup {
            StoreSetup::Embedded => Self::Embedded(root.join("aggregator")),
            StoreSetup::Redis(options) => {
                Self::Redis(Redis::start(&root.join("redis"), options).await?)
            }
        })
    }

    /// Settings with which an aggregator uses it.
    pub(super) fn settings(&self) -> Settings {
        match self {
            Self::Embedded(_) => Settings::new(),
            Self::Redis(redis) => {
                settings(&[("STORE__KIND", "redis"), ("STORE__REDIS__URLS", &redis.url())])
            }
        }
    }

    /// Copies all that it holds.
    pub(super) fn copy(&self, to: &Path) -> anyhow::Result<()> {
        match self {
            Self::Embedded(folder) => copy_files(folder, to),
            Self::Redis(redis) => redis.copy(to),
        }
    }

    /// Puts a copy in the place of what it holds, or nothing.
    pub(super) async fn replace(&mut self, copy: Option<&Path>) -> anyhow::Result<()> {
        let folder = match self {
            Self::Embedded(folder) => folder.clone(),
            Self::Redis(redis) => {
                redis.kill()?;
                redis.appends()
            }
        };
        fs::remove_dir_all(&folder)?;
        if let Some(copy) = copy {
            copy_files(copy, &folder)?;
        }
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Redis(redis) => redis.restart().await,
        }
    }
}
