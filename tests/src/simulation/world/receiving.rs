//! Events at the aggregator.

use std::{collections::BTreeMap, sync::Arc};

use phuxanh_core::{
    delivery::{
        admission::{Admitted, Opened, Ticket, Verdict},
        lease::Leases,
        receiver::{Ending, Input, Output},
    },
    frame::{FromAggregator, FromCollector, ResyncReason, SessionId},
};

use super::{Event, Running, World, down, short, timekeeping::Timekeeping};
use crate::simulation::{
    invariant::{Invariant, Violation},
    link::Item,
    plan::reporter,
    reached::Reached,
    rule::Rule,
    store::{Answer, Request},
    stream::{self, Stream},
    witness::{Clocks, Witness},
};

impl World {
    /// Starts the aggregator on the store that it left behind; every lease starts anew.
    pub(in crate::simulation) fn start_aggregator(&mut self) {
        let mut leases = Leases::new(self.hall.terms.silence_max());
        let cursor = self.hall.store.disk.cursor.as_ref().filter(|cursor| !cursor.is_rebuilt());
        if let Some(cursor) = cursor.filter(|_| !self.omitted.has(Rule::LeasesAnew)) {
            leases.take(reporter(), &cursor.host, cursor.session, self.now);
        }
        self.witness.restarted(cursor, self.now);
        let now = self.present(self.hall.clock_offset);
        let newest = self.hall.store.disk.cursor.as_ref().and_then(|cursor| cursor.receipt);
        self.witness.clocks = Clocks::new(self.plan.clock_rules);
        self.witness.clocks.looked(self.hall.clock_offset, now.wall, newest);
        self.hall.process = Some(Running {
            streams: BTreeMap::new(),
            timekeeping: Timekeeping::new(self.plan.clock_rules, now, newest),
            leases,
            queue: std::collections::VecDeque::new(),
            exit: None,
        });
        self.note(|| "aggregator starts".to_owned());
    }

    pub(super) fn stream_events(&self, running: &Running, events: &mut Vec<(Event, u32)>) {
        if !running.queue.is_empty() && self.hall.slow_until <= self.now {
            events.push((Event::StoreCommit, 10));
        }
        if running.exit.is_some_and(|exit| exit <= self.now) {
            events.push((Event::Exit, 30));
        }
        for (&number, stream) in &running.streams {
            if stream.has_outputs {
                events.push((Event::StreamOutput(number), 30));
                continue;
            }
            let Some(link) = self.links.get(&number) else { continue };
            if stream.is_sending() && !link.down.is_full() {
                events.push((Event::StreamSends(number), 10));
            }
            if !stream.answers.is_empty() {
                events.push((Event::StreamAnswer(number), 10));
            }
            let ready = link.up.next_ready().is_some_and(|ready| ready <= self.now);
            if ready && stream.wants_frame() {
                events.push((Event::StreamTakes(number), 10));
            }
            if stream.receiver.deadline().is_some_and(|deadline| deadline <= self.now) {
                events.push((Event::StreamTick(number), 10));
            }
        }
    }

    pub(super) fn open_stream(&mut self, number: u32) {
        let id = SessionId(self.random.u128(..).to_be_bytes());
        let now = self.present(self.hall.clock_offset);
        let (terms, omitted) = (Arc::clone(&self.hall.terms), self.omitted.clone());
        if let Some(running) = &mut self.hall.process {
            running.streams.insert(number, Stream::new(terms, id, now, omitted));
        }
        self.hold(number);
    }

    pub(super) fn stream(&mut self, number: u32) -> Option<&mut Stream> {
        self.hall.process.as_mut()?.streams.get_mut(&number)
    }

    /// Puts an input to a session, with how far its log is folded before it.
    pub(in crate::simulation) fn stream_input(&mut self, number: u32, input: Input) {
        let now = self.present(self.hall.clock_offset);
        let position = *self.witness.fold.position();
        let Some(stream) = self.stream(number) else { return };
        if stream.receiver.log().is_some_and(|log| position.log == Some(log)) {
            let (through, ledger) = (position.sequence, position.log_ledger);
            stream.receiver.handle(now, Input::Folded { through, ledger });
        }
        stream.receiver.handle(now, input);
        stream.has_outputs = true;
    }

    pub(super) fn stream_answer(&mut self, number: u32) {
        let answer = self.stream(number).and_then(|stream| stream.answers.pop_front());
        if let Some(answer) = answer {
            self.stream_input(number, answer);
        }
    }

    pub(super) fn stream_tick(&mut self, number: u32) {
        self.stream_input(number, Input::Tick);
    }

