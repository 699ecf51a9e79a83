//! A link between a collector and the aggregator: two ordered directions that lose, hold and cut.
//!
//! A stream keeps its order, so what is lost is normally lost with everything behind it. Single
//! frames are lost and duplicated as well, which HTTP/2 never does. Only a `BatchResult` is never
//! lost alone: that results arrive before the acks behind them is the one thing that delivery asks
//! of its transport.

use std::{collections::VecDeque, time::Duration};

use phuxanh_core::{
    LogId,
    delivery::sender::Cause,
    frame::{FromAggregator, FromCollector},
};

/// Frames that wait in a direction whose peer does not read.
const FRAMES_MAX: usize = 8;

/// Content of a direction.
#[derive(Debug)]
pub enum Item<Frame> {
    Frame(Frame),
    /// The sending end says nothing more.
    HalfClose,
    /// The stream ended with a status.
    Ended(Cause),
    /// The link broke.
    Broken,
}

/// One direction.
#[derive(Debug)]
pub struct Direction<Frame> {
    queue: VecDeque<(Duration, Item<Frame>)>,
    /// True if everything put in from now on is lost without notice.
    is_severed: bool,
    /// Nothing arrives before this time.
    held_until: Duration,
}

impl<Frame> Default for Direction<Frame> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), is_severed: false, held_until: Duration::ZERO }
    }
}

impl<Frame> Direction<Frame> {
    pub fn put(&mut self, ready: Duration, item: Item<Frame>) {
        if !self.is_severed {
            let ready = self.queue.back().map_or(ready, |(last, _)| ready.max(*last));
            self.queue.push_back((ready, item));
        }
    }

    /// Time at which the next item arrives.
    #[must_use]
    pub fn next_ready(&self) -> Option<Duration> {
        self.queue.front().map(|(ready, _)| (*ready).max(self.held_until))
    }

    pub fn take(&mut self) -> Option<Item<Frame>> {
        self.queue.pop_front().map(|(_, item)| item)
    }

    /// True if the peer does not read, and nothing more may be put in.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queue.len() >= FRAMES_MAX
    }

    pub fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Loses everything behind the first `kept` items, and all that follows, without notice.
    pub fn sever(&mut self, kept: usize) {
        self.queue.truncate(kept);
        self.is_severed = true;
    }

    /// Loses everything behind the first `kept` items, and tells.
    pub fn reset(&mut self, kept: usize, ready: Duration) {
        self.queue.truncate(kept);
        self.put(ready, Item::Broken);
        self.is_severed = true;
    }

    /// Nobody takes anything any more.
    pub fn close(&mut self) {
        self.queue.clear();
        self.is_severed = true;
    }
}

/// A link, with what may be counted of it.
#[derive(Debug)]
pub struct Link {
    pub site: usize,
    pub up: Direction<FromCollector>,
    pub down: Direction<FromAggregator>,
    /// The log that its Hello named.
    pub log: Option<LogId>,
    /// The epoch that its Welcome gave.
    pub log_epoch: Option<u64>,
    /// Sent by the collector in this stream and not seen to be applied: sequence and payload bytes.
    pub unacknowledged: VecDeque<(u64, u64)>,
    /// True if the store that it led to is another one by now.
    pub is_former: bool,
    /// True if the collector still has its end.
    pub is_held: bool,
}

impl Link {
    #[must_use]
    pub fn new(site: usize) -> Self {
        Self {
            site,
            up: Direction::default(),
            down: Direction::default(),
            log: None,
            log_epoch: None,
            unacknowledged: VecDeque::new(),
            is_former: false,
            is_held: true,
        }
    }

    /// Voids what the store behind it has promised.
    pub const fn outlive_store(&mut self) {
        (self.is_former, self.log_epoch) = (true, None);
    }
}
