//! Names of the keys. All that belongs to one reporter shares its hash tag, so that one script may
//! change it and a cluster can spread reporters.

use phuxanh_core::LocalityCode;

/// Names keys below a prefix.
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

    /// Set of the reporters that ever said Hello.
    pub(super) fn reporters(&self) -> String {
        format!("{}:reporters", self.prefix)
    }

    /// Hash of catalogue and gazetteer files by digest.
    pub(super) fn references(&self) -> String {
        format!("{}:references", self.prefix)
    }

    /// Hash of what every replica says of itself, by its id.
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

    /// A checkpoint's contents.
    pub(super) fn checkpoint(&self, reporter: LocalityCode, record_count: u64) -> String {
        self.of(reporter, &format!("checkpoint:{record_count}"))
    }

    /// Hash: which state of the scope is published.
    pub(super) fn cached(&self, scope: LocalityCode) -> String {
        self.of(scope, "cached")
    }

    /// Key of a published part of a scope, for example `ranking:green_coverage:2025-07`.
    pub(super) fn published(&self, scope: LocalityCode, name: &str) -> String {
        self.of(scope, name)
    }

    /// Hash: a fold for aggregators that start.
    pub(super) fn snapshot(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "snapshot")
    }

    /// Written only to wait for its copies.
    pub(super) fn barrier(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "barrier")
    }

    /// Written and deleted to find out whether writes beside the logs are taken.
    pub(super) fn probe(&self) -> String {
        format!("{}:probe", self.prefix)
    }

    /// The same where a reporter's keys are.
    pub(super) fn probe_of(&self, reporter: LocalityCode) -> String {
        self.of(reporter, "probe")
    }

    fn of(&self, reporter: LocalityCode, what: &str) -> String {
        format!("{}:{{{reporter}}}:{what}", self.prefix)
    }
}
