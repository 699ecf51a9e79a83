//! Accepts connections up to the bounds of section `limits`.
//!
//! ```text
//! sockets ─▶ Incoming ── Slots: free ──▶ opening ──▶ Connection ── 24 bytes in time ──▶ gRPC server
//!                │          full: the oldest silent connection is closed and makes room
//!                └───────── full of connections that speak: the new one is closed
//! ```
//!
//! This task alone counts. A connection tells it of its first request and of its end by its [`Slot`].
//! Opening is the TLS handshake; plain text needs none.

mod carrier;
mod connection;
mod handle;
mod opening;
mod refusals;
mod slots;
mod sockets;

use std::{
    collections::HashMap,
    future::pending,
    io,
    net::IpAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{Stream, stream};
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tracing::warn;

use crate::{
    access::{Peer, Proof, Share},
    config::LimitSettings,
};
use connection::Connection;
pub(super) use handle::{Handle, Turn};
use opening::Open;
use phuxanh_daemon::audit_log::Entry;
use refusals::{Mishap, Refusals};
use slots::{Admission, Limit, Slot, Slots};
pub(super) use sockets::Sockets;

/// Wait after a connection that could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// Mishaps of open connections that wait to be counted; further ones are not.
const MISHAP_QUEUE_MAX: usize = 64;

/// Accepts connections within the limits. After a failure, for example for lack of file
/// descriptors, it waits instead of spinning.
pub(super) fn accept(
    sockets: Sockets,
    limits: &LimitSettings,
    audited: mpsc::Sender<Entry>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (mishaps, told) = mpsc::channel(MISHAP_QUEUE_MAX);
    let incoming = Incoming {
        sockets,
        slots: Slots::new(connection_count_max(limits), limits.connections_per_address_max),
        opening: JoinSet::new(),
        refusals: Refusals::new(Instant::now(), audited),
        shares: HashMap::new(),
        mishaps,
        told,
        limits: *limits,
    };
    stream::unfold(incoming, |mut incoming| async {
        let connection = incoming.next().await;
        Some((Ok(connection), incoming))
    })
}

/// Listeners with the connections that they have accepted.
struct Incoming {
    sockets: Sockets,
    slots: Slots,
    /// Handshakes, each of which holds a slot.
    opening: JoinSet<(IpAddr, Result<Open, Mishap>)>,
    refusals: Refusals,
    /// Shares of the identities that are connected.
    shares: HashMap<String, Weak<Share>>,
    /// For connections that turn out to be something else than they should.
    mishaps: mpsc::Sender<(Mishap, IpAddr)>,
    told: mpsc::Receiver<(Mishap, IpAddr)>,
    limits: LimitSettings,
}

/// Connection as it was accepted.
struct Accepted {
    stream: TcpStream,
    address: IpAddr,
    is_tls: bool,
}

impl Incoming {
    /// Waits for a connection that finds a slot and is open.
    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                accepted = self.sockets.accept() => match accepted {
                    Ok(accepted) => {
                        if let Some(connection) = self.begin(accepted).await {
                            return connection;
                        }
                    }
                    Err(error) => {
                        warn!(%error, "cannot accept a connection");
                        sleep(ACCEPT_BACKOFF).await;
                    }
                },
                Some(opened) = self.opening.join_next() => {
                    if let Some(connection) = self.opened(opened) {
                        return connection;
                    }
                }
                Some((mishap, address)) = self.told.recv() => self.refusals.note(mishap, address),
                () = due(self.refusals.due()) => self.refusals.log(Instant::now()),
            }
        }
    }

    /// Gives a new connection a slot, and opens it: at once where that needs no handshake.
    async fn begin(
        &mut self,
        Accepted { stream, address, is_tls }: Accepted,
    ) -> Option<Connection> {
        let slot = match self.slot(address).await {
            Ok(slot) => slot,
            Err(limit) => {
                self.refusals.note(Mishap::Full(limit), address);
                return None;
            }
        };
        let Some(secured) = self.sockets.secured().filter(|_| is_tls) else {
            return self.connection(Open::plain(stream, slot), address);
        };
        let opening = opening::secure(stream, slot, secured);
        self.opening.spawn(async move { (address, opening.await) });
        None
    }

    /// Takes a connection from its handshake. Where that panicked, the connection is gone.
    fn opened(
        &mut self,
        opened: Result<(IpAddr, Result<Open, Mishap>), JoinError>,
    ) -> Option<Connection> {
        let (address, opened) = opened.ok()?;
        match opened {
            Ok(open) => self.connection(open, address),
            Err(mishap) => {
                self.refusals.note(mishap, address);
                None
            }
        }
    }

    /// Connection with what its other end proves; `None` if its identity has too many.
    fn connection(&mut self, open: Open, address: IpAddr) -> Option<Connection> {
        let limits = self.limits;
        let answers_max = limits.unread_answers_per_connection_max;
        let proof = open.carrier.chain().zip(self.sockets.judge().cloned());
        let proof = proof.map(|(chain, judge)| Proof { chain, judge });
        let shown = &open.shown;
        let (is_tls, uris, caller) = (shown.is_tls, shown.uris.clone(), shown.caller.clone());
        let peer = Peer { address, is_tls, uris, caller, proof };
        let voice = open.slot.voice();
        let handle = Handle::new(voice, peer, limits.requests_per_second_max, answers_max);
        let handle = match self.share(&open.shown.uris) {
            None => handle,
            Some(share) => {
                let Some(place) = share.connection() else {
                    self.refusals.note(Mishap::Full(Limit::PerIdentity), address);
                    return None;
                };
                handle.sharing(share, place)
            }
        };
        let handle = if open.is_plain_to_tls { handle.refusing_plain_text() } else { handle };
        Some(Connection::new(open, handle, limits.preface_timeout, self.mishaps.clone()))
    }

    /// Share of an identity, which all its connections have together.
    fn share(&mut self, uris: &[String]) -> Option<Arc<Share>> {
        let identity = uris.first()?;
        if let Some(share) = self.shares.get(identity).and_then(Weak::upgrade) {
            return Some(share);
        }
        self.shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Share::new(self.limits.share()));
        self.shares.insert(identity.clone(), Arc::downgrade(&share));
        Some(share)
    }

    /// Returns a slot for a connection from an address, if need be that of a silent connection.
    async fn slot(&mut self, address: IpAddr) -> Result<Slot, Limit> {
        let mut closing = None;
        loop {
            match self.slots.admit(address) {
                Admission::Admitted(slot) => {
                    if let Some(limit) = closing {
                        self.refusals.note(Mishap::MadeRoom(limit), address);
                    }
                    return Ok(slot);
                }
                Admission::Full(limit) => return Err(limit),
                // Its descriptor must be free before the next one is taken.
                Admission::Closing(limit) => {
                    closing = Some(limit);
                    self.slots.changed().await;
                }
            }
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Connections that may be open: those of the setting, or as many as there are descriptors for.
fn connection_count_max(limits: &LimitSettings) -> usize {
    let wanted = limits.connection_count_max;
    let descriptors = getrlimit(Resource::Nofile).current;
    let lowered = lowered(limits, descriptors);
    if lowered < wanted {
        warn!(
            limits.connection_count_max = wanted,
            limits.descriptors_reserved = limits.descriptors_reserved,
            descriptors,
            lowered,
            "connection limit lowered: the process may not open enough descriptors (RLIMIT_NOFILE)"
        );
    }
    lowered
}

/// Connection limit of a process that may open so many descriptors; `None` is any number.
fn lowered(limits: &LimitSettings, descriptors: Option<u64>) -> usize {
    let free = descriptors.map_or(u64::MAX, |it| it.saturating_sub(limits.descriptors_reserved));
    limits.connection_count_max.min(usize::try_from(free).unwrap_or(usize::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_limit_leaves_the_reserved_descriptors() {
        let limits = LimitSettings::default();
        assert_eq!(lowered(&limits, None), 512);
        assert_eq!(lowered(&limits, Some(1_024)), 512);
        assert_eq!(lowered(&limits, Some(576)), 512);
        assert_eq!(lowered(&limits, Some(575)), 511);
        assert_eq!(lowered(&limits, Some(64)), 1);
        assert_eq!(lowered(&limits, Some(10)), 1);
    }
}
