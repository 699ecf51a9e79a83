//! Refusal of writes by the store: the one place that knows since when, and why.
//!
//! A store's shell tells it of every write that failed for a cause that fails them all, and of the
//! write that succeeded after that. Alarms, the audit and readiness follow it.

use phuxanh_core::Timestamp;
use phuxanh_daemon::clock::Clock;
use tokio::sync::watch;

/// Why no write succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritesRefused {
    /// When the first write failed.
    pub since: Timestamp,
    /// The store's own error with its code, and what to do.
    pub cause: String,
}

/// The owner of that state.
#[derive(Debug)]
pub struct Writes {
    refused: watch::Sender<Option<WritesRefused>>,
    clock: Clock,
}

impl Writes {
    /// A store of which no failed write is known.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { refused: watch::Sender::new(None), clock }
    }

    /// Returns what is known now, and each change of it.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<WritesRefused>> {
        self.refused.subscribe()
    }

    #[must_use]
    pub fn are_refused(&self) -> bool {
        self.refused.borrow().is_some()
    }

    /// A write failed; says whether that cause is news.
    #[expect(
        clippy::must_use_candidate,
        reason = "what changed matters, whether it is news to a log only"
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

    /// A write succeeded; says whether that is news.
    #[expect(
        clippy::must_use_candidate,
        reason = "what changed matters, whether it is news to a log only"
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
