//! Commands over the quality service: how far the numbers can be relied on.

pub mod completeness;
pub mod flags;
mod receipt;
pub mod receipts;
pub mod silent;
