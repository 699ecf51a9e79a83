//! Insight: what a ranking does not say.
//!
//! Owns the formulas of spread, shortfall, path, cause, gap and completeness over one period. It
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
//! ```

pub mod cause;
pub mod completeness;
pub mod distribution;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gap;
mod lack;
pub mod path;
pub mod shortfall;

pub use lack::Lack;
