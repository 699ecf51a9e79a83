//! Counts connections that could not be opened, by reason, and logs the counts at intervals.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use tokio::time::Instant;
use tracing::warn;

/// Least time between two logs.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Reasons that are told apart between two logs. Whoever connects has a hand in them.
const REASON_COUNT_MAX: usize = 16;

/// Reason why a connection was not opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Mishap {
    #[error("plain text came where TLS is served: use https://, or plaintext_listen")]
    PlainToTls,
    #[error("TLS came where plain text is served: use http://, or the address of listen with TLS")]
    TlsToPlain,
    #[error("TLS handshake failed: {0}")]
    Failed(String),
    #[error("no TLS handshake within tls.handshake_timeout")]
    TooSlow,
    /// Closed for a new connection, which is counted elsewhere.
    #[error("closed for a new connection in its TLS handshake")]
    Displaced,
    #[error("closed by the other end before its TLS handshake")]
    Silent,
    #[error("other reasons")]
    Others,
}

/// Connections that were not opened since the last log.
#[derive(Debug)]
pub(super) struct Strangers {
    counts: BTreeMap<Mishap, Count>,
    /// Earliest time of the next log.
    next: Instant,
}

/// Connections that met one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    count: u64,
    /// Address of the latest.
    address: IpAddr,
}

impl Strangers {
    pub(super) const fn new(now: Instant) -> Self {
        Self { counts: BTreeMap::new(), next: now }
    }

    pub(super) fn note(&mut self, mishap: Mishap, address: IpAddr) {
        if matches!(mishap, Mishap::Displaced | Mishap::Silent) {
            return;
        }
        let is_full = self.counts.len() >= REASON_COUNT_MAX && !self.counts.contains_key(&mishap);
        let mishap = if is_full { Mishap::Others } else { mishap };
        let count = self.counts.entry(mishap).or_insert(Count { count: 0, address });
        *count = Count { count: count.count.saturating_add(1), address };
    }

    /// Time of the next log; `None` while there is nothing to say.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.counts.is_empty()).then_some(self.next)
    }

    /// Logs the counts and begins anew.
    pub(super) fn log(&mut self, now: Instant) {
        for (reason, Count { count, address }) in self.take(now) {
            warn!(%reason, count, latest = %address, "connections refused");
        }
    }

    fn take(&mut self, now: Instant) -> BTreeMap<Mishap, Count> {
        self.next = now + LOG_INTERVAL;
        std::mem::take(&mut self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reasons_are_counted_up_to_a_bound_and_told_at_intervals() {
        let start = Instant::now();
        let address = IpAddr::from([192, 0, 2, 1]);
        let mut strangers = Strangers::new(start);
        strangers.note(Mishap::Silent, address);
        strangers.note(Mishap::Displaced, address);
        assert_eq!(strangers.due(), None);
        strangers.note(Mishap::PlainToTls, address);
        strangers.note(Mishap::PlainToTls, address);
        assert_eq!(strangers.due(), Some(start));
        let expected = BTreeMap::from([(Mishap::PlainToTls, Count { count: 2, address })]);
        assert_eq!(strangers.take(start), expected);
        for number in 0..20 {
            strangers.note(Mishap::Failed(number.to_string()), address);
        }
        assert_eq!(strangers.due(), Some(start + LOG_INTERVAL));
        let counted = strangers.take(start);
        assert_eq!(counted.len(), REASON_COUNT_MAX + 1);
        assert_eq!(counted[&Mishap::Others].count, 4);
    }
}
