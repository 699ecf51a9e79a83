//! Slots for connections: how many are taken, from where, and which are silent.
//!
//! ```text
//! silent ── request ──▶ speaking ──▶ closed
//!    └── told to close, or too late ──▲
//! ```
//!
//! A silent connection has not asked anything. It costs its sender nothing, so it never keeps another
//! one out. Knows no socket and no clock.

use std::{
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::{Notify, oneshot};

/// Bits of an IPv6 address that its provider gives; the others are its owner's to choose.
const IPV6_NETWORK: u128 = !0 << 64;

/// Limit that a connection meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    Total,
    PerAddress,
    PerIdentity,
}

/// Answer to a new connection.
#[derive(Debug)]
pub(super) enum Admission {
    Admitted(Slot),
    /// A silent connection was told to close; ask again when something has changed.
    Closing(Limit),
    Full(Limit),
}

/// Slots of all connections.
#[derive(Debug)]
pub(super) struct Slots {
    count_max: usize,
    per_address_max: usize,
    /// In the order of arrival.
    taken: Vec<Taken>,
    changed: Arc<Notify>,
}

/// Slot as its owner's side sees it.
#[derive(Debug)]
struct Taken {
    network: IpAddr,
    progress: Arc<Progress>,
    /// Tells the connection to close; gone once it was told.
    close: Option<oneshot::Sender<Close>>,
}

/// Order to close a silent connection.
#[derive(Debug)]
struct Close;

/// Progress of a connection, which only that connection writes.
#[derive(Debug, Default)]
struct Progress {
    has_spoken: AtomicBool,
    is_closed: AtomicBool,
}

/// Slot of one connection, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    voice: Voice,
    close: Option<oneshot::Receiver<Close>>,
}

/// Voice of a connection, with which its requests tell that they came.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    progress: Arc<Progress>,
    changed: Arc<Notify>,
}

impl Limit {
    /// Key of the setting.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Total => "limits.connection_count_max",
            Self::PerAddress => "limits.connections_per_address_max",
            Self::PerIdentity => "limits.connections_per_address_max, of one identity",
        }
    }
}

impl Slots {
    pub(super) fn new(count_max: usize, per_address_max: usize) -> Self {
        Self { count_max, per_address_max, taken: Vec::new(), changed: Arc::default() }
    }

    /// Gives a new connection a slot. Where all are taken, tells the oldest silent connection among
    /// them to close.
    pub(super) fn admit(&mut self, address: IpAddr) -> Admission {
        self.taken.retain(|taken| !taken.progress.is_closed.load(Ordering::Acquire));
        let network = network(address);
        let alike = self.taken.iter().filter(|taken| taken.network == network).count();
        let limit = if alike >= self.per_address_max {
            Limit::PerAddress
        } else if self.taken.len() >= self.count_max {
            Limit::Total
        } else {
            return Admission::Admitted(self.take(network));
        };
        let in_the_way = |taken: &&mut Taken| limit == Limit::Total || taken.network == network;
        let silent = self.taken.iter_mut().filter(in_the_way).find(|taken| taken.is_silent());
        let Some(silent) = silent else { return Admission::Full(limit) };
        if let Some(close) = silent.close.take() {
            // If it has just spoken or ended, that is a change which the caller hears of.
            drop(close.send(Close));
        }
        Admission::Closing(limit)
    }

    /// Waits until a connection has spoken or ended, or returns if one has since the last call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn take(&mut self, network: IpAddr) -> Slot {
        let progress = Arc::<Progress>::default();
        let (close, told) = oneshot::channel();
        self.taken.push(Taken { network, progress: Arc::clone(&progress), close: Some(close) });
        let voice = Voice { progress, changed: Arc::clone(&self.changed) };
        Slot { voice, close: Some(told) }
    }
}

impl Taken {
    fn is_silent(&self) -> bool {
        !self.progress.has_spoken.load(Ordering::Acquire)
    }
}

impl Voice {
    /// Notes a request. From the first one on the connection is not told to close.
    pub(super) fn spoke(&self) {
        if !self.progress.has_spoken.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }
}

impl Slot {
    /// Voice for the requests of the connection.
    pub(super) fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Ready once the connection must close to make room.
    pub(super) fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.voice.progress.has_spoken.load(Ordering::Acquire) {
            self.close = None;
        }
        let Some(close) = &mut self.close else { return Poll::Pending };
        // The other end is gone only when the server accepts no more; that closes nothing.
        match Pin::new(close).poll(context) {
            Poll::Ready(Ok(Close)) => Poll::Ready(()),
            Poll::Ready(Err(_)) => {
                self.close = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.voice.progress.is_closed.store(true, Ordering::Release);
        self.voice.changed.notify_one();
    }
}

/// Address that is counted: an IPv4 address, or the /64 network of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const ALPHA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const BETA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const GAMMA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 3));

