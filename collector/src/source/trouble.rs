//! Trouble that keeps files from being read or filed, told to the centre with every heartbeat.

/// Files that cannot be read or filed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trouble {
    pub file_count: u64,
    /// Name of the first of them, and the cause; empty where there is none.
    pub first: String,
}
