//! The sending half of a delivery session.
//!
//! Owns what the collector knows of its link: when to connect, what was sent, what came back. It
//! does not know how frames travel or how the spool keeps them; the spool's word on its log comes
//! in as a [`LogState`].
//!
//! ```text
//!            ┌────────────── back-off ───────────────┐
//!            ▼                                       │
//! Waiting ─▶ Connecting ─▶ Greeting ─Welcome─▶ Streaming ─Drain, Stop─▶ Draining
//!                              └── resync ── Beginning (a new log) ──────┘  └▶ Stopped
//! ```

mod backoff;
pub mod bounds;
mod config;
mod finding;
mod log_state;
mod ports;
mod streaming;

use std::{collections::VecDeque, time::Duration};

use backoff::Backoff;
pub use bounds::Unacceptable;
pub use config::Config;
use finding::Finding;
pub use log_state::LogState;
pub use ports::{Cause, Input, Output, Peer, Resync};
use streaming::{Streaming, Timeouts};

use crate::{
    Batch, LogId, Now,
    frame::{FromAggregator, FromCollector, Hello, IntakeTrouble, PROTOCOL, ResyncReason, Welcome},
};

/// Number of longest back-offs for which a log must last; after that, assume that its aggregator
/// does not ask for new logs for ever, and that no other collector replaces this host's log.
const SETTLED_AFTER: u32 = 10;

/// Longest hold that a `Throttle` can ask for.
const THROTTLE_MAX: Duration = Duration::from_mins(5);
/// Time behind a Welcome in which a hold of the stream before is taken to last. If it does, a
/// `Throttle` comes in that time; a batch sent before it would end the stream.
const HOLD_TOLD_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum State {
    /// Not connected until this time.
    Waiting {
        until: Duration,
    },
    Connecting {
        deadline: Duration,
    },
    Greeting {
        deadline: Duration,
    },
    Streaming(Box<Streaming>),
    /// The spool is beginning a new log in the place of this one, and it waits before it connects.
    Beginning {
        old: LogId,
        pause: Duration,
    },
    Stopped,
}

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    config: Config,
    log: LogState,
    trouble: IntakeTrouble,
    state: State,
    backoff: Backoff,
    /// Back-off between two new logs. Without it, two collectors of one host name would replace each
    /// other's logs for ever, and an aggregator that asks for a new log at every Hello would have all
    /// cells restated every time.
    resyncing: Backoff,
    /// Time at which the present log began, where it replaced another one.
    resynced: Option<Duration>,
    /// Reason for which the stream before was held to its end.
    hold: Option<String>,
    /// The question what superseded values of the log.
    finding: Finding,
    endpoint: usize,
    is_stopping: bool,
    /// Number of log changes that the spool was asked for and has not answered.
    changing_count: usize,
    outputs: VecDeque<Output>,
}

