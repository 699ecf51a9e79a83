//! Links that break while a collector delivers over them.

use std::time::Duration;

use anyhow::ensure;

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_stands},
};
use crate::{
    harness::{CollectorSetup, Deployment, eventually, settings},
    proxy::{Direction, Flow, Proxy},
};

/// Longest time in which a fault must show.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// Bytes up after which a file is certainly on its way: more than heartbeats come to.
const UNDER_WAY_BYTES: u64 = 2_000;
const SLOW_BYTES_PER_SECOND: usize = 5_000;
/// Least rate of a link, as both ends are told.
const LEAST_BYTES: &str = "4000";
/// Bytes that the slow link carries in the second for which an ack is waited.
const PATIENCE_BYTES: u64 = SLOW_BYTES_PER_SECOND as u64;

/// Way in which a link breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// One direction stands still, and goes on later.
    Stalled(Direction),
    /// One direction loses what is sent, and nobody is told.
    HalfOpen(Direction),
    /// Both directions do.
    Gone,
    /// Both ends see a reset, within a frame that went this way.
    Reset(Direction),
    /// The link passes so little that a batch takes a while.
    Slow,
    /// The connection is closed.
    Cut,
}

impl Break {
    /// Every way in which a link breaks.
    pub const ALL: [Self; 9] = [
        Self::Stalled(Direction::Up),
        Self::Stalled(Direction::Down),
        Self::HalfOpen(Direction::Up),
        Self::HalfOpen(Direction::Down),
        Self::Gone,
        Self::Reset(Direction::Up),
        Self::Reset(Direction::Down),
        Self::Slow,
        Self::Cut,
    ];

    fn inflict(self, proxy: &Proxy) {
        match self {
            Self::Stalled(direction) => proxy.set(direction, Flow::Stalled),
            Self::HalfOpen(direction) => proxy.set(direction, Flow::Dropped),
            Self::Gone => {
                proxy.set(Direction::Up, Flow::Dropped);
                proxy.set(Direction::Down, Flow::Dropped);
            }
            Self::Reset(direction) => proxy.reset_mid_frame(direction),
            Self::Slow => {
                let flow = Flow::Slow { bytes_per_second: SLOW_BYTES_PER_SECOND };
                proxy.set(Direction::Up, flow);
                proxy.set(Direction::Down, flow);
            }
            Self::Cut => proxy.cut(),
        }
    }

    /// True if the fault has shown since a mark was taken.
    fn has_shown(self, since: Mark, now: Mark) -> bool {
        match self {
            // The collector has given the link up and tries again.
            Self::Stalled(_) | Self::HalfOpen(_) | Self::Gone | Self::Cut => {
                now.connections > since.connections
            }
            Self::Reset(_) => now.resets > since.resets && now.connections > since.connections,
            Self::Slow => now.bytes_up > since.bytes_up + UNDER_WAY_BYTES,
        }
    }
}

/// State of a proxy at a moment.
#[derive(Debug, Clone, Copy)]
struct Mark {
    connections: u64,
    resets: u64,
    bytes_up: u64,
}

impl Mark {
    fn of(proxy: &Proxy) -> Self {
        Self {
            connections: proxy.connection_count(),
            resets: proxy.reset_count(),
            bytes_up: proxy.byte_count(Direction::Up),
        }
    }
}

/// Breaks a link in these ways, one after the other and each while a file is on its way, mends it,
/// and proves after each that everything arrived once.
pub async fn deliver_through(seed: u64, breaks: &[Break]) -> anyhow::Result<()> {
    let mut bulk = Bulk::new(seed);
    let mut deployment = Deployment::start_with(&[], &pace::brisk(Bulk::facts())).await?;
    let proxy = Proxy::start(deployment.server()).await?;
    let collector = deployment.add_collector(&CollectorSetup {
        server: Some(proxy.url()),
        // A new connection then means that the old one was given up.
        settings: settings(&[("DELIVERY__STREAM_AGE_MAX", "1h")]),
        ..CollectorSetup::of(bulk.province())
    })?;
    deployment.restart(&collector)?;
    for &fault in breaks {
        break_once(&mut bulk, &deployment, &proxy, fault)
            .await
            .map_err(|error| error.context(format!("{fault:?}")))?;
    }
    bulk_stands(&deployment.client()?, &bulk).await
}

/// Delivers over a link on which a batch takes longer than all that is waited for beside it, and
/// proves that it goes through at once: nothing is sent twice, and no connection is given up.
pub async fn deliver_slowly(seed: u64) -> anyhow::Result<()> {
    let mut bulk = Bulk::new(seed);
    let mut setup = pace::brisk(Bulk::facts());
    setup.aggregator.extend(settings(&[("INGEST__LINK_BYTES_PER_SECOND_MIN", LEAST_BYTES)]));
    setup.collector.extend(settings(&[
        ("DELIVERY__LINK_BYTES_PER_SECOND_MIN", LEAST_BYTES),
        // So that a file is one batch.
        ("FOLDER__CHUNK_OBSERVATION_COUNT_MAX", "10000"),
        ("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "10000"),
        ("DELIVERY__STREAM_AGE_MAX", "1h"),
    ]));
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let proxy = Proxy::start(deployment.server()).await?;
    let collector = deployment.add_collector(&CollectorSetup {
        server: Some(proxy.url()),
        ..CollectorSetup::of(bulk.province())
    })?;
    deployment.restart(&collector)?;
    Break::Slow.inflict(&proxy);
    put_next(&mut bulk, &deployment)?;
    let client = deployment.client()?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    let Mark { connections, bytes_up, .. } = Mark::of(&proxy);
    ensure!(connections == 1, "{connections} connections");
    ensure!(bytes_up > 2 * PATIENCE_BYTES, "a batch of {bytes_up} bytes is no trial");
    bulk_stands(&client, &bulk).await
}

async fn break_once(
    bulk: &mut Bulk,
    deployment: &Deployment,
    proxy: &Proxy,
    fault: Break,
) -> anyhow::Result<()> {
    let before = Mark::of(proxy);
    put_next(bulk, deployment)?;
    eventually("a file is on its way", NOTICED_WITHIN, async || {
        let bytes_up = Mark::of(proxy).bytes_up - before.bytes_up;
        ensure!(bytes_up > UNDER_WAY_BYTES, "{bytes_up} bytes only");
        Ok(())
    })
    .await?;
    let since = Mark::of(proxy);
    fault.inflict(proxy);
    put_next(bulk, deployment)?;
    eventually("the fault shows", NOTICED_WITHIN, async || {
        let now = Mark::of(proxy);
        ensure!(fault.has_shown(since, now), "{since:?} is now {now:?}");
        Ok(())
    })
    .await?;
    proxy.heal();
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await
}

fn put_next(bulk: &mut Bulk, deployment: &Deployment) -> anyhow::Result<()> {
    let (name, text) = bulk.next_file();
    deployment.put_file(bulk.province(), &name, text.as_bytes())
}
