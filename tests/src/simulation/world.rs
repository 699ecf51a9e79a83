//! A history: hosts, links and an aggregator under one scheduler and one virtual clock.
//!
//! In each step one thing happens, drawn among all that can: an output is carried out, a request
//! committed, a frame arrives, a timer is due, a fault strikes. A crash can therefore fall between
//! any two outputs.

mod calm;
mod collecting;
mod receiving;
mod timekeeping;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;
use phuxanh_core::{
    LogId, Now, Timestamp,
    delivery::{lease::Leases, receiver::Terms},
    frame::{FromAggregator, FromCollector, Generation},
};

use super::{
    invariant::Violation,
    link::Link,
    plan::{Plan, Second},
    reached::{Counts, Reached},
    rule::Omitted,
    site::{Backup, Site},
    spool::{Image, Owner},
    store::{Disk, Request, Store},
    stream::Stream,
    trace::Trace,
    witness::Witness,
};
use timekeeping::Timekeeping;

/// The wall clock at the start: 2025-07-31 16:00 in Vietnam.
const WALL_START: i64 = 1_753_952_400_000_000;

/// Makes the seed of what was added later; chosen so that the seeds of the table find what they
/// found before.
const UNUSUAL: u64 = 185_u64.wrapping_mul(0x9e37_79b9_7f4a_7c15);

/// The aggregator's process.
#[derive(Debug)]
pub(super) struct Running {
    /// Streams by link.
    pub(super) streams: BTreeMap<u32, Stream>,
    pub(super) leases: Leases,
    pub(super) timekeeping: Timekeeping,
    pub(super) queue: VecDeque<(u32, Request)>,
    /// Time at which it exits, once it drains.
    pub(super) exit: Option<Duration>,
}

/// The aggregator's host.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) process: Option<Running>,
    pub(super) store: Store,
    pub(super) terms: Arc<Terms>,
    pub(super) clock_offset: i64,
    /// Until when its disk takes its time.
    pub(super) slow_until: Duration,
    pub(super) backup: Option<Disk>,
}

/// A history under way.
#[derive(Debug)]
pub struct World {
    pub(super) plan: Plan,
    pub(super) random: Rng,
    /// Draws what was added later, so that the histories of seeds stay as they were.
    pub(super) unusual: Rng,
    pub(super) now: Duration,
    pub(super) trace: Trace,
    pub(super) reached: Counts,
    pub(super) omitted: Omitted,
    pub(super) witness: Witness,
    pub(super) sites: Vec<Site>,
    pub(super) links: BTreeMap<u32, Link>,
    pub(super) link_count: u32,
    pub(super) hall: Hall,
    /// True if faults have stopped.
    pub(super) is_calm: bool,
    pub(super) is_catalogue_behind: bool,
    /// Past events that weaken what must hold in the end.
    pub(super) past: Past,
}

/// Faults that nobody can undo.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) was_store_lost: bool,
    pub(super) was_spool_restored: bool,
    pub(super) was_spool_cloned: bool,
    pub(super) append_count: u32,
}

impl Past {
    /// True if there was ever more than one disk with one log.
    pub(super) const fn has_copies(&self) -> bool {
        self.was_spool_restored || self.was_spool_cloned
    }
}

/// Event that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    SenderOutput(usize),
    SenderTick(usize),
    SpoolCommit(usize),
    SpoolAnswer(usize),
    LogTold(usize),
    Opened(usize),
    SourceReads(usize),
    SourceAnswer(usize),
    Arrives(u32),
    StreamOutput(u32),
    StreamAnswer(u32),
    StreamSends(u32),
    StreamTakes(u32),
    StreamTick(u32),
    StoreCommit,
    Exit,
    Fault,
    Wait,
}

