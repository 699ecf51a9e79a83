//! Handle of a connection, which each of its requests carries: who is at the other end, how fast they
//! may come, and how many answers may wait for the peer to take them.
//!
//! An answer is computed only when the peer takes those before it. Else a peer that asks and never
//! reads would fill the memory with pages.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::slots::Voice;
use crate::access::{Pace, Peer, Share};

/// Shared by a connection and its requests.
#[derive(Debug, Clone)]
pub(in crate::server) struct Handle {
    voice: Voice,
    peer: Arc<Peer>,
    is_plain_to_tls: bool,
    pace: Arc<Pace>,
    /// Share of the identity that the connection proves, and its place there.
    share: Option<(Arc<Share>, Arc<OwnedSemaphorePermit>)>,
    /// A permit for each answer that may be on its way.
    answers: Arc<Semaphore>,
    taking: Arc<Taking>,
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
        Self {
            voice,
            peer: Arc::new(peer),
            is_plain_to_tls: false,
            pace: Arc::new(Pace::new(per_second)),
            share: None,
            answers: Arc::new(Semaphore::new(answers_max)),
            taking: Arc::default(),
        }
    }

    /// The same for plain text that came where TLS is served.
    pub(super) fn refusing_plain_text(self) -> Self {
        Self { is_plain_to_tls: true, ..self }
    }

    /// The same with a place in the share of its identity.
    pub(super) fn sharing(self, share: Arc<Share>, place: OwnedSemaphorePermit) -> Self {
        Self { share: Some((share, Arc::new(place))), ..self }
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
        self.pace.admits() && self.share.as_ref().is_none_or(|(share, _)| share.admits())
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
