//! Metrics of the aggregator, described once. `docs/metrics.md` says the same, which a test keeps.
//!
//! Labels are bounded: `reporter` is the code of a province or 00, `method` a method that is served,
//! and the others are words of this program. No commune is a label.

use phuxanh_daemon::ops::{MEMORY, Metric, Unit};

const REPORTER: &[&str] = &["reporter"];

pub static BUILD_INFO: Metric = Metric::gauge(
    "phuxanh_aggregator_build_info",
    Unit::Count,
    &["version", "commit"],
    "1, with the version of the program and the commit that it was built from, if known.",
);
pub static OBSERVATIONS: Metric = Metric::counter(
    "phuxanh_aggregator_observations_total",
    &["reporter", "outcome"],
    "Observations of the reporter that were folded: applied, repeated, superseded or rejected.",
);
pub static RECORDS: Metric = Metric::counter(
    "phuxanh_aggregator_records_total",
    REPORTER,
    "Records (batches that were admitted) of the reporter that were folded.",
);
pub static CELLS: Metric = Metric::gauge(
    "phuxanh_aggregator_cells",
    Unit::Count,
    REPORTER,
    "Cells of the reporter in memory, withdrawn ones too.",
);
pub static RECEIPT: Metric = Metric::gauge(
    "phuxanh_aggregator_receipt_timestamp_seconds",
    Unit::Seconds,
    REPORTER,
    "Receipt of the reporter's newest record.",
);
pub static COMPLETE: Metric = Metric::gauge(
    "phuxanh_aggregator_complete_through_timestamp_seconds",
    Unit::Seconds,
    REPORTER,
    "Time through which everything that the reporter observed was delivered.",
);
pub static HEARD: Metric = Metric::gauge(
    "phuxanh_aggregator_heard_timestamp_seconds",
    Unit::Seconds,
    REPORTER,
    "Last time that the reporter was heard of: a session, a heartbeat or a record; 0 for never.",
);
pub static SESSION_OPEN: Metric = Metric::gauge(
    "phuxanh_aggregator_session_open",
    Unit::Count,
    REPORTER,
    "1 while a session of the reporter is open at this aggregator.",
);
pub static LAG: Metric = Metric::gauge(
    "phuxanh_aggregator_lag_batches",
    Unit::Count,
    REPORTER,
    "Batches that the reporter's collector has produced and that were not folded yet.",
);
pub static SPOOL_BYTES: Metric = Metric::gauge(
    "phuxanh_aggregator_spool_bytes",
    Unit::Bytes,
    REPORTER,
    "Bytes of the spool of the reporter's collector, by its last heartbeat.",
);
pub static DEAD_LETTERS: Metric = Metric::gauge(
    "phuxanh_aggregator_dead_letters",
    Unit::Count,
    REPORTER,
    "Dead letters of the reporter's collector, by its last heartbeat.",
);
pub static CLOCK_OFFSET: Metric = Metric::gauge(
    "phuxanh_aggregator_clock_offset_seconds",
    Unit::Seconds,
    REPORTER,
    "Clock of the reporter's collector less that of the aggregator, by its last heartbeat.",
);
pub static AUDIT: Metric = Metric::gauge(
    "phuxanh_aggregator_audit_verdict",
    Unit::Count,
    &["reporter", "verdict"],
    "1 for the verdict of the audit now: agrees, pending, disagrees, silent or outdated.",
);
pub static ALARM: Metric = Metric::gauge(
    "phuxanh_aggregator_alarm",
    Unit::Count,
    &["reporter", "kind"],
    "1 while an alarm of this kind stands for the reporter.",
);
pub static STORE_WRITES_REFUSED: Metric = Metric::gauge(
    "phuxanh_aggregator_store_writes_refused",
    Unit::Count,
    &[],
    "1 while the store refuses writes.",
);
pub static STORE_OUT_OF_REACH: Metric = Metric::gauge(
    "phuxanh_aggregator_store_out_of_reach",
    Unit::Count,
    &[],
    "1 while the store is out of reach and answers may be outdated.",
);
pub static STORE_REPLACED: Metric = Metric::gauge(
    "phuxanh_aggregator_store_replaced_timestamp_seconds",
    Unit::Seconds,
    &[],
    "Last time that the store was found wiped or replaced since this aggregator started; 0 for never.",
);
pub static STORE_BYTES: Metric = Metric::gauge(
    "phuxanh_aggregator_store_bytes",
    Unit::Bytes,
    &[],
    "Bytes of the embedded store's file. Redis tells of its own.",
);
pub static CLOCK_DISTRUSTED: Metric = Metric::gauge(
    "phuxanh_aggregator_clock_distrusted",
    Unit::Count,
    &[],
    "1 while the aggregator distrusts its own clock and takes no batches.",
);
pub static CERTIFICATE_EXPIRY: Metric = Metric::gauge(
    "phuxanh_aggregator_certificate_expiry_timestamp_seconds",
    Unit::Seconds,
    &["subject"],
    "End of the validity of a certificate of this server, or of a revocation list.",
);
pub static QUEUE_DEPTH: Metric = Metric::gauge(
    "phuxanh_aggregator_queue_depth",
    Unit::Count,
    &["queue"],
    "Entries that wait in a queue: of the fold, the mesh board or the audit log.",
);
pub static QUEUE_CAPACITY: Metric = Metric::gauge(
    "phuxanh_aggregator_queue_capacity",
    Unit::Count,
    &["queue"],
    "Entries that the queue takes.",
);
pub static REPLICAS: Metric = Metric::gauge(
    "phuxanh_aggregator_replicas",
    Unit::Count,
    &[],
    "Aggregators of the store that were heard of lately, this one included.",
);
pub static REQUESTS: Metric = Metric::counter(
    "phuxanh_aggregator_requests_total",
    &["method", "code"],
    "Requests of gRPC by method and status code; a stream counts when it is answered first.",
);
pub static REQUEST_DURATION: Metric = Metric::histogram(
    "phuxanh_aggregator_request_duration_seconds",
    &["method"],
    "Time from a request of gRPC to the beginning of its answer.",
);
pub static CALLS_REFUSED: Metric = Metric::counter(
    "phuxanh_aggregator_calls_refused_total",
    &[],
    "Requests of callers whose identity or role does not allow them.",
);
pub static CONNECTIONS_REFUSED: Metric = Metric::counter(
    "phuxanh_aggregator_connections_refused_total",
    &[],
    "Connections that were refused or closed: by a limit, a failed handshake or the wrong protocol.",
);
pub static CACHE_PUBLISHED: Metric = Metric::counter(
    "phuxanh_aggregator_cache_published_total",
    &[],
    "Rollups and rankings of a scope that were published to the cache in Redis.",
);

/// Metrics that are recorded when something happens; the others are collected.
pub static RECORDED: [&Metric; 5] =
    [&REQUESTS, &REQUEST_DURATION, &CALLS_REFUSED, &CONNECTIONS_REFUSED, &CACHE_PUBLISHED];

/// Every metric.
pub static ALL: [&Metric; 29] = [
    &MEMORY,
    &BUILD_INFO,
    &OBSERVATIONS,
    &RECORDS,
    &CELLS,
    &RECEIPT,
    &COMPLETE,
    &HEARD,
    &SESSION_OPEN,
    &LAG,
    &SPOOL_BYTES,
    &DEAD_LETTERS,
    &CLOCK_OFFSET,
    &AUDIT,
    &ALARM,
    &STORE_WRITES_REFUSED,
    &STORE_OUT_OF_REACH,
    &STORE_REPLACED,
    &STORE_BYTES,
    &CLOCK_DISTRUSTED,
    &CERTIFICATE_EXPIRY,
    &QUEUE_DEPTH,
    &QUEUE_CAPACITY,
    &REPLICAS,
    &REQUESTS,
    &REQUEST_DURATION,
    &CALLS_REFUSED,
    &CONNECTIONS_REFUSED,
    &CACHE_PUBLISHED,
];
