//! What is asked of the owner.

use phuxanh_proto::model::{LogId, Observation, Timestamp, frame::BatchResult};
use tokio::sync::oneshot;

use super::{AcceptedFile, DeadLetter, Error, Fate, Loaded, Replayed, Stat, Verified};
use crate::session::LogState;

#[derive(Debug)]
pub(super) enum Request {
    Append {
        observations: Vec<Observation>,
        reply: oneshot::Sender<Result<Vec<Fate>, Error>>,
    },
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
    Settle {
        through: u64,
        results: Vec<BatchResult>,
        reply: oneshot::Sender<LogState>,
    },
    Adopt {
        log_epoch: u64,
        reply: oneshot::Sender<LogState>,
    },
    BeginLog {
        fresh: LogId,
        reply: oneshot::Sender<LogState>,
    },
    Restate {
        observation_count_max: u32,
        payload_bytes_max: u32,
        reply: oneshot::Sender<LogState>,
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
