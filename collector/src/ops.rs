//! What the ops listener tells of a collector.

mod inbox;

use std::path::PathBuf;

use phuxanh_core::delivery::sender::LogState;
use phuxanh_daemon::{
    clock::Clock,
    ops::{Build, Sample, Watched},
    tasks::Vitals,
};
use tokio::sync::watch;

use crate::{
    config::Tls,
    delivery::LinkState,
    metrics::{
        BATCHES_DURABLE, BATCHES_PRODUCED, BATCHES_WAITING, BUILD_INFO, CELLS, CERTIFICATE_EXPIRY,
        DEAD_LETTERS, FILES_STUCK, LINK_HELD, LINK_UP, OBSERVATIONS_PRODUCED,
        OBSERVATIONS_REJECTED, OBSERVATIONS_WAITING, QUEUE_CAPACITY, QUEUE_DEPTH, SPOOL_BYTES,
        SPOOL_HELD, SPOOL_QUOTA_BYTES, SPOOL_USED_BYTES,
    },
    source::Trouble,
    spool::{self, Held},
};

/// Build of this program. Who builds it may name the commit in the environment.
pub const BUILD: Build = Build {
    program: "phuxanh-collector",
    version: env!("CARGO_PKG_VERSION"),
    commit: option_env!("PHUXANH_COMMIT"),
};

/// Sources of the pages, once the spool is open. A link makes none unready: a collector works without.
#[derive(Debug, Clone)]
pub struct Sources {
    pub vitals: Vitals,
    /// State of the spool's log, whose end is that of the spool.
    pub log: watch::Receiver<LogState>,
    pub spool: spool::WeakHandle,
    pub inbox: PathBuf,
    pub trouble: watch::Receiver<Trouble>,
    pub link: watch::Receiver<LinkState>,
    pub tls: Option<Tls>,
    pub clock: Clock,
}

impl Watched for Sources {
    fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.log.has_changed().is_err() {
            reasons.push("the spool is closed: see the log".to_owned());
        }
        if let Err(error) = tokio::fs::read_dir(&self.inbox).await {
            let inbox = self.inbox.display();
            reasons.push(format!("the inbox {inbox} (folder.path) cannot be read: {error}"));
        }
        reasons
    }

    async fn samples(&self) -> Vec<Sample> {
        let mut samples = self.of_link();
        samples.push(BUILD_INFO.flag(&[BUILD.version, BUILD.commit.unwrap_or("")], true));
        samples.extend(inbox::look(&self.inbox, (self.clock)()).await);
        let Some(spool) = self.spool.upgrade() else { return samples };
        let (waiting, capacity) = spool.queue();
        samples.push(QUEUE_DEPTH.count(&["spool"], count(waiting)));
        samples.push(QUEUE_CAPACITY.count(&["spool"], count(capacity)));
        if let Ok(stat) = spool.stat().await {
            samples.extend(of_spool(&stat));
        }
        samples
    }
}

impl Sources {
    fn of_link(&self) -> Vec<Sample> {
        let link = self.link.borrow();
        let is_held = link.peer.as_ref().is_some_and(|peer| peer.hold.is_some());
        let mut samples = vec![
            LINK_UP.flag(&[], link.peer.is_some()),
            LINK_HELD.flag(&[], is_held),
            FILES_STUCK.count(&[], self.trouble.borrow().file_count),
        ];
        for own in self.tls.iter().flat_map(Tls::own_validity) {
            samples.push(CERTIFICATE_EXPIRY.time(&[&own.subject], own.expiry.micros()));
        }
        samples
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Series of the spool and of the log that it keeps.
fn of_spool(stat: &spool::Stat) -> Vec<Sample> {
    let log = &stat.log;
    let audit = log.audit.unwrap_or_default();
    vec![
        OBSERVATIONS_PRODUCED.total(&[], audit.produced_observation_count),
        OBSERVATIONS_REJECTED.total(&[], audit.rejected_observation_count),
        OBSERVATIONS_WAITING.count(&[], stat.waiting_observation_count),
        BATCHES_PRODUCED.total(&[], log.produced.sequence),
        BATCHES_DURABLE.total(&[], log.released.sequence),
        BATCHES_WAITING.count(&[], log.batch_count),
        DEAD_LETTERS.count(&[], log.dead_letter_count),
        CELLS.count(&[], audit.cells.count),
        SPOOL_BYTES.count(&[], log.spool_bytes),
        SPOOL_USED_BYTES.count(&[], stat.used_bytes),
        SPOOL_QUOTA_BYTES.count(&[], stat.quota_bytes),
        SPOOL_HELD.flag(&["quota"], stat.held == Some(Held::Quota)),
        SPOOL_HELD.flag(&["disk"], stat.held == Some(Held::Disk)),
    ]
}
