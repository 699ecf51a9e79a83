//! Figures: what a reporter's log amounts to, and what is said of it.
//!
//! ```text
//! records → fold → rollup → view → ranking, insight
//! ```

pub mod fold;
pub mod insight;
pub mod ranking;
pub mod rollup;
pub mod superseding;
pub mod view;
