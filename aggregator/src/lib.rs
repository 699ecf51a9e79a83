//! The aggregator: takes observations in, keeps them, and says which localities are lowest.

pub mod admission;
pub mod clock;
pub mod fold;
pub mod store;
