//! A welcomed stream: what was sent in it, what came back, what may follow.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{LogState, Output};
use crate::{
    Batch, Now, Position,
    frame::{
        Ack, BatchResult, Credit, FromCollector, Heartbeat, IntakeTrouble, Ledger, Welcome,
        round_trip_bytes, travel_time,
    },
};

/// Least time between two heartbeats, whatever the aggregator asks for.
const HEARTBEAT_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Timeouts of a stream, and its longest life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Longest wait for an ack while batches are unacknowledged, beside the next one's travel time.
    pub(super) ack_timeout: Duration,
    /// Least rate of a link, by which travel times are computed.
    pub(super) link_bytes_per_second_min: u32,
    /// Time at which the stream is to be opened anew.
    pub(super) renew_at: Duration,
    /// Longest wait for the acks of a stream that is to be opened anew, beside the travel time of
    /// what is on its way.
    pub(super) drain_timeout: Duration,
}

/// A hold that the aggregator asked for.
#[derive(Debug)]
struct Throttle {
    until: Duration,
    reason: String,
}

/// A batch that was sent and is not known to be applied.
#[derive(Debug, Clone, Copy)]
struct Unapplied {
    sequence: u64,
    payload_bytes: u64,
    round_trip_bytes: u64,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Streaming {
    welcome: Welcome,
    folded: (u64, Ledger),
    heartbeat_interval: Duration,
    timeouts: Timeouts,
    /// Last batch sent, or held by the aggregator at the start.
    sent: Position,
    /// True if the aggregator's position at the start is known to be in this log. Until then its
    /// acks may be for another log's batches of the same numbers, and nothing is released for them.
    is_same_log: bool,
    /// Sent and not applied, in order.
    unapplied: VecDeque<Unapplied>,
    applied_through: u64,
    durable_through: u64,
    /// Released in the spool, or on its way there.
    settled_through: u64,
    /// Results of batches that are not settled yet.
    results: BTreeMap<u64, BatchResult>,
    /// True while the spool reads batches, or changes its log.
    is_loading: bool,
    is_settling: bool,
    throttle: Option<Throttle>,
    /// Time by which acks must have progressed, while any are awaited.
    ack_deadline: Option<Duration>,
    next_heartbeat: Duration,
    /// Time by which a heartbeat must have been answered, while one is not.
    answer_deadline: Option<Duration>,
    drain_deadline: Option<Duration>,
    is_half_closed: bool,
}

impl Streaming {
    /// A stream over a log that ends, and is released, at these positions; neither of them
    /// contradicts the Welcome.
    pub(super) fn new(welcome: &Welcome, log: &LogState, timeouts: Timeouts, now: Now) -> Self {
        // Twice as often as asked, so that one late beat is none missed.
        let heartbeat_interval = (welcome.heartbeat_interval / 2).max(HEARTBEAT_INTERVAL_MIN);
        Self {
            welcome: *welcome,
            folded: (0, Ledger::default()),
            heartbeat_interval,
            timeouts,
            sent: welcome.applied,
            is_same_log: [log.produced, log.released].contains(&welcome.applied),
            unapplied: VecDeque::new(),
            applied_through: welcome.applied.sequence,
            durable_through: 0,
            settled_through: 0,
            results: BTreeMap::new(),
            is_loading: false,
            is_settling: false,
            throttle: None,
            ack_deadline: None,
            // At once: it tells the aggregator of the clock here before any batch comes.
            next_heartbeat: now.monotonic,
            answer_deadline: None,
            drain_deadline: None,
            is_half_closed: false,
        }
    }

    /// Time at which something is due even if nothing happens.
    pub(super) fn deadline(&self) -> Duration {
        let throttled = self.throttle.as_ref().map(|throttle| throttle.until);
        let later = match self.drain_deadline {
            Some(drain_deadline) => drain_deadline,
            None => [throttled, Some(self.timeouts.renew_at)]
                .into_iter()
                .flatten()
                .fold(self.next_heartbeat, Duration::min),
        };
        [self.ack_deadline, self.answer_deadline].into_iter().flatten().fold(later, Duration::min)
    }

