//! State of a Redis server, and the decision whether it can be trusted as the store.
//!
//! Parses texts and decides; sends no commands.

use std::collections::BTreeMap;

use phuxanh_core::frame::Durability;

/// Demands on the servers.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// Least durability.
    pub durability: Durability,
    /// Replicas that must hold a write before it is durable, for [`Durability::Replicated`].
    pub replica_count_min: u32,
}

/// Reason why a server cannot be the store; its configuration or the aggregator's must change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "store.redis.durability = \"{demanded}\": the server keeps writes at \"{found}\" only; set \
         appendonly yes and appendfsync {needed} there, or lower the demand"
    )]
    Durability { demanded: &'static str, found: &'static str, needed: &'static str },
    #[error("store.redis.replica_count_min = {demanded}: the server has {found} replicas online")]
    Replicas { demanded: u32, found: u32 },
    #[error(
        "the server may evict any key when memory is short (maxmemory-policy {0}); set noeviction, \
         or a volatile- policy, which evicts only the cache"
    )]
    Eviction(String),
    #[error(
        "cannot read the server's appendfsync: allow this user CONFIG GET, or, if the server has \
         no CONFIG (managed services), set store.redis.durability = \"none\""
    )]
    ConfigDenied,
    #[error(
        "the keys were written by format {found} ({key}), and this program reads format {reads}: use \
         the version of the aggregator that wrote them, or another store.redis.key_prefix; nothing was \
         changed"
    )]
    Format { key: String, found: String, reads: u32 },
    #[error(
        "the server is a {0} and refuses writes (READONLY), expected a master: make it one, or name \
         the master in store.redis.urls"
    )]
    Role(String),
    #[error("store.redis.username, store.redis.password_file: {0}")]
    Login(String),
}

/// State of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    info: BTreeMap<String, String>,
    /// `appendfsync`, if the user may read it.
    fsync: Option<String>,
}

impl Server {
    /// Parses the answer to INFO; takes `appendfsync` as it is.
    #[must_use]
    pub fn new(info: &str, fsync: Option<String>) -> Self {
        let pairs = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        let info = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { info, fsync }
    }

    /// Id of the server's current run.
    #[must_use]
    pub fn run_id(&self) -> &str {
        self.value("run_id")
    }

    /// Durability of a write when the server answers it, or soon after.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match (self.value("aof_enabled"), self.fsync.as_deref()) {
            ("1", Some("always")) => Durability::Always,
            ("1", Some("everysec")) => Durability::Everysec,
            _ => Durability::None,
        }
    }

    /// True if the server shows no failed or pending sync.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        self.durability() >= Durability::Everysec
            && self.value("aof_last_write_status") == "ok"
            && self.value("aof_pending_bio_fsync") == "0"
    }

    /// Checks that the server can be the store and meets the demands.
    pub fn check(&self, demand: Demand) -> Result<(), Refusal> {
        let (role, policy) = (self.value("role"), self.value("maxmemory_policy"));
        if role != "master" {
            return Err(Refusal::Role(role.to_owned()));
        }
        if self.value("maxmemory") != "0" && policy.starts_with("allkeys-") {
            return Err(Refusal::Eviction(policy.to_owned()));
        }
        if demand.durability > Durability::None && self.fsync.is_none() {
            return Err(Refusal::ConfigDenied);
        }
        let of_one_server = demand.durability.min(Durability::Always);
        if self.durability() < of_one_server {
            return Err(Refusal::Durability {
                demanded: word(demand.durability),
                found: word(self.durability()),
                needed: word(of_one_server),
            });
        }
        let found = self.copies();
        if demand.durability == Durability::Replicated && found < demand.replica_count_min {
            return Err(Refusal::Replicas { demanded: demand.replica_count_min, found });
        }
        Ok(())
    }

    /// Number of replicas that have caught up; `connected_slaves` also counts loading ones.
    fn copies(&self) -> u32 {
        let is_online = |(key, value): &(&String, &String)| {
            key.starts_with("slave") && value.split(',').any(|word| word == "state=online")
        };
        u32::try_from(self.info.iter().filter(is_online).count()).unwrap_or(u32::MAX)
    }

    fn value(&self, key: &str) -> &str {
        self.info.get(key).map_or("", String::as_str)
    }
}

/// True if a server's error means that it does not have the command.
#[must_use]
pub fn is_unknown_command(error: &str) -> bool {
    error.to_lowercase().contains("unknown command")
}

/// Remedy for a server that answers writes with this error code; `None` if the code concerns only
/// the one write.
#[must_use]
pub fn remedy(code: &str) -> Option<&'static str> {
    match code {
        "OOM" => Some("raise maxmemory on the server, or free memory there"),
        "NOREPLICAS" => Some("bring replicas back online, or lower min-replicas-to-write"),
        "MISCONF" => Some("make room on the server's disk, and check its log"),
        "READONLY" => Some("make the server a master, or name the master in store.redis.urls"),
        "NOPERM" => Some("allow the user of store.redis.username this command and these keys"),
        "CLUSTERDOWN" => Some("bring back the cluster's masters (see CLUSTER INFO)"),
        _ => None,
    }
}

