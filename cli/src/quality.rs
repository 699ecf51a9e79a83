//! How far the numbers can be relied on: the commands over the quality service.

pub mod completeness;
pub mod flags;
mod receipt;
pub mod receipts;
pub mod silent;
