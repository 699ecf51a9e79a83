//! One stream at the aggregator: the shell around the production's receiving half.
//!
//! Mirrors `aggregator/src/ingest.rs`: acks are coalesced while the peer does not read, everything
//! else waits in order, and no frame is taken until it is gone.

use std::{collections::VecDeque, sync::Arc};

use phuxanh_core::{
    LogId, Now,
    delivery::{
        receiver::{Ending, Input, Output, Receiver, Terms},
        sender::Cause,
    },
    frame::{Ack, FromAggregator, FromCollector, SessionId},
};

use super::rule::{Omitted, Rule};

/// A stream with its session.
#[derive(Debug)]
pub struct Stream {
    pub id: SessionId,
    pub receiver: Receiver,
    /// From its Hello.
    pub log: Option<LogId>,
    /// From its Welcome.
    pub log_epoch: Option<u64>,
    pub host: String,
    pub released: u64,
    /// Frames that wait for room, before the last ack.
    pub waiting: VecDeque<FromAggregator>,
    ack: Option<Ack>,
    /// Answers of the store, in the order of asking.
    pub answers: VecDeque<Input>,
    /// True while batches are held.
    pub is_held: bool,
    /// Error of the aggregator's clock when the last frame was taken.
    pub clock_error: i64,
    /// Results that Welcome brought back.
    pub resent_count: usize,
    /// True if the session may want something done; nothing else reaches it before.
    pub has_outputs: bool,
    omitted: Omitted,
}

impl Stream {
    #[must_use]
    pub fn new(terms: Arc<Terms>, id: SessionId, now: Now, omitted: Omitted) -> Self {
        Self {
            id,
            receiver: Receiver::new(terms, id, now),
            log: None,
            log_epoch: None,
            host: String::new(),
            released: 0,
            waiting: VecDeque::new(),
            ack: None,
            answers: VecDeque::new(),
            is_held: false,
            clock_error: 0,
            resent_count: 0,
            has_outputs: false,
            omitted,
        }
    }

    /// True if the next frame may be taken from the link.
    #[must_use]
    pub fn wants_frame(&self) -> bool {
        self.waiting.is_empty() && self.receiver.wants_frame()
    }

    /// True if anything waits to be sent.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        !self.waiting.is_empty() || self.ack.is_some()
    }

    /// The next frame to send.
    pub fn next_frame(&mut self) -> Option<FromAggregator> {
        let is_result = matches!(self.waiting.front(), Some(FromAggregator::BatchResult(_)));
        if is_result
            && self.omitted.has(Rule::ResultBeforeAck)
            && let Some(ack) = self.ack.take()
        {
            return Some(FromAggregator::Ack(ack));
        }
        let next = self.waiting.pop_front();
        next.or_else(|| self.ack.take().map(FromAggregator::Ack))
    }

    pub fn hold(&mut self, frame: FromAggregator) {
        match frame {
            FromAggregator::Ack(ack) => self.ack = Some(ack),
            FromAggregator::Welcome(_)
            | FromAggregator::BatchResult(_)
            | FromAggregator::Throttle { .. }
            | FromAggregator::Drain { .. }
            | FromAggregator::ResyncRequired { .. }
            | FromAggregator::FrameRefused { .. }
            | FromAggregator::Unknown => self.waiting.push_back(frame),
        }
    }

    pub fn note(&mut self, frame: &FromCollector) {
        if let (FromCollector::Hello(hello), None) = (frame, self.log) {
            self.log = Some(hello.log);
            self.host.clone_from(&hello.host);
            self.released = hello.released.sequence;
        }
    }

    pub fn next_output(&mut self) -> Option<Output> {
        self.receiver.next_output()
    }
}

/// Returns the cause that the collector reads from a session's end, through its status.
#[must_use]
pub fn cause(ending: &Ending) -> Cause {
    match ending {
        Ending::Done => Cause::Closed,
        Ending::OutOfOrder
        | Ending::TooLarge { .. }
        | Ending::Reporter(_)
        | Ending::Protocol(_)
        | Ending::Durability { .. }
        | Ending::Owned { .. } => Cause::Refused,
        Ending::NoHello
        | Ending::Silent(_)
        | Ending::Gap { .. }
        | Ending::Regressed { .. }
        | Ending::Fenced => Cause::Unavailable { retry_delay: None },
        Ending::CatalogueTooOld { .. } | Ending::Held { .. } => {
            Cause::Unavailable { retry_delay: Some(std::time::Duration::from_secs(30)) }
        }
    }
}
