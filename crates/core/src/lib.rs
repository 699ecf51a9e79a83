//! Everything that decides and nothing that acts: words, facts, delivery and figures.
//!
//! ```text
//! vocabulary ◀─ catalogue, gazetteer ◀─ figures ◀─ delivery
//! ```
//!
//! The vocabulary stands at the top: values that are valid by construction. Everything that a
//! reporter says is an [`Observation`] of a cell, cut into a [`Batch`] of a log. A value of a type
//! here has been checked once, where it came in; nothing checks it again. [`catalogue`] holds what
//! is measured, [`gazetteer`] the localities. [`delivery`] decides about streams and logs,
//! [`figures`] computes what is shown. No clock, no file, no socket and no task: a shell waits, hands
//! in what happened, and carries out what comes back.

mod batch;
pub mod catalogue;
pub mod delivery;
mod digest;
pub mod figures;
pub mod frame;
pub mod gazetteer;
mod locality;
mod observation;
mod observations;
mod period;
mod record;
pub mod spelling;
mod time;
pub mod validation;

pub use batch::{Batch, Chain, LogId, Position};
pub use digest::{CellDigest, CellHash};
pub use locality::{Level, LocalityCode, LocalityError};
pub use observation::{Basis, CellKey, MetricError, MetricId, Observation};
pub use observations::{Decode, Observations, Row};
pub use period::{Period, PeriodError};
pub use record::{Cursor, Record};
pub use time::{Now, TimeError, Timestamp};
