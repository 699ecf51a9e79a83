//! Configuration of a sender.

use std::time::Duration;

use crate::{LocalityCode, frame::Durability};

/// Identity of a collector, and its timeouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub reporter: LocalityCode,
    pub host: String,
    pub software: String,
    pub catalogue_digest: [u8; 32],
    pub catalogue_version: u32,
    pub least_durability: Durability,
    /// Aggregators to try, in order.
    pub endpoint_count: usize,
    pub connect_timeout: Duration,
    pub welcome_timeout: Duration,
    /// Longest wait for an ack while batches are unacknowledged, beside the next one's travel time.
    pub ack_timeout: Duration,
    /// Least rate of a link.
    pub link_bytes_per_second_min: u32,
    /// First and longest back-off between two connections.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    /// Back-off where an operator must act.
    pub backoff_refused: Duration,
    /// Longest wait for acks when stopping.
    pub stop_timeout: Duration,
    /// Age at which a stream is opened anew, so that collectors spread over the aggregators that
    /// there are; each one's age is its own, from half of this on.
    pub stream_age_max: Duration,
    /// Least time between two questions what superseded values of the log.
    pub superseded_interval: Duration,
}
