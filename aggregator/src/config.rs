//! Configuration of the aggregator.
//!
//! [`Settings`] holds the values as written, [`Config`] the validated ones. [`Config::new`]
//! reports every faulty key at once.

mod settings;
mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use phuxanh_core::{
    catalogue::Catalogue,
    delivery::{alarm, receiver::Terms, retention::Retention, sender::bounds, timekeeping},
    frame::{Credit, Durability},
    gazetteer::Gazetteer,
};
use phuxanh_daemon::settings::Faults;
use phuxanh_proto::convert::decode_batch;
pub use settings::{
    CacheSettings, IngestSettings, LimitSettings, MeshSettings, OpsSettings, Settings,
    StoreSettings, ViewSettings,
};
pub use tls::{Listeners, Tls, TlsSettings};

use crate::{
    access, audit_log, publish,
    query::recent_views,
    store::{
        embedded,
        redis::{self, cache},
    },
};

/// Hard limits that no setting may exceed.
const BATCH_PAYLOAD_BYTES_LIMIT: u32 = 1 << 20;
const BATCH_OBSERVATION_COUNT_LIMIT: u32 = 100_000;
const FLAPPING_COUNT_LIMIT: usize = 1_000;
const KEPT_COUNT_LIMIT: usize = 64;
/// Least value of `view.kept_for`: a client may take this long between two pages.
const KEPT_FOR_MIN: Duration = Duration::from_mins(1);

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub listeners: Listeners,
    /// Address of the ops listener; `None` where it is off.
    pub ops: Option<SocketAddr>,
    /// Access file, if there is one.
    pub access: Option<access::Source>,
    pub insecure_plaintext: bool,
    pub host: String,
    pub stale_after: Duration,
    pub terms: Arc<Terms>,
    pub flush_timeout: Duration,
    pub drain_timeout: Duration,
    pub limits: LimitSettings,
    pub publish: publish::Config,
    pub store: Store,
    pub cache: cache::Config,
    pub recent_views: recent_views::Rules,
    pub timekeeping: timekeeping::Rules,
    pub mesh: alarm::Rules,
    pub audit_log: audit_log::Config,
}

/// Store that keeps the logs.
#[derive(Debug, Clone)]
pub enum Store {
    Embedded(embedded::Config),
    Redis(redis::Config),
}

impl Config {
    /// Checks the settings and reads the files that they name.
    pub fn new(settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let listeners = Listeners::new(settings.listeners(), &mut faults);
        let ops = settings.ops.listen.address(&mut faults);
        let catalogue = settings.catalogue_file.read(&mut faults);
        let gazetteer = settings.gazetteer_file.read(&mut faults).map(Arc::new);
        let access = gazetteer.as_ref().and_then(|gazetteer| {
            let source = access::Source::read(settings.access_file.clone()?, Arc::clone(gazetteer));
            source.map_err(|fault| faults.0.push(fault)).ok()
        });
        check_limits(&mut faults, settings);
        faults.require(settings.limits.rules());
        faults.require(settings.audit_log.rules());
        let store = store(&mut faults, settings);
        let (Some(listeners), Some(catalogue), Some(gazetteer), Some(store), true) =
            (listeners, catalogue, gazetteer, store, faults.is_empty())
        else {
            return Err(faults);
        };
        let ingest = &settings.ingest;
        Ok(Self {
            listeners,
            ops,
            access,
            insecure_plaintext: settings.insecure_plaintext,
            host: settings.host.name(),
            stale_after: settings.stale_after,
            terms: Arc::new(terms(ingest, catalogue, gazetteer, &store)),
            flush_timeout: ingest.flush_timeout,
            drain_timeout: ingest.drain_timeout,
            limits: settings.limits,
            publish: publish::Config {
                interval: settings.view.interval,
                retention: Retention {
                    checkpoint_every: settings.store.checkpoint_every,
                    records: settings.store.records_kept,
                    days: settings.store.days_kept,
                },
            },
            store,
            cache: cache::Config {
                interval: settings.cache.interval,
                time_to_live: settings.cache.time_to_live,
                period_count: settings.cache.period_count,
            },
            recent_views: recent_views::Rules {
                count_max: settings.view.kept_count_max,
                span: settings.view.kept_for,
            },
            timekeeping: timekeeping::Rules {
                offset_max: settings.mesh.clock_offset_max,
                gap_max: settings.mesh.clock_gap_max,
            },
            audit_log: audit_log::Config {
                directory: settings.data_dir.clone(),
                rotation: settings.audit_log,
            },
            mesh: alarm::Rules {
                hold: settings.mesh.alarm_hold,
                clock_offset_max: settings.mesh.clock_offset_max,
                flapping_count: settings.mesh.flapping_count,
                flapping_window: settings.mesh.flapping_window,
                silent_after: settings.mesh.silent_after,
            },
        })
    }
}

