//! A seeded simulation of delivery: the production's session halves, admission, leases and fold, over
//! a modelled spool, store and link, under every fault that the design names.

mod campaign;
mod fault;
mod invariant;
mod link;
mod plan;
mod reached;
mod rule;
mod site;
mod sources;
pub mod spool;
mod store;
mod stream;
mod trace;
mod witness;
mod world;

pub use campaign::{Campaign, Failure, Progress};
pub use invariant::{Invariant, Violation};
pub use reached::{Counts, Reached};
pub use rule::{Omitted, Rule};

use trace::Trace;
use world::World;

/// What became of a history.
#[derive(Debug)]
pub struct Outcome {
    pub broken: Option<Violation>,
    pub reached: Counts,
    /// Its steps in words, where they were asked for.
    pub trace: Vec<String>,
}

/// Lives through the history of a seed without some rules.
#[must_use]
pub fn live(seed: u64, omitted: &Omitted, is_traced: bool) -> Outcome {
    let trace = if is_traced { Trace::kept() } else { Trace::default() };
    let mut world = World::new(seed, omitted.clone(), trace);
    let broken = world.live().err();
    let (reached, trace) = world.end();
    Outcome { broken, reached, trace }
}
