//! Several files, one after another, through the folder and a real spool: corrections, withdrawals,
//! repeats, and files that are still being written when they are found.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_collector::{
    source::{Trouble, folder},
    spool::{self, Medium, Spool},
};
use phuxanh_core::LogId;
use phuxanh_proto::convert::decode;
use redb::{StorageBackend, backends::InMemoryBackend};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    time::{interval, timeout},
};

use super::{
    fold::{Counts, Fold},
    meaning::Cell,
    sheet::Sheet,
    tables, verdict,
    writing::{self, Written},
};

const DEADLINE: Duration = Duration::from_mins(1);
const FILES_MAX: usize = 8;

/// Events of sequences, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Happened {
    pub file_count: u64,
    pub repeat_count: u64,
    pub partial_count: u64,
    pub taken_count: u64,
    pub unchanged_count: u64,
    pub superseded_count: u64,
    pub withdrawn_count: u64,
}

impl Happened {
    pub const fn add(&mut self, other: &Self) {
        self.file_count += other.file_count;
        self.repeat_count += other.repeat_count;
        self.partial_count += other.partial_count;
        self.taken_count += other.taken_count;
        self.unchanged_count += other.unchanged_count;
        self.superseded_count += other.superseded_count;
        self.withdrawn_count += other.withdrawn_count;
    }
}

/// A file in which nothing is odd.
fn file(random: &mut Rng) -> Written {
    loop {
        let mut sheet = Sheet::crowded(random.fork());
        tables::fill(&mut sheet);
        let written = writing::write(sheet);
        let mut meant = written.items.iter().flat_map(|placed| &placed.item.meant);
        if written.is_terminated && meant.all(|meant| meant.is_sure) {
            return written;
        }
    }
}

/// Reads the files of a seed one after another; fails where the cells or the reports are not those
/// of the model.
pub async fn run(seed: u64) -> anyhow::Result<Happened> {
    let mut random = Rng::with_seed(seed);
    let mut files: Vec<Written> = Vec::new();
    let mut office = Office::open(random.usize(1..=5))?;
    let (end, is_over) = watch::channel(false);
    let run = office.run(is_over);
    let drive = async {
        let tried = office.drive(&mut random, &mut files).await;
        end.send_replace(true);
        tried
    };
    let (tried, ran) = tokio::join!(drive, run);
    ran?;
    let (fold, mut happened) = tried.with_context(|| format!("seed {seed}"))?;
    let held = fold.cells.iter().map(|(cell, held)| (cell.clone(), *held));
    let held: BTreeMap<_, _> = held
        .map(|(cell, (at, value, basis))| (named(&cell), (at, value, basis.to_owned())))
        .collect();
    happened.withdrawn_count = held.values().map(|(_, value, _)| u64::from(value.is_none())).sum();
    let found = office.cells().await?;
    ensure!(found == held, "seed {seed}: the spool holds {found:#?}, not {held:#?}");
    Ok(happened)
}

fn named(cell: &Cell) -> (String, String, String) {
    (cell.locality.clone(), cell.metric.to_owned(), cell.period.clone())
}

type Cells = BTreeMap<(String, String, String), (i64, Option<i64>, String)>;

struct Office {
    folder: TempDir,
    spool: Spool,
    /// Observations that are appended at once.
    chunk: usize,
}

impl Office {
    fn open(chunk: usize) -> anyhow::Result<Self> {
        let medium = || Ok(Box::new(InMemoryBackend::new()) as Box<dyn StorageBackend>);
        let config = spool::Config { ballast_bytes: 0, ..spool::Config::default() };
        let log = LogId([1; 16]);
        let spool = spool::open_on(Medium::new(medium, None), config, log, verdict::now)?;
        Ok(Self { folder: tempfile::tempdir()?, spool, chunk })
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Watches the folder until it is over.
    fn run(
        &self,
        mut is_over: watch::Receiver<bool>,
    ) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let mut limits = verdict::limits();
        limits.chunk_observations_max = self.chunk;
        let config = folder::Config {
            path: self.folder.path().to_owned(),
            settle_time: Duration::ZERO,
            unterminated_wait: DEADLINE,
            changed_watch: DEADLINE,
            poll_interval: Duration::from_millis(1),
            limits,
        };
        let ports = folder::Ports {
            spool: self.spool.handle.clone(),
            log: self.spool.log.clone(),
            trouble: watch::channel(Trouble::default()).0,
            superseded: mpsc::channel(1).1,
            clock: verdict::now,
        };
        async move {
            let end = async { drop(is_over.wait_for(|is_over| *is_over).await) };
            Ok(timeout(DEADLINE, folder::run(config, verdict::facts(), ports, end)).await??)
        }
    }