fn terms(
    ingest: &IngestSettings,
    catalogue: Catalogue,
    gazetteer: Arc<Gazetteer>,
    store: &Store,
) -> Terms {
    Terms {
        catalogue: Arc::new(catalogue),
        gazetteer,
        durability: match store {
            Store::Embedded(_) => Durability::Always,
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
        link_bytes_per_second_min: ingest.link_bytes_per_second_min.0,
        ahead_max: ingest.observed_ahead_max.0,
        restated_months_max: ingest.restated_months_max.0,
        decode: decode_batch,
    }
}

fn store(faults: &mut Faults, settings: &Settings) -> Option<Store> {
    let chosen = match settings.store.kind.as_str() {
        "embedded" => Ok(Store::Embedded(embedded::Config {
            directory: settings.data_dir.clone(),
            queue_max: settings.store.queue_max,
            ballast_bytes: settings.store.ballast_bytes,
        })),
        "redis" => {
            return redis::Config::new(&settings.store.redis, faults).map(Store::Redis);
        }
        other => Err(format!("\"{other}\": expected embedded or redis")),
    };
    faults.check("store.kind", chosen)
}

fn check_limits(faults: &mut Faults, settings: &Settings) {
    let ingest = &settings.ingest;
    let payload = u64::from(ingest.batch_payload_bytes_max);
    faults.require([
        (
            "ingest.credit_batch_count_max",
            bounds::CREDIT_BATCH_COUNT.contains(&ingest.credit_batch_count_max),
            "expected 1 to 2,048",
        ),
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
            (payload..=bounds::CREDIT_PAYLOAD_BYTES_MAX).contains(&ingest.credit_payload_bytes_max),
            "expected ingest.batch_payload_bytes_max to 268,435,456",
        ),
        ("ingest.hello_timeout", !ingest.hello_timeout.is_zero(), "expected more than 0"),
        (
            "ingest.heartbeat_interval",
            bounds::HEARTBEAT_INTERVAL.contains(&ingest.heartbeat_interval),
            "expected 10ms to 1h, as collectors do",
        ),
        ingest.link_bytes_per_second_min.rule("ingest.link_bytes_per_second_min"),
        (
            "view.kept_count_max",
            (1..=KEPT_COUNT_LIMIT).contains(&settings.view.kept_count_max),
            "expected 1 to 64",
        ),
        ("view.kept_for", settings.view.kept_for >= KEPT_FOR_MIN, "expected 1m or more"),
        ("store.queue_max", settings.store.queue_max > 0, "expected 1 or more"),
        (
            "store.ballast_bytes",
            settings.store.ballast_bytes == 0 || settings.store.ballast_bytes >= 64 << 10,
            "expected 0, or at least 65536",
        ),
        ("store.checkpoint_every", settings.store.checkpoint_every > 0, "expected 1 or more"),
        (
            "store.days_kept",
            settings.store.days_kept >= settings.store.records_kept,
            "expected at least store.records_kept",
        ),
        ("cache.interval", !settings.cache.interval.is_zero(), "expected more than 0"),
        (
            "cache.time_to_live",
            settings.cache.time_to_live >= 10 * settings.cache.interval,
            "expected at least ten times cache.interval",
        ),
    ]);
    check_mesh(faults, &settings.mesh, ingest.heartbeat_interval);
}

