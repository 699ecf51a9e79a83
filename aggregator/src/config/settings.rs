//! Settings as written, with their defaults.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use phuxanh_core::delivery::quota;
use phuxanh_daemon::{
    audit_log::Rotation,
    ops::Listen,
    settings::{
        self, CatalogueFile, GazetteerFile, Host, LinkRateMin, ObservedAheadMax, ReadError,
        RestatedMonthsMax, Rule,
    },
    telemetry::LogSettings,
};
use serde::Deserialize;

use super::tls::{TlsSettings, Written};
use crate::{access::ShareRules, query::heavy, store::redis};

const DAY: Duration = Duration::from_hours(24);

/// Hard limits that no setting of section `limits` may exceed.
const CONNECTION_COUNT_LIMIT: usize = 65_536;
const STREAM_COUNT_LIMIT: u32 = 1_024;
const REQUEST_RATE_LIMIT: u32 = 1_000_000;
const REQUEST_BYTES_LIMIT: usize = 4 << 20;
/// Least value of `limits.request_bytes_max`: a request with a page token and its filters.
const REQUEST_BYTES_LEAST: usize = 4 << 10;
const HEAVY_COUNT_LIMIT: usize = 4_096;
/// Least value of `limits.descriptors_reserved`: standard streams, runtime, listener and store.
const DESCRIPTORS_LEAST: u64 = 16;

/// Settings as written. Every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port of the gRPC services.
    pub listen: String,
    /// Address and port at which plain text is served beside TLS; empty for none.
    pub plaintext_listen: String,
    /// True to serve plain text on addresses other than loopback.
    pub insecure_plaintext: bool,
    /// Callers and their roles; without it only callers of this machine may ask.
    pub access_file: Option<PathBuf>,
    pub host: Host,
    /// Directory of the embedded store and of the audit log.
    pub data_dir: PathBuf,
    pub catalogue_file: CatalogueFile,
    pub gazetteer_file: GazetteerFile,
    /// Age from which data is shown as stale.
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    pub tls: TlsSettings,
    pub ingest: IngestSettings,
    pub limits: LimitSettings,
    pub view: ViewSettings,
    pub store: StoreSettings,
    pub cache: CacheSettings,
    pub mesh: MeshSettings,
    pub audit_log: Rotation,
    pub ops: OpsSettings,
    pub log: LogSettings,
}

/// Section `ops`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpsSettings {
    /// Address and port of the listener for probes and metrics, or `off`.
    pub listen: Listen,
}

/// Section `ingest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestSettings {
    /// Batches of a session that may be in flight without an acknowledgement.
    pub credit_batch_count_max: u32,
    /// Payload bytes of these batches.
    pub credit_payload_bytes_max: u64,
    pub batch_payload_bytes_max: u32,
    pub batch_observation_count_max: u32,
    pub observed_ahead_max: ObservedAheadMax,
    pub restated_months_max: RestatedMonthsMax,
    #[serde(with = "humantime_serde")]
    pub hello_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub heartbeat_interval: Duration,
    pub link_bytes_per_second_min: LinkRateMin,
    /// Longest time that a peer may take to read the last frames.
    #[serde(with = "humantime_serde")]
    pub flush_timeout: Duration,
    /// Longest time that sessions may take to end when the aggregator stops.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
}

/// Section `limits`: bounds of the gRPC server, for connections and requests of anybody.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Connections that may be open. The number is lowered at the start where the process may not
    /// open so many descriptors.
    pub connection_count_max: usize,
    /// Connections that may be open from one IP address, or one /64 network of IPv6, and from one
    /// identity of a certificate.
    pub connections_per_address_max: usize,
    /// Descriptors that no connection takes: those of the store, its files and the listener.
    pub descriptors_reserved: u64,
    /// Time within which a connection must send the 24 bytes that begin HTTP/2.
    #[serde(with = "humantime_serde")]
    pub preface_timeout: Duration,
    /// Time within which a request must be complete and its answer begin.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Requests of a connection that may be open at once, until their answers are read.
    pub streams_per_connection_max: u32,
    /// Requests that may come over a connection in a second, and from one identity or token.
    pub requests_per_second_max: u32,
    /// Answers of a connection that may wait to be read. Further ones are not computed until then.
    pub unread_answers_per_connection_max: usize,
    /// Bytes of a request; `ingest.batch_payload_bytes_max` bounds those of collectors.
    pub request_bytes_max: usize,
    /// Heavy questions that are computed at once; 0 for half of the processors.
    pub heavy_running_max: usize,
    /// Heavy questions that wait beside them; more are refused.
    pub heavy_waiting_max: usize,
    /// Heavy questions of one identity or token that wait or are computed.
    pub heavy_per_caller_max: usize,
    /// Bytes of the log that one answer about the history of a cell reads, 4 KiB for each record
    /// beside its payload.
    pub history_bytes_max: usize,
    /// Records that the collectors of a reporter may add in a day, and their bytes. Beyond it they are
    /// held, and keep what they have.
    pub records_per_day: u64,
    pub record_bytes_per_day: u64,
}

