//! The I/O side of delivery: carries frames and answers between a stream, its session and the
//! store.
//!
//! Each stream has one task. It owns the session, which makes all decisions. While the peer does
//! not read, acknowledgements are coalesced. All other frames wait in order, and the task reads no
//! further frame until they are sent.

use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};

use futures_util::StreamExt;
use phuxanh_core::{
    LocalityCode, LogId, Now, Timestamp,
    delivery::{
        admission::{Ticket, Verdict},
        board,
        quota::UsedUp,
        receiver::{Ending, Input, Output, Receiver, Terms},
    },
    figures::{fold::Position, view::View},
    frame::{Ack, FromAggregator, FromCollector, Program, SessionId},
};
use phuxanh_daemon::clock::Clock;
use phuxanh_proto::{
    convert,
    v1::{
        DeliverRequest, DeliverResponse, ListOtherValuesRequest, ListOtherValuesResponse,
        collection_service_server::{CollectionService, CollectionServiceServer},
    },
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::{info, warn};

use crate::{
    access::{Gate, Peer},
    store::Store,
    timekeeping::Timekeeping,
};

mod answers;
mod other_values;
mod peer;
mod quotas;
mod status;

use answers::Answers;
use peer::doubtful;
pub use quotas::Quotas;

/// Frames that wait in a stream's channel; further ones wait in the session's task.
const CHANNEL_FRAMES: usize = 4;

/// Shared state of all streams.
#[derive(Debug, Clone)]
pub struct Ingest {
    pub terms: Arc<Terms>,
    pub store: Arc<dyn Store>,
    pub mesh: mpsc::Sender<board::Event>,
    pub view: watch::Receiver<Arc<View>>,
    /// Deadline of the drain, once the aggregator is stopping.
    pub drain: watch::Receiver<Option<Duration>>,
    /// Tells whether the clock may stamp batches.
    pub timekeeping: Timekeeping,
    pub quotas: Quotas,
    /// Tells whether a caller of the access file may still deliver.
    pub gate: Gate,
    pub clock: Clock,
    /// Longest time that a peer may take to read the last frames.
    pub flush_timeout: Duration,
}

impl Ingest {
    /// Wraps itself as a gRPC service that takes frames of up to `message_bytes_max`.
    #[must_use]
    pub fn service(self, message_bytes_max: usize) -> CollectionServiceServer<Self> {
        CollectionServiceServer::new(self).max_decoding_message_size(message_bytes_max)
    }

    async fn tell(&self, event: board::Event) {
        if self.mesh.send(event).await.is_err() {
            warn!("mesh board task has ended: event dropped");
        }
    }
}

#[tonic::async_trait]
impl CollectionService for Ingest {
    type DeliverStream = ReceiverStream<Result<DeliverResponse, Status>>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let mut session = [0; 16];
        getrandom::fill(&mut session)
            .map_err(|_| Status::internal("cannot read the system's random source"))?;
        let (outgoing, frames) = mpsc::channel(CHANNEL_FRAMES);
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let stream = Stream::new(self.clone(), SessionId(session), peer, outgoing);
        tokio::spawn(stream.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(frames)))
    }

    async fn list_other_values(
        &self,
        request: Request<ListOtherValuesRequest>,
    ) -> Result<Response<ListOtherValuesResponse>, Status> {
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        self.other_values(peer, request.into_inner()).await.map(Response::new)
    }
}

/// One stream with its session.
struct Stream {
    ingest: Ingest,
    origin: Instant,
    id: SessionId,
    session: Receiver,
    /// Other end; `None` where the connection does not tell, which proves nothing.
    peer: Option<Arc<Peer>>,
    reporter: Option<LocalityCode>,
    /// Next look at the certificate of the other end.
    recheck: Option<Instant>,
    /// Log named by Hello.
    log: Option<LogId>,
    host: String,
    program: Program,
    produced: u64,
    /// Requests that the store has not answered yet, in order.
    answers: Answers,
    waiting: VecDeque<FromAggregator>,
    ack: Option<Ack>,
    /// Ticket through which the store's writes are durable.
    durable: watch::Receiver<Ticket>,
    /// Changes when the collector must open a new session.
    incarnation: watch::Receiver<u64>,
    outgoing: mpsc::Sender<Result<DeliverResponse, Status>>,
}

