//! The vocabulary: values that are valid by construction.
//!
//! Everything that a reporter says is an [`Observation`] of a cell, cut into a [`Batch`] of a log.
//! A value of a type here has been checked once, where it came in; nothing checks it again.

mod batch;
mod digest;
pub mod frame;
mod locality;
mod observation;
mod observations;
mod period;
mod record;
mod time;
pub mod validation;

pub use batch::{Batch, Chain, LogId, Position};
pub use digest::{CellDigest, CellHash};
pub use locality::{Level, LocalityCode, LocalityError};
pub use observation::{Basis, CellKey, MetricError, MetricId, Observation};
pub use observations::{Observations, Row};
pub use period::{Period, PeriodError};
pub use record::{Cursor, Record};
pub use time::{Now, TimeError, Timestamp};
