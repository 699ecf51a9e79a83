//! The shell of delivery: carries what the sender wants to the spool and the link, and back.
//!
//! One task, which owns the sender and decides nothing. Every connection is a channel of its own;
//! what is still on its way from an earlier one is dropped with it.

mod connection;
mod diagnosis;
mod failure;
mod finding;
mod link;
mod link_state;

use std::{pin::Pin, time::Duration};

use futures_util::future::OptionFuture;
use metrics::counter;
use phuxanh_core::{
    LogId, Now,
    delivery::sender::{self, Cause, Input, LogState, Output, Peer, Sender},
    figures::superseding::Superseded,
    frame::{FromAggregator, IntakeTrouble},
};
use phuxanh_daemon::clock::Clock;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};

use crate::{metrics::RESYNCS, source::Trouble, spool};

pub use connection::{CurrentTls, Dial, Dialing, Wire};
use failure::Limiter;
pub use failure::{Failure, Kind};
use finding::{Finding, Question};
pub use link::{Endpoint, probe};
use link::{Link, Opening};
pub use link_state::{DurableAck, LastFailure, LinkState};

/// Parts that delivery works with.
#[derive(Debug)]
pub struct Delivery {
    pub config: sender::Config,
    /// Aggregators, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    pub spool: spool::Handle,
    pub log: watch::Receiver<LogState>,
    /// Files that cannot be read or filed, told with heartbeats.
    pub trouble: watch::Receiver<Trouble>,
    /// Told how the link stands.
    pub link_state: watch::Sender<LinkState>,
    /// Takes values in whose place the aggregator holds others.
    pub superseded: mpsc::Sender<Vec<Superseded>>,
    pub clock: Clock,
}

type Answer = Pin<Box<dyn Future<Output = Result<Input, spool::Error>> + Send>>;

struct Task {
    delivery: Delivery,
    sender: Sender,
    origin: Instant,
    opening: Option<Opening>,
    link: Option<Link>,
    /// Number of the aggregator that was connected to last.
    endpoint: usize,
    limiter: Limiter,
    is_stopping: bool,
    /// Questions to the spool, in order; one at a time, since it has one owner.
    asked: std::collections::VecDeque<Answer>,
    /// Question to the aggregator what superseded values.
    finding: Option<Finding>,
}

/// Delivers until `shutdown`, then takes the acks that are on their way and returns.
pub async fn run(delivery: Delivery, shutdown: impl Future<Output = ()> + Send) {
    let mut log = delivery.log.clone();
    let mut trouble = delivery.trouble.clone();
    trouble.mark_changed();
    let state = *log.borrow_and_update();
    let origin = Instant::now();
    let now = Now { monotonic: Duration::ZERO, wall: (delivery.clock)() };
    let mut task = Task {
        sender: Sender::new(delivery.config.clone(), state, seed(), now),
        delivery,
        origin,
        opening: None,
        link: None,
        endpoint: 0,
        limiter: Limiter::default(),
        is_stopping: false,
        asked: std::collections::VecDeque::new(),
        finding: None,
    };
    tokio::pin!(shutdown);
    loop {
        while let Some(output) = task.sender.next_output() {
            if task.carry_out(output) {
                task.finish().await;
                return;
            }
        }
        let deadline = task.sender.deadline().map(|deadline| origin + deadline);
        let input = tokio::select! {
            () = &mut shutdown, if !task.is_stopping => {
                task.is_stopping = true;
                Input::Stop
            }
            changed = log.changed() => match changed {
                Ok(()) => Input::Log(*log.borrow_and_update()),
                Err(_) => return,
            },
            // Without a source nothing is told.
            Ok(()) = trouble.changed() => trouble_of(&trouble.borrow_and_update()),
            Some(answer) = OptionFuture::from(task.asked.front_mut()) => {
                task.asked.pop_front();
                match answer {
                    Ok(input) => input,
                    Err(_) => return,
                }
            }
            Some(opened) = OptionFuture::from(task.opening.as_mut()) => {
                task.opening = None;
                task.opened(opened)
            }
            Some(came) = OptionFuture::from(task.link.as_mut().map(Link::next)) => {
                task.came(came)
            }
            Some(()) = OptionFuture::from(task.finding.as_mut()) => {
                task.finding = None;
                Input::Found
            }
            () = due(deadline) => Input::Tick,
        };
        task.sender.handle(task.now(), input);
        task.tell_peer();
    }
}

