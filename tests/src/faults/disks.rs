//! Spools that run out of room while the aggregator is away.

use std::{env, fs, io::Write, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, ensure};

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_stands, collector},
    refusals::{all_is_well, is_alarm_shown, is_shown},
    restarts::{deliver, one_province_with},
};
use crate::harness::{
    CollectorSetup, Deployment, Process, Settings, Setup, StoreSetup, eventually, files, settings,
};

const DISK_BYTES: u64 = 2 << 20;
/// Longest time in which a spool must fill.
const FULL_WITHIN: Duration = Duration::from_secs(30);
const HELD_BACK: &str = "the source is held back";
/// A number of files above what the quota and the disk take.
const QUOTA_FILES: usize = 12;
const DISK_FILES: usize = 60;
/// Files that are read before the disk is filled, and that come later. Whether the file then has
/// pages to spare, or the ballast is needed, is chance: the spool's own tests leave none to it.
const FILES_BEFORE: usize = 8;
const FILES_AFTER: usize = 5;
const NO_SPACE: &str = "No space left on device";
/// Says that file systems cannot be mounted here, and that this is known.
const NO_MOUNT: &str = "PHUXANH_TEST_NO_MOUNT";

/// The quota of a spool is reached: the source is held back, and goes on when there is room.
pub async fn quota_reached(seed: u64) -> anyhow::Result<()> {
    let quota = settings(&[
        ("SPOOL__QUOTA_BYTES", &(4 << 20).to_string()),
        ("SPOOL__BALLAST_BYTES", "65536"),
    ]);
    let mut outage = Outage::begin(seed, quota, QUOTA_FILES).await?;
    outage.deployment.restart(&outage.collector)?;
    let spool = outage.held_back().await?;
    ensure!(spool <= (4 << 20) + 65_536, "the quota was passed: {spool} bytes");
    outage.end().await
}

/// The disk under a spool is full, and its quota is no help.
pub async fn disk_full(seed: u64) -> anyhow::Result<()> {
    if env::var_os(NO_MOUNT).is_some() {
        return Ok(());
    }
    let ballast = settings(&[("SPOOL__BALLAST_BYTES", &(256 << 10).to_string())]);
    let mut outage = Outage::begin(seed, ballast, DISK_FILES).await?;
    let _disk = Disk::mount(outage.deployment.data_dir(&outage.collector))?;
    outage.deployment.restart(&outage.collector)?;
    outage.held_back().await?;
    outage.end().await
}

/// Somebody else fills the disk under a spool to the last byte: what is in it drains all the same,
/// though even to forget something takes room, and the rest follows once the disk has room again.
pub async fn disk_filled(seed: u64) -> anyhow::Result<()> {
    if env::var_os(NO_MOUNT).is_some() {
        return Ok(());
    }
    let ballast = settings(&[("SPOOL__BALLAST_BYTES", &(256 << 10).to_string())]);
    let mut outage = Outage::begin(seed, ballast, FILES_BEFORE).await?;
    let disk = Disk::mount(outage.deployment.data_dir(&outage.collector))?;
    outage.deployment.restart(&outage.collector)?;
    outage.deployment.files_are_read().await?;
    let in_spool = outage.bulk.observation_count();
    let filler = disk.fill()?;
    outage.feed(FILES_AFTER)?;
    outage.held_back().await?;

    outage.deployment.restart(&Process::Aggregator)?;
    outage.deployment.serving().await?;
    let client = outage.deployment.client()?;
    eventually("the spool drains", FULL_WITHIN, async || {
        let found = collector(&client, outage.bulk.province()).await?;
        let applied = found.ledger.unwrap_or_default().applied_count;
        ensure!(applied >= in_spool, "{applied} of {in_spool} observations have arrived");
        ensure!(found.spool_batch_count == 0, "{} batches wait", found.spool_batch_count);
        Ok(())
    })
    .await?;
    fs::remove_file(filler)?;
    outage.arrives().await
}

/// The disk under the embedded store is filled: the aggregator goes on answering and says that it
/// takes no writes, and takes them again once there is room.
pub async fn store_disk_filled(seed: u64) -> anyhow::Result<()> {
    if env::var_os(NO_MOUNT).is_some() {
        return Ok(());
    }
    let mut stored = Stored::begin(seed).await?;
    let filler = stored.disk.fill()?;
    stored.refuses().await?;
    fs::remove_file(filler)?;
    stored.goes_on().await
}

/// The aggregator is killed and started while the disk is full to the last byte: what its ballast
/// kept free is enough to open the store, to answer, and to say why it takes no writes.
pub async fn started_on_a_full_disk(seed: u64) -> anyhow::Result<()> {
    if env::var_os(NO_MOUNT).is_some() {
        return Ok(());
    }
    let mut stored = Stored::begin(seed).await?;
    let filler = stored.disk.fill()?;
    stored.refuses().await?;
    for _ in 0..2 {
        stored.deployment.kill(&Process::Aggregator)?;
        stored.deployment.restart(&Process::Aggregator)?;
        stored.deployment.serving().await?;
        let province = collector(&stored.deployment.client()?, stored.bulk.province()).await?;
        ensure!(province.record_count > 0, "{province:?}");
        eventually("the refusal is shown", FULL_WITHIN, async || {
            is_alarm_shown(&stored.deployment, NO_SPACE).await
        })
        .await?;
    }
    fs::remove_file(filler)?;
    stored.goes_on().await
}

