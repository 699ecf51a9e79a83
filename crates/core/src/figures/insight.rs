//! Insight: what a ranking does not say.
//!
//! Owns the formulas of spread, shortfall, path, cause, gap, completeness, change, confidence,
//! trend and days, and the rules of flags, over the rollups of one period or several. It does not know the
//! time, nor who asks, nor how numbers are shown. Every number is an integer that follows exactly
//! from the rollups; where one does not fit, that is an error.
//!
//! ```text
//!                      ┌─ distribution   localities by the bands of a legend
//!                      ├─ gap            declared against measured
//!                      ├─ completeness   who reported, and when
//!                      ├─ change         one period against another
//!                      ├─ comparison     the same of a measure, per working day
//!                      ├─ trend          who turned green from month to month
//! PeriodRollup … ──────┼─ confidence     what a share of few cases is worth
//!      │               └─ cause          a distance to the nation in parts
//! CommuneRollup → Lack ┬─ cause
//!                      ├─ shortfall      who lacks what; the flip table
//!                      ├─ lacking        which communes lack a criterion
//!                      └─ path           the fewest fixes to a target
//! Fold ────────────────┬─ flag           data that are implausible
//!                      ├─ days           how long within a month, and how often it turned
//!                      └─ receipt        the observations under a number
//! ```

pub mod cause;
pub mod change;
pub mod comparison;
pub mod completeness;
pub mod confidence;
pub mod days;
pub mod distribution;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod flag;
pub mod gap;
mod lack;
pub mod lacking;
pub mod path;
pub mod receipt;
pub mod shortfall;
pub mod trend;

pub use lack::Lack;
