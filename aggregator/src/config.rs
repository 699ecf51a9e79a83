//! Configuration: a file, the environment (`PHUXANH__SECTION__KEY`) and flags, in that order.
//!
//! [`Settings`] is what was written, [`Config`] what is valid. [`Config::new`] names every faulty
//! key at once.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use phuxanh_proto::{
    catalogue::Catalogue,
    gazetteer::Gazetteer,
    model::frame::{Credit, Durability},
};
use serde::Deserialize;

use crate::{mesh, publish, retention::Retention, session::Terms, store::redis};

/// Hard limits that no setting may exceed.
const BATCH_PAYLOAD_BYTES_LIMIT: u32 = 1 << 20;
const BATCH_OBSERVATION_COUNT_LIMIT: u32 = 100_000;
const FLAPPING_COUNT_LIMIT: usize = 1_000;

const DAY: Duration = Duration::from_hours(24);

/// What may be written. Every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port of the gRPC services.
    pub listen: String,
    /// Directory of the embedded store.
    pub data_dir: PathBuf,
    /// Replaces the built-in catalogue.
    pub catalogue_file: Option<PathBuf>,
    /// Replaces the built-in gazetteer.
    pub gazetteer_file: Option<PathBuf>,
    /// Age from which data is shown as stale.
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    pub ingest: IngestSettings,
    pub view: ViewSettings,
    pub store: StoreSettings,
    pub mesh: MeshSettings,
    pub log: LogSettings,
}

/// Section `ingest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestSettings {
    /// Batches on their way unacknowledged, a session.
    pub credit_batch_count_max: u32,
    /// Bytes of them.
    pub credit_payload_bytes_max: u64,
    pub batch_payload_bytes_max: u32,
    pub batch_observation_count_max: u32,
    /// How far an observed time may lie ahead of the receipt.
    #[serde(with = "humantime_serde")]
    pub observed_ahead_max: Duration,
    #[serde(with = "humantime_serde")]
    pub hello_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub heartbeat_interval: Duration,
    /// How long a peer may take to read the last frames.
    #[serde(with = "humantime_serde")]
    pub flush_timeout: Duration,
    /// How long sessions may take to end when the aggregator stops.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
}

/// Section `view`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewSettings {
    /// Least time between two swaps of the view.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
}

/// Section `store`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// `embedded` (a file below `data_dir`, for one aggregator) or `redis` (for any number).
    pub kind: String,
    /// Requests that wait for the writer of the embedded store and are committed together.
    pub queue_max: usize,
    /// Records of a reporter between two checkpoints.
    pub checkpoint_every: u64,
    /// How long records are kept, and with them every moment's answer.
    #[serde(with = "humantime_serde")]
    pub records_kept: Duration,
    /// How long the last checkpoint of every day is kept.
    #[serde(with = "humantime_serde")]
    pub days_kept: Duration,
    pub redis: redis::Settings,
}

/// Section `mesh`: when an operator is alarmed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeshSettings {
    /// An alarm ends when its cause was not seen for this long.
    #[serde(with = "humantime_serde")]
    pub alarm_hold: Duration,
    /// How far a collector's clock may be from the aggregator's.
    #[serde(with = "humantime_serde")]
    pub clock_offset_max: Duration,
    /// So many replacements of a reporter's sessions or logs within the window are flapping.
    pub flapping_count: usize,
    #[serde(with = "humantime_serde")]
    pub flapping_window: Duration,
}

/// Section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `auto` (text on a terminal, JSON otherwise), `text` or `json`.
    pub format: String,
    /// Filter directives, for example `info` or `phuxanh_aggregator=debug`.
    pub filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7400".to_owned(),
            data_dir: PathBuf::from("data/aggregator"),
            catalogue_file: None,
            gazetteer_file: None,
            stale_after: Duration::from_hours(7 * 24),
            ingest: IngestSettings::default(),
            view: ViewSettings::default(),
            store: StoreSettings::default(),
            mesh: MeshSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            credit_batch_count_max: 32,
            credit_payload_bytes_max: 4 << 20,
            batch_payload_bytes_max: 256 << 10,
            batch_observation_count_max: 10_000,
            observed_ahead_max: Duration::from_mins(5),
            hello_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(10),
            flush_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self { interval: Duration::from_millis(200) }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            kind: "embedded".to_owned(),
            queue_max: 256,
            checkpoint_every: 256,
            records_kept: DAY * 92,
            days_kept: DAY * 400,
            redis: redis::Settings::default(),
        }
    }
}

