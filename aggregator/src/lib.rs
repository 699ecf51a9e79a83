//! The aggregator: receives observations, stores them, and ranks the localities.

pub mod access;
pub mod as_of;
pub mod audit_log;
pub mod checkpoint;
pub mod config;
pub mod ingest;
pub mod keeper;
pub mod mesh;
pub mod metrics;
pub mod ops;
pub mod probe;
pub mod publish;
pub mod query;
mod refusal;
pub mod server;
pub mod store;
pub mod timekeeping;
pub mod transfer;