/// Durability as spelt in the configuration.
#[must_use]
pub const fn word(durability: Durability) -> &'static str {
    match durability {
        Durability::None => "none",
        Durability::Everysec => "everysec",
        Durability::Always => "always",
        Durability::Replicated => "replicated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Server\r\nrun_id:abc\r\n# Persistence\r\naof_enabled:1\r\n\
                        aof_last_write_status:ok\r\naof_pending_bio_fsync:0\r\n# Memory\r\n\
                        maxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Replication\r\n\
                        role:master\r\nconnected_slaves:2\r\n\
                        slave0:ip=127.0.0.1,port=1,state=online,offset=1,lag=0\r\n\
                        slave1:ip=127.0.0.1,port=2,state=wait_bgsave,offset=0,lag=0\r\n";

    fn check(
        change: (&str, &str),
        fsync: Option<&str>,
        durability: Durability,
    ) -> Result<(), Refusal> {
        let server = Server::new(&INFO.replace(change.0, change.1), fsync.map(str::to_owned));
        server.check(Demand { durability, replica_count_min: 2 })
    }

    #[test]
    fn a_level_that_is_not_there_is_refused_and_one_that_is_more_is_taken() {
        use Durability::{Always, Everysec, None};
        let same = ("", "");
        let is_taken = |fsync, durability| check(same, Some(fsync), durability).is_ok();
        assert_eq!([None, Everysec, Always].map(|it| is_taken("always", it)), [true; 3]);
        assert_eq!(
            [None, Everysec, Always].map(|it| is_taken("everysec", it)),
            [true, true, false]
        );
        assert_eq!([None, Everysec, Always].map(|it| is_taken("no", it)), [true, false, false]);
        let off = check(("aof_enabled:1", "aof_enabled:0"), Some("always"), Everysec);
        let (demanded, found) = ("everysec", "none");
        assert_eq!(off, Err(Refusal::Durability { demanded, found, needed: "everysec" }));
        assert_eq!(check(same, Option::None, Always), Err(Refusal::ConfigDenied));
        assert_eq!(check(same, Option::None, None), Ok(()));
    }

    #[test]
    fn replicas_are_counted_where_they_are_demanded() {
        let found = check(("", ""), Some("always"), Durability::Replicated);
        assert_eq!(found, Err(Refusal::Replicas { demanded: 2, found: 1 }));
        let enough = check(("wait_bgsave", "online"), Some("always"), Durability::Replicated);
        assert_eq!(enough, Ok(()));
    }

    #[test]
    fn a_server_that_may_evict_the_log_is_refused() {
        let check = |limit, policy| {
            let info = INFO.replace("maxmemory:0", limit).replace("noeviction", policy);
            let demand = Demand { durability: Durability::Always, replica_count_min: 0 };
            Server::new(&info, Some("always".to_owned())).check(demand)
        };
        let evicts = Err(Refusal::Eviction("allkeys-lru".to_owned()));
        assert_eq!(check("maxmemory:100", "allkeys-lru"), evicts);
        assert_eq!(check("maxmemory:0", "allkeys-lru"), Ok(()));
        assert_eq!(check("maxmemory:100", "volatile-lru"), Ok(()));
    }

    #[test]
    fn a_missing_command_is_told_from_other_errors() {
        let said = "An error was signalled by the server - ResponseError: unknown command \
                    'CONFIG', with args beginning with: 'GET' 'appendfsync'";
        assert!(is_unknown_command(said));
        assert!(is_unknown_command("ERR Unknown command 'config'"));
        assert!(!is_unknown_command("ERR Unknown option or number of arguments for CONFIG GET"));
    }

    #[test]
    fn errors_that_concern_every_write_have_a_remedy() {
        for code in ["OOM", "NOREPLICAS", "MISCONF", "READONLY", "NOPERM", "CLUSTERDOWN"] {
            assert!(remedy(code).is_some(), "{code}");
        }
        for code in ["ERR", "WRONGTYPE", "NOSCRIPT", "MOVED", "LOADING"] {
            assert_eq!(remedy(code), None, "{code}");
        }
    }

    #[test]
    fn a_copy_is_no_store() {
        let found = check(("role:master", "role:slave"), Some("always"), Durability::Always);
        assert_eq!(found, Err(Refusal::Role("slave".to_owned())));
    }

    #[test]
    fn a_pending_or_failed_sync_is_no_evidence() {
        let is_syncing = |from, to| {
            Server::new(&INFO.replace(from, to), Some("everysec".to_owned())).is_syncing()
        };
        assert!(is_syncing("", ""));
        assert!(!is_syncing("fsync:0", "fsync:1"));
        assert!(!is_syncing("status:ok", "status:err"));
    }
}
