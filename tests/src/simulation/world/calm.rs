//! Promises that must hold once faults have stopped.

use std::time::Duration;

use phuxanh_core::{CellKey, Observation};

use super::World;
use crate::simulation::{
    invariant::{Invariant, Violation},
    reached::Reached,
    site::Site,
    sources::{NEWER_METRIC, UNKNOWN_METRIC},
    spool::{Letter, Owner},
};

/// Longest that a host may take to deliver everything: a lease, the longest back-off, the longest
/// throttle, a silent peer and a few new logs.
const DRAINED_WITHIN: Duration = Duration::from_mins(5);
/// Longest that a new observation may then take.
const VISIBLE_WITHIN: Duration = Duration::from_mins(2);
/// A history that comes to no end is a fault too.
const STEPS_MAX: u32 = 20_000;

impl World {
    /// Faults stop: every host delivers what it has, one after the other as an operator would let
    /// them, and then both ends agree.
    pub(super) fn calm_down(&mut self) -> Result<(), Violation> {
        self.is_calm = true;
        self.note(|| "faults stop".to_owned());
        self.upgrade()?;
        self.set_clock(0);
        self.hall.slow_until = self.now;
        self.sites.iter_mut().for_each(|site| site.slow_until = Duration::ZERO);
        if self.hall.process.is_none() {
            self.start_aggregator();
        }
        let mut order: Vec<_> = (0..self.sites.len()).collect();
        self.random.shuffle(&mut order);
        for number in &order {
            self.sites[*number].clock_offset = 0;
            for other in 0..self.sites.len() {
                if other != *number && self.sites[other].process.is_some() {
                    self.crash_collector(other);
                }
            }
            if self.sites[*number].process.is_none() {
                self.start_collector(*number);
            }
            self.drains(*number)?;
            self.new_one_becomes_visible(*number)?;
            self.books_agree(*number)?;
        }
        for number in order {
            self.nothing_is_lost(number)?;
        }
        self.clones_were_noticed()?;
        self.reread()
    }

    fn reread(&mut self) -> Result<(), Violation> {
        let disk = &self.hall.store.disk;
        self.witness.reread(disk.cursor.as_ref(), &disk.records, false)
    }

    /// Runs until a host has delivered all that it has.
    fn drains(&mut self, number: usize) -> Result<(), Violation> {
        let deadline = self.now + DRAINED_WITHIN;
        self.runs_until(deadline, number, "everything is delivered", |world| {
            world.sites[number].is_drained()
        })
    }

    fn runs_until(
        &mut self,
        deadline: Duration,
        number: usize,
        what: &str,
        is_done: impl Fn(&Self) -> bool,
    ) -> Result<(), Violation> {
        for _ in 0..STEPS_MAX {
            if is_done(self) {
                return Ok(());
            }
            if self.wants_to_read(&self.sites[number]) && !self.sites[number].source.file.is_empty()
            {
                self.hand_in(number);
            }
            if self.sites[number].process.is_none() {
                self.start_collector(number);
            }
            self.step()?;
            Invariant::Liveness.check(self.now < deadline, || {
                let disk = &self.sites[number].owner.disk;
                let (produced, released) = (disk.produced.sequence, disk.released.sequence);
                format!("{what}: not in time, produced {produced}, released {released}")
            })?;
        }
        Invariant::Liveness.check(false, || format!("{what}: not in {STEPS_MAX} steps"))
    }

    /// A new observation arrives.
    fn new_one_becomes_visible(&mut self, number: usize) -> Result<(), Violation> {
        let deadline = self.now + VISIBLE_WITHIN;
        let observed = self.present(0).wall;
        let observation = Observation {
            key: CellKey {
                locality: "00004".parse().expect("a code"),
                metric: "digital_certificates".parse().expect("an id"),
                period: "2025-06".parse().expect("a period"),
            },
            value: Some(self.random.i64(0..=1)),
            observed,
            revision: 0,
            basis: phuxanh_core::Basis::Published,
        };
        let key = observation.key.clone();
        self.sites[number].source.file = vec![observation];
        self.sites[number].source.is_repeated = false;
        self.runs_until(deadline, number, "a new observation is visible", |world| {
            let held = world.witness.naive().cell(&key);
            held.is_some_and(|held| held.observed == observed) && world.sites[number].is_drained()
        })
    }

    /// Both ends count the same, and hold the same cells.
    fn books_agree(&self, number: usize) -> Result<(), Violation> {
        let disk = &self.sites[number].owner.disk;
        let (log, ledger) = self.witness.ledger();
        Invariant::Books.check(log == Some(disk.log), || "another log is in force".to_owned())?;
        let (ours, theirs) = (disk.produced_observation_count, ledger.total());
        Invariant::Books
            .check(ours == theirs, || format!("{ours} were produced, the ledger holds {theirs}"))?;
        let (ours, theirs) = (disk.rejected_observation_count, ledger.rejected);
        // Where another copy of the log has delivered to a new store, that one may have taken what
        // the former one refused.
        let is_judged_anew = self.past.was_store_lost && self.past.has_copies();
        Invariant::Books.check(is_judged_anew || ours == theirs, || {
            format!("{ours} are buried, the ledger rejects {theirs}")
        })?;
        // An aggregator whose clock is set back refuses what it has taken before, when it is restated.
        let is_alone = self.sites.len() == 1
            && !self.past.was_spool_restored
            && self.reached.of(Reached::AggregatorClockJumped) == 0;
        let folded = self.witness.fold.position().cells;
        Invariant::Books.check(!is_alone || disk.digest == folded, || {
            format!("the collector's cells {:?} are not the fold's {folded:?}", disk.digest)
        })
    }

