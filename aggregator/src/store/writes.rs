//! State of writes to the store: since when and why the store refuses them.
//!
//! The store reports every write that failed for a reason that concerns all writes, and the first
//! write that succeeds after it. Alarms, the audit and readiness follow this state.

use phuxanh_core::Timestamp;
use phuxanh_daemon::clock::Clock;
use tokio::sync::watch;

/// Reason why the store refuses writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritesRefused {
    /// Time of the first failed write.
    pub since: Timestamp,
    /// Error of the store with its code, and the remedy.
    pub cause: String,
}

/// Owner of the state.
#[derive(Debug)]
pub struct Writes {
    refused: watch::Sender<Option<WritesRefused>>,
    clock: Clock,
}

impl Writes {
    /// State without a failed write.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { refused: watch::Sender::new(None), clock }
    }

    /// Subscribes to the state.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<WritesRefused>> {
        self.refused.subscribe()
    }

    #[must_use]
    pub fn are_refused(&self) -> bool {
        self.refused.borrow().is_some()
    }

    /// Notes that a write failed; returns true if the cause is new.
    #[expect(
        clippy::must_use_candidate,
        reason = "the change of state matters; the result is only for the log"
    )]
    pub fn refused(&self, cause: String) -> bool {
        self.refused.send_if_modified(|refused| {
            if refused.as_ref().is_some_and(|known| known.cause == cause) {
                return false;
            }
            let since = refused.as_ref().map_or_else(self.clock, |known| known.since);
            *refused = Some(WritesRefused { since, cause });
            true
        })
    }

    /// Notes that a write succeeded; returns true if writes were refused before.
    #[expect(
        clippy::must_use_candidate,
        reason = "the change of state matters; the result is only for the log"
    )]
    pub fn taken(&self) -> bool {
        self.refused.send_if_modified(|refused| refused.take().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2025-07-31 12:00".parse().expect("a time")
    }

    #[test]
    fn a_refusal_stands_from_its_first_write_to_one_that_succeeds() {
        let writes = Writes::new(noon);
        let now = writes.subscribe();
        assert!(!writes.taken());
        assert!(writes.refused("OOM".to_owned()));
        assert!(!writes.refused("OOM".to_owned()));
        assert!(writes.refused("READONLY".to_owned()));
        let known = WritesRefused { since: noon(), cause: "READONLY".to_owned() };
        assert_eq!(*now.borrow(), Some(known));
        assert!(writes.taken());
        assert_eq!(*now.borrow(), None);
    }
}
