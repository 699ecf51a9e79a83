//! What the ops listener tells of an aggregator.

mod reporters;

use std::{fs, path::PathBuf, sync::Arc};

use phuxanh_core::{
    Timestamp,
    delivery::{board, log},
};
use phuxanh_daemon::{
    audit_log::Entry,
    ops::{Build, Sample, Watched},
    tasks::Vitals,
};
use tokio::sync::mpsc::WeakSender;

use crate::{
    mesh::{self, merged, sightings},
    metrics::{
        BUILD_INFO, CERTIFICATE_EXPIRY, CLOCK_DISTRUSTED, QUEUE_CAPACITY, QUEUE_DEPTH, REPLICAS,
        STORE_BYTES, STORE_OUT_OF_REACH, STORE_REPLACED, STORE_WRITES_REFUSED,
    },
    store::Trouble,
};
use reporters::Known;

/// Build of this program. Who builds it may name the commit in the environment.
pub const BUILD: Build = Build {
    program: "phuxanh-aggregator",
    version: env!("CARGO_PKG_VERSION"),
    commit: option_env!("PHUXANH_COMMIT"),
};

/// Sources of the pages, once the view is complete.
#[derive(Debug, Clone)]
pub struct Sources {
    pub vitals: Vitals,
    /// Knows the state of collectors and of the store.
    pub mesh: mesh::Service,
    pub queues: Queues,
    /// File of the embedded store.
    pub store_file: Option<PathBuf>,
}

/// Queues between tasks. Looking at them keeps none of them open.
#[derive(Debug, Clone)]
pub struct Queues {
    pub fold: WeakSender<log::Event>,
    pub mesh: WeakSender<board::Event>,
    pub audit_log: WeakSender<Entry>,
}

impl Watched for Sources {
    fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    async fn unready(&self) -> Vec<String> {
        let trouble = self.mesh.trouble.borrow();
        let reason = |Trouble { since, cause }: &Trouble| {
            format!("the store is out of reach since {since}: {cause}")
        };
        trouble.as_ref().map(reason).into_iter().collect()
    }

    async fn samples(&self) -> Vec<Sample> {
        let mut samples = self.of_reporters();
        samples.push(BUILD_INFO.flag(&[BUILD.version, BUILD.commit.unwrap_or("")], true));
        samples.extend(self.of_store());
        samples.extend(self.of_certificates());
        samples.extend(self.queues.samples());
        samples
    }
}

impl Sources {
    fn of_reporters(&self) -> Vec<Sample> {
        let mesh = &self.mesh;
        // Read the board before the view: collectors may appear behind the fold, never far ahead.
        let board = Arc::clone(&mesh.board.borrow());
        let view = Arc::clone(&mesh.view.borrow());
        let now = (mesh.clock)();
        let own = sightings(&board, &mesh.own.rules, &view, now);
        let seen = merged(own, &mesh.peers.borrow());
        reporters::samples(&Known {
            board: &board,
            view: &view,
            seen: &seen,
            now,
            audit_age_max: mesh.audit_age_max(now),
            is_unheard: &|locality, presence, position| {
                mesh.unheard(&view, locality, presence, position, now).is_some()
            },
        })
    }

    fn of_store(&self) -> Vec<Sample> {
        let mesh = &self.mesh;
        let replaced = mesh.replaced.borrow().map_or(0, Timestamp::micros);
        let is_distrusted = mesh.timekeeping.distrust((mesh.clock)()).is_some();
        let peer_count = u64::try_from(mesh.peers.borrow().len()).unwrap_or(u64::MAX);
        let mut samples = vec![
            STORE_WRITES_REFUSED.flag(&[], mesh.writes.borrow().is_some()),
            STORE_OUT_OF_REACH.flag(&[], mesh.trouble.borrow().is_some()),
            STORE_REPLACED.time(&[], replaced),
            CLOCK_DISTRUSTED.flag(&[], is_distrusted),
            REPLICAS.count(&[], peer_count.saturating_add(1)),
        ];
        let file = self.store_file.as_ref().and_then(|path| fs::metadata(path).ok());
        samples.extend(file.map(|file| STORE_BYTES.count(&[], file.len())));
        samples
    }

    fn of_certificates(&self) -> Vec<Sample> {
        let Some(judge) = &self.mesh.judge else { return Vec::new() };
        let current = Arc::clone(&judge.current.borrow());
        let expiry = |it: &phuxanh_daemon::tls::Validity| {
            CERTIFICATE_EXPIRY.time(&[&it.subject], it.expiry.micros())
        };
        current.validities().iter().map(expiry).collect()
    }
}

impl Queues {
    fn samples(&self) -> Vec<Sample> {
        let all = [
            depth("fold", &self.fold),
            depth("mesh", &self.mesh),
            depth("audit_log", &self.audit_log),
        ];
        all.into_iter().flatten().flatten().collect()
    }
}

/// Series of a queue; nothing once it is closed.
fn depth<T>(queue: &str, sender: &WeakSender<T>) -> Option<[Sample; 2]> {
    let sender = sender.upgrade()?;
    let (free, capacity) = (sender.capacity(), sender.max_capacity());
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Some([
        QUEUE_DEPTH.count(&[queue], count(capacity - free)),
        QUEUE_CAPACITY.count(&[queue], count(capacity)),
    ])
}
