//! A TCP proxy that breaks on demand.
//!
//! ```text
//! collector ── up ──▶ proxy ──▶ aggregator      each direction: open, stalled, dropped or slow
//!           ◀─ down ─       ◀──                 all connections: cut, or reset in mid-frame
//! ```
//!
//! Runs within the test and is told what to do while it runs. It knows bytes and connections, and
//! nothing of what they mean.

mod link;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use link::Link;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Fate of the bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// They pass.
    #[default]
    Open,
    /// They are not read, so that the sender is held back in the end.
    Stalled,
    /// They vanish, and the end of a stream with them. A connection that has lost bytes stays like
    /// that for as long as it lives, as one does whose other end lost power.
    Dropped,
    /// This many bytes pass in a second.
    Slow { bytes_per_second: usize },
}

/// A direction, as seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// Orders to every connection.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    flows: [Flow; 2],
    /// Number of times that all connections were to be cut, so that one knows whether it is among
    /// them.
    cut_count: u64,
    /// The same for resets, by the direction whose next bytes are to be torn apart.
    reset_counts: [u64; 2],
}

/// Frames and bytes seen so far.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicU64,
    resets: AtomicU64,
    bytes: [AtomicU64; 2],
}

/// A proxy. Dropping it ends all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    orders: watch::Sender<Orders>,
    seen: Arc<Seen>,
}

impl Proxy {
    /// Starts a proxy on a port of its own, in front of a server: `127.0.0.1:7400`, or its URL.
    pub async fn start(server: &str) -> anyhow::Result<Self> {
        let (_, target) = server.split_once("://").unwrap_or(("", server));
        let target = target.parse()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the proxy")?;
        let address = listener.local_addr()?;
        let (orders, told) = watch::channel(Orders::default());
        let seen = Arc::new(Seen::default());
        tokio::spawn(accept(listener, target, told, Arc::clone(&seen)));
        Ok(Self { address, orders, seen })
    }

    /// Address at which clients find it.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the bytes of a direction flow like this, on all connections there are and will be.
    pub fn set(&self, direction: Direction, flow: Flow) {
        self.orders.send_modify(|orders| orders.flows[direction.index()] = flow);
    }

    /// Lets all bytes pass again.
    pub fn heal(&self) {
        self.orders.send_modify(|orders| orders.flows = [Flow::Open; 2]);
    }

    /// Closes every connection that is open.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.cut_count += 1);
    }

    /// Resets every connection that is open in the middle of the next bytes of a direction.
    pub fn reset_mid_frame(&self, direction: Direction) {
        self.orders.send_modify(|orders| orders.reset_counts[direction.index()] += 1);
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connection_count(&self) -> u64 {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Connections reset so far.
    #[must_use]
    pub fn reset_count(&self) -> u64 {
        self.seen.resets.load(Ordering::Relaxed)
    }

    /// Bytes read of a direction so far, dropped ones too.
    #[must_use]
    pub fn byte_count(&self, direction: Direction) -> u64 {
        self.seen.bytes[direction.index()].load(Ordering::Relaxed)
    }
}

impl Direction {
    const fn index(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
        }
    }
}

/// Accepts until the proxy is dropped.
async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    mut orders: watch::Receiver<Orders>,
    seen: Arc<Seen>,
) {
    loop {
        tokio::select! {
            changed = orders.changed() => if changed.is_err() { return },
            accepted = listener.accept() => {
                // A client that is gone again asks for nothing.
                let Ok((client, _)) = accepted else { continue };
                seen.connections.fetch_add(1, Ordering::Relaxed);
                let link = Link { began: *orders.borrow(), orders: orders.clone(), seen: Arc::clone(&seen) };
                tokio::spawn(connect(client, target, link));
            }
        }
    }
}

/// Connects a client through, where the server is there.
async fn connect(client: TcpStream, target: SocketAddr, link: Link) {
    if let Ok(server) = TcpStream::connect(target).await {
        link.carry(client, server).await;
    }
}

#[cfg(test)]
mod tests;