impl Stream {
    fn new(
        ingest: Ingest,
        id: SessionId,
        peer: Option<Arc<Peer>>,
        outgoing: mpsc::Sender<Result<DeliverResponse, Status>>,
    ) -> Self {
        let origin = Instant::now();
        let now = Now { monotonic: Duration::ZERO, wall: (ingest.clock)() };
        let mut durable = ingest.store.durable();
        durable.mark_changed();
        Self {
            durable,
            incarnation: ingest.store.incarnation(),
            session: Receiver::new(Arc::clone(&ingest.terms), id, now),
            ingest,
            origin,
            id,
            peer,
            reporter: None,
            recheck: None,
            log: None,
            host: String::new(),
            program: Program::default(),
            produced: 0,
            answers: Answers::default(),
            waiting: VecDeque::new(),
            ack: None,
            outgoing,
        }
    }

    async fn run(mut self, mut inbound: Streaming<DeliverRequest>) {
        let ending = self.serve(&mut inbound).await;
        if let Some(reporter) = self.reporter {
            let at = (self.ingest.clock)();
            self.ingest.tell(board::Event::Disconnected { reporter, session: self.id, at }).await;
            info!(%reporter, reason = %Reason(ending.as_ref()), "session ended");
        }
        let flush_timeout = self.ingest.flush_timeout;
        let Some(ending) = ending else { return };
        // A peer that does not read its last frames in time will say Hello again anyway.
        drop(timeout(flush_timeout, self.flush(&ending)).await);
    }

