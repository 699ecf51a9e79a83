//! A spool that was filled while no aggregator was there, to be copied for every round.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use phuxanh_collector::{
    config::{Config, Settings, SpoolSettings},
    delivery::random,
    spool::{self, Spool},
};
use phuxanh_core::{Batch, LocalityCode, LogId, Observation};
use phuxanh_daemon::clock;

use crate::workload::{BATCH_OBSERVATIONS, Workload};

/// Far more than any workload, so that nothing is held back.
const QUOTA_BYTES: u64 = 64 << 30;
/// Batches that are read of a spool at once.
const LOAD_BATCHES: u32 = 32;
const LOAD_BYTES: u64 = 4 << 20;

/// The batches of a workload, in memory and in a spool's folder.
pub struct Spooled<'a> {
    pub workload: &'a Workload,
    pub log: LogId,
    pub batches: Vec<Batch>,
    directory: PathBuf,
}

impl<'a> Spooled<'a> {
    pub async fn fill(workload: &'a Workload, directory: &Path) -> anyhow::Result<Self> {
        let Spool { handle, log, end, .. } = open(workload.reporter, directory)?;
        let log = log.borrow().log;
        let mut observations = workload.observations();
        loop {
            let chunk: Vec<_> = observations.by_ref().take(BATCH_OBSERVATIONS).collect();
            if chunk.is_empty() {
                break;
            }
            append(&handle, chunk).await?;
        }
        let batches = load(&handle).await?;
        drop(handle);
        end.await??;
        Ok(Self { workload, log, batches, directory: directory.to_owned() })
    }

    /// A copy of the spool's folder.
    pub fn copy(&self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    }

    pub fn payload_bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.payload.len()).sum()
    }
}

/// A collector's configuration as it is by default, with room for everything.
pub fn config(reporter: LocalityCode, data_dir: &Path, aggregator: &str) -> anyhow::Result<Config> {
    let settings = Settings {
        reporter: reporter.to_string(),
        aggregators: vec![aggregator.to_owned()],
        data_dir: data_dir.to_owned(),
        spool: SpoolSettings { quota_bytes: QUOTA_BYTES, ..SpoolSettings::default() },
        ..Settings::default()
    };
    Ok(Config::new(&settings)?)
}

/// Opens the spool of a folder, or makes one.
pub fn open(reporter: LocalityCode, directory: &Path) -> anyhow::Result<Spool> {
    open_with(reporter, directory, spool::Config::default().queue_max)
}

/// The same, where so many requests may wait and share a commit.
pub fn open_with(
    reporter: LocalityCode,
    directory: &Path,
    queue_max: usize,
) -> anyhow::Result<Spool> {
    let config = config(reporter, directory, "http://127.0.0.1:1")?.spool;
    let config = spool::Config { queue_max, ..config };
    Ok(spool::open(directory, config, LogId(random()), clock::now)?)
}

/// Appends what the spool must take.
pub async fn append(handle: &spool::Handle, observations: Vec<Observation>) -> anyhow::Result<()> {
    let count = observations.len();
    let fates = handle.append(observations).await?;
    let taken = fates.iter().filter(|fate| fate.is_taken()).count();
    anyhow::ensure!(taken == count, "{taken} of {count} observations were taken");
    Ok(())
}

/// Reads everything that waits, as delivery reads it.
pub async fn load(handle: &spool::Handle) -> anyhow::Result<Vec<Batch>> {
    let mut batches = Vec::<Batch>::new();
    loop {
        let after = batches.last().map_or(0, |batch| batch.sequence);
        let loaded = handle.load(after, LOAD_BATCHES, LOAD_BYTES).await.context("the spool")?;
        if loaded.batches.is_empty() {
            return Ok(batches);
        }
        batches.extend(loaded.batches);
    }
}
