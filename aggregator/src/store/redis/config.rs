//! Configuration of Redis: section `store.redis`.

use std::{convert::Infallible, fmt, path::PathBuf, time::Duration};

use phuxanh_daemon::{
    modes,
    settings::{Faults, durability},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::inspect::Demand;

/// Section `store.redis`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `single`, `sentinel` or `cluster`.
    pub topology: String,
    /// The server; or the sentinels, or nodes of the cluster, in the order in which they are tried.
    pub urls: Vec<String>,
    /// Name of the master that the sentinels watch.
    pub sentinel_master: String,
    /// Prefix of every key.
    pub key_prefix: String,
    /// ACL user; none for the default user.
    pub username: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Certificate authority in PEM for `rediss://`; none for the system's.
    pub ca_file: Option<PathBuf>,
    /// Least durability that the server must offer: `none`, `everysec`, `always` or `replicated`.
    pub durability: String,
    /// Replicas that must hold a write, for `replicated`.
    pub replica_count_min: u32,
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub response_timeout: Duration,
    /// Time between two polls of the logs.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    /// Time between two checks of the servers.
    #[serde(with = "humantime_serde")]
    pub look_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topology: "single".to_owned(),
            urls: vec!["redis://127.0.0.1:6379".to_owned()],
            sentinel_master: "mymaster".to_owned(),
            key_prefix: "phuxanh".to_owned(),
            username: None,
            password_file: None,
            ca_file: None,
            durability: "always".to_owned(),
            replica_count_min: 1,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(100),
            look_interval: Duration::from_secs(1),
        }
    }
}

/// Topology of the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    Single,
    Sentinel { master: String },
    Cluster,
}

/// Password that `Debug` hides, so that no log shows it.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub topology: Topology,
    pub urls: Vec<String>,
    pub key_prefix: String,
    pub username: Option<String>,
    pub password: Option<Password>,
    /// Certificate authority in PEM.
    pub root_certificate: Option<Vec<u8>>,
    pub demand: Demand,
    pub connect_timeout: Duration,
    pub response_timeout: Duration,
    pub poll_interval: Duration,
    pub look_interval: Duration,
}

impl Config {
    /// Checks the settings and reads the files that they name; adds what is wrong to `faults`.
    pub(crate) fn new(settings: &Settings, faults: &mut Faults) -> Option<Self> {
        let topology = match settings.topology.as_str() {
            "single" => Ok(Topology::Single),
            "sentinel" => Ok(Topology::Sentinel { master: settings.sentinel_master.clone() }),
            "cluster" => Ok(Topology::Cluster),
            other => Err(format!("\"{other}\": expected single, sentinel or cluster")),
        };
        let topology = faults.check("store.redis.topology", topology);
        let durability = faults.check("store.redis.durability", durability(&settings.durability));
        faults.check("store.redis.urls", urls(&settings.urls));
        let mut file = |key, path: Option<&PathBuf>| faults.read(key, path?, Ok::<_, Infallible>);
        let password = file("store.redis.password_file", settings.password_file.as_ref());
        let root = file("store.redis.ca_file", settings.ca_file.as_ref());
        if let Some(path) = settings.password_file.as_ref().filter(|_| password.is_some()) {
            faults.check(
                "store.redis.password_file",
                modes::check_secret(path).map_err(|error| error.to_string()),
            );
        }
        limits(settings, faults);
        let password = password.map(|bytes| {
            let text =
                String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned();
            Password(text.into())
        });
        Some(Self {
            topology: topology?,
            urls: settings.urls.clone(),
            key_prefix: settings.key_prefix.clone(),
            username: settings.username.clone(),
            password,
            root_certificate: root,
            demand: Demand {
                durability: durability?,
                replica_count_min: settings.replica_count_min,
            },
            connect_timeout: settings.connect_timeout,
            response_timeout: settings.response_timeout,
            poll_interval: settings.poll_interval,
            look_interval: settings.look_interval,
        })
    }
}

fn urls(urls: &[String]) -> Result<(), String> {
    if urls.is_empty() {
        return Err("expected at least one address, for example redis://127.0.0.1:6379".to_owned());
    }
    // Do not repeat the address: it may contain a password. A password is refused because addresses
    // are shown elsewhere.
    let is_wrong =
        |url: &String| redis::parse_redis_url(url).is_none_or(|parsed| parsed.password().is_some());
    match urls.iter().position(is_wrong) {
        None => Ok(()),
        Some(at) => Err(format!(
            "address {}: expected redis://HOST:PORT or rediss://HOST:PORT, without a password",
            at + 1
        )),
    }
}

fn limits(settings: &Settings, faults: &mut Faults) {
    let braces = ['{', '}'];
    faults.require([
        (
            "store.redis.key_prefix",
            !settings.key_prefix.is_empty() && !settings.key_prefix.contains(braces),
            "expected a word without braces: with braces, a cluster keeps all keys in one slot",
        ),
        (
            "store.redis.replica_count_min",
            settings.durability != "replicated" || settings.replica_count_min > 0,
            "expected 1 or more",
        ),
        (
            "store.redis.connect_timeout",
            !settings.connect_timeout.is_zero(),
            "expected more than 0",
        ),
        (
            "store.redis.response_timeout",
            !settings.response_timeout.is_zero(),
            "expected more than 0",
        ),
        ("store.redis.poll_interval", !settings.poll_interval.is_zero(), "expected more than 0"),
        (
            "store.redis.look_interval",
            settings.look_interval >= Duration::from_secs(1),
            "expected 1s or more: writes count as synced only after several checks that far apart",
        ),
    ]);
}
