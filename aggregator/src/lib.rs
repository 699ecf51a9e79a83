//! The aggregator: takes observations in, keeps them, and says which localities are lowest.

pub mod as_of;
pub mod cache;
pub mod checkpoint;
pub mod clock;
pub mod config;
pub mod ingest;
pub mod keeper;
pub mod mesh;
pub mod publish;
pub mod query;
pub mod server;
pub mod signal;
pub mod store;
pub mod telemetry;
pub mod transfer;