/// Section `view`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewSettings {
    /// Least time between two swaps of the view.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// Views that are kept for clients that fetch page after page.
    pub kept_count_max: usize,
    /// Time for which such a view is kept after its last page.
    #[serde(with = "humantime_serde")]
    pub kept_for: Duration,
}

/// Section `store`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// `embedded` (a file below `data_dir`, for one aggregator) or `redis` (for any number).
    pub kind: String,
    /// Requests that may wait for the writer of the embedded store; it commits them together.
    pub queue_max: usize,
    /// Bytes of the file that is kept beside the embedded store and given up when the disk is full;
    /// 0 for none.
    pub ballast_bytes: u64,
    /// Records of a reporter between two checkpoints.
    pub checkpoint_every: u64,
    /// Time for which records are kept. Within it, the state of any moment can be restored.
    #[serde(with = "humantime_serde")]
    pub records_kept: Duration,
    /// Time for which the last checkpoint of every day is kept.
    #[serde(with = "humantime_serde")]
    pub days_kept: Duration,
    pub redis: redis::Settings,
}

/// Section `cache`: the keys in Redis that are derived from the logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    /// Least time between two checks for missing or outdated cache entries.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// Time after which an entry that nobody renews is gone.
    #[serde(with = "humantime_serde")]
    pub time_to_live: Duration,
    /// Number of months whose rankings are published, counted back from the latest.
    pub period_count: usize,
}

/// Section `mesh`: thresholds of the alarms for operators.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeshSettings {
    /// Silence of a reporter after which it is an alarm, also of one that was never heard of.
    #[serde(with = "humantime_serde")]
    pub silent_after: Duration,
    /// Time without its cause after which an alarm ends.
    #[serde(with = "humantime_serde")]
    pub alarm_hold: Duration,
    /// Largest tolerated difference between a collector's clock and the aggregator's, and largest
    /// step of the aggregator's clock. After a larger step no batch is taken.
    #[serde(with = "humantime_serde")]
    pub clock_offset_max: Duration,
    /// Largest gap between the newest receipt and the start of an aggregator. After a larger gap it
    /// takes batches only once a collector's clock confirms its own.
    #[serde(with = "humantime_serde")]
    pub clock_gap_max: Duration,
    /// Number of replaced sessions or logs of a reporter within the window that counts as flapping.
    pub flapping_count: usize,
    #[serde(with = "humantime_serde")]
    pub flapping_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7400".to_owned(),
            plaintext_listen: String::new(),
            insecure_plaintext: false,
            access_file: None,
            host: Host::default(),
            data_dir: PathBuf::from("data/aggregator"),
            catalogue_file: CatalogueFile::default(),
            gazetteer_file: GazetteerFile::default(),
            stale_after: Duration::from_hours(7 * 24),
            tls: TlsSettings::default(),
            ingest: IngestSettings::default(),
            limits: LimitSettings::default(),
            view: ViewSettings::default(),
            store: StoreSettings::default(),
            cache: CacheSettings::default(),
            mesh: MeshSettings::default(),
            audit_log: Rotation::default(),
            ops: OpsSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for OpsSettings {
    fn default() -> Self {
        Self { listen: Listen::on_loopback(7410) }
    }
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            credit_batch_count_max: 32,
            credit_payload_bytes_max: 4 << 20,
            batch_payload_bytes_max: 256 << 10,
            batch_observation_count_max: 10_000,
            observed_ahead_max: ObservedAheadMax::default(),
            restated_months_max: RestatedMonthsMax::default(),
            hello_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(10),
            link_bytes_per_second_min: LinkRateMin::default(),
            flush_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connection_count_max: 512,
            connections_per_address_max: 128,
            descriptors_reserved: 64,
            preface_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            streams_per_connection_max: 64,
            requests_per_second_max: 1_000,
            unread_answers_per_connection_max: 8,
            request_bytes_max: 16 << 10,
            heavy_running_max: 0,
            heavy_waiting_max: 64,
            heavy_per_caller_max: 16,
            history_bytes_max: 256 << 20,
            records_per_day: 200_000,
            record_bytes_per_day: 1 << 30,
        }
    }
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(200),
            kept_count_max: 8,
            kept_for: Duration::from_mins(1),
        }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            kind: "embedded".to_owned(),
            queue_max: 256,
            ballast_bytes: 8 << 20,
            checkpoint_every: 256,
            records_kept: DAY * 92,
            days_kept: DAY * 400,
            redis: redis::Settings::default(),
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            time_to_live: Duration::from_mins(10),
            period_count: 3,
        }
    }
}

