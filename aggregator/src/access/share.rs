//! Share of one caller in what all need: its pace over all its connections, its connections, and its
//! heavy questions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Largest share of a caller.
#[derive(Debug, Clone, Copy)]
pub struct ShareRules {
    pub requests_per_second: u32,
    pub connection_count: usize,
    /// Heavy questions that wait or are computed.
    pub heavy_count: usize,
}

/// Share that a caller has left.
#[derive(Debug)]
pub struct Share {
    rules: ShareRules,
    pace: Pace,
    connections: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
}

/// Pace of requests.
#[derive(Debug)]
pub struct Pace {
    origin: Instant,
    per_second: u32,
    /// Microseconds since the origin at which the requests so far would have come at the highest rate.
    due_micros: AtomicU64,
}

impl Share {
    #[must_use]
    pub fn new(rules: ShareRules) -> Self {
        Self {
            rules,
            pace: Pace::new(rules.requests_per_second),
            connections: Arc::new(Semaphore::new(rules.connection_count)),
            heavy: Arc::new(Semaphore::new(rules.heavy_count)),
        }
    }

    /// Notes a request; false if requests come too fast.
    pub fn admits(&self) -> bool {
        self.pace.admits()
    }

    /// Place of a connection; `None` if all are taken.
    #[must_use]
    pub fn connection(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).try_acquire_owned().ok()
    }

    /// Place of a heavy question, or the number of places if all are taken.
    pub fn heavy(&self) -> Result<OwnedSemaphorePermit, usize> {
        Arc::clone(&self.heavy).try_acquire_owned().map_err(|_| self.rules.heavy_count)
    }
}

impl Pace {
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { origin: Instant::now(), per_second, due_micros: AtomicU64::new(0) }
    }

    /// Requests may come in bursts of up to a second's number.
    pub fn admits(&self) -> bool {
        let now = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let step = 1_000_000 / u64::from(self.per_second.max(1));
        let second = u64::try_from(Duration::from_secs(1).as_micros()).unwrap_or(u64::MAX);
        let next = |due: u64| {
            let due = due.max(now).saturating_add(step);
            (due <= now.saturating_add(second)).then_some(due)
        };
        self.due_micros.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_has_its_share_and_no_more() {
        let rules = ShareRules { requests_per_second: 10, connection_count: 2, heavy_count: 1 };
        let share = Share::new(rules);
        let admitted = (0..50).filter(|_| share.admits()).count();
        assert!((10..20).contains(&admitted), "{admitted}");
        let places = [share.connection(), share.connection()];
        assert!(places.iter().all(Option::is_some) && share.connection().is_none());
        drop(places);
        assert!(share.connection().is_some());
        let place = share.heavy();
        assert_eq!((place.is_ok(), share.heavy().map(drop)), (true, Err(1)));
        drop(place);
        assert!(share.heavy().is_ok());
    }
}