    /// True if the aggregator has let a deadline pass.
    pub(super) fn is_overdue(&self, now: Now) -> bool {
        [self.ack_deadline, self.answer_deadline, self.drain_deadline]
            .into_iter()
            .flatten()
            .any(|deadline| deadline <= now.monotonic)
    }

    /// Takes an ack; false where it covers what was not sent.
    pub(super) fn acknowledged(&mut self, now: Now, ack: Ack) -> bool {
        if ack.durable_through > ack.applied_through || ack.applied_through > self.sent.sequence {
            return false;
        }
        self.answer_deadline = None;
        self.folded = (ack.folded_through, ack.ledger);
        let has_progressed = ack.applied_through > self.applied_through;
        self.applied_through = self.applied_through.max(ack.applied_through);
        self.durable_through = self.durable_through.max(ack.durable_through);
        while self.unapplied.front().is_some_and(|it| it.sequence <= self.applied_through) {
            self.unapplied.pop_front();
        }
        if self.unapplied.is_empty() {
            self.ack_deadline = None;
        } else if has_progressed {
            self.ack_deadline = Some(self.next_ack(now));
        }
        true
    }

    /// Takes a result. It comes before its ack and may be long, so it is progress as well.
    pub(super) fn refused(&mut self, now: Now, result: BatchResult) {
        self.results.insert(result.sequence, result);
        let next_ack = self.next_ack(now);
        for deadline in [&mut self.ack_deadline, &mut self.answer_deadline] {
            *deadline = deadline.map(|_| next_ack);
        }
    }

    /// When the next ack must be here. What lies before it on the link is at most the first batch
    /// that is unapplied, with its result, and heartbeats.
    fn next_ack(&self, now: Now) -> Duration {
        let ahead_bytes = self.unapplied.front().map_or(0, |it| it.round_trip_bytes);
        now.monotonic + self.timeouts.ack_timeout + self.travel_time(ahead_bytes)
    }

    fn travel_time(&self, bytes: u64) -> Duration {
        travel_time(bytes, self.timeouts.link_bytes_per_second_min)
    }

    pub(super) fn throttle(&mut self, until: Duration, reason: String) {
        self.throttle = Some(Throttle { until, reason });
    }

    pub(super) const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    pub(super) const fn folded(&self) -> (u64, Ledger) {
        self.folded
    }

    /// Reason why the aggregator takes no batches for a while.
    pub(super) fn hold(&self) -> Option<&str> {
        self.throttle.as_ref().map(|throttle| throttle.reason.as_str())
    }

    pub(super) fn drain(&mut self, deadline: Duration) {
        let earlier = self.drain_deadline.map_or(deadline, |earlier| earlier.min(deadline));
        self.drain_deadline = Some(earlier);
    }

    /// True if this stream, and not an earlier one, asked for batches behind a sequence.
    pub(super) fn awaits(&self, after: u64) -> bool {
        self.is_loading && self.sent.sequence == after
    }

    /// Drops batches that were loaded too late.
    pub(super) const fn unload(&mut self) {
        self.is_loading = false;
    }

    /// Takes batches to be sent; false where they do not continue what was sent.
    pub(super) fn loaded(&mut self, now: Now, batches: &[Batch]) -> bool {
        self.is_loading = false;
        for batch in batches {
            if batch.sequence != self.sent.sequence + 1 || batch.previous_chain != self.sent.chain {
                return false;
            }
            self.is_same_log = true;
            self.sent = self.sent.after(batch);
            let payload_bytes = u64::try_from(batch.payload.len()).unwrap_or(u64::MAX);
            self.unapplied.push_back(Unapplied {
                sequence: batch.sequence,
                payload_bytes,
                round_trip_bytes: round_trip_bytes(batch),
            });
        }
        if !self.unapplied.is_empty() {
            let next_ack = self.next_ack(now);
            self.ack_deadline.get_or_insert(next_ack);
        }
        true
    }