impl Default for MeshSettings {
    fn default() -> Self {
        Self {
            silent_after: Duration::from_hours(1),
            alarm_hold: Duration::from_mins(5),
            clock_offset_max: Duration::from_secs(30),
            clock_gap_max: Duration::from_mins(10),
            flapping_count: 5,
            flapping_window: Duration::from_mins(10),
        }
    }
}

impl Settings {
    /// Reads the file, if one is named, and lets the environment override it.
    pub fn read(file: Option<&Path>) -> Result<Self, ReadError> {
        settings::read(file, "store.redis.urls")
    }
}

impl Settings {
    /// Settings of listeners.
    pub(super) fn listeners(&self) -> Written<'_> {
        Written {
            listen: &self.listen,
            plaintext_listen: &self.plaintext_listen,
            insecure_plaintext: self.insecure_plaintext,
            tls: &self.tls,
        }
    }
}

impl LimitSettings {
    /// The rules that the section must meet.
    pub(super) fn rules(&self) -> [Rule; 14] {
        [
            (
                "limits.connection_count_max",
                (1..=CONNECTION_COUNT_LIMIT).contains(&self.connection_count_max),
                "expected 1 to 65,536",
            ),
            (
                "limits.connections_per_address_max",
                (1..=self.connection_count_max).contains(&self.connections_per_address_max),
                "expected 1 to limits.connection_count_max",
            ),
            (
                "limits.descriptors_reserved",
                self.descriptors_reserved >= DESCRIPTORS_LEAST,
                "expected 16 or more",
            ),
            ("limits.preface_timeout", !self.preface_timeout.is_zero(), "expected more than 0"),
            ("limits.request_timeout", !self.request_timeout.is_zero(), "expected more than 0"),
            (
                "limits.streams_per_connection_max",
                (1..=STREAM_COUNT_LIMIT).contains(&self.streams_per_connection_max),
                "expected 1 to 1,024",
            ),
            (
                "limits.requests_per_second_max",
                (1..=REQUEST_RATE_LIMIT).contains(&self.requests_per_second_max),
                "expected 1 to 1,000,000",
            ),
            (
                "limits.unread_answers_per_connection_max",
                (1..=STREAM_COUNT_LIMIT as usize).contains(&self.unread_answers_per_connection_max),
                "expected 1 to 1,024",
            ),
            (
                "limits.request_bytes_max",
                (REQUEST_BYTES_LEAST..=REQUEST_BYTES_LIMIT).contains(&self.request_bytes_max),
                "expected 4,096 to 4,194,304",
            ),
            (
                "limits.heavy_running_max",
                self.heavy_running_max <= HEAVY_COUNT_LIMIT
                    && self.heavy_waiting_max <= HEAVY_COUNT_LIMIT,
                "expected at most 4,096, and so for limits.heavy_waiting_max",
            ),
            ("limits.heavy_per_caller_max", self.heavy_per_caller_max > 0, "expected 1 or more"),
            ("limits.history_bytes_max", self.history_bytes_max > 0, "expected 1 or more"),
            ("limits.records_per_day", self.records_per_day > 0, "expected 1 or more"),
            ("limits.record_bytes_per_day", self.record_bytes_per_day > 0, "expected 1 or more"),
        ]
    }

    /// Quotas of each reporter.
    #[must_use]
    pub const fn quotas(&self) -> quota::Rules {
        quota::Rules {
            records_per_day: self.records_per_day,
            bytes_per_day: self.record_bytes_per_day,
        }
    }

    /// Share of one caller.
    #[must_use]
    pub const fn share(&self) -> ShareRules {
        ShareRules {
            requests_per_second: self.requests_per_second_max,
            connection_count: self.connections_per_address_max,
            heavy_count: self.heavy_per_caller_max,
        }
    }

    /// Numbers of heavy questions, with that of the processors.
    pub fn heavy(&self) -> heavy::Rules {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let running_max = match self.heavy_running_max {
            0 => (processors / 2).max(1),
            count => count,
        };
        heavy::Rules { running_max, waiting_max: self.heavy_waiting_max }
    }
}
