//! The real shells over a simulated network: delivery, tonic, HTTP/2, sessions and both disks, while
//! hosts lose sight of one another, are held up, crash and start again.
//!
//! ```text
//!  one host a province                 turmoil                  one host
//!  files ▶ spool ▶ delivery::run ══ tonic over HTTP/2 ══ server::serve ▶ ingest ▶ store ▶ fold
//!          (redb)               held, cut one way or both                (redb)        │
//!  proof: what was appended ◀────── the audit, asked over the same network ◀───────────┘
//! ```
//!
//! `simulation` lives through far more histories of the pure halves; here it is the shells that are
//! tested, with the timers that they are shipped with: minutes pass in seconds, since time is virtual.
//!
//! **What the seed decides**: the observations, the faults, and when they strike. Not every step:
//! spool and store keep threads of their own that sync real files, and virtual time goes on
//! while they do, as if a disk took its time. Running them within the simulated hosts would take
//! another spool and another store than those that are shipped. So a seed gives the same faults
//! again, and nearly the same course.
//!
//! **What a crash is**: all tasks of a host end where they stand, and its connections with them.
//! What its disk thread was asked before, it still carries out, and the file is let go of then; a
//! host that finds it in use starts again a moment later, as a supervisor would have it. Harder
//! crashes are shown by processes that are killed and by images of half-written disks.
//!
//! **What it does not show**: leases, which the store's thread counts by the real clock. Each
//! reporter has one host here, which its own lease never keeps out.

mod hosts;
mod proof;
mod province;
mod unrest;

use std::{rc::Rc, time::Duration};

use anyhow::{anyhow, ensure};
use fastrand::Rng;
use turmoil::{Builder, Sim};

use province::Province;
use unrest::Unrest;

/// Provinces that deliver.
const PROVINCES: [&str; 3] = ["01", "04", "79"];
/// Name of the aggregator's host.
const AGGREGATOR: &str = "aggregator";
const AGGREGATOR_URL: &str = "http://aggregator:7400";

/// Time between two files of a province.
const FILE_INTERVAL: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(5);
const LATENCY_MAX: Duration = Duration::from_millis(50);
/// Segments on their way on one connection, and connections that wait to be accepted.
const SEGMENTS_MAX: usize = 1_024;
/// Longest time in which everything has arrived once faults stop: some back-offs and timeouts.
const CALM_MAX: Duration = Duration::from_mins(10);

/// Number of strikes by fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Struck {
    pub holds: u32,
    pub partitions: u32,
    pub one_way_partitions: u32,
    pub collector_crashes: u32,
    pub aggregator_crashes: u32,
}

impl Struck {
    /// Counts in those of another history.
    pub const fn add(&mut self, other: Self) {
        self.holds += other.holds;
        self.partitions += other.partitions;
        self.one_way_partitions += other.one_way_partitions;
        self.collector_crashes += other.collector_crashes;
        self.aggregator_crashes += other.aggregator_crashes;
    }
}

/// Delivers under faults for a while, and proves that everything arrived once.
pub fn deliver(seed: u64, unrest: Duration) -> anyhow::Result<Struck> {
    let mut random = Rng::with_seed(seed);
    let directory = tempfile::tempdir()?;
    // So many that there is something to deliver for as long as anything is broken.
    let file_count = unrest.as_secs() / FILE_INTERVAL.as_secs();
    let mut provinces = Vec::new();
    for code in PROVINCES {
        let province = Province::draw(&mut random, code, directory.path(), file_count)?;
        provinces.push(Rc::new(province));
    }
    let mut sim = Builder::new()
        .rng_seed(random.u64(..))
        .tick_duration(TICK)
        .max_message_latency(LATENCY_MAX)
        .tcp_capacity(SEGMENTS_MAX)
        .simulation_duration(unrest + 2 * CALM_MAX)
        .build();
    let store = Rc::new(directory.path().join(AGGREGATOR));
    sim.host(AGGREGATOR, move || hosts::aggregator(Rc::clone(&store)));
    for province in &provinces {
        let (code, province) = (province.code.as_str(), Rc::clone(province));
        sim.host(code, move || hosts::collector(Rc::clone(&province)));
    }

    let mut faults = Unrest::new(random);
    while sim.elapsed() < unrest {
        faults.pass(&mut sim);
        step(&mut sim)?;
    }
    let struck = faults.calm(&mut sim);
    let expected = provinces.iter().map(Rc::clone).collect();
    sim.client("auditor", proof::everything_arrived_once(expected));
    while !step(&mut sim)? {}
    let unread: usize = provinces.iter().map(|province| province.unread_count()).sum();
    ensure!(unread == 0, "{unread} files were never read");
    Ok(struck)
}

fn step(sim: &mut Sim<'_>) -> anyhow::Result<bool> {
    sim.step().map_err(|error| anyhow!("{error:#}"))
}
