//! Real processes under attack: what is broken, how it is mended, and the proof that nothing was
//! lost and nothing counted twice.
//!
//! ```text
//! scenario: a deployment ─ fed ─ broken ─ mended ─▶ proof: rankings are the oracle's,
//!                                                    both ends' ledgers and cells agree
//! ```
//!
//! Each scenario is a function of a seed. `tests/faults.rs` runs each one once and shortly,
//! `tests/soak` runs them in rounds for as long as it is told.

mod bulk;
pub mod clones;
pub mod crashes;
pub mod disks;
pub mod displaced;
pub mod failovers;
pub mod links;
pub mod moves;
mod pace;
pub mod peers;
mod proof;
pub mod refusals;
pub mod replicas;
mod reporting;
pub mod restarts;
pub mod starts;
pub mod stores;

pub use bulk::Bulk;
pub use proof::Expected;