    /// Takes the next frame off a link.
    pub(super) fn stream_takes(&mut self, number: u32) {
        let item = self.links.get_mut(&number).and_then(|link| link.up.take());
        match item {
            Some(Item::Frame(mut frame)) => {
                if let FromCollector::Hello(hello) = &mut frame
                    && self.omitted.has(Rule::NewerCatalogueAwaited)
                {
                    hello.catalogue_version = 0;
                }
                let words = super::up(&frame);
                self.note(|| format!("aggregator: hears {words} on link {number}"));
                let clock_error = self.hall.clock_offset;
                let Some(stream) = self.stream(number) else { return };
                stream.note(&frame);
                stream.clock_error = clock_error;
                let is_welcomed = stream.receiver.log().is_some();
                match &frame {
                    FromCollector::Heartbeat(heartbeat) if is_welcomed => self.beats(heartbeat),
                    FromCollector::Batch(_) => self.hold(number),
                    _ => {}
                }
                self.stream_input(number, Input::Frame(frame));
            }
            Some(Item::HalfClose) => self.stream_input(number, Input::HalfClosed),
            Some(Item::Broken | Item::Ended(_)) => self.remove_stream(number),
            None => {}
        }
    }

    pub(in crate::simulation) fn remove_stream(&mut self, number: u32) {
        if let Some(running) = &mut self.hall.process {
            running.streams.remove(&number);
        }
        if let Some(link) = self.links.get_mut(&number) {
            link.up.close();
        }
    }

    /// Carries out one output of a session.
    pub(super) fn stream_output(&mut self, number: u32) -> Result<(), Violation> {
        let Some(running) = &mut self.hall.process else { return Ok(()) };
        let Some(stream) = running.streams.get_mut(&number) else { return Ok(()) };
        let Some(output) = stream.next_output() else {
            stream.has_outputs = false;
            return Ok(());
        };
        let session = stream.id;
        match output {
            Output::Open(hello) => {
                running.queue.push_back((number, Request::Open { hello, session }));
            }
            Output::Admit(offer) => {
                self.witness.clocks.stamps(stream.clock_error)?;
                running.queue.push_back((number, Request::Admit(offer)));
            }
            Output::Confirm => {
                let request = Request::Confirm { reporter: reporter(), session };
                running.queue.push_back((number, request));
            }
            Output::Send(frame) => return self.stream_holds(number, frame),
            Output::End(ending) => {
                self.session_ends(number, &ending);
            }
        }
        Ok(())
    }

    fn stream_holds(&mut self, number: u32, frame: FromAggregator) -> Result<(), Violation> {
        let synced = self.hall.store.synced_cursor();
        let Some(running) = &mut self.hall.process else { return Ok(()) };
        let Some(stream) = running.streams.get_mut(&number) else { return Ok(()) };
        match (&frame, stream.log) {
            (FromAggregator::Welcome(welcome), Some(log)) => {
                self.reached.note(Reached::Welcomed);
                stream.log_epoch = Some(welcome.log_epoch);
                self.witness.welcomes(log, welcome)?;
            }
            (FromAggregator::Ack(ack), Some(log)) => {
                let incarnation = stream.log_epoch.map(|log_epoch| (log, log_epoch));
                Witness::acks(incarnation, ack, synced)?;
            }
            (FromAggregator::BatchResult(result), _) => {
                let disk = &self.hall.store.disk;
                let owned = disk.cursor.as_ref().filter(|cursor| cursor.session == stream.id);
                if let Some(cursor) = owned {
                    Witness::tells(result, cursor.position, &disk.records)?;
                }
            }
            (FromAggregator::ResyncRequired { reason, .. }, _) => {
                self.reached.note(match reason {
                    ResyncReason::StoreLost => Reached::AskedStoreLost,
                    ResyncReason::LogRegressed => Reached::AskedLogRegressed,
                    ResyncReason::ChainBroken => Reached::AskedChainBroken,
                    ResyncReason::LogReplaced => Reached::AskedLogReplaced,
                    ResyncReason::HostChanged => Reached::AskedHostChanged,
                });
            }
            _ => {}
        }
        stream.hold(frame);
        let (waiting, bound) = (stream.waiting.len(), stream.resent_count + WAITING_MAX);
        Invariant::Bounds.check(waiting <= bound, || {
            format!("{waiting} frames wait for a peer that does not read")
        })
    }

