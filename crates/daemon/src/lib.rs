//! Parts that every daemon needs, once: the clock, the signals that end it, its logs, its settings
//! and its tasks.
//!
//! Knows no province: what a setting is for is the daemon's own affair.

pub mod clock;
pub mod modes;
pub mod settings;
pub mod signal;
pub mod tasks;
pub mod telemetry;
