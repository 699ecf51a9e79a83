//! Files of the inbox that cannot be read or filed, for whoever tells the centre.

/// How many there are, and why the first of them is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trouble {
    pub file_count: u64,
    /// Name of the first of them, and the cause; empty where there is none.
    pub first: String,
}