impl World {
    /// A history before its first step.
    #[must_use]
    pub fn new(seed: u64, omitted: Omitted, trace: Trace) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut unusual = Rng::with_seed(seed ^ UNUSUAL);
        let plan = Plan::draw(&mut random, &mut unusual);
        let generation = Generation(random.u128(..).to_be_bytes());
        let terms = plan.terms(plan.is_catalogue_behind);
        let mut world = Self {
            hall: Hall {
                process: None,
                store: Store::new(generation, omitted.clone()),
                terms,
                clock_offset: 0,
                slow_until: Duration::ZERO,
                backup: None,
            },
            is_catalogue_behind: plan.is_catalogue_behind,
            plan,
            random,
            unusual,
            now: Duration::ZERO,
            trace,
            reached: Counts::default(),
            witness: Witness::new(omitted.clone()),
            omitted,
            sites: Vec::new(),
            links: BTreeMap::new(),
            link_count: 0,
            is_calm: false,
            past: Past::default(),
        };
        if world.is_catalogue_behind {
            world.reached.note(Reached::CatalogueBehind);
        }
        world.add_site("alpha");
        if let Second::Host { is_spare } = world.plan.second {
            world.reached.note(Reached::SecondHost);
            world.add_site("beta");
            world.sites[1].source.is_spare = is_spare;
        }
        world.start_aggregator();
        world
    }

    fn add_site(&mut self, host: &str) {
        let image = Image::new(LogId(self.random.u128(..).to_be_bytes()));
        let (max, quota) = (self.plan.batch_max, self.plan.quota_bytes);
        let owner = Owner::new(image, max, quota, self.omitted.clone());
        let mut site = Site::new(host.to_owned(), owner);
        if self.plan.has_first_images {
            site.backup = Some(Backup { disk: site.owner.disk.clone(), promised: Vec::new() });
        }
        self.sites.push(site);
        self.start_collector(self.sites.len() - 1);
    }

    /// Returns what was reached, and the steps.
    #[must_use]
    pub fn end(self) -> (Counts, Vec<String>) {
        (self.reached, self.trace.into_lines())
    }

    /// Lives through a whole history.
    pub fn live(&mut self) -> Result<(), Violation> {
        for _ in 0..self.plan.step_count {
            self.step()?;
        }
        self.calm_down()
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.note(self.now, line);
    }

    /// The present as a host with this clock offset sees it.
    pub(super) fn present(&self, clock_offset: i64) -> Now {
        let passed = i64::try_from(self.now.as_micros()).expect("a short history");
        let wall = Timestamp::from_micros(WALL_START + passed + clock_offset).expect("a time");
        Now { monotonic: self.now, wall }
    }

    pub(super) fn fresh_log(&mut self) -> LogId {
        LogId(self.random.u128(..).to_be_bytes())
    }

    /// Time at which a frame that is sent now arrives.
    pub(super) fn arrival(&mut self) -> Duration {
        let max = u64::try_from(self.plan.delay_max.as_micros()).expect("a short delay");
        self.now + Duration::from_micros(self.random.u64(0..=max))
    }

    /// One step.
    pub(super) fn step(&mut self) -> Result<(), Violation> {
        let events = self.events();
        let total: u32 = events.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.u32(0..total);
        for (event, weight) in events {
            if drawn < weight {
                return self.happen(event);
            }
            drawn -= weight;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::SenderOutput(site) => self.sender_output(site),
            Event::SenderTick(site) => {
                self.sender_tick(site);
                Ok(())
            }
            Event::SpoolCommit(site) => self.spool_commit(site),
            Event::SpoolAnswer(site) => {
                self.spool_answer(site);
                Ok(())
            }
            Event::LogTold(site) => {
                self.log_told(site);
                Ok(())
            }
            Event::Opened(site) => {
                self.connection_opened(site);
                Ok(())
            }
            Event::SourceReads(site) => {
                self.source_reads(site);
                Ok(())
            }
            Event::SourceAnswer(site) => {
                self.source_answer(site);
                Ok(())
            }
            Event::Arrives(link) => {
                self.arrives(link);
                Ok(())
            }
            Event::StreamOutput(link) => self.stream_output(link),
            Event::StreamAnswer(link) => {
                self.stream_answer(link);
                Ok(())
            }
            Event::StreamSends(link) => {
                self.stream_sends(link);
                Ok(())
            }
            Event::StreamTakes(link) => {
                self.stream_takes(link);
                Ok(())
            }
            Event::StreamTick(link) => {
                self.stream_tick(link);
                Ok(())
            }
            Event::StoreCommit => self.store_commit(),
            Event::Exit => self.aggregator_exits(),
            Event::Fault => self.fault(),
            Event::Wait => {
                self.wait();
                Ok(())
            }
        }
    }

    /// All that can happen now, with weights.
    fn events(&self) -> Vec<(Event, u32)> {
        let mut events = Vec::with_capacity(16);
        for (number, site) in self.sites.iter().enumerate() {
            self.site_events(number, site, &mut events);
        }
        for (&number, link) in &self.links {
            let process = self.sites[link.site].process.as_ref();
            let is_free = process.is_none_or(|process| !process.has_outputs);
            if is_free && link.down.next_ready().is_some_and(|ready| ready <= self.now) {
                events.push((Event::Arrives(number), 10));
            }
        }
        if let Some(running) = &self.hall.process {
            self.stream_events(running, &mut events);
        }
        let wait = if events.is_empty() { 10 } else { 1 };
        if !self.is_calm {
            events.push((Event::Fault, self.plan.fault_weight));
            for (number, site) in self.sites.iter().enumerate() {
                if self.wants_to_read(site) {
                    events.push((Event::SourceReads(number), 2));
                }
            }
        }
        events.push((Event::Wait, wait));
        events
    }

    /// Lets time pass: a moment while something can happen, else until the next thing is due.
    fn wait(&mut self) {
        let streams = self.hall.process.as_ref().map(|running| &running.streams);
        self.links.retain(|number, link| {
            link.is_held || streams.is_some_and(|streams| streams.contains_key(number))
        });
        let busy = self.events().len() > if self.is_calm { 1 } else { 2 };
        let due = self.next_due();
        let until = match due {
            Some(due) if !busy && due > self.now => due,
            Some(_) | None => self.now + Duration::from_millis(self.random.u64(1..50)),
        };
        self.look_until(until);
    }

    /// When the next thing is due that time alone brings about.
    fn next_due(&self) -> Option<Duration> {
        let mut due = Vec::new();
        due.push(self.hall.slow_until);
        due.extend(self.sites.iter().map(|site| site.slow_until));
        for process in self.sites.iter().filter_map(|site| site.process.as_ref()) {
            due.extend(process.sender.deadline());
            due.extend(process.opening.as_ref().map(|opening| opening.ready));
        }
        for (number, link) in &self.links {
            due.extend(link.down.next_ready());
            let stream = self.hall.process.as_ref().and_then(|hall| hall.streams.get(number));
            if stream.is_some_and(Stream::wants_frame) {
                due.extend(link.up.next_ready());
            }
        }
        if let Some(running) = &self.hall.process {
            due.extend(running.exit);
            due.extend(running.streams.values().filter_map(|stream| stream.receiver.deadline()));
        }
        due.into_iter().filter(|due| *due > self.now).min()
    }
}

