//! Configuration of the collector.
//!
//! [`Settings`] is what was written, [`Config`] what is valid. [`Config::new`] names every faulty
//! key at once.

mod tls;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use phuxanh_core::{
    Level, LocalityCode, catalogue::Catalogue, delivery::sender, frame::Durability,
    gazetteer::Gazetteer,
};
use phuxanh_daemon::{
    ops::Listen,
    settings::{
        self, CatalogueFile, Faults, GazetteerFile, Host, LinkRateMin, ObservedAheadMax, ReadError,
        RestatedMonthsMax, durability,
    },
    telemetry::LogSettings,
    tls::PemFile,
};
use serde::Deserialize;
pub use tls::{Tls, TlsSettings};

use crate::{
    delivery::Endpoint,
    source::{Facts, Limits, folder},
    spool,
};

/// Settings as written. Every key but `reporter` has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Code of the province that reports, 2 digits; 00 for the central office.
    pub reporter: String,
    /// URLs of aggregators, in the order in which they are tried.
    pub aggregators: Vec<String>,
    /// Directory of the spool.
    pub data_dir: PathBuf,
    pub host: Host,
    pub catalogue_file: CatalogueFile,
    pub gazetteer_file: GazetteerFile,
    pub tls: TlsSettings,
    pub folder: FolderSettings,
    pub delivery: DeliverySettings,
    pub spool: SpoolSettings,
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

/// Section `folder`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FolderSettings {
    /// Folder that is watched for CSV files.
    pub path: PathBuf,
    /// Time for which a file must be quiet before it is read.
    #[serde(with = "humantime_serde")]
    pub settle_time: Duration,
    /// The same for a file whose last line has no line end.
    #[serde(with = "humantime_serde")]
    pub unterminated_wait: Duration,
    /// Time for which a file that was read is watched for changes.
    #[serde(with = "humantime_serde")]
    pub changed_watch: Duration,
    /// Time between two scans.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    pub observed_ahead_max: ObservedAheadMax,
    pub restated_months_max: RestatedMonthsMax,
    pub file_bytes_max: u64,
    pub file_observation_count_max: usize,
    pub line_bytes_max: usize,
    pub chunk_observation_count_max: usize,
    pub waiting_chunk_count_max: usize,
    pub report_entry_count_max: usize,
    pub scan_file_count_max: usize,
}

/// Section `delivery`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliverySettings {
    /// File with the token of this collector, where it has no certificate.
    pub token_file: Option<PathBuf>,
    /// Least durability of acks: `none`, `everysec`, `always` or `replicated`.
    pub least_durability: String,
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub welcome_timeout: Duration,
    /// Longest wait for an ack while batches are unacknowledged, beside the next one's travel time.
    #[serde(with = "humantime_serde")]
    pub ack_timeout: Duration,
    pub link_bytes_per_second_min: LinkRateMin,
    #[serde(with = "humantime_serde")]
    pub backoff_min: Duration,
    #[serde(with = "humantime_serde")]
    pub backoff_max: Duration,
    /// Back-off where an operator must act.
    #[serde(with = "humantime_serde")]
    pub backoff_refused: Duration,
    /// Longest wait for acks when stopping.
    #[serde(with = "humantime_serde")]
    pub stop_timeout: Duration,
    /// Age at which a stream is opened anew.
    #[serde(with = "humantime_serde")]
    pub stream_age_max: Duration,
    /// Least time between two questions which values of this province another host replaced.
    #[serde(with = "humantime_serde")]
    pub superseded_interval: Duration,
}