fn check_mesh(faults: &mut Faults, mesh: &MeshSettings, heartbeat_interval: Duration) {
    faults.require([
        (
            "mesh.clock_offset_max",
            mesh.clock_offset_max >= heartbeat_interval,
            "expected at least ingest.heartbeat_interval, or no heartbeat tells of the clock",
        ),
        (
            "mesh.silent_after",
            mesh.silent_after > 3 * heartbeat_interval,
            "expected more than three times ingest.heartbeat_interval, the silence that ends a stream",
        ),
        ("mesh.alarm_hold", !mesh.alarm_hold.is_zero(), "expected more than 0"),
        (
            "mesh.flapping_count",
            (2..=FLAPPING_COUNT_LIMIT).contains(&mesh.flapping_count),
            "expected 2 to 1,000",
        ),
    ]);
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use phuxanh_daemon::settings::CatalogueFile;

    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert!(Config::new(&Settings::default()).is_ok());
    }

    #[test]
    fn a_silence_that_ends_no_stream_is_no_silence_of_a_reporter() {
        let mut settings = Settings::default();
        settings.mesh.silent_after = 3 * settings.ingest.heartbeat_interval;
        let Err(Faults(faults)) = Config::new(&settings) else { panic!("a fault") };
        assert_eq!(faults.iter().map(|fault| fault.key).collect::<Vec<_>>(), ["mesh.silent_after"]);
    }

    #[test]
    fn what_collectors_would_refuse_in_a_welcome_is_a_fault_of_the_settings() {
        let mut settings = Settings::default();
        settings.ingest.heartbeat_interval = Duration::from_secs(3_601);
        settings.ingest.credit_batch_count_max = 2_049;
        settings.ingest.credit_payload_bytes_max = (256 << 20) + 1;
        settings.mesh.clock_offset_max = Duration::from_hours(2);
        settings.mesh.silent_after = Duration::from_hours(4);
        let Err(Faults(faults)) = Config::new(&settings) else { panic!("three faults") };
        let keys: Vec<_> = faults.iter().map(|fault| fault.key).collect();
        assert_eq!(
            keys,
            [
                "ingest.credit_batch_count_max",
                "ingest.credit_payload_bytes_max",
                "ingest.heartbeat_interval"
            ]
        );
        // The others are within their bounds here and there.
        assert!(bounds::BATCH_PAYLOAD_BYTES.contains(&BATCH_PAYLOAD_BYTES_LIMIT));
        assert!(bounds::BATCH_OBSERVATION_COUNT.contains(&BATCH_OBSERVATION_COUNT_LIMIT));
    }

    #[test]
    fn every_fault_is_named_with_its_key() {
        let mut settings = Settings {
            listen: "everywhere".to_owned(),
            catalogue_file: CatalogueFile(Some(PathBuf::from("/nonexistent/catalogue.toml"))),
            ..Settings::default()
        };
        settings.ingest.heartbeat_interval = Duration::ZERO;
        settings.view.kept_for = Duration::from_secs(59);
        settings.store.queue_max = 0;
        settings.mesh.flapping_count = 1;
        settings.limits.connections_per_address_max = settings.limits.connection_count_max + 1;
        settings.limits.request_bytes_max = 4_095;
        let Err(Faults(faults)) = Config::new(&settings) else { panic!("eight faults") };
        let keys: Vec<_> = faults.iter().map(|fault| fault.key).collect();
        assert_eq!(
            keys,
            [
                "listen",
                "catalogue_file",
                "ingest.heartbeat_interval",
                "view.kept_for",
                "store.queue_max",
                "mesh.flapping_count",
                "limits.connections_per_address_max",
                "limits.request_bytes_max"
            ]
        );
    }
}
