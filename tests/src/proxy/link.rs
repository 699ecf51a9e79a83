//! One connection through the proxy.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{Direction, Flow, Orders, Seen};

const CHUNK_BYTES: usize = 4_096;
/// A slow direction passes its bytes in portions, one at a time.
const PORTION_INTERVAL: Duration = Duration::from_millis(50);
const PORTIONS_A_SECOND: usize = 20;

/// End of a connection before both of its directions end.
enum End {
    Reset,
    Closed,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// Parts that a connection goes by.
pub(super) struct Link {
    /// The orders when it was accepted; what was given before is not meant for it.
    pub(super) began: Orders,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) seen: Arc<Seen>,
}

impl Link {
    /// Carries bytes both ways until both have ended, or until it is told to break.
    pub(super) async fn carry(self, mut client: TcpStream, mut server: TcpStream) {
        let end = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let pump = |direction, from, to| {
                let (orders, began) = (self.orders.clone(), self.began);
                Pump { direction, from, to, orders, began, seen: &self.seen, has_hole: false }.run()
            };
            tokio::select! {
                end = self.cut() => end,
                ended = async { tokio::try_join!(
                    pump(Direction::Up, from_client, to_server),
                    pump(Direction::Down, from_server, to_client),
                ) } => ended.map_or_else(|end| end, |_| End::Closed),
            }
        };
        match end {
            End::Reset => {
                // Both ends see a reset instead of the end of a stream.
                let lingers = [client.set_zero_linger(), server.set_zero_linger()];
                debug_assert!(lingers.iter().all(Result::is_ok), "{lingers:?}");
                drop((client, server));
                self.seen.resets.fetch_add(1, Ordering::Relaxed);
            }
            End::Closed => {}
        }
    }

    /// Waits until all connections are cut, or until the proxy is gone.
    async fn cut(&self) -> End {
        let mut orders = self.orders.clone();
        drop(orders.wait_for(|orders| orders.cut_count > self.began.cut_count).await);
        End::Closed
    }
}

/// One direction of a connection.
struct Pump<'a> {
    direction: Direction,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    orders: watch::Receiver<Orders>,
    began: Orders,
    seen: &'a Seen,
    /// True if bytes were dropped, after which nothing that follows makes sense.
    has_hole: bool,
}

impl Pump<'_> {
    async fn run(mut self) -> Result<(), End> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut pace = interval(PORTION_INTERVAL);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let index = self.direction.index();
            let orders = *self.orders.borrow_and_update();
            let flow = orders.flows[index];
            let size = portion(flow);
            let count = tokio::select! {
                changed = self.orders.changed() => {
                    changed.map_err(|_| End::Closed)?;
                    continue;
                }
                count = self.from.read(&mut chunk[..size]), if flow != Flow::Stalled => count?,
            };
            self.seen.bytes[index].fetch_add(count as u64, Ordering::Relaxed);
            self.has_hole |= flow == Flow::Dropped;
            if orders.reset_counts[index] > self.began.reset_counts[index] && count > 0 {
                self.to.write_all(&chunk[..count / 2]).await?;
                return Err(End::Reset);
            }
            match (self.has_hole, count) {
                // The other end is never told.
                (true, 0) => std::future::pending().await,
                (true, _) => {}
                (false, 0) => return Ok(self.to.shutdown().await?),
                (false, count) => self.pass(&chunk[..count], flow, &mut pace).await?,
            }
        }
    }

    async fn pass(&mut self, chunk: &[u8], flow: Flow, pace: &mut Interval) -> Result<(), End> {
        self.to.write_all(chunk).await?;
        match flow {
            Flow::Slow { .. } => drop(pace.tick().await),
            Flow::Open | Flow::Stalled | Flow::Dropped => {}
        }
        Ok(())
    }
}

/// Bytes that may be read at once.
fn portion(flow: Flow) -> usize {
    match flow {
        Flow::Slow { bytes_per_second } => {
            (bytes_per_second / PORTIONS_A_SECOND).clamp(1, CHUNK_BYTES)
        }
        Flow::Open | Flow::Stalled | Flow::Dropped => CHUNK_BYTES,
    }
}
