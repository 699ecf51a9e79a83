//! Faults of the simulation.

use std::time::Duration;

use fastrand::Rng;
use phuxanh_core::{
    delivery::{receiver::Input, sender},
    frame::{FromAggregator, FromCollector, Generation},
};

use super::{
    invariant::Violation,
    link::{Item, Link},
    plan::{Second, WATCHED},
    reached::Reached,
    site::Backup,
    spool::Request,
    world::World,
};

/// A fault that can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Stall,
    Reset,
    HalfOpenUp,
    HalfOpenDown,
    CollectorCrash,
    CollectorStop,
    AggregatorCrash,
    PowerLoss,
    Drain,
    StoreWipe,
    StoreRegress,
    SpoolRestore,
    SpoolClone,
    CollectorClock,
    AggregatorClock,
    CursorLost,
    SlowSpool,
    SlowStore,
    Throttle,
    UnknownFrame,
    Poison,
    Upgrade,
}

/// Microseconds of a year.
const YEAR_MICROS: i64 = 365 * 86_400_000_000;

/// All faults, each with how likely a history has it (of 10).
const FAULTS: [(Fault, u32); 21] = [
    (Fault::Stall, 5),
    (Fault::Reset, 6),
    (Fault::HalfOpenUp, 4),
    (Fault::HalfOpenDown, 4),
    (Fault::CollectorCrash, 6),
    (Fault::CollectorStop, 3),
    (Fault::AggregatorCrash, 5),
    (Fault::PowerLoss, 4),
    (Fault::Drain, 3),
    (Fault::StoreWipe, 2),
    (Fault::StoreRegress, 2),
    (Fault::SpoolRestore, 4),
    (Fault::SpoolClone, 10),
    (Fault::CollectorClock, 2),
    (Fault::AggregatorClock, 2),
    (Fault::SlowSpool, 5),
    (Fault::SlowStore, 3),
    (Fault::Throttle, 3),
    (Fault::UnknownFrame, 3),
    (Fault::Poison, 3),
    (Fault::Upgrade, 10),
];

impl Fault {
    /// Draws which faults a history has, and how often each.
    pub fn draw(random: &mut Rng, unusual: &mut Rng) -> Vec<(Self, u32)> {
        let drawn = FAULTS.into_iter().filter(|(_, of_ten)| random.u32(0..10) < *of_ten);
        let faults: Vec<_> = drawn.map(|(fault, _)| fault).collect();
        let mut faults: Vec<_> =
            faults.into_iter().map(|fault| (fault, random.u32(1..=4))).collect();
        if unusual.u32(0..10) < 2 {
            faults.push((Self::CursorLost, unusual.u32(1..=4)));
        }
        faults
    }
}

