//! Metrics of the collector, described once. `docs/metrics.md` says the same, which a test keeps.

use phuxanh_daemon::ops::{MEMORY, Metric, Unit};

pub static BUILD_INFO: Metric = Metric::gauge(
    "phuxanh_collector_build_info",
    Unit::Count,
    &["version", "commit"],
    "1, with the version of the program and the commit that it was built from, if known.",
);
pub static OBSERVATIONS_PRODUCED: Metric = Metric::counter(
    "phuxanh_collector_observations_produced_total",
    &[],
    "Observations that the log in force holds or held. A new log begins with 0.",
);
pub static OBSERVATIONS_REJECTED: Metric = Metric::counter(
    "phuxanh_collector_observations_rejected_total",
    &[],
    "Observations of the log in force that the aggregator refused. A new log begins with 0.",
);
pub static OBSERVATIONS_WAITING: Metric = Metric::gauge(
    "phuxanh_collector_observations_waiting",
    Unit::Count,
    &[],
    "Observations that no aggregator has confirmed durably.",
);
pub static BATCHES_PRODUCED: Metric = Metric::counter(
    "phuxanh_collector_batches_produced_total",
    &[],
    "Batches of the log in force. A new log begins with 0.",
);
pub static BATCHES_DURABLE: Metric = Metric::counter(
    "phuxanh_collector_batches_durable_total",
    &[],
    "Batches of the log in force that an aggregator has confirmed durably. A new log begins with 0.",
);
pub static BATCHES_WAITING: Metric = Metric::gauge(
    "phuxanh_collector_batches_waiting",
    Unit::Count,
    &[],
    "Batches that no aggregator has confirmed durably.",
);
pub static DEAD_LETTERS: Metric = Metric::gauge(
    "phuxanh_collector_dead_letters",
    Unit::Count,
    &[],
    "Refused observations that wait for an operator.",
);
pub static CELLS: Metric =
    Metric::gauge("phuxanh_collector_cells", Unit::Count, &[], "Cells that the spool holds.");
pub static SPOOL_BYTES: Metric =
    Metric::gauge("phuxanh_collector_spool_bytes", Unit::Bytes, &[], "Bytes of the spool's file.");
pub static SPOOL_USED_BYTES: Metric = Metric::gauge(
    "phuxanh_collector_spool_used_bytes",
    Unit::Bytes,
    &[],
    "Bytes of the spool's file that are in use.",
);
pub static SPOOL_QUOTA_BYTES: Metric = Metric::gauge(
    "phuxanh_collector_spool_quota_bytes",
    Unit::Bytes,
    &[],
    "Bytes that the spool's file may have (spool.quota_bytes).",
);
pub static SPOOL_HELD: Metric = Metric::gauge(
    "phuxanh_collector_spool_held",
    Unit::Count,
    &["cause"],
    "1 while the source is held back for this cause: the quota, or the disk.",
);
pub static RESYNCS: Metric = Metric::counter(
    "phuxanh_collector_resyncs_total",
    &[],
    "New logs that were begun to restate all cells, since the collector started.",
);
pub static LINK_UP: Metric = Metric::gauge(
    "phuxanh_collector_link_up",
    Unit::Count,
    &[],
    "1 while a stream to an aggregator is open.",
);
pub static LINK_HELD: Metric = Metric::gauge(
    "phuxanh_collector_link_held",
    Unit::Count,
    &[],
    "1 while the aggregator takes no batches for now.",
);
pub static QUEUE_DEPTH: Metric = Metric::gauge(
    "phuxanh_collector_queue_depth",
    Unit::Count,
    &["queue"],
    "Entries that wait in a queue: requests to the spool.",
);
pub static QUEUE_CAPACITY: Metric = Metric::gauge(
    "phuxanh_collector_queue_capacity",
    Unit::Count,
    &["queue"],
    "Entries that the queue takes.",
);
pub static INBOX_FILES: Metric = Metric::gauge(
    "phuxanh_collector_inbox_files",
    Unit::Count,
    &[],
    "Files that lie in the inbox.",
);
pub static INBOX_OLDEST_AGE: Metric = Metric::gauge(
    "phuxanh_collector_inbox_oldest_age_seconds",
    Unit::Seconds,
    &[],
    "Time since the last change of the file that has lain in the inbox for longest; 0 without files.",
);
pub static FILES_STUCK: Metric = Metric::gauge(
    "phuxanh_collector_files_stuck",
    Unit::Count,
    &[],
    "Files that cannot be read or filed.",
);
pub static CERTIFICATE_EXPIRY: Metric = Metric::gauge(
    "phuxanh_collector_certificate_expiry_timestamp_seconds",
    Unit::Seconds,
    &["subject"],
    "End of the validity of the collector's own certificate.",
);

/// Metrics that are recorded when something happens; the others are collected.
pub static RECORDED: [&Metric; 1] = [&RESYNCS];

/// Every metric.
pub static ALL: [&Metric; 23] = [
    &MEMORY,
    &BUILD_INFO,
    &OBSERVATIONS_PRODUCED,
    &OBSERVATIONS_REJECTED,
    &OBSERVATIONS_WAITING,
    &BATCHES_PRODUCED,
    &BATCHES_DURABLE,
    &BATCHES_WAITING,
    &DEAD_LETTERS,
    &CELLS,
    &SPOOL_BYTES,
    &SPOOL_USED_BYTES,
    &SPOOL_QUOTA_BYTES,
    &SPOOL_HELD,
    &RESYNCS,
    &LINK_UP,
    &LINK_HELD,
    &QUEUE_DEPTH,
    &QUEUE_CAPACITY,
    &INBOX_FILES,
    &INBOX_OLDEST_AGE,
    &FILES_STUCK,
    &CERTIFICATE_EXPIRY,
];
