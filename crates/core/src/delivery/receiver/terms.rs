//! Terms of every session.

use std::{sync::Arc, time::Duration};

use crate::{
    Decode,
    catalogue::Catalogue,
    frame::{Credit, Durability, travel_time},
    gazetteer::Gazetteer,
};

const HEARTBEATS_MISSED_MAX: u32 = 3;

/// Terms of every session.
#[derive(Debug, Clone)]
pub struct Terms {
    pub catalogue: Arc<Catalogue>,
    pub gazetteer: Arc<Gazetteer>,
    pub durability: Durability,
    pub credit: Credit,
    pub hello_timeout: Duration,
    pub heartbeat_interval: Duration,
    /// Least rate of a link.
    pub link_bytes_per_second_min: u32,
    /// Furthest that an observed time may lie ahead of the receipt.
    pub ahead_max: Duration,
    /// Months before a locality began for which figures may be restated for it.
    pub restated_months_max: u32,
    /// Reads payloads.
    pub decode: Decode,
}

impl Terms {
    /// Longest silence of a collector before its session ends and its lease runs out. A frame is
    /// heard when it is whole, and heartbeats wait behind the batch that is on its way.
    #[must_use]
    pub fn silence_max(&self) -> Duration {
        let batch_bytes_max = u64::from(self.credit.batch_payload_bytes_max);
        self.heartbeat_interval * HEARTBEATS_MISSED_MAX
            + travel_time(batch_bytes_max, self.link_bytes_per_second_min)
    }
}