    /// The spool has changed its log as it was asked.
    pub(super) fn done(&mut self) {
        self.is_settling = false;
    }

    /// Returns the steps that can be taken now.
    pub(super) fn next_steps(
        &mut self,
        now: Now,
        log: &LogState,
        trouble: &IntakeTrouble,
    ) -> Vec<Output> {
        let mut steps = Vec::new();
        self.throttle.take_if(|throttle| throttle.until <= now.monotonic);
        if !self.is_settling
            && self.is_same_log
            && self.durable_through > log.released.sequence.max(self.settled_through)
        {
            self.is_settling = true;
            self.settled_through = self.durable_through;
            let later = self.results.split_off(&(self.settled_through + 1));
            let results = std::mem::replace(&mut self.results, later);
            steps.push(Output::Settle {
                through: self.settled_through,
                results: results.into_values().collect(),
            });
        }
        if self.timeouts.renew_at <= now.monotonic && self.drain_deadline.is_none() {
            let ahead_bytes = self.unapplied.iter().map(|it| it.round_trip_bytes).sum();
            let travel_time = self.travel_time(ahead_bytes);
            self.drain(now.monotonic + self.timeouts.drain_timeout + travel_time);
        }
        if self.drain_deadline.is_some() {
            if !self.is_half_closed && !self.is_loading && self.unapplied.is_empty() {
                self.is_half_closed = true;
                steps.push(Output::HalfClose);
            }
            return steps;
        }
        if self.next_heartbeat <= now.monotonic {
            self.next_heartbeat = now.monotonic + self.heartbeat_interval;
            let next_ack = self.next_ack(now);
            self.answer_deadline.get_or_insert(next_ack);
            steps.push(Output::Send(heartbeat(now, log, trouble.clone())));
        }
        steps.extend(self.next_batches(log));
        steps
    }

    fn next_batches(&mut self, log: &LogState) -> Option<Output> {
        if self.is_loading || self.throttle.is_some() {
            return None;
        }
        let payload_bytes = self.unapplied.iter().map(|it| it.payload_bytes).sum();
        let (batch_count_max, payload_bytes_max) =
            room(&self.welcome.credit, self.unapplied.len(), payload_bytes)?;
        if self.sent.sequence < log.produced.sequence {
            self.is_loading = true;
            return Some(Output::Load {
                after: self.sent.sequence,
                batch_count_max,
                payload_bytes_max,
            });
        }
        if log.is_restating && !self.is_settling {
            self.is_settling = true;
            return Some(Output::Restate {
                observation_count_max: self.welcome.credit.batch_observation_count_max,
                payload_bytes_max: self.welcome.credit.batch_payload_bytes_max,
            });
        }
        None
    }
}

/// The heartbeat that a log's state and the inbox's amount to.
fn heartbeat(now: Now, log: &LogState, intake_trouble: IntakeTrouble) -> FromCollector {
    FromCollector::Heartbeat(Heartbeat {
        produced_through: log.produced.sequence,
        spool_batch_count: log.batch_count,
        spool_bytes: log.spool_bytes,
        dead_letter_count: log.dead_letter_count,
        sent: now.wall,
        complete_through: log.complete_through,
        audit: log.audit,
        intake_trouble,
    })
}

/// Returns the batches and bytes that may still be sent under a credit.
fn room(credit: &Credit, batch_count: usize, payload_bytes: u64) -> Option<(u32, u64)> {
    let count = credit.batch_count_max.saturating_sub(u32::try_from(batch_count).ok()?);
    let bytes = credit.payload_bytes_max.saturating_sub(payload_bytes);
    (count > 0 && bytes >= u64::from(credit.batch_payload_bytes_max)).then_some((count, bytes))
}
