//! Leases: the host of a reporter's session alone may deliver, for as long as it is heard of.
//!
//! A lease keeps a second host out while the first is alive, and lets it in once the first has
//! been silent for long enough. The same host is never kept out: a collector that starts again
//! takes over its own session at once. The end of a stream ends no lease, or a second host would
//! slip in whenever the first opens its stream anew.

use std::{collections::BTreeMap, time::Duration};

use crate::{LocalityCode, frame::SessionId};

/// The leases of all reporters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leases {
    span: Duration,
    owners: BTreeMap<LocalityCode, Lease>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lease {
    host: String,
    session: SessionId,
    until: Duration,
}

impl Leases {
    /// No leases; each will last for `span` after the last sign of life.
    #[must_use]
    pub const fn new(span: Duration) -> Self {
        Self { span, owners: BTreeMap::new() }
    }

    /// The other host that holds a reporter's lease now, if one does.
    #[must_use]
    pub fn other_owner(&self, reporter: LocalityCode, host: &str, now: Duration) -> Option<&str> {
        let lease = self.owners.get(&reporter)?;
        (lease.host != host && now < lease.until).then_some(lease.host.as_str())
    }

    /// Gives a reporter's lease to a session, also when a restart finds it in the store.
    pub fn take(&mut self, reporter: LocalityCode, host: &str, session: SessionId, now: Duration) {
        let lease = Lease { host: host.to_owned(), session, until: now + self.span };
        self.owners.insert(reporter, lease);
    }

    /// Prolongs the lease of a session that still has it.
    pub fn renew(&mut self, reporter: LocalityCode, session: SessionId, now: Duration) {
        let owner = self.owners.get_mut(&reporter);
        if let Some(lease) = owner.filter(|lease| lease.session == session) {
            lease.until = now + self.span;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORTER: LocalityCode = LocalityCode::NATION;
    const SESSION: SessionId = SessionId([1; 16]);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn another_host_waits_until_the_owner_was_silent_for_the_whole_span() {
        let mut leases = Leases::new(seconds(30));
        leases.take(REPORTER, "a", SESSION, seconds(0));
        assert_eq!(leases.other_owner(REPORTER, "a", seconds(1)), None);
        assert_eq!(leases.other_owner(REPORTER, "b", seconds(29)), Some("a"));
        leases.renew(REPORTER, SESSION, seconds(20));
        assert_eq!(leases.other_owner(REPORTER, "b", seconds(49)), Some("a"));
        assert_eq!(leases.other_owner(REPORTER, "b", seconds(50)), None);
    }

    #[test]
    fn an_older_session_does_not_prolong_a_lease() {
        let mut leases = Leases::new(seconds(30));
        leases.take(REPORTER, "a", SESSION, seconds(0));
        leases.take(REPORTER, "a", SessionId([2; 16]), seconds(0));
        leases.renew(REPORTER, SESSION, seconds(29));
        assert_eq!(leases.other_owner(REPORTER, "b", seconds(30)), None);
    }
}
