//! The collector: reads what a province observes, keeps it until the aggregator durably holds it,
//! and delivers it over a link that breaks.

pub mod config;
pub mod control;
pub mod daemon;
pub mod delivery;
pub mod metrics;
pub mod ops;
pub mod probe;
pub mod source;
pub mod spool;