    fn taken(slots: &mut Slots, address: IpAddr) -> Slot {
        match slots.admit(address) {
            Admission::Admitted(slot) => slot,
            other => panic!("{address}: {other:?}"),
        }
    }

    fn speaking(slots: &mut Slots, address: IpAddr) -> Slot {
        let slot = taken(slots, address);
        slot.voice().spoke();
        slot
    }

    fn is_told(slot: &mut Slot) -> bool {
        slot.poll_close(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn is_full(slots: &mut Slots, address: IpAddr) -> Option<Limit> {
        match slots.admit(address) {
            Admission::Full(limit) => Some(limit),
            Admission::Admitted(_) | Admission::Closing(_) => None,
        }
    }

    #[test]
    fn connections_that_speak_are_kept_and_new_ones_refused() {
        let mut slots = Slots::new(3, 2);
        let mut held = [speaking(&mut slots, ALPHA), speaking(&mut slots, ALPHA)];
        assert_eq!(is_full(&mut slots, ALPHA), Some(Limit::PerAddress));
        let third = speaking(&mut slots, BETA);
        assert_eq!(is_full(&mut slots, BETA), Some(Limit::Total));
        assert!(!held.iter_mut().any(is_told));
        drop(third);
        drop(taken(&mut slots, GAMMA));
        drop(held);
        drop(taken(&mut slots, ALPHA));
    }

    #[test]
    fn the_oldest_silent_connection_makes_room() {
        let mut slots = Slots::new(3, 3);
        let mut first = speaking(&mut slots, ALPHA);
        let mut second = taken(&mut slots, ALPHA);
        let mut third = taken(&mut slots, BETA);
        for _ in 0..2 {
            assert!(matches!(slots.admit(GAMMA), Admission::Closing(Limit::Total)));
        }
        assert_eq!([&mut first, &mut second, &mut third].map(is_told), [false, true, false]);
        drop(second);
        let fourth = speaking(&mut slots, GAMMA);
        assert!(matches!(slots.admit(GAMMA), Admission::Closing(Limit::Total)));
        assert!(is_told(&mut third));
        drop((first, third, fourth));
    }

    #[test]
    fn an_address_makes_room_among_its_own() {
        let mut slots = Slots::new(4, 2);
        let mut other = taken(&mut slots, BETA);
        let _speaking = speaking(&mut slots, ALPHA);
        let mut silent = taken(&mut slots, ALPHA);
        assert!(matches!(slots.admit(ALPHA), Admission::Closing(Limit::PerAddress)));
        assert!(is_told(&mut silent));
        assert!(!is_told(&mut other));
    }

    #[test]
    fn a_request_at_the_last_moment_saves_a_connection() {
        let mut slots = Slots::new(2, 2);
        let mut first = taken(&mut slots, ALPHA);
        let mut second = taken(&mut slots, BETA);
        assert!(matches!(slots.admit(GAMMA), Admission::Closing(Limit::Total)));
        first.voice().spoke();
        assert!(!is_told(&mut first));
        assert!(matches!(slots.admit(GAMMA), Admission::Closing(Limit::Total)));
        assert!(is_told(&mut second));
        second.voice().spoke();
        assert_eq!(is_full(&mut slots, GAMMA), Some(Limit::Total));
    }

    #[tokio::test]
    async fn the_end_of_a_connection_wakes_the_one_who_waits() {
        let mut slots = Slots::new(1, 1);
        let slot = taken(&mut slots, ALPHA);
        let waiting = async {
            assert!(matches!(slots.admit(BETA), Admission::Closing(Limit::Total)));
            slots.changed().await;
            slots.admit(BETA)
        };
        let (admission, ()) = tokio::join!(waiting, async { drop(slot) });
        assert!(matches!(admission, Admission::Admitted(_)), "{admission:?}");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let parsed = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(parsed("2001:db8:1:2::1"), parsed("2001:db8:1:2:ffff::9"));
        assert_ne!(parsed("2001:db8:1:2::1"), parsed("2001:db8:1:3::1"));
        assert_eq!(parsed("::ffff:192.0.2.1"), ALPHA);
        assert_ne!(parsed("192.0.2.1"), BETA);
    }
}
