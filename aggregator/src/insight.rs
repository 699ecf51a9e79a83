//! Insight: what a ranking does not say.
//!
//! Owns the formulas of spread, shortfall, path, cause, gap, completeness and the rules of flags. It
//! does not know the time, nor who asks, nor how numbers are shown. Every number is an integer
//! that follows exactly from the rollups; where one does not fit, that is an error.
//!
//! ```text
//!                      ┌─ distribution   localities by the bands of a legend
//! PeriodRollup … ──────┼─ gap            declared against measured
//!      │               ├─ completeness   who reported, and when
//!      │               └─ cause          a distance to the nation in parts
//! CommuneRollup → Lack ┬─ cause
//!                      ├─ shortfall      who lacks what; the flip table
//!                      └─ path           the fewest fixes to a target
//! Fold ────────────────┬─ flag           data that are implausible
//!                      └─ receipt        the observations under a number
//! ```

pub mod cause;
pub mod completeness;
pub mod distribution;
#[cfg(test)]
pub(crate) mod fixture;
pub mod flag;
pub mod gap;
mod lack;
pub mod path;
pub mod receipt;
pub mod shortfall;

pub use lack::Lack;
