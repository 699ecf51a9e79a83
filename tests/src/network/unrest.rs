//! Faults of the network and of its hosts, and their times.

use std::time::Duration;

use fastrand::Rng;
use turmoil::Sim;

use super::{AGGREGATOR, PROVINCES, Struck};

/// Time between two faults, at most.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Longest time of a fault: longer than any timer of a session.
const FAULT_MAX: Duration = Duration::from_secs(90);

/// A fault that lasts until it is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Frames between a province and the aggregator wait.
    Held(&'static str),
    /// Such frames are lost, and so are the connections that lost any of it.
    Cut(&'static str),
    /// Only what is sent to the province is lost, or what it sends.
    Deaf(&'static str),
    Mute(&'static str),
    /// A host is down.
    Down(&'static str),
}

impl Fault {
    fn draw(random: &mut Rng) -> Self {
        let province = PROVINCES[random.usize(0..PROVINCES.len())];
        match random.u32(0..10) {
            0 | 1 => Self::Held(province),
            2 | 3 => Self::Cut(province),
            4 => Self::Deaf(province),
            5 => Self::Mute(province),
            6 | 7 => Self::Down(province),
            _ => Self::Down(AGGREGATOR),
        }
    }

    fn inflict(self, sim: &mut Sim<'_>) {
        match self {
            Self::Held(province) => sim.hold(province, AGGREGATOR),
            Self::Cut(province) => sim.partition(province, AGGREGATOR),
            Self::Deaf(province) => sim.partition_oneway(AGGREGATOR, province),
            Self::Mute(province) => sim.partition_oneway(province, AGGREGATOR),
            Self::Down(host) => sim.crash(host),
        }
    }

    fn mend(self, sim: &mut Sim<'_>) {
        match self {
            Self::Held(province) => sim.release(province, AGGREGATOR),
            Self::Cut(province) | Self::Deaf(province) | Self::Mute(province) => {
                sim.repair(province, AGGREGATOR);
            }
            Self::Down(host) => sim.bounce(host),
        }
    }

    /// Province that it concerns; one fault at a time.
    const fn concerned(self) -> &'static str {
        match self {
            Self::Held(host)
            | Self::Cut(host)
            | Self::Deaf(host)
            | Self::Mute(host)
            | Self::Down(host) => host,
        }
    }
}

/// The faults of a history.
#[derive(Debug)]
pub struct Unrest {
    random: Rng,
    next: Duration,
    /// Each with the time at which it ends.
    present: Vec<(Duration, Fault)>,
    struck: Struck,
}

impl Unrest {
    pub fn new(random: Rng) -> Self {
        Self { random, next: Duration::ZERO, present: Vec::new(), struck: Struck::default() }
    }

    /// Inflicts and mends what is due.
    pub fn pass(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        for (_, fault) in self.present.extract_if(.., |(end, _)| *end <= now) {
            fault.mend(sim);
        }
        if now < self.next {
            return;
        }
        self.next = now + PAUSE_MAX.mul_f64(self.random.f64());
        let fault = Fault::draw(&mut self.random);
        let is_free = self.present.iter().all(|(_, it)| it.concerned() != fault.concerned());
        if is_free {
            fault.inflict(sim);
            self.count(fault);
            // Short ones more often than long ones.
            let span = FAULT_MAX.mul_f64(self.random.f64() * self.random.f64());
            self.present.push((now + span, fault));
        }
    }

    /// Mends everything; says what struck.
    pub fn calm(mut self, sim: &mut Sim<'_>) -> Struck {
        for (_, fault) in self.present.drain(..) {
            fault.mend(sim);
        }
        self.struck
    }

    fn count(&mut self, fault: Fault) {
        let struck = &mut self.struck;
        let count = match fault {
            Fault::Held(_) => &mut struck.holds,
            Fault::Cut(_) => &mut struck.partitions,
            Fault::Deaf(_) | Fault::Mute(_) => &mut struck.one_way_partitions,
            Fault::Down(AGGREGATOR) => &mut struck.aggregator_crashes,
            Fault::Down(_) => &mut struck.collector_crashes,
        };
        *count += 1;
    }
}