/// Section `spool`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSettings {
    /// Bytes of the spool's file; what might carry it further is held back.
    pub quota_bytes: u64,
    /// Bytes kept beside the spool and given up when the disk is full; 0 for none.
    pub ballast_bytes: u64,
    /// A drained spool is compacted where its file is this many times longer than what it holds,
    pub compact_ratio: u64,
    /// and as long as this at least.
    pub compact_bytes_min: u64,
    /// Longest time without a watermark in the log while nothing is observed.
    #[serde(with = "humantime_serde")]
    pub watermark_interval: Duration,
    /// Requests that may wait for the spool, and share a commit.
    pub queue_max: usize,
    pub batch_observation_count_max: usize,
    pub batch_payload_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reporter: String::new(),
            aggregators: vec!["http://127.0.0.1:7400".to_owned()],
            data_dir: PathBuf::from("data/collector"),
            host: Host::default(),
            catalogue_file: CatalogueFile::default(),
            gazetteer_file: GazetteerFile::default(),
            tls: TlsSettings::default(),
            folder: FolderSettings::default(),
            delivery: DeliverySettings::default(),
            spool: SpoolSettings::default(),
            ops: OpsSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for FolderSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            path: PathBuf::from("inbox"),
            settle_time: Duration::from_secs(2),
            unterminated_wait: Duration::from_secs(30),
            changed_watch: Duration::from_hours(1),
            poll_interval: Duration::from_secs(1),
            observed_ahead_max: ObservedAheadMax::default(),
            restated_months_max: RestatedMonthsMax::default(),
            file_bytes_max: limits.file_bytes_max,
            file_observation_count_max: limits.file_observations_max,
            line_bytes_max: limits.line_bytes_max,
            chunk_observation_count_max: limits.chunk_observations_max,
            waiting_chunk_count_max: limits.waiting_chunks_max,
            report_entry_count_max: limits.report_entries_max,
            scan_file_count_max: limits.scan_files_max,
        }
    }
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            token_file: None,
            least_durability: "everysec".to_owned(),
            connect_timeout: Duration::from_secs(5),
            welcome_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(30),
            link_bytes_per_second_min: LinkRateMin::default(),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            backoff_refused: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(5),
            stream_age_max: Duration::from_mins(30),
            superseded_interval: Duration::from_mins(10),
        }
    }
}

impl Default for OpsSettings {
    fn default() -> Self {
        Self { listen: Listen::on_loopback(7411) }
    }
}

impl Default for SpoolSettings {
    fn default() -> Self {
        let config = spool::Config::default();
        Self {
            quota_bytes: config.quota_bytes,
            ballast_bytes: config.ballast_bytes,
            compact_ratio: config.compact_ratio,
            compact_bytes_min: config.compact_bytes_min,
            watermark_interval: config.watermark_interval,
            queue_max: config.queue_max,
            batch_observation_count_max: config.batch_observation_count_max,
            batch_payload_bytes_max: config.batch_payload_bytes_max,
        }
    }
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    /// Address of the ops listener; `None` where it is off.
    pub ops: Option<SocketAddr>,
    pub facts: Facts,
    pub folder: folder::Config,
    pub spool: spool::Config,
    pub session: sender::Config,
    pub endpoints: Vec<Endpoint>,
    /// TLS of the endpoints, where one needs it.
    pub tls: Option<Tls>,
}

impl Settings {
    /// Reads the file, if one is named, and the environment over it.
    pub fn read(file: Option<&Path>) -> Result<Self, ReadError> {
        settings::read(file, "aggregators")
    }
}

impl Config {
    /// Checks the settings and reads the files that they name.
    pub fn new(settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let ops = settings.ops.listen.address(&mut faults);
        let catalogue = settings.catalogue_file.read(&mut faults);
        let gazetteer = settings.gazetteer_file.read(&mut faults);
        let reporter = gazetteer.as_ref().and_then(|gazetteer| {
            faults.check("reporter", reporter(&settings.reporter, gazetteer))
        });
        let endpoints = faults.check("aggregators", endpoints(settings));
        let endpoints = endpoints.map(|found| tokens(found, settings, &mut faults));
        let endpoints = endpoints.map(|found| settings.tls.secure(found, &mut faults));
        let durability = faults
            .check("delivery.least_durability", durability(&settings.delivery.least_durability));
        check_limits(&mut faults, settings);
        let (
            Some(catalogue),
            Some(gazetteer),
            Some(reporter),
            Some((endpoints, tls)),
            Some(durability),
        ) = (catalogue, gazetteer, reporter, endpoints, durability)
        else {
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let session = settings.session(reporter, &catalogue, durability, endpoints.len());
        Ok(Self {
            data_dir: settings.data_dir.clone(),
            ops,
            facts: Facts {
                reporter,
                catalogue: Arc::new(catalogue),
                gazetteer: Arc::new(gazetteer),
                ahead_max: settings.folder.observed_ahead_max.0,
                restated_months_max: settings.folder.restated_months_max.0,
            },
            folder: settings.folder(),
            spool: settings.spool(),
            session,
            endpoints,
            tls,
        })
    }
}

impl Settings {
    fn folder(&self) -> folder::Config {
        let folder = &self.folder;
        folder::Config {
            path: folder.path.clone(),
            settle_time: folder.settle_time,
            unterminated_wait: folder.unterminated_wait,
            changed_watch: folder.changed_watch,
            poll_interval: folder.poll_interval,
            limits: Limits {
                chunk_observations_max: folder.chunk_observation_count_max,
                waiting_chunks_max: folder.waiting_chunk_count_max,
                file_bytes_max: folder.file_bytes_max,
                file_observations_max: folder.file_observation_count_max,
                line_bytes_max: folder.line_bytes_max,
                report_entries_max: folder.report_entry_count_max,
                scan_files_max: folder.scan_file_count_max,
            },
        }
    }