impl Task {
    /// Carries out what the sender wants; true once it has stopped.
    fn carry_out(&mut self, output: Output) -> bool {
        let spool = self.delivery.spool.clone();
        match output {
            Output::Connect { endpoint } => {
                self.endpoint = endpoint;
                let endpoint = &self.delivery.endpoints[endpoint];
                debug!(%endpoint, "connecting");
                self.opening = Some(link::open(endpoint));
            }
            Output::Send(frame) => {
                if self.link.as_ref().is_some_and(|link| !link.send(frame)) {
                    self.link = None;
                    let cause = Cause::Unavailable { retry_delay: None };
                    self.sender.handle(self.now(), Input::Disconnected(cause));
                }
            }
            Output::HalfClose => {
                if let Some(link) = &mut self.link {
                    link.half_close();
                }
            }
            Output::Disconnect => {
                self.link = None;
                if self.opening.take().is_some() && !self.is_stopping {
                    let detail = "the aggregator was reached and did not answer";
                    self.failed(&Failure::passing(Kind::TimedOut, detail));
                }
            }
            Output::Refuse(unacceptable) => {
                warn!(%unacceptable, "the aggregator asks for what this collector does not do");
            }
            Output::Load { after, batch_count_max, payload_bytes_max } => self.ask(async move {
                let loaded = spool.load(after, batch_count_max, payload_bytes_max).await?;
                Ok(Input::Loaded { log: loaded.log, after, batches: loaded.batches })
            }),
            Output::Settle { through, results } => {
                if !results.is_empty() {
                    warn!(batches = results.len(), "the aggregator refused observations");
                }
                let durable_ack = Some(DurableAck { at: self.now().wall, through });
                self.delivery.link_state.send_modify(|state| state.durable_ack = durable_ack);
                self.ask(async move { spool.settle(through, results).await.map(Input::Done) });
            }
            Output::Adopt { log_epoch } => {
                self.ask(async move { spool.adopt(log_epoch).await.map(Input::Done) });
            }
            Output::BeginLog(resync) => {
                let fresh = LogId(random());
                let sender::Resync { reason, detail } = &resync;
                counter!(RESYNCS.name).increment(1);
                warn!(%reason, detail, log = %fresh, "a new log begins and restates the cells");
                self.ask(async move { spool.begin_log(fresh, resync).await.map(Input::Done) });
            }
            Output::Restate { observation_count_max, payload_bytes_max } => self.ask(async move {
                spool.restate(observation_count_max, payload_bytes_max).await.map(Input::Done)
            }),
            Output::FindSuperseded { log_epoch } => self.find_superseded(log_epoch),
            Output::Stopped => return true,
        }
        false
    }

    /// Tells operators of the aggregator, and logs where it begins or ends a hold.
    fn tell_peer(&self) {
        let peer = self.sender.peer();
        let now = self.now().wall;
        let mut before = None;
        self.delivery.link_state.send_modify(|state| before = state.see(peer.clone(), now));
        let hold = |peer: Option<Peer>| peer.and_then(|peer| peer.hold);
        match (hold(before), hold(peer)) {
            (None, Some(reason)) => warn!(reason, "the aggregator takes no batches for now"),
            (Some(_), None) => info!("the aggregator no longer holds batches"),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    fn find_superseded(&mut self, log_epoch: u64) {
        let Some(link) = &self.link else { return };
        let question = Question { reporter: self.delivery.config.reporter, log_epoch };
        let (spool, superseded) = (self.delivery.spool.clone(), self.delivery.superseded.clone());
        self.finding = Some(Box::pin(finding::find(link.asker(), question, spool, superseded)));
    }

    fn ask(&mut self, answer: impl Future<Output = Result<Input, spool::Error>> + Send + 'static) {
        self.asked.push_back(Box::pin(answer));
    }

    fn opened(&mut self, opened: Result<Link, Failure>) -> Input {
        match opened {
            Ok(link) => {
                self.link = Some(link);
                Input::Connected
            }
            Err(failure) => {
                self.failed(&failure);
                Input::Disconnected(failure.cause)
            }
        }
    }

    /// Takes what came over the link, or why it ended.
    fn came(&mut self, came: Result<FromAggregator, Failure>) -> Input {
        match came {
            Ok(frame) => {
                if let FromAggregator::FrameRefused { frame_number } = &frame {
                    warn!(frame_number, "the aggregator does not know a frame: upgrade it");
                }
                Input::Frame(frame)
            }
            Err(failure) => {
                self.link = None;
                let (kind, cause) = (failure.kind.name(), failure.detail.as_str());
                info!(kind, cause, "link closed");
                match failure.cause {
                    Cause::Refused => self.failed(&failure),
                    Cause::Unavailable { .. } => self.note(&failure),
                    Cause::Closed => {}
                }
                Input::Disconnected(failure.cause)
            }
        }
    }

    /// Warns of an aggregator that cannot be reached, or that refuses this collector.
    fn failed(&mut self, failure: &Failure) {
        self.note(failure);
        let aggregator = &self.delivery.endpoints[self.endpoint];
        let Failure { kind, detail: cause, .. } = failure;
        let (advice, cause) = (kind.advice(), cause.as_str());
        let (kind, is_refused) = (kind.name(), kind.is_refusal());
        let Some(unsaid_count) = self.limiter.admit(self.endpoint, self.origin.elapsed()) else {
            return debug!(%aggregator, kind, cause, "no link to the aggregator");
        };
        if is_refused {
            warn!(%aggregator, kind, cause, advice, unsaid_count, "the aggregator refuses this collector");
        } else {
            warn!(%aggregator, kind, cause, advice, unsaid_count, "cannot reach the aggregator");
        }
    }

    /// Keeps a failure for operators who ask.
    fn note(&self, failure: &Failure) {
        let (at, endpoint) = (self.now().wall, self.endpoint);
        let last_failure = Some(LastFailure { at, endpoint, failure: failure.clone() });
        self.delivery.link_state.send_modify(|state| state.last_failure = last_failure);
    }

    /// Lets the spool finish what it was asked.
    async fn finish(&mut self) {
        while let Some(asked) = self.asked.pop_front() {
            if asked.await.is_err() {
                return;
            }
        }
    }

    fn now(&self) -> Now {
        Now { monotonic: self.origin.elapsed(), wall: (self.delivery.clock)() }
    }
}

fn trouble_of(Trouble { file_count, first }: &Trouble) -> Input {
    Input::Trouble(IntakeTrouble::bounded(*file_count, first))
}

async fn due(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn seed() -> u64 {
    u64::from_be_bytes(random())
}

/// Random bytes for ids and jitter.
///
/// # Panics
/// On a machine without a source of randomness, where no id would be safe.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("this machine has a source of randomness");
    bytes
}
