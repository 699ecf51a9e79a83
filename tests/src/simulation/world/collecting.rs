//! Events at a collector's host.

use std::time::Duration;

use phuxanh_collector::spool::Fate;
use phuxanh_core::{
    Observation,
    delivery::sender::{Cause, Input, Output},
    frame::{FromAggregator, FromCollector, ResyncReason},
};

use super::{Event, World, down, short, up};
use crate::simulation::{
    invariant::{Invariant, Violation},
    link::{Item, Link},
    reached::Reached,
    site::{Opening, Process, Site},
    sources,
    spool::{Answer, Request},
    witness::Witness,
};

/// Wait of a source when the spool is full.
const FULL_RETRY: Duration = Duration::from_secs(2);

impl World {
    /// Starts a host's collector on the disk that it left behind.
    pub(in crate::simulation) fn start_collector(&mut self, number: usize) {
        let seed = self.random.u64(..);
        let site = &self.sites[number];
        let (config, log) = (self.plan.config(&site.host), site.owner.log_state());
        let now = self.present(site.clock_offset);
        self.sites[number].process = Some(Process::new(config, log, seed, now));
        self.note(|| format!("{number}: collector starts"));
    }

    pub(super) fn site_events(&self, number: usize, site: &Site, events: &mut Vec<(Event, u32)>) {
        let Some(process) = &site.process else { return };
        if site.owner.is_asked() && site.slow_until <= self.now {
            events.push((Event::SpoolCommit(number), 10));
        }
        if process.source_answer.is_some() {
            events.push((Event::SourceAnswer(number), 10));
        }
        if process.has_outputs {
            return events.push((Event::SenderOutput(number), 30));
        }
        if process.sender.deadline().is_some_and(|deadline| deadline <= self.now) {
            events.push((Event::SenderTick(number), 10));
        }
        if process.answer.is_some() {
            events.push((Event::SpoolAnswer(number), 10));
        }
        if process.is_log_new {
            events.push((Event::LogTold(number), 10));
        }
        if process.opening.as_ref().is_some_and(|opening| opening.ready <= self.now) {
            events.push((Event::Opened(number), 10));
        }
    }

    pub(in crate::simulation) fn input(&mut self, number: usize, input: Input) {
        let now = self.present(self.sites[number].clock_offset);
        let Some(process) = &mut self.sites[number].process else { return };
        process.handle(now, input, &self.omitted);
        process.has_outputs = true;
    }

    pub(super) fn sender_tick(&mut self, number: usize) {
        self.input(number, Input::Tick);
    }

    pub(super) fn log_told(&mut self, number: usize) {
        let Some(process) = &mut self.sites[number].process else { return };
        process.is_log_new = false;
        let log = process.log;
        self.input(number, Input::Log(log));
    }

    pub(super) fn spool_answer(&mut self, number: usize) {
        let Some(process) = &mut self.sites[number].process else { return };
        process.is_asking = false;
        let Some(answer) = process.answer.take() else { return };
        self.hand_over(number);
        self.input(number, answer);
    }

    /// Hands the next request of delivery to the owner.
    fn hand_over(&mut self, number: usize) {
        let site = &mut self.sites[number];
        let Some(process) = &mut site.process else { return };
        if !process.is_asking
            && let Some(request) = process.asked.pop_front()
        {
            process.is_asking = true;
            site.owner.ask(request);
        }
    }

    /// Carries out one output of the sender.
    pub(super) fn sender_output(&mut self, number: usize) -> Result<(), Violation> {
        let Some(process) = &mut self.sites[number].process else { return Ok(()) };
        let Some(output) = process.next_output() else {
            process.has_outputs = false;
            return Ok(());
        };
        if let Output::BeginLog(resync) = &output {
            self.reached.note(match resync.reason {
                ResyncReason::StoreLost => Reached::BeganStoreLost,
                ResyncReason::LogRegressed => Reached::BeganLogRegressed,
                ResyncReason::ChainBroken => Reached::BeganChainBroken,
                ResyncReason::LogReplaced | ResyncReason::HostChanged => Reached::BeganLogReplaced,
            });
        }
        let fresh = self.fresh_log();
        if let Some(request) = Site::request(&output, fresh) {
            self.note(|| format!("{number}: asks {request:?}"));
            if matches!(request, Request::Restate { .. }) {
                self.reached.note(Reached::Restated);
            }
            if let Some(process) = &mut self.sites[number].process {
                process.asked.push_back(request);
            }
            self.hand_over(number);
            return Ok(());
        }
        match output {
            Output::Connect { .. } => self.connect(number),
            Output::Send(frame) => return self.sender_sends(number, frame),
            Output::HalfClose => {
                self.reached.note(Reached::HalfClosed);
                self.note(|| format!("{number}: half-closes"));
                let arrival = self.arrival();
                if let Some(link) = self.link_of(number) {
                    link.up.put(arrival, Item::HalfClose);
                }
            }
            Output::Disconnect => {
                self.note(|| format!("{number}: disconnects"));
                self.reached.note(Reached::GivenUp);
                self.drop_link(number);
            }
            Output::Refuse(unacceptable) => {
                panic!("a Welcome within all bounds is refused: {unacceptable}")
            }
            Output::Stopped => {
                self.note(|| format!("{number}: collector has stopped"));
                self.end_collector(number);
            }
            Output::Load { .. }
            | Output::Settle { .. }
            | Output::Adopt { .. }
            | Output::BeginLog(_)
            | Output::Restate { .. }
            // A question on another stream, which changes nothing at either end.
            | Output::FindSuperseded { .. } => {}
        }
        Ok(())
    }

