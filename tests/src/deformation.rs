//! CSV files as people and programs deform them, over random known values, and an oracle that
//! holds what the collector makes of them against what was meant.
//!
//! ```text
//! meaning (units, metrics, times, values) ─▶ sheet (rows, each cell spelled in some way)
//!   ─▶ tables, rows (joined files, headers, broken rows) ─▶ writing (marks, line ends, encodings)
//!   ─▶ verdict: every value is taken right, or refused and named
//!   ─▶ sequence: several files through a real spool, whose cells are those of a fold
//! ```
//!
//! A deformation is one whose meaning stays clear to the person who made the file. What reads as
//! well in another way, as a wrong digit does, is no deformation. A value in which nothing is odd
//! must be taken, so that refusing everything is no way out.

pub mod campaign;
mod fold;
pub mod meaning;
mod rows;
pub mod sequence;
pub mod sheet;
pub mod spelling;
mod tables;
pub mod verdict;
pub mod writing;
