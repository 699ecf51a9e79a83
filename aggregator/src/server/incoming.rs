//! Accepts connections up to the bounds of section `limits`.
//!
//! ```text
//! listener ─▶ Incoming ── Slots: free ──▶ Connection ── 24 bytes in time ──▶ gRPC server
//!                │          full: the oldest silent connection is closed and makes room
//!                └───────── full of connections that speak: the new one is closed
//! ```
//!
//! This task alone counts. A connection tells it of its first request and of its end by its [`Slot`].

mod connection;
mod handle;
mod refusals;
mod slots;

use std::{future::pending, io, net::IpAddr, time::Duration};

use futures_util::{Stream, stream};
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, sleep_until},
};
use tracing::warn;

use crate::config::LimitSettings;
use connection::Connection;
pub(super) use handle::{Handle, Turn};
use refusals::Refusals;
use slots::{Admission, Limit, Slot, Slots};

/// Wait after a connection that could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Accepts connections within the limits. After a failure, for example for lack of file
/// descriptors, it waits instead of spinning.
pub(super) fn accept(
    listener: TcpListener,
    limits: &LimitSettings,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let incoming = Incoming {
        listener,
        slots: Slots::new(connection_count_max(limits), limits.connections_per_address_max),
        refusals: Refusals::new(Instant::now()),
        limits: *limits,
    };
    stream::unfold(incoming, |mut incoming| async {
        let connection = incoming.next().await;
        Some((Ok(connection), incoming))
    })
}

/// Listener with the connections that it has accepted.
struct Incoming {
    listener: TcpListener,
    slots: Slots,
    refusals: Refusals,
    limits: LimitSettings,
}

impl Incoming {
    /// Waits for a connection that finds a slot.
    async fn next(&mut self) -> Connection {
        loop {
            let (stream, address) = tokio::select! {
                accepted = self.listener.accept() => match accepted.and_then(without_delay) {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        warn!(%error, "cannot accept a connection");
                        sleep(ACCEPT_BACKOFF).await;
                        continue;
                    }
                },
                () = due(self.refusals.due()) => {
                    self.refusals.log(Instant::now());
                    continue;
                }
            };
            match self.slot(address).await {
                Ok(slot) => return self.connection(stream, slot),
                Err(limit) => self.refusals.note_refused(limit, address),
            }
        }
    }

    fn connection(&self, stream: TcpStream, slot: Slot) -> Connection {
        let limits = &self.limits;
        let answers_max = limits.unread_answers_per_connection_max;
        let handle = Handle::new(slot.voice(), limits.requests_per_second_max, answers_max);
        Connection::new(stream, slot, handle, limits.preface_timeout)
    }

    /// Returns a slot for a connection from an address, if need be that of a silent connection.
    async fn slot(&mut self, address: IpAddr) -> Result<Slot, Limit> {
        let mut closing = None;
        loop {
            match self.slots.admit(address) {
                Admission::Admitted(slot) => {
                    if let Some(limit) = closing {
                        self.refusals.note_closed(limit, address);
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

fn without_delay(
    (stream, address): (TcpStream, std::net::SocketAddr),
) -> io::Result<(TcpStream, IpAddr)> {
    stream.set_nodelay(true)?;
    Ok((stream, address.ip()))
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