    async fn drive(
        &self,
        random: &mut Rng,
        files: &mut Vec<Written>,
    ) -> anyhow::Result<(Fold, Happened)> {
        let (mut fold, mut happened) = (Fold::default(), Happened::default());
        for number in 0..random.usize(2..=FILES_MAX) {
            let is_repeat = !files.is_empty() && random.u8(0..4) == 0;
            let at = if is_repeat {
                random.usize(0..files.len())
            } else {
                files.push(file(random));
                files.len() - 1
            };
            let name = format!("{number}.csv");
            let file = &files[at];
            if random.u8(0..4) == 0 && self.put_part(&name, &file.bytes, random).await? {
                happened.partial_count += 1;
            }
            fs::write(self.path(&name), &file.bytes)?;
            self.wait_until_read(&name).await?;
            let has_refusals =
                verdict::read(&file.bytes, random.fork()).entries.refused_count() > 0;
            let counts = fold.read(file, has_refusals);
            happened.file_count += 1;
            happened.repeat_count += u64::from(is_repeat);
            happened.taken_count += counts.taken;
            happened.unchanged_count += counts.unchanged;
            happened.superseded_count += counts.superseded;
            let context = || {
                let shown = file.bytes.escape_ascii();
                format!("file {number}, the same as file {at}: {shown}")
            };
            self.check(&name, counts, has_refusals).with_context(context)?;
        }
        Ok((fold, happened))
    }

    /// Puts the beginning of a file, as if it were being copied. It must not be read before the
    /// rest is there, where it ends within a line; says whether it does.
    async fn put_part(&self, name: &str, bytes: &[u8], random: &mut Rng) -> anyhow::Result<bool> {
        let part = &bytes[..random.usize(1..bytes.len())];
        let end = &part[part.len().saturating_sub(2)..];
        if end.contains(&b'\n') || end.contains(&b'\r') {
            return Ok(false);
        }
        fs::write(self.path(name), part)?;
        let marker = format!("before-{name}");
        fs::write(self.path(&marker), "a file that is complete\n")?;
        self.wait_until_read(&marker).await?;
        ensure!(self.path(name).exists(), "{name} was read before it was complete");
        Ok(true)
    }

    async fn wait_until_read(&self, name: &str) -> anyhow::Result<()> {
        let mut poll = interval(Duration::from_millis(1));
        let is_moving = || -> io::Result<bool> {
            for entry in fs::read_dir(self.path(".working"))? {
                if entry?.file_name().to_string_lossy().starts_with("move-") {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let read = async {
            while self.path(name).exists() || is_moving()? {
                poll.tick().await;
            }
            anyhow::Ok(())
        };
        timeout(DEADLINE, read).await.with_context(|| format!("{name} was not read in time"))?
    }

    /// Holds the tray and the report of a file against what it must have come to.
    fn check(&self, name: &str, counts: Counts, has_refusals: bool) -> anyhow::Result<()> {
        let tray = if counts.is_accepted(has_refusals) { "accepted" } else { "rejected" };
        let report = self.path(tray).join(format!("{name}.report.txt"));
        let report =
            fs::read_to_string(report).with_context(|| format!("not {tray}: {counts:?}"))?;
        for told in [
            format!("Observations taken: {}\n", counts.taken),
            format!("Unchanged: {}\n", counts.unchanged),
        ] {
            ensure!(report.contains(&told), "no \"{told}\" for {counts:?} in {report}");
        }
        let is_told = report.contains("a newer value stands");
        ensure!(is_told == (counts.superseded > 0), "{counts:?} in {report}");
        Ok(())
    }

    /// The cells as whoever reads the log must have them.
    async fn cells(&mut self) -> anyhow::Result<Cells> {
        let loaded = self.spool.handle.load(0, u32::MAX, u64::MAX).await?;
        let mut cells = BTreeMap::new();
        for batch in loaded.batches {
            for observation in decode(&batch.payload, batch.observation_count)? {
                let key = observation.key;
                let key =
                    (key.locality.to_string(), key.metric.to_string(), key.period.to_string());
                let order = (observation.observed, observation.revision);
                let held = (
                    observation.observed.micros(),
                    observation.value,
                    observation.basis.to_string(),
                );
                let (last, cell) = cells.entry(key).or_insert((order, held.clone()));
                if *last <= order {
                    (*last, *cell) = (order, held);
                }
            }
        }
        Ok(cells.into_iter().map(|(key, (_, held))| (key, held)).collect())
    }
}