    /// Serves until the session ends; returns `None` if the peer is gone.
    async fn serve(&mut self, inbound: &mut Streaming<DeliverRequest>) -> Option<status::Close> {
        let now = self.now();
        self.session.handle(now, self.hold(now));
        loop {
            while let Some(output) = self.session.next_output() {
                if let Some(ending) = self.carry_out(output).await {
                    return Some(status::Close::Session(ending));
                }
            }
            let is_sending = !self.waiting.is_empty() || self.ack.is_some();
            let wants_frame = self.session.wants_frame() && self.waiting.is_empty();
            let deadline = self.session.deadline().map(|deadline| self.origin + deadline);
            let doubtful = doubtful(self.expiry(), self.recheck, self.ingest.clock);
            let input = tokio::select! {
                permit = self.outgoing.clone().reserve_owned(), if is_sending => {
                    let permit = permit.ok()?;
                    let next = self.waiting.pop_front();
                    let frame = next.or_else(|| self.ack.take().map(FromAggregator::Ack))?;
                    permit.send(Ok(convert::to_aggregator(frame)));
                    continue;
                }
                Some(answer) = self.answers.next() => match answer {
                    Ok(input) => input,
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        warn!(error, "store request failed: closing the session");
                        return Some(status::Close::StoreDown);
                    }
                },
                Ok(()) = self.durable.changed() => {
                    // A ticket of a new store says nothing about writes to the previous one.
                    if self.incarnation.has_changed().unwrap_or(true) {
                        return Some(status::Close::StoreChanged);
                    }
                    Input::Durable(*self.durable.borrow_and_update())
                }
                Ok(()) = self.incarnation.changed() => {
                    return Some(status::Close::StoreChanged);
                }
                frame = inbound.next(), if wants_frame => match self.received(frame).await {
                    Ok(input) => input?,
                    Err(close) => return Some(close),
                },
                () = doubtful => match self.check(self.reporter).await {
                    Ok(()) => {
                        self.recheck = self.next_recheck();
                        continue;
                    }
                    Err(close) => return Some(close),
                },
                () = self.ingest.gate.changed() => match self.check(self.reporter).await {
                    Ok(()) => continue,
                    Err(close) => return Some(close),
                },
                () = due(deadline) => Input::Tick,
                deadline = drained(&mut self.ingest.drain) => Input::Drain { deadline },
                () = self.ingest.timekeeping.looked() => self.hold(self.now()),
            };
            self.note_folded();
            let now = self.now();
            if let Input::Frame(FromCollector::Batch(_)) = &input {
                self.session.handle(now, self.hold(now));
            }
            self.session.handle(now, input);
        }
    }

    /// Checks that the other end may speak for a reporter.
    fn check(
        &self,
        reporter: Option<LocalityCode>,
    ) -> impl Future<Output = Result<(), status::Close>> + use<> {
        let (peer, ingest) = (self.peer.clone(), self.ingest.clone());
        async move {
            match (peer, reporter) {
                (Some(peer), Some(reporter)) => {
                    peer.check(reporter, &ingest).await.map_err(status::Close::Identity)
                }
                (None, _) | (_, None) => Ok(()),
            }
        }
    }

    /// Time at which the identity of the other end expires.
    fn expiry(&self) -> Option<Timestamp> {
        self.reporter?;
        self.peer.as_ref()?.caller.expiry()
    }

    fn next_recheck(&self) -> Option<Instant> {
        let interval = self.peer.as_ref()?.recheck_interval()?;
        Some(Instant::now() + interval)
    }

    /// Turns a frame of the stream into an input; `None` if the peer is gone.
    async fn received(
        &mut self,
        frame: Option<Result<DeliverRequest, Status>>,
    ) -> Result<Option<Input>, status::Close> {
        let frame = match frame {
            None => return Ok(Some(Input::HalfClosed)),
            Some(Err(_)) => return Ok(None),
            Some(Ok(frame)) => convert::from_collector(frame).map_err(status::Close::Malformed)?,
        };
        let session = self.id;
        match (&frame, self.reporter) {
            (FromCollector::Hello(hello), None) => {
                self.check(Some(hello.reporter)).await?;
                self.reporter = Some(hello.reporter);
                self.recheck = self.next_recheck();
                self.log = Some(hello.log);
                self.host.clone_from(&hello.host);
                self.program = hello.program();
                self.produced = hello.produced.sequence;
            }
            (FromCollector::Heartbeat(heartbeat), Some(reporter)) => {
                let at = (self.ingest.clock)();
                let heartbeat = heartbeat.clone();
                self.ingest.tell(board::Event::Beat { reporter, session, heartbeat, at }).await;
            }
            (FromCollector::Batch(batch), Some(reporter)) => {
                let through = batch.sequence;
                self.ingest.tell(board::Event::Produced { reporter, session, through }).await;
            }
            _ => {}
        }
        Ok(Some(Input::Frame(frame)))
    }

    /// Carries out an output of the session; returns the ending if this was its last.
    async fn carry_out(&mut self, output: Output) -> Option<Ending> {
        if let Some(event) = self.event(&output) {
            self.ingest.tell(event).await;
        }
        let store = Arc::clone(&self.ingest.store);
        let session = self.id;
        match output {
            Output::Open(hello) => {
                self.answers
                    .ask(async move { store.open(hello, session).await.map(Input::Opened) });
            }
            Output::Admit(offer) => {
                let quotas = self.ingest.quotas.clone();
                let (reporter, payload) = (offer.reporter, offer.batch.payload.clone());
                self.answers.ask(async move {
                    let admitted = store.admit(*offer).await?;
                    if let Verdict::Append(_) = admitted.verdict {
                        quotas.spend(reporter, payload.len() as u64);
                    }
                    Ok(Input::Admitted(admitted))
                });
            }
            Output::Confirm => {
                let reporter = self.reporter.expect("a heartbeat comes after Hello");
                self.answers.ask(async move {
                    store.confirm(reporter, session).await.map(Input::Confirmed)
                });
            }
            Output::Send(FromAggregator::Welcome(welcome)) => {
                let reporter = self.reporter.expect("Welcome follows Hello");
                let (host, applied) = (&self.host, welcome.applied.sequence);
                let identity = self.peer.as_ref().and_then(|peer| peer.caller.name());
                info!(%reporter, host, applied, identity, "session opened");
                self.waiting.push_back(FromAggregator::Welcome(welcome));
            }
            Output::Send(FromAggregator::Ack(ack)) => self.ack = Some(ack),
            Output::Send(frame) => self.waiting.push_back(frame),
            Output::End(ending) => return Some(ending),
        }
        None
    }

    /// Returns the event that tells the mesh board about an output.
    fn event(&self, output: &Output) -> Option<board::Event> {
        let (reporter, log, at) = (self.reporter?, self.log?, (self.ingest.clock)());
        let (session, produced, host) = (self.id, self.produced, || self.host.clone());
        match output {
            Output::Send(FromAggregator::Welcome(_)) => {
                let (host, program) = (host(), self.program.clone());
                Some(board::Event::Connected {
                    reporter,
                    session,
                    log,
                    host,
                    program,
                    produced,
                    at,
                })
            }
            Output::Send(FromAggregator::ResyncRequired { reason, .. }) => {
                Some(board::Event::Resynced { reporter, reason: *reason, host: host(), at })
            }
            Output::End(Ending::Owned { host: owner }) => Some(board::Event::Refused {
                reporter,
                log,
                host: host(),
                owner: owner.clone(),
                same_log: self.folded().is_some_and(|folded| folded.log == Some(log)),
                at,
            }),
            Output::Send(FromAggregator::Throttle { .. }) => {
                let detail = self.used_up()?.to_string();
                Some(board::Event::QuotaUsedUp { reporter, detail, at })
            }
            Output::Open(_)
            | Output::Admit(_)
            | Output::Confirm
            | Output::Send(_)
            | Output::End(_) => None,
        }
    }

    /// Tells whether the clock or the reporter's quota holds batches.
    fn hold(&self, now: Now) -> Input {
        let distrust = self.ingest.timekeeping.distrust(now.wall);
        let reason = distrust.map(|distrust| distrust.to_string());
        Input::Hold(reason.or_else(|| Some(self.used_up()?.to_string())))
    }

    fn used_up(&self) -> Option<UsedUp> {
        self.ingest.quotas.used_up(self.reporter?)
    }

    /// Position of the view in the reporter's log.
    fn folded(&self) -> Option<Position> {
        let view = self.ingest.view.borrow();
        view.reporter(self.reporter?).map(|rollup| *rollup.position())
    }

    /// Tells the session through which batch the view has folded its log.
    fn note_folded(&mut self) {
        let Some(log) = self.session.log() else { return };
        if let Some(position) = self.folded().filter(|position| position.log == Some(log)) {
            let input = Input::Folded { through: position.sequence, ledger: position.log_ledger };
            self.session.handle(self.now(), input);
        }
    }

    /// Sends all waiting frames, then the status.
    async fn flush(&mut self, close: &status::Close) {
        let ack = self.ack.take().map(FromAggregator::Ack);
        for frame in self.waiting.drain(..).chain(ack) {
            if self.outgoing.send(Ok(convert::to_aggregator(frame))).await.is_err() {
                return;
            }
        }
        if let Some(status) = close.status() {
            // If the peer is gone, nobody needs the status.
            drop(self.outgoing.send(Err(status)).await);
        }
    }

    fn now(&self) -> Now {
        Now { monotonic: self.origin.elapsed(), wall: (self.ingest.clock)() }
    }
}

async fn due(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Waits until the aggregator is stopping; returns once only.
async fn drained(drain: &mut watch::Receiver<Option<Duration>>) -> Duration {
    while drain.changed().await.is_ok() {
        if let Some(deadline) = *drain.borrow_and_update() {
            return deadline;
        }
    }
    pending().await
}

/// Reason why a session ended, for the log.
struct Reason<'a>(Option<&'a status::Close>);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(close) => write!(f, "{close}"),
            None => f.write_str("connection lost"),
        }
    }
}