impl Sender {
    /// Makes a sender that connects at its first tick. `seed` makes its back-off differ from
    /// others'.
    #[must_use]
    pub fn new(config: Config, log: LogState, seed: u64, now: Now) -> Self {
        Self {
            backoff: Backoff::new(config.backoff_min, config.backoff_max, seed),
            resyncing: Backoff::new(config.backoff_min, config.backoff_refused, seed),
            resynced: None,
            hold: None,
            config,
            log,
            trouble: IntakeTrouble::default(),
            state: State::Waiting { until: now.monotonic },
            finding: Finding::default(),
            endpoint: 0,
            is_stopping: false,
            changing_count: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Returns the next thing to do, in order.
    pub fn next_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front()?;
        if output.is_change() {
            self.changing_count += 1;
        }
        Some(output)
    }

    /// Returns the aggregator of the open stream; `None` while none is open.
    #[must_use]
    pub fn peer(&self) -> Option<Peer> {
        let State::Streaming(streaming) = &self.state else { return None };
        Some(Peer {
            endpoint: self.endpoint,
            welcome: *streaming.welcome(),
            folded: streaming.folded(),
            hold: streaming.hold().map(str::to_owned),
        })
    }

    /// Time at which [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            // Wait for the spool: Hello states the released position, so releases from an earlier
            // stream must be stored first.
            State::Waiting { .. } if self.changing_count > 0 => None,
            State::Waiting { until } => Some(*until),
            State::Connecting { deadline } | State::Greeting { deadline } => Some(*deadline),
            State::Streaming(streaming) => Some(streaming.deadline()),
            State::Beginning { .. } | State::Stopped => None,
        }
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Log(log) => self.learn(log),
            Input::Trouble(trouble) => self.trouble = trouble,
            Input::Connected => self.greet(now),
            Input::Frame(frame) => self.frame(now, frame),
            Input::Disconnected(cause) => self.disconnected(now, cause),
            Input::Loaded { log, after, batches } => self.loaded(now, log, after, batches),
            Input::Done(log) => self.done(now, log),
            Input::Found => self.finding.answered(),
            Input::Stop => self.stop(now),
            Input::Tick => self.tick(now),
        }
        self.pump(now);
    }

    fn greet(&mut self, now: Now) {
        if !matches!(self.state, State::Connecting { .. }) {
            return;
        }
        self.state = State::Greeting { deadline: now.monotonic + self.config.welcome_timeout };
        let (config, log) = (&self.config, &self.log);
        self.outputs.push_back(Output::Send(FromCollector::Hello(Hello {
            protocol: PROTOCOL,
            reporter: config.reporter,
            log: log.log,
            log_epoch: log.log_epoch,
            produced: log.produced,
            released: log.released,
            host: config.host.clone(),
            catalogue_digest: config.catalogue_digest,
            least_durability: config.least_durability,
            software: config.software.clone(),
            catalogue_version: config.catalogue_version,
        })));
    }

    fn frame(&mut self, now: Now, frame: FromAggregator) {
        match (&mut self.state, frame) {
            (State::Greeting { .. }, FromAggregator::Welcome(welcome)) => {
                self.welcomed(now, welcome);
            }
            (
                State::Greeting { .. } | State::Streaming(_),
                FromAggregator::ResyncRequired { reason, detail },
            ) => self.begin_log(now, Resync { reason, detail }),
            (State::Streaming(streaming), FromAggregator::Ack(ack)) => {
                if !streaming.acknowledged(now, ack) {
                    self.fail(now);
                }
            }
            (State::Streaming(streaming), FromAggregator::BatchResult(result)) => {
                streaming.refused(now, result);
            }
            (State::Streaming(streaming), FromAggregator::Throttle { retry_delay, reason }) => {
                streaming.throttle(now.monotonic + retry_delay.min(THROTTLE_MAX), reason);
            }
            (State::Streaming(streaming), FromAggregator::Drain { deadline }) => {
                streaming.drain(now.monotonic + deadline.min(bounds::DRAIN_MAX));
            }
            // Ignore frames of a stream that was given up, and frames of newer versions.
            (
                State::Waiting { .. }
                | State::Connecting { .. }
                | State::Beginning { .. }
                | State::Stopped,
                _,
            )
            | (_, FromAggregator::FrameRefused { .. } | FromAggregator::Unknown) => {}
            (State::Greeting { .. } | State::Streaming(_), _) => self.fail(now),
        }
    }

    fn welcomed(&mut self, now: Now, welcome: Welcome) {
        if let Err(unacceptable) = bounds::check(&welcome, self.config.least_durability) {
            self.outputs.push_back(Output::Refuse(unacceptable));
            return self.fail(now);
        }
        let log = &self.log;
        if let Some(reason) = log.mismatch(welcome.applied) {
            let detail = format!(
                "the store holds batch {} of this log; here it ends at batch {} and is released through {}",
                welcome.applied.sequence, log.produced.sequence, log.released.sequence
            );
            return self.begin_log(now, Resync { reason, detail });
        }
        if welcome.log_epoch != log.log_epoch {
            self.outputs.push_back(Output::Adopt { log_epoch: welcome.log_epoch });
            self.log.log_epoch = welcome.log_epoch;
        }
        self.backoff.reset();
        self.finding.opened();
        let half = self.config.stream_age_max / 2;
        let timeouts = Timeouts {
            ack_timeout: self.config.ack_timeout,
            link_bytes_per_second_min: self.config.link_bytes_per_second_min,
            renew_at: now.monotonic + half + self.backoff.jitter(half),
            drain_timeout: self.config.stop_timeout,
        };
        let mut streaming = Streaming::new(&welcome, &self.log, timeouts, now);
        if let Some(reason) = self.hold.take() {
            streaming.throttle(now.monotonic + HOLD_TOLD_WITHIN, reason);
        }
        self.state = State::Streaming(Box::new(streaming));
        if self.is_stopping {
            self.stop(now);
        }
    }

    fn loaded(&mut self, now: Now, log: LogId, after: u64, batches: Vec<Batch>) {
        let State::Streaming(streaming) = &mut self.state else { return };
        // Ignore batches that an earlier stream asked for.
        if log != self.log.log || !streaming.awaits(after) {
            return;
        }
        // A batch in a hold would end the stream. It is loaded again when the hold is over.
        if streaming.hold().is_some() {
            return streaming.unload();
        }
        if !streaming.loaded(now, &batches) {
            let detail = format!("the store holds another batch {after} of this log");
            return self.begin_log(now, Resync { reason: ResyncReason::ChainBroken, detail });
        }
        let frames = batches.into_iter().map(FromCollector::Batch).map(Output::Send);
        self.outputs.extend(frames);
    }

    /// Takes the spool's state of its log. States arrive both with an answer and on their own, so
    /// an older one may come after a newer one.
    fn learn(&mut self, log: LogState) {
        if !log.is_older_than(&self.log) {
            self.log = log;
        }
    }

    fn done(&mut self, now: Now, log: LogState) {
        self.learn(log);
        self.changing_count = self.changing_count.saturating_sub(1);
        match &mut self.state {
            State::Streaming(streaming) => streaming.done(),
            State::Beginning { old, pause } if *old != log.log => {
                self.state = State::Waiting { until: now.monotonic + *pause };
            }
            State::Beginning { .. }
            | State::Waiting { .. }
            | State::Connecting { .. }
            | State::Greeting { .. }
            | State::Stopped => {}
        }
    }

    fn disconnected(&mut self, now: Now, cause: Cause) {
        match &self.state {
            State::Streaming(streaming) => self.hold = streaming.hold().map(str::to_owned),
            State::Connecting { .. } | State::Greeting { .. } => {}
            State::Waiting { .. } | State::Beginning { .. } | State::Stopped => return,
        }
        if self.is_stopping {
            return self.stopped();
        }
        let wait = match cause {
            Cause::Closed => self.backoff.first(),
            Cause::Refused => self.config.backoff_refused,
            Cause::Unavailable { retry_delay } => {
                self.endpoint = (self.endpoint + 1) % self.config.endpoint_count.max(1);
                self.backoff.next().max(retry_delay.unwrap_or_default())
            }
        };
        self.state = State::Waiting { until: now.monotonic + wait };
    }

    fn stop(&mut self, now: Now) {
        self.is_stopping = true;
        match &mut self.state {
            State::Streaming(streaming) => {
                streaming.drain(now.monotonic + self.config.stop_timeout);
            }
            State::Connecting { .. } | State::Greeting { .. } => {
                self.outputs.push_back(Output::Disconnect);
                self.stopped();
            }
            State::Waiting { .. } => self.stopped(),
            State::Beginning { .. } | State::Stopped => {}
        }
    }

    fn tick(&mut self, now: Now) {
        let is_due = self.deadline().is_some_and(|deadline| deadline <= now.monotonic);
        match &mut self.state {
            State::Waiting { .. } if is_due && self.is_stopping => self.stopped(),
            State::Waiting { .. } if is_due => {
                self.state =
                    State::Connecting { deadline: now.monotonic + self.config.connect_timeout };
                self.outputs.push_back(Output::Connect { endpoint: self.endpoint });
            }
            State::Connecting { .. } | State::Greeting { .. } if is_due => self.fail(now),
            State::Streaming(streaming) if streaming.is_overdue(now) => self.fail(now),
            State::Waiting { .. }
            | State::Connecting { .. }
            | State::Greeting { .. }
            | State::Streaming(_)
            | State::Beginning { .. }
            | State::Stopped => {}
        }
    }

    /// Asks for what the session can use next.
    fn pump(&mut self, now: Now) {
        if let State::Streaming(streaming) = &mut self.state {
            self.outputs.extend(streaming.next_steps(now, &self.log, &self.trouble));
            let (folded, interval) = (streaming.folded(), self.config.superseded_interval);
            self.outputs.extend(self.finding.next(now, &self.log, folded, interval));
        }
    }

    /// Gives up the stream and tries again later.
    fn fail(&mut self, now: Now) {
        self.outputs.push_back(Output::Disconnect);
        self.disconnected(now, Cause::Unavailable { retry_delay: None });
    }

    fn begin_log(&mut self, now: Now, resync: Resync) {
        let settled_after = SETTLED_AFTER * self.config.backoff_refused;
        if self.resynced.is_some_and(|resynced| now.monotonic > resynced + settled_after) {
            self.resyncing.reset();
        }
        self.resynced = Some(now.monotonic);
        // An aggregator that has lost its store is helped at once. Of two collectors that replace
        // each other's logs, one must wait already the first time.
        let is_helped = self.resyncing.is_fresh() && resync.reason != ResyncReason::LogReplaced;
        let pause = self.resyncing.next();
        let pause = if is_helped { Duration::ZERO } else { pause };
        self.outputs.push_back(Output::Disconnect);
        self.outputs.push_back(Output::BeginLog(resync));
        self.state = State::Beginning { old: self.log.log, pause };
    }

    fn stopped(&mut self) {
        self.state = State::Stopped;
        self.outputs.push_back(Output::Stopped);
    }
}

#[cfg(test)]
mod tests;
