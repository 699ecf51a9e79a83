//! Handle of a connection, which each of its requests carries: who is at the other end, how fast they
//! may come, and how many answers may wait for the peer to take them.
//!
//! An answer is computed only when the peer takes those before it. Else a peer that asks and never
//! reads would fill the memory with pages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::slots::Voice;
use crate::ingest::Peer;

/// Shared by a connection and its requests.
#[derive(Debug, Clone)]
pub(in crate::server) struct Handle {
    voice: Voice,
    peer: Arc<Peer>,
    is_plain_to_tls: bool,
    pace: Arc<Pace>,
    /// A permit for each answer that may be on its way.
    answers: Arc<Semaphore>,
    taking: Arc<Taking>,
}

/// Pace of requests.
#[derive(Debug)]
struct Pace {
    origin: Instant,
    per_second: u32,
    /// Microseconds since the origin at which the requests so far would have come at the highest rate.
    due_micros: AtomicU64,
}

/// Tells whether the peer takes what is written to the connection.
#[derive(Debug, Default)]
struct Taking {
    is_blocked: AtomicBool,
    unblocked: Notify,
}

/// Permission to compute an answer, until the answer is on its way.
#[derive(Debug)]
pub(in crate::server) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Handle {
    pub(super) fn new(voice: Voice, peer: Peer, per_second: u32, answers_max: usize) -> Self {
        let due_micros = AtomicU64::new(0);
        Self {
            voice,
            peer: Arc::new(peer),
            is_plain_to_tls: false,
            pace: Arc::new(Pace { origin: Instant::now(), per_second, due_micros }),
            answers: Arc::new(Semaphore::new(answers_max)),
            taking: Arc::default(),
        }
    }

    /// The same for plain text that came where TLS is served.
    pub(super) fn refusing_plain_text(self) -> Self {
        Self { is_plain_to_tls: true, ..self }
    }

    /// True if every request is refused, since TLS is served here.
    pub(in crate::server) const fn is_plain_to_tls(&self) -> bool {
        self.is_plain_to_tls
    }

    /// Other end of the connection.
    pub(in crate::server) const fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Notes a request; false if requests come too fast.
    pub(in crate::server) fn admits(&self) -> bool {
        self.voice.spoke();
        self.pace.admits()
    }

    /// Waits until the peer has taken enough of the answers before.
    pub(in crate::server) async fn turn(&self) -> Turn {
        // Nobody closes the semaphore.
        let permit = Arc::clone(&self.answers).acquire_owned().await.ok();
        loop {
            let unblocked = self.taking.unblocked.notified();
            if !self.taking.is_blocked.load(Ordering::Acquire) {
                return Turn { _permit: permit };
            }
            unblocked.await;
        }
    }

    /// Notes whether the connection could be written to.
    pub(super) fn note_written(&self, is_blocked: bool) {
        let was_blocked = self.taking.is_blocked.swap(is_blocked, Ordering::AcqRel);
        if was_blocked && !is_blocked {
            self.taking.unblocked.notify_waiters();
        }
    }
}

impl Pace {
    /// Requests may come in bursts of up to a second's number.
    fn admits(&self) -> bool {
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