    fn link_of(&mut self, number: usize) -> Option<&mut Link> {
        let link = self.sites[number].process.as_ref()?.link?;
        self.links.get_mut(&link)
    }

    fn connect(&mut self, number: usize) {
        let hang = !self.is_calm && self.random.u32(0..100) < 2;
        let is_refused = !self.is_calm && self.random.u32(0..100) < 4;
        let ready = if hang { self.now + Duration::from_mins(10) } else { self.arrival() };
        if hang {
            self.reached.note(Reached::ConnectionHung);
        }
        if let Some(process) = &mut self.sites[number].process {
            process.opening = Some(Opening { ready, is_refused });
        }
        self.note(|| format!("{number}: connects"));
    }

    pub(super) fn connection_opened(&mut self, number: usize) {
        let Some(process) = &mut self.sites[number].process else { return };
        let Some(opening) = process.opening.take() else { return };
        let is_up = self.hall.process.as_ref().is_some_and(|running| running.exit.is_none());
        if opening.is_refused || !is_up {
            self.reached.note(Reached::ConnectionRefused);
            let cause = Cause::Unavailable { retry_delay: None };
            return self.input(number, Input::Disconnected(cause));
        }
        self.link_count += 1;
        let link = self.link_count;
        if let Some(process) = &mut self.sites[number].process {
            process.link = Some(link);
        }
        self.links.insert(link, Link::new(number));
        self.note(|| format!("{number}: link {link} is open"));
        self.open_stream(link);
        self.input(number, Input::Connected);
    }

    fn sender_sends(&mut self, number: usize, frame: FromCollector) -> Result<(), Violation> {
        self.note(|| format!("{number}: sends {}", up(&frame)));
        let arrival = self.arrival();
        let (lost, doubled) = self.accident();
        let produced = self.sites[number].owner.disk.produced.sequence;
        let credit = (self.plan.credit.batch_count_max, self.plan.credit.payload_bytes_max);
        let Some(link) = self.link_of(number) else { return Ok(()) };
        if let FromCollector::Hello(hello) = &frame {
            link.log = Some(hello.log);
        }
        if let FromCollector::Batch(batch) = &frame {
            let bytes = u64::try_from(batch.payload.len()).expect("64 bits fit");
            link.unacknowledged.push_back((batch.sequence, bytes));
            Witness::sends(&link.unacknowledged, batch, credit, produced)?;
        }
        if doubled {
            link.up.put(arrival, Item::Frame(frame.clone()));
        }
        if !lost {
            link.up.put(arrival, Item::Frame(frame));
        }
        Ok(())
    }

    /// True if a frame is lost alone, or arrives twice.
    pub(super) fn accident(&mut self) -> (bool, bool) {
        if self.is_calm {
            return (false, false);
        }
        let lost = self.random.u32(0..1_000) < self.plan.lost_permille;
        let doubled = !lost && self.random.u32(0..1_000) < self.plan.duplicated_permille;
        if lost {
            self.reached.note(Reached::FrameLost);
        }
        if doubled {
            self.reached.note(Reached::FrameDuplicated);
        }
        (lost, doubled)
    }

    /// Takes what has arrived at a collector.
    pub(super) fn arrives(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(&number) else { return };
        let (site, item) = (link.site, link.down.take());
        let is_held = link.is_held;
        let (true, Some(item)) = (is_held, item) else { return };
        let input = match item {
            Item::Frame(frame) => {
                self.note(|| format!("{site}: hears {} on link {number}", down(&frame)));
                self.hears(number, &frame);
                Input::Frame(frame)
            }
            Item::Ended(cause) => {
                self.leave(number);
                Input::Disconnected(cause)
            }
            Item::Broken | Item::HalfClose => {
                self.leave(number);
                Input::Disconnected(Cause::Unavailable { retry_delay: None })
            }
        };
        if let Input::Disconnected(cause) = &input {
            self.note(|| format!("{site}: link {number} closed, {cause:?}"));
        }
        self.input(site, input);
    }

    fn hears(&mut self, number: u32, frame: &FromAggregator) {
        let Some(link) = self.links.get_mut(&number) else { return };
        if let FromAggregator::Welcome(welcome) = frame {
            link.log_epoch = Some(welcome.log_epoch).filter(|_| !link.is_former);
        }
        let FromAggregator::Ack(ack) = frame else { return };
        while link.unacknowledged.front().is_some_and(|(at, _)| *at <= ack.applied_through) {
            link.unacknowledged.pop_front();
        }
        if let (Some(log), Some(log_epoch)) = (link.log, link.log_epoch) {
            self.witness.saw((log, log_epoch), ack);
        }
    }