/// An embedded store on a small disk, with what a province reported.
struct Stored {
    bulk: Bulk,
    deployment: Deployment,
    disk: Disk,
}

impl Stored {
    async fn begin(seed: u64) -> anyhow::Result<Self> {
        let mut setup = Setup { store: StoreSetup::Embedded, ..pace::brisk(Bulk::facts()) };
        setup.aggregator.extend(settings(&[("STORE__BALLAST_BYTES", "262144")]));
        let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
        deployment.kill(&Process::Aggregator)?;
        let data = deployment.data_dir(&Process::Aggregator);
        fs::remove_dir_all(&data)?;
        let disk = Disk::mount(data)?;
        deployment.restart(&Process::Aggregator)?;
        deployment.serving().await?;
        deliver(&mut bulk, &deployment)?;
        bulk_stands(&deployment.client()?, &bulk).await?;
        Ok(Self { bulk, deployment, disk })
    }

    /// What is reported now waits, and everything that an operator looks at says why.
    async fn refuses(&mut self) -> anyhow::Result<()> {
        for _ in 0..FILES_AFTER {
            deliver(&mut self.bulk, &self.deployment)?;
        }
        self.deployment.files_are_read().await?;
        eventually("the refusal is shown", FULL_WITHIN, async || {
            is_shown(&self.deployment, &self.bulk, NO_SPACE).await
        })
        .await?;
        let said = self.deployment.log(&Process::Aggregator)?;
        ensure!(said.contains("the store refuses writes"), "{said}");
        Ok(())
    }

    /// All that waited arrives once there is room.
    async fn goes_on(mut self) -> anyhow::Result<()> {
        bulk_stands(&self.deployment.client()?, &self.bulk).await?;
        eventually("all is well again", FULL_WITHIN, async || {
            all_is_well(&self.deployment, &self.bulk).await
        })
        .await?;
        let code = self.deployment.terminate(&Process::Aggregator).await?;
        ensure!(code == Some(0), "the aggregator ended with {code:?}");
        Ok(())
    }
}

/// A collector whose aggregator is away, with more to read than its spool takes.
struct Outage {
    bulk: Bulk,
    deployment: Deployment,
    collector: Process,
}

impl Outage {
    async fn begin(seed: u64, spool: Settings, file_count: usize) -> anyhow::Result<Self> {
        let bulk = Bulk::new(seed);
        let mut setup = pace::brisk(Bulk::facts());
        // Few enough syncs to be over soon.
        setup.collector.extend(settings(&[("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "200")]));
        let mut deployment = Deployment::start_with(&[], &setup).await?;
        deployment.kill(&Process::Aggregator)?;
        let collector = deployment.add_collector(&CollectorSetup {
            settings: spool,
            ..CollectorSetup::of(bulk.province())
        })?;
        let mut outage = Self { bulk, deployment, collector };
        outage.feed(file_count)?;
        Ok(outage)
    }

    fn feed(&mut self, file_count: usize) -> anyhow::Result<()> {
        for _ in 0..file_count {
            let (name, text) = self.bulk.next_file();
            self.deployment.put_file(self.bulk.province(), &name, text.as_bytes())?;
        }
        Ok(())
    }

    /// Waits until the source is held back; returns the bytes of the collector's data.
    async fn held_back(&self) -> anyhow::Result<u64> {
        eventually("the source is held back", FULL_WITHIN, async || {
            let log = self.deployment.log(&self.collector)?;
            ensure!(log.contains(HELD_BACK), "nothing is said of it");
            Ok(())
        })
        .await?;
        let waiting = files(&self.deployment.inbox(self.bulk.province()))?;
        ensure!(!waiting.is_empty(), "all was read");
        let accepted = files(&self.deployment.inbox(self.bulk.province()).join("accepted"))?;
        ensure!(!accepted.is_empty(), "nothing was read");
        let data = self.deployment.data_dir(&self.collector);
        let mut bytes = 0;
        for name in files(&data)? {
            bytes += fs::metadata(data.join(name))?.len();
        }
        Ok(bytes)
    }

    /// The aggregator comes back: everything is read, and arrives once.
    async fn end(mut self) -> anyhow::Result<()> {
        self.deployment.restart(&Process::Aggregator)?;
        self.deployment.serving().await?;
        self.arrives().await
    }

    async fn arrives(mut self) -> anyhow::Result<()> {
        self.deployment.files_are_read().await?;
        let client = self.deployment.client()?;
        applied_once(&client, self.bulk.province(), self.bulk.observation_count()).await?;
        bulk_stands(&client, &self.bulk).await?;
        let code = self.deployment.terminate(&self.collector).await?;
        ensure!(code == Some(0), "the collector ended with {code:?}");
        Ok(())
    }
}

/// A small file system, for as long as it is held.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&path)?;
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "phuxanh-test"])
            .arg(&path)
            .status()
            .context("mount does not start")?;
        ensure!(
            mounted.success(),
            "a disk of 2 MiB cannot be mounted: run this as root, or set {NO_MOUNT}=1 to go without"
        );
        Ok(Self { path })
    }

    /// Writes a file until nothing more fits.
    fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.path.join("filler");
        let mut file = fs::File::create(&path)?;
        for size in [64 << 10, 4 << 10, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since after a failure a collector may still have files open on it.
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
        debug_assert!(unmounted.is_ok_and(|status| status.success()), "{}", self.path.display());
    }
}
