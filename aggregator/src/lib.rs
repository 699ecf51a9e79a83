//! The aggregator: takes observations in, keeps them, and says which localities are lowest.

pub mod admission;
pub mod as_of;
pub mod cache;
pub mod checkpoint;
pub mod clock;
pub mod config;
pub mod fold;
pub mod ingest;
pub mod insight;
pub mod keeper;
pub mod lease;
pub mod mesh;
pub mod publish;
pub mod query;
pub mod ranking;
pub mod retention;
pub mod rollup;
pub mod server;
pub mod session;
pub mod signal;
pub mod store;
pub mod telemetry;
pub mod transfer;
pub mod view;
