//! Settings under which whatever is broken is noticed soon.

use crate::harness::{Facts, Setup, StoreSetup, settings};

/// Rate in bytes per second at which no time is added for a slow link.
const FAST_LINK: &str = "100000000";

/// A deployment with short times. A lease lasts for three heartbeat intervals.
pub(super) fn brisk(facts: Facts) -> Setup {
    Setup {
        facts,
        store: StoreSetup::default(),
        replica_count: 0,
        aggregator: settings(&[
            ("INGEST__HEARTBEAT_INTERVAL", "300ms"),
            ("INGEST__LINK_BYTES_PER_SECOND_MIN", FAST_LINK),
            ("INGEST__HELLO_TIMEOUT", "1s"),
            ("INGEST__FLUSH_TIMEOUT", "500ms"),
            ("INGEST__DRAIN_TIMEOUT", "2s"),
            ("VIEW__INTERVAL", "50ms"),
            // Often, so that a restart begins from checkpoints of any age.
            ("STORE__CHECKPOINT_EVERY", "16"),
        ]),
        collector: settings(&[
            ("DELIVERY__CONNECT_TIMEOUT", "1s"),
            ("DELIVERY__WELCOME_TIMEOUT", "1s"),
            ("DELIVERY__ACK_TIMEOUT", "1s"),
            ("DELIVERY__LINK_BYTES_PER_SECOND_MIN", FAST_LINK),
            ("DELIVERY__BACKOFF_MIN", "20ms"),
            ("DELIVERY__BACKOFF_MAX", "200ms"),
            ("DELIVERY__BACKOFF_REFUSED", "300ms"),
            ("DELIVERY__STOP_TIMEOUT", "1s"),
            ("DELIVERY__STREAM_AGE_MAX", "4s"),
            // Small, so that a file is many batches.
            ("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "40"),
        ]),
    }
}