impl World {
    /// One of the plan's faults strikes, if it can now.
    pub(super) fn fault(&mut self) -> Result<(), Violation> {
        let total: u32 = self.plan.faults.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return Ok(());
        }
        let mut drawn = self.random.u32(0..total);
        let struck = self.plan.faults.iter().find(|(_, weight)| {
            let is_it = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            is_it
        });
        let Some((fault, _)) = struck.copied() else { return Ok(()) };
        match fault {
            Fault::Stall | Fault::Reset | Fault::HalfOpenUp | Fault::HalfOpenDown => {
                self.link_fault(fault);
            }
            Fault::CollectorCrash | Fault::CollectorStop => self.collector_fault(fault),
            Fault::AggregatorCrash | Fault::PowerLoss | Fault::Drain => {
                return self.aggregator_fault(fault);
            }
            Fault::StoreWipe | Fault::StoreRegress => return self.store_fault(fault),
            Fault::SpoolRestore | Fault::SpoolClone => self.disk_fault(fault),
            Fault::CollectorClock | Fault::AggregatorClock => self.clock_fault(fault),
            Fault::CursorLost => return self.cursor_lost(),
            Fault::SlowSpool | Fault::SlowStore => self.disk_is_slow(fault),
            Fault::Throttle | Fault::UnknownFrame => self.frame_fault(fault),
            Fault::Poison => self.poison(),
            Fault::Upgrade => return self.upgrade(),
        }
        Ok(())
    }

    fn strikes(&mut self, reached: Reached) {
        self.reached.note(reached);
        self.note(|| format!("** {}", reached.name()));
    }

    fn any_site(&mut self) -> usize {
        self.random.usize(0..self.sites.len())
    }

    fn link_fault(&mut self, fault: Fault) {
        let open: Vec<u32> =
            self.links.iter().filter(|(_, it)| it.is_held).map(|(n, _)| *n).collect();
        if open.is_empty() {
            return;
        }
        let number = open[self.random.usize(0..open.len())];
        let arrival = self.arrival();
        let until = self.now + Duration::from_millis(self.random.u64(100..40_000));
        let (is_up, draw) = (self.random.bool(), self.random.usize(0..4));
        let Some(link) = self.links.get_mut(&number) else { return };
        let reached = match fault {
            Fault::Stall => {
                if is_up {
                    link.up.hold(until);
                } else {
                    link.down.hold(until);
                }
                Reached::LinkStalled
            }
            Fault::HalfOpenUp => {
                link.up.sever(draw);
                Reached::HalfOpenUp
            }
            Fault::HalfOpenDown => {
                link.down.sever(draw);
                Reached::HalfOpenDown
            }
            _ => {
                link.up.reset(draw, arrival);
                link.down.reset(draw, arrival);
                Reached::LinkReset
            }
        };
        self.strikes(reached);
    }

    fn collector_fault(&mut self, fault: Fault) {
        let number = self.any_site();
        let is_running = self.sites[number].process.is_some();
        match fault {
            Fault::CollectorStop if is_running => {
                self.strikes(Reached::CollectorStopped);
                self.input(number, sender::Input::Stop);
            }
            _ if is_running => {
                self.strikes(Reached::CollectorCrashed);
                self.crash_collector(number);
                self.start_collector(number);
            }
            _ => self.start_collector(number),
        }
    }

    /// The process is gone, with all that it had not on disk.
    pub(super) fn crash_collector(&mut self, number: usize) {
        self.drop_link(number);
        let site = &mut self.sites[number];
        site.process = None;
        site.owner.crash();
    }

    fn aggregator_fault(&mut self, fault: Fault) -> Result<(), Violation> {
        if self.hall.process.is_none() {
            self.start_aggregator();
            return Ok(());
        }
        if fault == Fault::Drain {
            self.drain();
            return Ok(());
        }
        let reached =
            if fault == Fault::PowerLoss { Reached::PowerLost } else { Reached::AggregatorCrashed };
        self.strikes(reached);
        self.crash_aggregator(fault == Fault::PowerLoss)?;
        if self.random.u32(0..4) > 0 {
            self.start_aggregator();
        }
        Ok(())
    }

    fn drain(&mut self) {
        let deadline = Duration::from_secs(self.random.u64(1..20));
        let exit = self.now + deadline;
        let Some(running) = &mut self.hall.process else { return };
        if running.exit.is_some() {
            return;
        }
        running.exit = Some(exit);
        let streams: Vec<u32> = running.streams.keys().copied().collect();
        self.strikes(Reached::AggregatorDrained);
        for number in streams {
            self.stream_input(number, Input::Drain { deadline });
        }
    }

    /// The aggregator's time is up, and it starts again.
    pub(super) fn aggregator_exits(&mut self) -> Result<(), Violation> {
        self.crash_aggregator(false)?;
        self.start_aggregator();
        Ok(())
    }

    /// The process is gone, with all that it had not on disk.
    pub(super) fn crash_aggregator(&mut self, is_power_lost: bool) -> Result<(), Violation> {
        self.hall.process = None;
        let arrival = self.arrival();
        let told: Vec<bool> =
            self.links.iter().map(|_| self.is_calm || self.random.u32(0..4) > 0).collect();
        for (link, told) in self.links.values_mut().zip(told) {
            link.up.close();
            if told {
                link.down.put(arrival, Item::Broken);
            }
        }
        if is_power_lost {
            self.hall.store.lose_power();
        } else {
            self.hall.store.crash();
        }
        self.reread_store(false)
    }

    fn reread_store(&mut self, is_lossy: bool) -> Result<(), Violation> {
        let disk = &self.hall.store.disk;
        self.witness.reread(disk.cursor.as_ref(), &disk.records, is_lossy)
    }

    fn store_fault(&mut self, fault: Fault) -> Result<(), Violation> {
        let backup = self.hall.backup.take();
        let disk = match (fault, backup) {
            (Fault::StoreRegress, None) => {
                self.hall.backup = Some(self.hall.store.disk.clone());
                return Ok(());
            }
            (Fault::StoreRegress, Some(backup))
                if backup.generation == self.hall.store.disk.generation =>
            {
                self.strikes(Reached::StoreRegressed);
                backup
            }
            (_, _) => {
                self.strikes(Reached::StoreWiped);
                let mut disk = self.hall.store.disk.clone();
                disk.generation = Generation(self.random.u128(..).to_be_bytes());
                (disk.cursor, disk.records) = (None, Vec::new());
                disk
            }
        };
        self.crash_aggregator(false)?;
        self.hall.store.disk = disk;
        self.past.was_store_lost = true;
        self.links.values_mut().for_each(Link::outlive_store);
        self.reread_store(true)?;
        self.start_aggregator();
        Ok(())
    }

    fn disk_fault(&mut self, fault: Fault) {
        let is_cloned = matches!(self.plan.second, Second::Clone { .. });
        if fault == Fault::SpoolClone {
            if is_cloned && self.sites.len() == 1 {
                self.clone_spool();
            }
            return;
        }
        let number = self.any_site();
        let Some(backup) = self.sites[number].backup.take() else {
            let site = &mut self.sites[number];
            let disk = site.owner.disk.clone();
            site.backup = Some(Backup { disk, promised: site.promised.clone() });
            return;
        };
        self.strikes(Reached::SpoolRestored);
        self.crash_collector(number);
        let has_first_images = self.plan.has_first_images;
        let site = &mut self.sites[number];
        site.backup = Some(backup.clone()).filter(|_| has_first_images);
        site.owner.disk = backup.disk;
        site.owner.crash();
        site.promised = backup.promised;
        self.past.was_spool_restored = true;
        self.start_collector(number);
    }

    fn clone_spool(&mut self) {
        let Second::Clone { is_same_host } = self.plan.second else { return };
        self.strikes(Reached::SpoolCloned);
        let host = if is_same_host { "alpha" } else { "beta" };
        self.copy_site(host);
        self.past.was_spool_cloned = true;
    }

    fn clock_fault(&mut self, fault: Fault) {
        let jump = self.random.i64(-3_600_000_000..3_600_000_000);
        if fault == Fault::CollectorClock {
            let number = self.any_site();
            self.sites[number].clock_offset = jump;
            self.strikes(Reached::CollectorClockJumped);
        } else {
            let is_watched = self.plan.clock_rules == WATCHED;
            let error = match self.unusual.u32(0..4) {
                0 if is_watched => 0,
                1 if is_watched => self.unusual.i64(-60_000_000..60_000_000),
                2 if is_watched => self.unusual.i64(-2 * YEAR_MICROS..2 * YEAR_MICROS),
                _ => jump,
            };
            self.set_clock(error);
            self.strikes(Reached::AggregatorClockJumped);
        }
    }

    /// Sets the aggregator's clock, wrong by so many microseconds.
    pub(super) fn set_clock(&mut self, error: i64) {
        self.hall.clock_offset = error;
        self.witness.clocks.set(error);
    }

    /// The store loses its cursor while the records stay, and finds that at its next start.
    fn cursor_lost(&mut self) -> Result<(), Violation> {
        if self.hall.store.disk.records.is_empty() {
            return Ok(());
        }
        self.strikes(Reached::CursorLost);
        self.crash_aggregator(false)?;
        self.hall.store.lose_cursor();
        self.links.values_mut().for_each(Link::outlive_store);
        self.reread_store(true)?;
        self.start_aggregator();
        Ok(())
    }

    fn disk_is_slow(&mut self, fault: Fault) {
        let until = self.now + Duration::from_millis(self.random.u64(100..40_000));
        if fault == Fault::SlowSpool {
            let number = self.any_site();
            self.sites[number].slow_until = until;
            self.strikes(Reached::SpoolSlow);
        } else {
            self.hall.slow_until = until;
            self.strikes(Reached::StoreSlow);
        }
    }

    fn frame_fault(&mut self, fault: Fault) {
        let open: Vec<u32> =
            self.links.iter().filter(|(_, it)| it.is_held).map(|(n, _)| *n).collect();
        if open.is_empty() {
            return;
        }
        let number = open[self.random.usize(0..open.len())];
        let (arrival, is_up) = (self.arrival(), self.random.bool());
        let retry_delay = Duration::from_millis(self.random.u64(10..20_000));
        if fault == Fault::Throttle {
            let is_open = self.hall.process.as_ref().and_then(|it| it.streams.get(&number));
            if is_open.is_none_or(|stream| stream.receiver.log().is_none()) {
                return;
            }
            let reason = "simulated".to_owned();
            let Some(running) = &mut self.hall.process else { return };
            if let Some(stream) =
                running.streams.get_mut(&number).filter(|it| it.waiting.is_empty())
            {
                stream.hold(FromAggregator::Throttle { retry_delay, reason });
                self.strikes(Reached::Throttled);
            }
            return;
        }
        let Some(link) = self.links.get_mut(&number) else { return };
        if is_up {
            link.up.put(arrival, Item::Frame(FromCollector::Unknown));
        } else {
            link.down.put(arrival, Item::Frame(FromAggregator::Unknown));
        }
        self.strikes(Reached::UnknownFrame);
    }

    fn poison(&mut self) {
        let number = self.any_site();
        let payload = self.random.u64(..).to_be_bytes().to_vec();
        let count = self.random.u32(1..=self.plan.credit.batch_observation_count_max);
        if self.sites[number].process.is_some() {
            self.strikes(Reached::PoisonAppended);
            // A payload that begins with a tag that no message has.
            let payload = [vec![0xff; 4], payload].concat();
            self.sites[number].owner.ask(Request::Poison { count, payload: payload.into() });
        }
    }

    /// The aggregator gets the newer catalogue, which takes a restart.
    pub(super) fn upgrade(&mut self) -> Result<(), Violation> {
        if !std::mem::replace(&mut self.is_catalogue_behind, false) {
            return Ok(());
        }
        self.strikes(Reached::CatalogueUpgraded);
        self.hall.terms = self.plan.terms(false);
        self.crash_aggregator(false)?;
        self.start_aggregator();
        Ok(())
    }
}
