//! The receiving half of a delivery session.
//!
//! Owns what one stream is at: what was said, what is being admitted, what must be answered. It
//! does not know how frames travel or where records are kept.
//!
//! ```text
//! Greeting ──Hello──▶ Opening ──Welcome──▶ Open ──half-close, fence, conflict──▶ Ended
//!    └── late ────────────┴── resync ────────┴── silent ────────────────────────▶ Ended
//! ```
//!
//! Admissions are pipelined up to the credit and answered in their order. Each continues the one
//! before it, so what refuses one refuses all behind it. Beyond the credit, or while answers wait to
//! be sent, no further frame is wanted, so a peer that never reads grows nothing here.

mod ending;
mod hold;
mod progress;
mod terms;
mod validation;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::{
    Batch, Level, LogId, Now,
    delivery::admission::{Admitted, Offer, Opened, Ticket, Verdict},
    frame::{
        Ack, BatchResult, Credit, FromAggregator, FromCollector, Hello, Ledger, PROTOCOL,
        ResyncReason, SessionId, Welcome,
    },
    validation::Rules,
};
pub use ending::Ending;
use hold::Hold;
use progress::Progress;
pub use terms::Terms;
use validation::{names_unknown_metrics, validate};

/// Input of a session.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// The stream brought a frame.
    Frame(FromCollector),
    /// The log answered [`Output::Open`].
    Opened(Opened),
    /// The log answered [`Output::Admit`].
    Admitted(Admitted),
    /// The log answered [`Output::Confirm`]: where it stands, if the session still owns it.
    Confirmed(Option<u64>),
    /// The store calls everything through this ticket durable.
    Durable(Ticket),
    /// The fold has got further in the session's log.
    Folded { through: u64, ledger: Ledger },
    /// The collector will send no more.
    HalfClosed,
    /// The aggregator is going away.
    Drain { deadline: Duration },
    /// No batch may be admitted for this reason, or batches may be again.
    Hold(Option<String>),
    /// Time has passed.
    Tick,
}

/// Output of a session.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    Open(Hello),
    Admit(Box<Offer>),
    /// Ask whether the session still owns its log.
    Confirm,
    Send(FromAggregator),
    /// End the stream; nothing follows.
    End(Ending),
}

#[derive(Debug)]
enum State {
    Greeting,
    Opening(Hello),
    Open(Open),
    Ended,
}

#[derive(Debug)]
struct Open {
    hello: Hello,
    log_epoch: u64,
    progress: Progress,
    folded: (u64, Ledger),
    /// Batches being admitted, in order.
    admitting: VecDeque<Admitting>,
    confirming: bool,
    half_closed: bool,
}

/// A batch that the log was offered.
#[derive(Debug)]
struct Admitting {
    sequence: u64,
    payload_bytes: u64,
    /// Frame to be sent once the batch is admitted.
    result: Option<BatchResult>,
}

/// The receiving half of one session.
#[derive(Debug)]
pub struct Receiver {
    terms: Arc<Terms>,
    session: SessionId,
    state: State,
    frame_count: u64,
    heard: Duration,
    hold: Option<Hold>,
    /// Last ticket that the store has called durable.
    durable_ticket: Ticket,
    outputs: VecDeque<Output>,
}

impl Open {
    /// True if one more batch may be offered while the others are on their way to the log.
    fn has_room(&self, credit: &Credit) -> bool {
        let bytes: u64 = self.admitting.iter().map(|batch| batch.payload_bytes).sum();
        let left = credit.payload_bytes_max.saturating_sub(bytes);
        self.admitting.len() < credit.batch_count_max as usize
            && left >= u64::from(credit.batch_payload_bytes_max)
    }
}