impl Default for MeshSettings {
    fn default() -> Self {
        Self {
            alarm_hold: Duration::from_mins(5),
            clock_offset_max: Duration::from_secs(30),
            flapping_count: 5,
            flapping_window: Duration::from_mins(10),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: "auto".to_owned(), filter: "info".to_owned() }
    }
}

/// Everything wrong with the settings; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Fault {
    /// Key of the setting, for example `ingest.hello_timeout`.
    pub key: &'static str,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub stale_after: Duration,
    pub terms: Arc<Terms>,
    pub flush_timeout: Duration,
    pub drain_timeout: Duration,
    pub publish: publish::Config,
    pub store: Store,
    pub mesh: mesh::Rules,
}

/// Where logs are kept.
#[derive(Debug, Clone)]
pub enum Store {
    Embedded { data_dir: PathBuf, queue_max: usize },
    Redis(redis::Config),
}

impl Settings {
    /// Reads the file, if one is named, and the environment over it.
    pub fn read(file: Option<&std::path::Path>) -> Result<Self, config::ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        builder
            .add_source(
                config::Environment::with_prefix("PHUXANH")
                    .prefix_separator("__")
                    .separator("__")
                    .list_separator(",")
                    .with_list_parse_key("store.redis.urls")
                    .try_parsing(true),
            )
            .build()?
            .try_deserialize()
    }
}

impl Config {
    /// Checks the settings and reads the files that they name.
    pub fn new(settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let listen = check(
            &mut faults,
            "listen",
            settings.listen.parse().map_err(|_| {
                format!(
                    "\"{}\" is not an address, expected for example 127.0.0.1:7400",
                    settings.listen
                )
            }),
        );
        let catalogue = match &settings.catalogue_file {
            None => Some(Catalogue::builtin()),
            Some(path) => read(&mut faults, "catalogue_file", path, Catalogue::parse),
        };
        let gazetteer = match &settings.gazetteer_file {
            None => Some(Gazetteer::builtin()),
            Some(path) => read(&mut faults, "gazetteer_file", path, Gazetteer::parse),
        };
        check_limits(&mut faults, settings);
        let store = store(&mut faults, settings);
        let (Some(listen), Some(catalogue), Some(gazetteer), Some(store), true) =
            (listen, catalogue, gazetteer, store, faults.is_empty())
        else {
            return Err(Faults(faults));
        };
        let ingest = &settings.ingest;
        Ok(Self {
            listen,
            stale_after: settings.stale_after,
            terms: Arc::new(Terms {
                catalogue: Arc::new(catalogue),
                gazetteer: Arc::new(gazetteer),
                durability: match &store {
                    Store::Embedded { .. } => Durability::Always,
                    Store::Redis(redis) => redis.demand.durability,
                },
                credit: Credit {
                    batch_count_max: ingest.credit_batch_count_max,
                    payload_bytes_max: ingest.credit_payload_bytes_max,
                    batch_payload_bytes_max: ingest.batch_payload_bytes_max,
                    batch_observation_count_max: ingest.batch_observation_count_max,
                },
                hello_timeout: ingest.hello_timeout,
                heartbeat_interval: ingest.heartbeat_interval,
                ahead_max: ingest.observed_ahead_max,
            }),
            flush_timeout: ingest.flush_timeout,
            drain_timeout: ingest.drain_timeout,
            publish: publish::Config {
                interval: settings.view.interval,
                retention: Retention {
                    checkpoint_every: settings.store.checkpoint_every,
                    records: settings.store.records_kept,
                    days: settings.store.days_kept,
                },
            },
            store,
            mesh: mesh::Rules {
                hold: settings.mesh.alarm_hold,
                clock_offset_max: settings.mesh.clock_offset_max,
                flapping_count: settings.mesh.flapping_count,
                flapping_window: settings.mesh.flapping_window,
            },
        })
    }
}

