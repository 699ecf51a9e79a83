//! Names of the keys. All keys of one reporter share a hash tag, so that one script may change them
//! and a cluster can spread reporters.

use phuxanh_core::LocalityCode;

/// Builder of key names below a prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    #[must_use]
    pub const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// Id of the store.
    pub(super) fn generation(&self) -> String {
        format!("{}:generation", self.prefix)
    }

    /// Number of the format.
    pub(super) fn format(&self) -> String {
        format!("{}:format", self.prefix)
    }

    /// Set of all reporters that ever said Hello.
    pub(super) fn reporters(&self) -> String {
        format!("{}:reporters", self.prefix)
    }

    /// Hash of catalogue and gazetteer files by digest.
    pub(super) fn references(&self) -> String {
        format!("{}:references", self.prefix)
    }

    /// Hash of the announcements of all replicas, by id.
    pub(super) fn replicas(&self) -> String {
        format!("{}:replicas", self.prefix)
    }

    /// Hash: the reporter's cursor.
    pub(super) fn cursor(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "cursor")
    }

    /// Stream: the reporter's records.
    pub(super) fn log(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "log")
    }

    /// Hash: receipt time and tip of every checkpoint, by its count of records.
    pub(super) fn checkpoints(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "checkpoints")
    }

    /// String: the contents of a checkpoint.
    pub(super) fn checkpoint(&self, reporter: LocalityCode, record_count: u64) -> String {
        self.of(reporter, &format!("checkpoint:{record_count}"))
    }

    /// Hash: the published version of the scope.
    pub(super) fn cached(&self, scope: LocalityCode) -> String {
        self.of(scope, "cached")
    }

    /// Key of a published part of a scope, for example `ranking:green_coverage:2025-07`.
    pub(super) fn published(&self, scope: LocalityCode, name: &str) -> String {
        self.of(scope, name)
    }

    /// Hash: a cached fold for starting aggregators.
    pub(super) fn snapshot(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "snapshot")
    }

    /// Key that is written only to wait for its replication.
    pub(super) fn barrier(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "barrier")
    }

    /// Key that is written and deleted to test writes outside of the logs.
    pub(super) fn probe(&self) -> String {
        format!("{}:probe", self.prefix)
    }

    /// The same on the server that has a reporter's keys.
    pub(super) fn probe_of(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "probe")
    }

    fn of(&self, reporter: LocalityCode, what: &str) -> String {
        format!("{}:{{{reporter}}}:{what}", self.prefix)
    }
}
