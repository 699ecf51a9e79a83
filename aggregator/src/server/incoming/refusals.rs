//! Counts connections that were refused or closed, by reason, and logs the counts at intervals. A
//! line for each would let a flood fill the disk.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use metrics::counter;
use phuxanh_daemon::audit_log::Entry;
use tokio::{sync::mpsc, time::Instant};
use tracing::warn;

use super::slots::Limit;
use crate::metrics::CONNECTIONS_REFUSED;

/// Least time between two logs.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Causes of failed handshakes that are told apart between two logs. Whoever connects has a hand in
/// them.
const CAUSE_COUNT_MAX: usize = 16;

/// Reason why a connection was not opened, or was closed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Mishap {
    #[error("connection limit reached: {}", .0.setting())]
    Full(Limit),
    #[error("connection limit reached, silent connection closed: {}", .0.setting())]
    MadeRoom(Limit),
    #[error("plain text came where TLS is served: use https://, or plaintext_listen")]
    PlainToTls,
    #[error("TLS came where plain text is served: use http://, or the address of listen with TLS")]
    TlsToPlain,
    #[error("TLS handshake failed: {0}")]
    Failed(String),
    #[error("TLS handshake failed: other causes")]
    FailedOtherwise,
    #[error("no TLS handshake within tls.handshake_timeout")]
    TooSlow,
    /// Closed for a new connection, which counts it.
    #[error("closed for a new connection in its TLS handshake")]
    Displaced,
    #[error("closed by the other end before its TLS handshake")]
    Silent,
}

/// Connections that met a mishap since the last log.
#[derive(Debug)]
pub(super) struct Refusals {
    counts: BTreeMap<Mishap, Count>,
    /// Earliest time of the next log.
    next: Instant,
    /// Audit log, which is told of those that are not mere congestion.
    audited: mpsc::Sender<Entry>,
}

/// Connections that met one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    count: u64,
    /// Address of the latest; that of the new connection where an older one made room.
    address: IpAddr,
}

impl Refusals {
    pub(super) const fn new(now: Instant, audited: mpsc::Sender<Entry>) -> Self {
        Self { counts: BTreeMap::new(), next: now, audited }
    }

    pub(super) fn note(&mut self, mishap: Mishap, address: IpAddr) {
        if matches!(mishap, Mishap::Displaced | Mishap::Silent) {
            return;
        }
        counter!(CONNECTIONS_REFUSED.name).increment(1);
        let is_full = self.counts.len() >= CAUSE_COUNT_MAX;
        let mishap = match mishap {
            Mishap::Failed(_) if is_full && !self.counts.contains_key(&mishap) => {
                Mishap::FailedOtherwise
            }
            other => other,
        };
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
            if matches!(reason, Mishap::Full(_) | Mishap::MadeRoom(_)) {
                continue;
            }
            let entry = Entry::new("connection_refused", reason.to_string());
            let entry = Entry { repeated: count - 1, ..entry.by(address.to_string()) };
            // Connections do not wait for a disk.
            if self.audited.try_send(entry).is_err() {
                warn!("the audit log is behind: an entry is dropped");
            }
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

    const QUEUE_MAX: usize = 1;

    fn new(now: Instant) -> Refusals {
        Refusals::new(now, mpsc::channel(QUEUE_MAX).0)
    }

    #[tokio::test]
    async fn a_flood_is_told_at_once_and_then_at_intervals() {
        let start = Instant::now();
        let [first, second] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let mut refusals = new(start);
        refusals.note(Mishap::Silent, first);
        refusals.note(Mishap::Displaced, first);
        assert_eq!(refusals.due(), None);
        refusals.note(Mishap::Full(Limit::Total), first);
        assert_eq!(refusals.due(), Some(start));
        assert_eq!(refusals.take(start).len(), 1);
        assert_eq!(refusals.due(), None);
        refusals.note(Mishap::Full(Limit::Total), first);
        refusals.note(Mishap::Full(Limit::Total), second);
        refusals.note(Mishap::MadeRoom(Limit::PerAddress), first);
        assert_eq!(refusals.due(), Some(start + LOG_INTERVAL));
        let expected = [
            (Mishap::Full(Limit::Total), Count { count: 2, address: second }),
            (Mishap::MadeRoom(Limit::PerAddress), Count { count: 1, address: first }),
        ];
        assert_eq!(refusals.take(start + LOG_INTERVAL), BTreeMap::from(expected));
    }

    #[tokio::test]
    async fn causes_of_strangers_are_bounded_and_push_nothing_else_out() {
        let start = Instant::now();
        let address = IpAddr::from([192, 0, 2, 1]);
        let mut refusals = new(start);
        for number in 0..20 {
            refusals.note(Mishap::Failed(number.to_string()), address);
        }
        refusals.note(Mishap::Full(Limit::Total), address);
        refusals.note(Mishap::Failed("0".to_owned()), address);
        let counted = refusals.take(start);
        assert_eq!(counted.len(), CAUSE_COUNT_MAX + 2);
        assert_eq!(counted[&Mishap::FailedOtherwise].count, 4);
        assert_eq!(counted[&Mishap::Failed("0".to_owned())].count, 2);
        assert_eq!(counted[&Mishap::Full(Limit::Total)].count, 1);
    }
}
