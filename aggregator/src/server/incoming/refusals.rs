//! Counts connections that met a limit, and logs the counts at intervals.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use tokio::time::Instant;
use tracing::warn;

use super::slots::Limit;

/// Least time between two logs.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What happened at each limit since the last log.
#[derive(Debug)]
pub(super) struct Refusals {
    counts: BTreeMap<Limit, Count>,
    /// Earliest time of the next log.
    next: Instant,
}

/// Connections that met one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// New connections that were closed.
    refused: u64,
    /// Silent connections that were closed for a new one.
    silent_closed: u64,
    /// Address of the latest new connection.
    address: IpAddr,
}

impl Refusals {
    pub(super) const fn new(now: Instant) -> Self {
        Self { counts: BTreeMap::new(), next: now }
    }

    pub(super) fn note_refused(&mut self, limit: Limit, address: IpAddr) {
        self.count(limit, address).refused += 1;
    }

    pub(super) fn note_closed(&mut self, limit: Limit, address: IpAddr) {
        self.count(limit, address).silent_closed += 1;
    }

    /// Time of the next log; `None` while there is nothing to say.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.counts.is_empty()).then_some(self.next)
    }

    /// Logs the counts and begins anew.
    pub(super) fn log(&mut self, now: Instant) {
        for (limit, Count { refused, silent_closed, address }) in self.take(now) {
            let limit = limit.setting();
            warn!(limit, refused, silent_closed, latest = %address, "connection limit reached");
        }
    }

    fn take(&mut self, now: Instant) -> BTreeMap<Limit, Count> {
        self.next = now + LOG_INTERVAL;
        std::mem::take(&mut self.counts)
    }

    fn count(&mut self, limit: Limit, address: IpAddr) -> &mut Count {
        let none = Count { refused: 0, silent_closed: 0, address };
        let count = self.counts.entry(limit).or_insert(none);
        count.address = address;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_told_at_once_and_then_at_intervals() {
        let start = Instant::now();
        let [first, second] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let mut refusals = Refusals::new(start);
        assert_eq!(refusals.due(), None);
        refusals.note_refused(Limit::Total, first);
        assert_eq!(refusals.due(), Some(start));
        assert_eq!(refusals.take(start).len(), 1);
        assert_eq!(refusals.due(), None);
        refusals.note_refused(Limit::Total, first);
        refusals.note_refused(Limit::Total, second);
        refusals.note_closed(Limit::PerAddress, first);
        assert_eq!(refusals.due(), Some(start + LOG_INTERVAL));
        let expected = [
            (Limit::Total, Count { refused: 2, silent_closed: 0, address: second }),
            (Limit::PerAddress, Count { refused: 0, silent_closed: 1, address: first }),
        ];
        assert_eq!(refusals.take(start + LOG_INTERVAL), BTreeMap::from(expected));
    }
}