    /// Everything that a host was answered for is where it belongs.
    fn nothing_is_lost(&self, number: usize) -> Result<(), Violation> {
        let site = &self.sites[number];
        let disk = &site.owner.disk;
        let jumps = [Reached::CollectorClockJumped, Reached::AggregatorClockJumped];
        let has_clock_jumped = jumps.into_iter().any(|jump| self.reached.of(jump) > 0);
        for promised in &site.promised {
            let is_kept = disk.taken.iter().any(|taken| match taken {
                Letter::Observation(taken) => {
                    Observation { revision: 0, ..taken.clone() }
                        == Observation { revision: 0, ..promised.clone() }
                }
                Letter::Payload(_) => false,
            });
            Invariant::NoLoss
                .check(is_kept, || format!("the spool was answered for {promised:?}"))?;
        }
        for taken in &disk.taken {
            let lies = count(&disk.letters, taken);
            let of_kind = count(&disk.taken, taken);
            match taken {
                Letter::Observation(taken) => {
                    let is_refused = taken.key.metric.as_str() == UNKNOWN_METRIC;
                    let is_early = taken.key.metric.as_str() == NEWER_METRIC && !has_clock_jumped;
                    Invariant::Poison.check(!is_early || lies == 0, || {
                        format!("{taken:?} is buried for being early")
                    })?;
                    Invariant::Poison.check(!is_refused || lies == of_kind, || {
                        format!("{taken:?} was taken {of_kind} times and buried {lies} times")
                    })?;
                    self.is_counted(taken, lies, &disk.letters)?;
                }
                Letter::Payload(_) => Invariant::Poison.check(lies == of_kind, || {
                    format!("a payload was taken {of_kind} times and buried {lies} times")
                })?,
            }
        }
        Ok(())
    }

    /// An observation is in force, or was replaced by a later one, or lies in the dead letters.
    fn is_counted(
        &self,
        taken: &Observation,
        lies: usize,
        letters: &[Letter],
    ) -> Result<(), Violation> {
        let is_later = |other: &Observation| {
            other.key == taken.key
                && (other.observed, other.revision) >= (taken.observed, taken.revision)
        };
        let held = self.witness.naive().cell(&taken.key);
        let is_counted = lies > 0 || held.is_some_and(is_later);
        if self.past.was_store_lost {
            // What a lost store had taken comes back as the collector's cells, or as a letter where
            // those were then refused.
            let is_buried = letters.iter().any(|letter| match letter {
                Letter::Observation(other) => is_later(other),
                Letter::Payload(_) => false,
            });
            return Invariant::NoLoss.check(is_counted || is_buried, || {
                format!("{taken:?} is nowhere, there is {held:?}")
            });
        }
        Invariant::NoLoss
            .check(is_counted, || format!("{taken:?} is nowhere, there is {held:?}"))?;
        let admitted = self.witness.was_admitted(taken);
        Invariant::NoLoss.check(admitted || lies > 0, || {
            format!("{taken:?} was never admitted, and is not in the dead letters")
        })
    }

    fn clones_were_noticed(&self) -> Result<(), Violation> {
        let noticed = [
            Reached::Owned,
            Reached::BeganChainBroken,
            Reached::BeganLogRegressed,
            Reached::BeganLogReplaced,
            Reached::BeganStoreLost,
        ];
        let is_noticed = noticed.into_iter().any(|reached| self.reached.of(reached) > 0);
        Invariant::Clones.check(!self.past.was_spool_cloned || is_noticed, || {
            "two spools with one log have delivered, and nobody noticed".to_owned()
        })
    }

    pub(in crate::simulation) fn end_collector(&mut self, number: usize) {
        self.drop_link(number);
        self.sites[number].process = None;
        self.sites[number].owner.crash();
    }

    /// A copy of the first host's disk, on a host of this name.
    pub(in crate::simulation) fn copy_site(&mut self, host: &str) {
        let first = &self.sites[0];
        let (max, quota) = (self.plan.batch_max, self.plan.quota_bytes);
        let owner = Owner::new(first.owner.disk.clone(), max, quota, self.omitted.clone());
        let mut site = Site::new(host.to_owned(), owner);
        site.promised.clone_from(&first.promised);
        self.sites.push(site);
        self.start_collector(self.sites.len() - 1);
    }
}

fn count(letters: &[Letter], one: &Letter) -> usize {
    letters.iter().filter(|letter| *letter == one).count()
}