/// A frame in a few words.
pub(super) fn up(frame: &FromCollector) -> String {
    match frame {
        FromCollector::Hello(hello) => format!(
            "Hello log {} epoch {} produced {} released {}",
            short(hello.log),
            hello.log_epoch,
            hello.produced.sequence,
            hello.released.sequence
        ),
        FromCollector::Batch(batch) => {
            format!("Batch {} of {}", batch.sequence, batch.observation_count)
        }
        FromCollector::Heartbeat(_) => "Heartbeat".to_owned(),
        FromCollector::Unknown => "Unknown".to_owned(),
    }
}

/// A frame in a few words.
pub(super) fn down(frame: &FromAggregator) -> String {
    match frame {
        FromAggregator::Welcome(welcome) => {
            format!("Welcome epoch {} applied {}", welcome.log_epoch, welcome.applied.sequence)
        }
        FromAggregator::BatchResult(result) => format!("BatchResult {}", result.sequence),
        FromAggregator::Ack(ack) => {
            format!("Ack applied {} durable {}", ack.applied_through, ack.durable_through)
        }
        FromAggregator::Throttle { retry_delay, .. } => format!("Throttle {retry_delay:?}"),
        FromAggregator::Drain { deadline } => format!("Drain {deadline:?}"),
        FromAggregator::ResyncRequired { reason, .. } => format!("ResyncRequired {reason:?}"),
        FromAggregator::FrameRefused { frame_number } => format!("FrameRefused {frame_number}"),
        FromAggregator::Unknown => "Unknown".to_owned(),
    }
}

/// The beginning of a log's id.
pub(super) fn short(log: LogId) -> String {
    let mut text = log.to_string();
    text.truncate(4);
    text
}
