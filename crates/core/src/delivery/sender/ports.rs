//! What goes into a sender, and what comes out of it.

use std::time::Duration;

use super::{LogState, Unacceptable};
use crate::{
    Batch, LogId,
    frame::{
        BatchResult, FromAggregator, FromCollector, IntakeTrouble, Ledger, ResyncReason, Welcome,
    },
};

/// Input of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The spool's log has changed.
    Log(LogState),
    /// Files cannot be read or filed, or can be again; told with the next heartbeat.
    Trouble(IntakeTrouble),
    /// The stream is open.
    Connected,
    /// The stream brought a frame.
    Frame(FromAggregator),
    /// The stream has ended or could not be opened.
    Disconnected(Cause),
    /// The spool answered [`Output::Load`], from this log.
    Loaded { log: LogId, after: u64, batches: Vec<Batch> },
    /// The spool has carried out [`Output::Settle`], [`Output::Adopt`], [`Output::BeginLog`] or
    /// [`Output::Restate`]; its log is as this says.
    Done(LogState),
    /// [`Output::FindSuperseded`] was done, or could not be.
    Found,
    /// The daemon is stopping.
    Stop,
    /// Time has passed.
    Tick,
}

/// Reason why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// In order, by the aggregator.
    Closed,
    /// The link broke, or the aggregator cannot serve now; try again after the delay it asked for.
    Unavailable { retry_delay: Option<Duration> },
    /// The aggregator will not have this collector until an operator acts.
    Refused,
}

impl Cause {
    /// Word for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Unavailable { .. } => "unavailable",
            Self::Refused => "refused",
        }
    }
}

/// Reason why a new log begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    pub reason: ResyncReason,
    /// For operators, in the words of the end that found it.
    pub detail: String,
}

/// The aggregator of the open stream, by its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub endpoint: usize,
    pub welcome: Welcome,
    /// Last batch that the aggregator has folded, and what became of the log's observations through
    /// there.
    pub folded: (u64, Ledger),
    /// Reason why the aggregator takes no batches for a while.
    pub hold: Option<String>,
}

/// Output of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a stream to the aggregator of this number.
    Connect {
        endpoint: usize,
    },
    Send(FromCollector),
    /// Read batches behind a sequence from the spool, in order, at least one if there is one.
    Load {
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
    },
    /// Make durable that the batches through a sequence are released, with what was refused of
    /// them.
    Settle {
        through: u64,
        results: Vec<BatchResult>,
    },
    /// Make durable which epoch the log was given.
    Adopt {
        log_epoch: u64,
    },
    /// Begin a new log that takes over what is unreleased and restates the cells.
    BeginLog(Resync),
    /// Append the next batch of cells to be restated.
    Restate {
        observation_count_max: u32,
        payload_bytes_max: u32,
    },
    /// Ask the aggregator which values of other logs stand where the log has values of its own.
    FindSuperseded {
        log_epoch: u64,
    },
    /// Say that nothing more will be sent.
    HalfClose,
    /// Drop the stream.
    Disconnect,
    /// Tell operators why the stream is dropped: its Welcome asks for what no collector does.
    Refuse(Unacceptable),
    /// Nothing more will happen.
    Stopped,
}

impl Output {
    /// True if the spool answers it with [`Input::Done`].
    pub(super) const fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Settle { .. } | Self::Adopt { .. } | Self::BeginLog(_) | Self::Restate { .. }
        )
    }
}