    fn session_ends(&mut self, number: u32, ending: &Ending) {
        self.note(|| format!("aggregator: session on link {number} ends: {ending}"));
        match ending {
            Ending::OutOfOrder => self.reached.note(Reached::OutOfOrder),
            Ending::NoHello => self.reached.note(Reached::NoHello),
            Ending::Silent(_) => self.reached.note(Reached::Silent),
            Ending::Gap { .. } => self.reached.note(Reached::Gap),
            Ending::Fenced => self.reached.note(Reached::Fenced),
            Ending::Owned { .. } => self.reached.note(Reached::Owned),
            Ending::CatalogueTooOld { .. } => self.reached.note(Reached::CatalogueTooOld),
            Ending::Done
            | Ending::Regressed { .. }
            | Ending::Protocol(_)
            | Ending::Durability { .. }
            | Ending::Reporter(_)
            | Ending::TooLarge { .. }
            | Ending::Held { .. } => {}
        }
        let Some(mut stream) = self.hall.process.as_mut().and_then(|it| it.streams.remove(&number))
        else {
            return;
        };
        let mut last = Vec::new();
        while let Some(frame) = stream.next_frame() {
            last.push(frame);
        }
        let arrival = self.arrival();
        if let Some(link) = self.links.get_mut(&number) {
            for frame in last {
                link.down.put(arrival, Item::Frame(frame));
            }
            link.down.put(arrival, Item::Ended(stream::cause(ending)));
            link.up.close();
        }
    }

    /// Sends the next frame that waits.
    pub(super) fn stream_sends(&mut self, number: u32) {
        let arrival = self.arrival();
        let (mut lost, doubled) = self.accident();
        let Some(frame) = self.stream(number).and_then(Stream::next_frame) else { return };
        lost &= !matches!(frame, FromAggregator::BatchResult(_));
        self.note(|| format!("aggregator: sends {} on link {number}", down(&frame)));
        let Some(link) = self.links.get_mut(&number) else { return };
        if doubled {
            link.down.put(arrival, Item::Frame(frame.clone()));
        }
        if !lost {
            link.down.put(arrival, Item::Frame(frame));
        }
    }

    /// Commits some of what is queued at the store.
    pub(super) fn store_commit(&mut self) -> Result<(), Violation> {
        let now = self.present(self.hall.clock_offset).monotonic;
        let count = self.random.usize(1..=4);
        let Some(running) = &mut self.hall.process else { return Ok(()) };
        let before = self.hall.store.appended_count();
        let done = self.hall.store.commit(&mut running.queue, count, &mut running.leases, now);
        let appended = self.hall.store.appended_since(before);
        let mut appended = appended.into_iter();
        for (number, request, answer) in done {
            self.answered(number, &request, &answer, &mut appended)?;
            let input = match answer {
                Answer::Opened(opened) => Input::Opened(opened),
                Answer::Admitted(verdict) => {
                    Input::Admitted(Admitted { verdict, ticket: Ticket::default() })
                }
                Answer::Confirmed(held) => Input::Confirmed(held),
            };
            if let Some(stream) = self.stream(number) {
                stream.answers.push_back(input);
            }
        }
        let disk = &self.hall.store.disk;
        self.witness.committed(disk.cursor.as_ref())?;
        self.witness.synced(self.hall.store.synced_count());
        Ok(())
    }

    fn answered(
        &mut self,
        number: u32,
        request: &Request,
        answer: &Answer,
        appended: &mut impl Iterator<Item = phuxanh_core::Record>,
    ) -> Result<(), Violation> {
        let session = match request {
            Request::Open { session, .. } | Request::Confirm { session, .. } => *session,
            Request::Admit(offer) => offer.session,
        };
        match answer {
            Answer::Opened(opened) => match opened {
                Opened::Welcome { cursor, results, .. } => {
                    let lease_span = self.hall.terms.silence_max();
                    let taken = self.witness.opened(cursor, self.now, lease_span)?;
                    if taken {
                        self.reached.note(Reached::LeaseTaken);
                    }
                    for _ in results {
                        self.reached.note(Reached::ResultResent);
                    }
                    let count = results.len();
                    if let Some(stream) = self.stream(number) {
                        stream.resent_count = count;
                    }
                }
                Opened::Resync(_) | Opened::Owned { .. } => {}
            },
            Answer::Admitted(verdict) => {
                self.witness.heard(session, self.now);
                match verdict {
                    Verdict::Append(_) => {
                        self.reached.note(Reached::Appended);
                        if let Some(record) = appended.next() {
                            let (log, sequence) = (short(record.log), record.batch.sequence);
                            self.note(|| format!("store: appends batch {sequence} of log {log}"));
                            self.witness.appended(session, &record, &mut self.reached)?;
                        }
                    }
                    Verdict::Duplicate => self.reached.note(Reached::Duplicate),
                    Verdict::Fenced | Verdict::Gap { .. } | Verdict::Conflict(_) => {}
                }
            }
            Answer::Confirmed(held) => {
                self.witness.heard(session, self.now);
                if held.is_none() {
                    self.reached.note(Reached::NotOwned);
                }
            }
        }
        Ok(())
    }
}

/// Frames beside stored results that may wait in a session: Welcome, a result, Throttle, Drain and
/// what answers one frame.
const WAITING_MAX: usize = 6;