impl Receiver {
    /// A session that was just opened; `session` is random.
    #[must_use]
    pub fn new(terms: Arc<Terms>, session: SessionId, now: Now) -> Self {
        Self {
            terms,
            session,
            state: State::Greeting,
            frame_count: 0,
            heard: now.monotonic,
            hold: None,
            durable_ticket: Ticket::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Returns the next thing to do, in order.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// True if the next frame may be taken from the stream.
    #[must_use]
    pub fn wants_frame(&self) -> bool {
        self.outputs.is_empty()
            && match &self.state {
                State::Greeting => true,
                State::Open(open) => {
                    open.has_room(&self.terms.credit) && !open.confirming && !open.half_closed
                }
                State::Opening(_) | State::Ended => false,
            }
    }

    /// Time at which [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Open(_) => {
                let renew_at = self.hold.as_ref().map(|hold| hold.renew_at);
                self.silent_at().into_iter().chain(renew_at).min()
            }
            State::Greeting | State::Opening(_) | State::Ended => self.silent_at(),
        }
    }

    /// Time at which the collector will have been silent for too long.
    fn silent_at(&self) -> Option<Duration> {
        match &self.state {
            State::Greeting => Some(self.heard + self.terms.hello_timeout),
            State::Open(_) => Some(self.heard + self.terms.silence_max()),
            State::Opening(_) | State::Ended => None,
        }
    }

    /// The log in force, once welcomed.
    #[must_use]
    pub fn log(&self) -> Option<LogId> {
        match &self.state {
            State::Open(open) => Some(open.hello.log),
            State::Greeting | State::Opening(_) | State::Ended => None,
        }
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Frame(frame) => self.frame(now, frame),
            Input::Opened(opened) => self.opened(now, opened),
            Input::Admitted(admitted) => self.admitted(admitted),
            Input::Confirmed(held) => self.confirmed(held),
            Input::Durable(ticket) => self.durable(ticket),
            Input::Folded { through, ledger } => {
                if let State::Open(open) = &mut self.state {
                    open.folded = (through, ledger);
                }
            }
            Input::HalfClosed => self.half_closed(),
            Input::Drain { deadline } => {
                if matches!(self.state, State::Open(_)) {
                    self.send(FromAggregator::Drain { deadline });
                } else {
                    self.end(Ending::Done);
                }
            }
            Input::Hold(reason) => self.hold(now, reason),
            Input::Tick => self.tick(now),
        }
    }

    fn frame(&mut self, now: Now, frame: FromCollector) {
        self.frame_count += 1;
        self.heard = now.monotonic;
        match (&self.state, frame) {
            (State::Ended, _) => {}
            (_, FromCollector::Unknown) => {
                self.send(FromAggregator::FrameRefused { frame_number: self.frame_count });
            }
            (State::Greeting, FromCollector::Hello(hello)) => self.hello(hello),
            (State::Open(_), FromCollector::Batch(batch)) => self.batch(now, batch),
            (State::Open(_), FromCollector::Heartbeat(_)) => {
                if let State::Open(open) = &mut self.state {
                    open.confirming = true;
                }
                self.outputs.push_back(Output::Confirm);
            }
            (State::Greeting | State::Opening(_), _)
            | (State::Open(_), FromCollector::Hello(_)) => {
                self.end(Ending::OutOfOrder);
            }
        }
    }

    fn hello(&mut self, hello: Hello) {
        let offered = self.terms.durability;
        let is_reporter = hello.reporter.level() != Level::Commune
            && self.terms.gazetteer.locality(hello.reporter).is_some();
        if hello.protocol != PROTOCOL {
            self.end(Ending::Protocol(hello.protocol));
        } else if !is_reporter {
            self.end(Ending::Reporter(hello.reporter.to_string()));
        } else if hello.least_durability > offered {
            let demanded = hello.least_durability;
            self.end(Ending::Durability { offered, demanded });
        } else {
            self.outputs.push_back(Output::Open(hello.clone()));
            self.state = State::Opening(hello);
        }
    }

    fn opened(&mut self, now: Now, opened: Opened) {
        let State::Opening(hello) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        let (cursor, generation, ticket, results) = match opened {
            Opened::Resync(reason) => return self.resync(reason),
            Opened::Owned { host } => return self.end(Ending::Owned { host }),
            Opened::Welcome { cursor, generation, ticket, results } => {
                (cursor, generation, ticket, results)
            }
        };
        let mut progress = Progress::new(hello.released.sequence, self.durable_ticket);
        progress.apply(cursor.position.sequence, ticket);
        self.send(FromAggregator::Welcome(Welcome {
            session: self.session,
            generation,
            log_epoch: cursor.log_epoch,
            applied: cursor.position,
            durability: self.terms.durability,
            credit: self.terms.credit,
            heartbeat_interval: self.terms.heartbeat_interval,
            catalogue_digest: self.terms.catalogue.digest(),
        }));
        for result in results {
            self.send(FromAggregator::BatchResult(result));
        }
        self.state = State::Open(Open {
            hello,
            log_epoch: cursor.log_epoch,
            progress,
            folded: (0, Ledger::default()),
            admitting: VecDeque::new(),
            confirming: false,
            half_closed: false,
        });
        self.acknowledge();
        self.throttle(now);
    }

    fn batch(&mut self, now: Now, batch: Batch) {
        let State::Open(open) = &mut self.state else { return };
        let credit = self.terms.credit;
        let payload_bytes = u32::try_from(batch.payload.len()).unwrap_or(u32::MAX);
        if payload_bytes > credit.batch_payload_bytes_max
            || batch.observation_count > credit.batch_observation_count_max
        {
            return self.end(Ending::TooLarge {
                sequence: batch.sequence,
                observation_count_max: credit.batch_observation_count_max,
                payload_bytes_max: credit.batch_payload_bytes_max,
            });
        }
        if let Some(Hold { reason, .. }) = &self.hold {
            let (sequence, reason) = (batch.sequence, reason.clone());
            return self.end(Ending::Held { sequence, reason });
        }
        let rules = Rules {
            reporter: open.hello.reporter,
            catalogue: &self.terms.catalogue,
            gazetteer: &self.terms.gazetteer,
            now: now.wall,
            ahead_max: self.terms.ahead_max,
            restated_months_max: self.terms.restated_months_max,
        };
        let (contents, result) = validate(&rules, &batch, self.terms.decode);
        let (here, theirs) = (self.terms.catalogue.version, open.hello.catalogue_version);
        if here < theirs && result.as_ref().is_some_and(names_unknown_metrics) {
            return self.end(Ending::CatalogueTooOld { sequence: batch.sequence, here, theirs });
        }
        open.admitting.push_back(Admitting {
            sequence: batch.sequence,
            payload_bytes: u64::from(payload_bytes),
            result: result.clone(),
        });
        self.outputs.push_back(Output::Admit(Box::new(Offer {
            reporter: open.hello.reporter,
            session: self.session,
            log: open.hello.log,
            log_epoch: open.log_epoch,
            host: open.hello.host.clone(),
            received: now.wall,
            batch,
            contents,
            result,
        })));
    }

    fn admitted(&mut self, Admitted { verdict, ticket }: Admitted) {
        let State::Open(open) = &mut self.state else { return };
        let Some(Admitting { sequence, result, .. }) = open.admitting.pop_front() else { return };
        match verdict {
            // A store whose answer was lost on the way is asked again, and has it already.
            Verdict::Append(_) | Verdict::Duplicate if sequence > open.progress.applied() => {
                open.progress.apply(sequence, ticket);
                if let Some(result) = result {
                    self.send(FromAggregator::BatchResult(result));
                }
                self.acknowledge();
            }
            Verdict::Append(_) | Verdict::Duplicate => self.acknowledge(),
            Verdict::Fenced => return self.end(Ending::Fenced),
            Verdict::Gap { expected } => {
                return self.end(Ending::Gap { expected, found: sequence });
            }
            Verdict::Conflict(reason) => return self.resync(reason),
        }
        self.end_if_half_closed();
    }

    fn confirmed(&mut self, held: Option<u64>) {
        let State::Open(open) = &mut self.state else { return };
        open.confirming = false;
        let applied = open.progress.applied();
        match held {
            None => self.end(Ending::Fenced),
            Some(held) if held < applied => self.end(Ending::Regressed { held, applied }),
            Some(_) => {
                self.acknowledge();
                self.end_if_half_closed();
            }
        }
    }

    fn durable(&mut self, ticket: Ticket) {
        self.durable_ticket = self.durable_ticket.max(ticket);
        if let State::Open(open) = &mut self.state
            && open.progress.settle(ticket)
        {
            self.acknowledge();
        }
    }

    fn half_closed(&mut self) {
        match &mut self.state {
            State::Open(open) => {
                open.half_closed = true;
                self.end_if_half_closed();
            }
            State::Greeting | State::Opening(_) => self.end(Ending::Done),
            State::Ended => {}
        }
    }

    fn end_if_half_closed(&mut self) {
        if let State::Open(open) = &self.state
            && open.half_closed
            && open.admitting.is_empty()
            && !open.confirming
        {
            self.end(Ending::Done);
        }
    }

    fn tick(&mut self, now: Now) {
        if self.hold.as_ref().is_some_and(|hold| hold.renew_at <= now.monotonic) {
            self.throttle(now);
        }
        if self.silent_at().is_none_or(|deadline| now.monotonic < deadline) {
            return;
        }
        match &self.state {
            State::Greeting => self.end(Ending::NoHello),
            State::Open(_) => self.end(Ending::Silent(self.terms.silence_max())),
            State::Opening(_) | State::Ended => {}
        }
    }

    fn acknowledge(&mut self) {
        let State::Open(open) = &self.state else { return };
        let (folded_through, ledger) = open.folded;
        self.send(FromAggregator::Ack(Ack {
            applied_through: open.progress.applied(),
            durable_through: open.progress.durable(),
            folded_through,
            ledger,
        }));
    }

    fn resync(&mut self, reason: ResyncReason) {
        let detail = match reason {
            ResyncReason::StoreLost => "the store has lost or cannot read a part of this log",
            ResyncReason::LogRegressed => "the store holds more of this log than was produced",
            ResyncReason::ChainBroken => "the store holds other batches under the same numbers",
            ResyncReason::LogReplaced => "a newer log of this reporter has taken its place",
            ResyncReason::HostChanged => "another host has delivered this log",
        };
        self.send(FromAggregator::ResyncRequired { reason, detail: detail.to_owned() });
        self.end(Ending::Done);
    }

    fn send(&mut self, frame: FromAggregator) {
        self.outputs.push_back(Output::Send(frame));
    }

    fn end(&mut self, ending: Ending) {
        self.state = State::Ended;
        self.outputs.push_back(Output::End(ending));
    }
}

#[cfg(test)]
mod tests;