    /// The collector's end of a link is gone; what it sent may still arrive.
    pub(in crate::simulation) fn drop_link(&mut self, number: usize) {
        let Some(process) = &mut self.sites[number].process else { return };
        process.opening = None;
        let Some(link) = process.link else { return };
        self.leave(link);
        let (arrival, told) = (self.arrival(), self.is_calm || self.random.u32(0..4) > 0);
        if let (Some(link), true) = (self.links.get_mut(&link), told) {
            link.up.put(arrival, Item::Broken);
        }
    }

    fn leave(&mut self, number: u32) {
        if let Some(link) = self.links.get_mut(&number) {
            link.is_held = false;
            link.down.close();
            let process = self.sites[link.site].process.as_mut();
            if let Some(process) = process.filter(|process| process.link == Some(number)) {
                process.link = None;
            }
        }
    }

    /// Carries out the next request at the spool, durably.
    pub(super) fn spool_commit(&mut self, number: usize) -> Result<(), Violation> {
        let site = &mut self.sites[number];
        let before = site.owner.disk.ends();
        if let Some(through) = site.owner.next_settle() {
            self.witness.releases(&site.owner.disk, through)?;
        }
        let Some((_, answer)) = site.owner.commit() else { return Ok(()) };
        let disk = &site.owner.disk;
        let from = if disk.log == before.log { before.produced + 1 } else { 1 };
        self.witness.spool_changed(from, disk);
        let letter_count = disk.letters.len();
        if letter_count > before.letter_count {
            (before.letter_count..letter_count)
                .for_each(|_| self.reached.note(Reached::DeadLettered));
            Witness::letters(disk)?;
            if disk.cells.len() == before.cell_count {
                self.reached.note(Reached::GaveWay);
            }
        }
        let quota = self.plan.quota_bytes + 4 * 160;
        let bytes = disk.payload_bytes;
        let restated = bytes > quota && disk.restating.is_some();
        Invariant::Bounds
            .check(bytes <= quota || restated, || format!("the spool holds {bytes} bytes"))?;
        let log = site.owner.log_state();
        let name = short(log.log);
        if let Some(process) = &mut site.process {
            process.is_log_new |= process.log != log;
            process.log = log;
            match answer {
                Some(Answer::Delivery(input)) => process.answer = Some(*input),
                Some(Answer::Appended(fates)) => {
                    process.source_answer = Some(Answer::Appended(fates));
                }
                None => {}
            }
        }
        self.note(|| {
            let (produced, released) = (log.produced.sequence, log.released.sequence);
            format!("{number}: spool log {name} produced {produced} released {released}")
        });
        Ok(())
    }

    /// True if a host's sources have something to read.
    pub(super) fn wants_to_read(&self, site: &Site) -> bool {
        let is_idle = site.source.retry_at <= self.now;
        let is_idle =
            is_idle && site.process.as_ref().is_some_and(|process| !process.is_source_asking);
        let may_read = !site.source.is_spare && self.past.append_count < self.plan.append_count;
        is_idle && (!site.source.file.is_empty() || may_read)
    }

    pub(super) fn source_reads(&mut self, number: usize) {
        let now = self.present(self.sites[number].clock_offset);
        if self.sites[number].source.file.is_empty() {
            self.past.append_count += 1;
            let known: Vec<Observation> =
                self.sites[number].owner.disk.cells.values().cloned().collect();
            self.sites[number].source.file = sources::file(&mut self.random, now.wall, &known);
            self.sites[number].source.is_repeated = false;
            if self.random.u32(0..5) == 0 {
                self.sites[number].owner.ask(Request::CompleteThrough(now.wall));
            }
        }
        self.hand_in(number);
    }

    /// Hands what a source has read to the spool.
    pub(super) fn hand_in(&mut self, number: usize) {
        let site = &mut self.sites[number];
        if std::mem::replace(&mut site.source.is_repeated, true) {
            self.reached.note(Reached::AppendedAgain);
        }
        site.owner.ask(Request::Append(site.source.file.clone()));
        if let Some(process) = &mut site.process {
            process.is_source_asking = true;
        }
        let count = site.source.file.len();
        self.note(|| format!("{number}: source reads {count} observations"));
    }

    pub(super) fn source_answer(&mut self, number: usize) {
        let Some(process) = &mut self.sites[number].process else { return };
        process.is_source_asking = false;
        let Some(Answer::Appended(fates)) = process.source_answer.take() else { return };
        let site = &mut self.sites[number];
        let Some(fates) = fates else {
            site.source.is_repeated = false;
            site.source.retry_at = self.now + FULL_RETRY;
            return self.reached.note(Reached::SpoolFull);
        };
        let file = std::mem::take(&mut site.source.file);
        for (observation, fate) in file.into_iter().zip(fates) {
            self.reached.note(match fate {
                Fate::Taken | Fate::Withdrawn { .. } => Reached::Taken,
                Fate::Unchanged => Reached::Unchanged,
                Fate::Superseded { .. } => Reached::SupersededAtSource,
            });
            if fate.is_taken() {
                site.promised.push(observation);
            }
        }
    }
}
