//! Requests to the owner.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use phuxanh_core::{
    LogId, Observation, Timestamp,
    delivery::sender::{LogState, Resync},
    figures::superseding::{Superseded, Superseding},
    frame::BatchResult,
};
use tokio::sync::oneshot;

use super::{AcceptedFile, DeadLetter, Error, Fate, Loaded, Replayed, Stat, Verified};

/// Appends that keep their order: where one is refused for want of room, so are those that were
/// asked for behind it.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Read and written by the owner alone.
    is_broken: Arc<AtomicBool>,
    is_repeated: bool,
}

impl Series {
    /// Appends of a file that was accepted before. They replace no value of the same observed time:
    /// it may be the correction of theirs.
    #[must_use]
    pub fn repeated() -> Self {
        Self { is_repeated: true, ..Self::default() }
    }

    /// A series of the same kind, which nothing has broken.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { is_broken: Arc::default(), is_repeated: self.is_repeated }
    }

    pub(super) const fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    pub(super) fn break_off(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }
}

/// A change that shares its commit with what queues up beside it.
#[derive(Debug)]
pub(super) enum GroupCommit {
    Append {
        observations: Vec<Observation>,
        series: Series,
        reply: oneshot::Sender<Result<Vec<Fate>, Error>>,
    },
    Settle {
        through: u64,
        results: Vec<BatchResult>,
        reply: oneshot::Sender<LogState>,
    },
}

#[derive(Debug)]
pub(super) enum Request {
    Group(GroupCommit),
    AcceptedFile {
        digest: [u8; 32],
        reply: oneshot::Sender<Option<AcceptedFile>>,
    },
    AcceptFile {
        file: AcceptedFile,
        reply: oneshot::Sender<()>,
    },
    CompleteThrough {
        time: Timestamp,
        reply: oneshot::Sender<()>,
    },
    Load {
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
        reply: oneshot::Sender<Loaded>,
    },
    Adopt {
        log_epoch: u64,
        reply: oneshot::Sender<LogState>,
    },
    BeginLog {
        fresh: LogId,
        resync: Resync,
        reply: oneshot::Sender<LogState>,
    },
    Restate {
        observation_count_max: u32,
        payload_bytes_max: u32,
        reply: oneshot::Sender<LogState>,
    },
    Superseded {
        values: Vec<Superseding>,
        reply: oneshot::Sender<Vec<Superseded>>,
    },
    NoteTold {
        values: Vec<Superseding>,
        reply: oneshot::Sender<()>,
    },
    Stat {
        reply: oneshot::Sender<Stat>,
    },
    Verify {
        reply: oneshot::Sender<Verified>,
    },
    DeadLetters {
        after: u64,
        count_max: usize,
        reply: oneshot::Sender<Vec<DeadLetter>>,
    },
    Replay {
        numbers: Vec<u64>,
        reply: oneshot::Sender<Result<Replayed, Error>>,
    },
    DropDeadLetters {
        numbers: Vec<u64>,
        reply: oneshot::Sender<u64>,
    },
}