    /// The spool's part alone, for tools that need no other.
    pub fn spool_alone(&self) -> Result<spool::Config, Faults> {
        let mut faults = Faults::default();
        check_limits(&mut faults, self);
        faults.0.retain(|fault| fault.key.starts_with("spool."));
        if faults.is_empty() { Ok(self.spool()) } else { Err(faults) }
    }

    const fn spool(&self) -> spool::Config {
        spool::Config {
            quota_bytes: self.spool.quota_bytes,
            ballast_bytes: self.spool.ballast_bytes,
            compact_ratio: self.spool.compact_ratio,
            compact_bytes_min: self.spool.compact_bytes_min,
            watermark_interval: self.spool.watermark_interval,
            batch_observation_count_max: self.spool.batch_observation_count_max,
            batch_payload_bytes_max: self.spool.batch_payload_bytes_max,
            queue_max: self.spool.queue_max,
        }
    }

    fn session(
        &self,
        reporter: LocalityCode,
        catalogue: &Catalogue,
        least_durability: Durability,
        endpoint_count: usize,
    ) -> sender::Config {
        let delivery = &self.delivery;
        sender::Config {
            reporter,
            host: self.host.name(),
            software: concat!("phuxanh-collector ", env!("CARGO_PKG_VERSION")).to_owned(),
            catalogue_digest: catalogue.digest(),
            catalogue_version: catalogue.version,
            least_durability,
            endpoint_count,
            connect_timeout: delivery.connect_timeout,
            welcome_timeout: delivery.welcome_timeout,
            ack_timeout: delivery.ack_timeout,
            link_bytes_per_second_min: delivery.link_bytes_per_second_min.0,
            backoff_min: delivery.backoff_min,
            backoff_max: delivery.backoff_max,
            backoff_refused: delivery.backoff_refused,
            stop_timeout: delivery.stop_timeout,
            stream_age_max: delivery.stream_age_max,
            superseded_interval: delivery.superseded_interval,
        }
    }
}

fn reporter(text: &str, gazetteer: &Gazetteer) -> Result<LocalityCode, String> {
    let expected = "expected the 2-digit code of a province, or 00 for the central office";
    let code: LocalityCode = text.parse().map_err(|_| format!("found \"{text}\", {expected}"))?;
    match gazetteer.locality(code) {
        Some(_) if code.level() != Level::Commune => Ok(code),
        Some(_) => Err(format!("{code} is a commune, {expected}")),
        None => Err(format!("the gazetteer does not hold {code}, {expected}")),
    }
}

/// The endpoints with the token, where there is one.
fn tokens(endpoints: Vec<Endpoint>, settings: &Settings, faults: &mut Faults) -> Vec<Endpoint> {
    let file = settings.delivery.token_file.as_ref();
    let Some(file) = PemFile::optional("delivery.token_file", file) else { return endpoints };
    let with_token = |endpoint: &Endpoint| endpoint.clone().with_token(&file);
    let found: Result<_, _> = endpoints.iter().map(with_token).collect();
    found.map_err(|fault| faults.0.push(fault)).unwrap_or(endpoints)
}

fn endpoints(settings: &Settings) -> Result<Vec<Endpoint>, String> {
    if settings.aggregators.is_empty() {
        return Err("expected one URL at least".to_owned());
    }
    let timeout = settings.delivery.connect_timeout;
    let endpoints = settings.aggregators.iter().map(|url| Endpoint::new(url, timeout));
    endpoints.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn check_limits(faults: &mut Faults, settings: &Settings) {
    let (folder, spool, delivery) = (&settings.folder, &settings.spool, &settings.delivery);
    let over_0 = "expected more than 0";
    let file_values = (1..=100_000_000).contains(&folder.file_observation_count_max);
    faults.require([
        ("folder.poll_interval", !folder.poll_interval.is_zero(), over_0),
        ("folder.file_bytes_max", folder.file_bytes_max > 0, over_0),
        ("folder.file_observation_count_max", file_values, "expected 1 to 100000000"),
        ("folder.line_bytes_max", folder.line_bytes_max > 0, over_0),
        ("folder.chunk_observation_count_max", folder.chunk_observation_count_max > 0, over_0),
        ("folder.waiting_chunk_count_max", folder.waiting_chunk_count_max > 0, over_0),
        ("folder.scan_file_count_max", folder.scan_file_count_max > 0, over_0),
        ("spool.quota_bytes", spool.quota_bytes >= 4 << 20, "expected at least 4194304"),
        (
            "spool.ballast_bytes",
            spool.ballast_bytes == 0 || spool.ballast_bytes >= 64 << 10,
            "expected 0, or at least 65536",
        ),
        ("spool.compact_ratio", spool.compact_ratio >= 2, "expected at least 2"),
        ("spool.watermark_interval", !spool.watermark_interval.is_zero(), over_0),
        ("spool.queue_max", spool.queue_max > 0, over_0),
        (
            "spool.batch_observation_count_max",
            (1..=10_000).contains(&spool.batch_observation_count_max),
            "expected 1 to 10000",
        ),
        (
            "spool.batch_payload_bytes_max",
            (4_096..=262_144).contains(&spool.batch_payload_bytes_max),
            "expected 4096 to 262144",
        ),
        ("delivery.connect_timeout", !delivery.connect_timeout.is_zero(), over_0),
        ("delivery.welcome_timeout", !delivery.welcome_timeout.is_zero(), over_0),
        ("delivery.ack_timeout", !delivery.ack_timeout.is_zero(), over_0),
        delivery.link_bytes_per_second_min.rule("delivery.link_bytes_per_second_min"),
        ("delivery.stream_age_max", !delivery.stream_age_max.is_zero(), over_0),
        ("delivery.superseded_interval", !delivery.superseded_interval.is_zero(), over_0),
        (
            "delivery.backoff_max",
            delivery.backoff_max >= delivery.backoff_min,
            "expected at least delivery.backoff_min",
        ),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(settings: &Settings) -> Vec<&'static str> {
        match Config::new(settings) {
            Ok(_) => Vec::new(),
            Err(Faults(faults)) => faults.iter().map(|fault| fault.key).collect(),
        }
    }

    #[test]
    fn a_reporter_is_all_that_must_be_said() {
        assert!(faults(&Settings { reporter: "04".to_owned(), ..Settings::default() }).is_empty());
    }

    #[test]
    fn every_fault_is_named_with_its_key() {
        let mut settings = Settings {
            reporter: "00004".to_owned(),
            aggregators: vec!["127.0.0.1:7400".to_owned()],
            ..Settings::default()
        };
        settings.delivery.least_durability = "sometimes".to_owned();
        settings.spool.batch_observation_count_max = 0;
        assert_eq!(
            faults(&settings),
            [
                "reporter",
                "aggregators",
                "delivery.least_durability",
                "spool.batch_observation_count_max"
            ]
        );
    }

    #[test]
    fn files_of_tls_are_read_where_a_url_needs_them() {
        let missing = |name: &str| Some(PathBuf::from(format!("/nonexistent/{name}.pem")));
        let mut settings = Settings { reporter: "04".to_owned(), ..Settings::default() };
        settings.tls.authorities_file = missing("authority");
        assert!(faults(&settings).is_empty());
        settings.aggregators.push("https://centre.example:7400".to_owned());
        assert_eq!(faults(&settings), ["tls.authorities_file"]);
        settings.tls.certificate_file = missing("collector");
        assert_eq!(faults(&settings), ["tls.certificate_file"]);
        settings.tls.certificate_file = None;
        settings.tls.key_file = missing("collector-key");
        assert_eq!(faults(&settings), ["tls.key_file"]);
    }
}
