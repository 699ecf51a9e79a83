//! Timekeeping at the aggregator: the production's timekeeper around the virtual clocks.
//!
//! Mirrors `aggregator/src/timekeeping.rs`. The aggregator looks at its clock every second. Looks
//! take no step of a history: time that passes in one step brings all that fall into it.

use std::time::Duration;

use phuxanh_core::{
    Now, Timestamp,
    delivery::{
        receiver::Input,
        timekeeping::{Rules, Timekeeper, Told},
    },
    frame::Heartbeat,
};

use super::World;
use crate::simulation::{plan::reporter, reached::Reached, rule::Rule};

const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Timekeeping of one process of the aggregator.
#[derive(Debug)]
pub(in crate::simulation) struct Timekeeping {
    keeper: Timekeeper,
    next_look: Duration,
    /// Clock of the collector that was welcomed last, as its last heartbeat told it.
    told: Option<Told>,
}

impl Timekeeping {
    pub(super) fn new(rules: Rules, now: Now, newest: Option<Timestamp>) -> Self {
        let keeper = Timekeeper::new(rules, now, newest);
        Self { keeper, next_look: now.monotonic, told: None }
    }
}

impl World {
    /// Looks at the clock as often as it is due until a time, which becomes the present.
    pub(super) fn look_until(&mut self, until: Duration) {
        while let Some(running) = &self.hall.process {
            let next = running.timekeeping.next_look.max(self.now);
            if next > until {
                break;
            }
            self.now = next;
            self.look();
        }
        self.now = until;
    }

    fn look(&mut self) {
        let now = self.present(self.hall.clock_offset);
        let newest = self.hall.store.disk.cursor.as_ref().and_then(|cursor| cursor.receipt);
        self.witness.clocks.looked(self.hall.clock_offset, now.wall, newest);
        let believes_all = self.omitted.has(Rule::FreshBeats);
        let Some(running) = &mut self.hall.process else { return };
        let timekeeping = &mut running.timekeeping;
        timekeeping.next_look = now.monotonic + LOOK_INTERVAL;
        let told = timekeeping.told;
        let fresh = timekeeping.keeper.fresh(now, told);
        let all: Vec<_> = told.iter().map(|told| told.offset_micros).collect();
        let was_distrusted = timekeeping.keeper.trust().distrust.is_some();
        timekeeping.keeper.look(now, newest, if believes_all { &all } else { &fresh });
        let distrust = timekeeping.keeper.trust().distrust.clone();
        let streams: Vec<u32> = running.streams.keys().copied().collect();
        if distrust.is_some() != was_distrusted {
            self.note(|| format!("aggregator: looks at its clock, told {told:?}: {distrust:?}"));
        }
        for number in streams {
            self.hold(number);
        }
    }

    /// Tells a session whether batches are held at this moment.
    pub(super) fn hold(&mut self, number: u32) {
        let now = self.present(self.hall.clock_offset);
        let Some(running) = &self.hall.process else { return };
        let trust = running.timekeeping.keeper.trust();
        let distrust = if self.omitted.has(Rule::HoldWhileDistrusted) {
            None
        } else if self.omitted.has(Rule::StepSeenAtOnce) {
            trust.distrust.clone()
        } else {
            trust.distrust_at(now)
        };
        if distrust.is_some() {
            self.reached.note(Reached::ClockDistrusted);
        }
        let is_held = distrust.is_some();
        let was_held =
            self.stream(number).is_some_and(|it| std::mem::replace(&mut it.is_held, is_held));
        if is_held || was_held {
            let reason = distrust.map(|distrust| distrust.to_string());
            self.stream_input(number, Input::Hold(reason));
        }
    }

    /// The aggregator hears a heartbeat of a welcomed session.
    pub(super) fn beats(&mut self, heartbeat: &Heartbeat) {
        let at = self.present(self.hall.clock_offset).wall;
        let offset_micros = heartbeat.sent.micros() - at.micros();
        self.witness.clocks.agreed(self.hall.clock_offset, offset_micros);
        if let Some(running) = &mut self.hall.process {
            running.timekeeping.told = Some(Told { reporter: reporter(), at, offset_micros });
        }
    }
}
