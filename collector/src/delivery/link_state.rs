//! State of the link, as operators are told of it.

use phuxanh_core::{Timestamp, delivery::sender::Peer};

use super::failure::Failure;

/// State of the link to the aggregators since the collector started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkState {
    /// Aggregator of the open stream.
    pub peer: Option<Peer>,
    /// Time since which there is a stream, or none. `None` before the first word of delivery.
    pub since: Option<Timestamp>,
    pub last_failure: Option<LastFailure>,
    /// Newest ack that told that batches are durable.
    pub durable_ack: Option<DurableAck>,
}

/// A failure with its time and the number of the aggregator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    pub at: Timestamp,
    pub endpoint: usize,
    pub failure: Failure,
}

/// Ack through a batch of the log that was the present one at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurableAck {
    pub at: Timestamp,
    pub through: u64,
}

impl LinkState {
    /// Takes the aggregator of the open stream, and returns the one before.
    pub(super) fn see(&mut self, peer: Option<Peer>, now: Timestamp) -> Option<Peer> {
        let session = |peer: &Option<Peer>| peer.as_ref().map(|peer| peer.welcome.session);
        if self.since.is_none() || session(&self.peer) != session(&peer) {
            self.since = Some(now);
        }
        std::mem::replace(&mut self.peer, peer)
    }
}