fn store(faults: &mut Vec<Fault>, settings: &Settings) -> Option<Store> {
    let chosen = match settings.store.kind.as_str() {
        "embedded" => Ok(Store::Embedded {
            data_dir: settings.data_dir.clone(),
            queue_max: settings.store.queue_max,
        }),
        "redis" => {
            return redis::Config::new(&settings.store.redis, faults).map(Store::Redis);
        }
        other => Err(format!("\"{other}\": expected embedded or redis")),
    };
    check(faults, "store.kind", chosen)
}

/// What was found, or none and one more fault.
pub(crate) fn check<T>(
    faults: &mut Vec<Fault>,
    key: &'static str,
    found: Result<T, String>,
) -> Option<T> {
    found.map_err(|message| faults.push(Fault { key, message })).ok()
}

fn read<T, E: std::fmt::Display>(
    faults: &mut Vec<Fault>,
    key: &'static str,
    path: &std::path::Path,
    parse: impl Fn(&[u8]) -> Result<T, E>,
) -> Option<T> {
    let found = fs::read(path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| parse(&bytes).map_err(|error| error.to_string()));
    check(faults, key, found.map_err(|message| format!("{}: {message}", path.display())))
}

fn check_limits(faults: &mut Vec<Fault>, settings: &Settings) {
    let ingest = &settings.ingest;
    let payload = u64::from(ingest.batch_payload_bytes_max);
    let rules = [
        ("ingest.credit_batch_count_max", ingest.credit_batch_count_max > 0, "expected 1 or more"),
        (
            "ingest.batch_payload_bytes_max",
            (4_096..=BATCH_PAYLOAD_BYTES_LIMIT).contains(&ingest.batch_payload_bytes_max),
            "expected 4,096 to 1,048,576",
        ),
        (
            "ingest.batch_observation_count_max",
            (1..=BATCH_OBSERVATION_COUNT_LIMIT).contains(&ingest.batch_observation_count_max),
            "expected 1 to 100,000",
        ),
        (
            "ingest.credit_payload_bytes_max",
            ingest.credit_payload_bytes_max >= payload,
            "expected at least ingest.batch_payload_bytes_max",
        ),
        ("ingest.hello_timeout", !ingest.hello_timeout.is_zero(), "expected more than 0"),
        ("ingest.heartbeat_interval", !ingest.heartbeat_interval.is_zero(), "expected more than 0"),
        ("store.queue_max", settings.store.queue_max > 0, "expected 1 or more"),
        ("store.checkpoint_every", settings.store.checkpoint_every > 0, "expected 1 or more"),
        (
            "store.days_kept",
            settings.store.days_kept >= settings.store.records_kept,
            "expected at least store.records_kept",
        ),
        ("mesh.alarm_hold", !settings.mesh.alarm_hold.is_zero(), "expected more than 0"),
        (
            "mesh.flapping_count",
            (2..=FLAPPING_COUNT_LIMIT).contains(&settings.mesh.flapping_count),
            "expected 2 to 1,000",
        ),
    ];
    faults.extend(
        rules
            .into_iter()
            .filter(|(_, right, _)| !right)
            .map(|(key, _, message)| Fault { key, message: message.to_owned() }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert!(Config::new(&Settings::default()).is_ok());
    }

    #[test]
    fn every_fault_is_named_with_its_key() {
        let mut settings = Settings {
            listen: "everywhere".to_owned(),
            catalogue_file: Some(PathBuf::from("/nonexistent/catalogue.toml")),
            ..Settings::default()
        };
        settings.ingest.heartbeat_interval = Duration::ZERO;
        settings.store.queue_max = 0;
        settings.mesh.flapping_count = 1;
        let Err(Faults(faults)) = Config::new(&settings) else { panic!("five faults") };
        let keys: Vec<_> = faults.iter().map(|fault| fault.key).collect();
        assert_eq!(
            keys,
            [
                "listen",
                "catalogue_file",
                "ingest.heartbeat_interval",
                "store.queue_max",
                "mesh.flapping_count"
            ]
        );
    }
}
