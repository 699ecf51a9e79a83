//! From a full spool to the last durable ack, beside the same frames over a bare stream.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_collector::{
    config::Config,
    delivery::{self, Delivery},
    source::Trouble,
    spool::{FatalError, Spool},
};
use phuxanh_core::{Batch, delivery::sender::LogState, frame::FromCollector};
use phuxanh_daemon::clock;
use phuxanh_proto::{
    convert,
    v1::{
        ListCollectorsRequest, collection_service_client::CollectionServiceClient,
        deliver_response, mesh_service_client::MeshServiceClient,
    },
};
use phuxanh_tests::harness::eventually;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use tonic::transport::Endpoint;

use crate::{
    cores::{Cores, Ran},
    peer::{Peer, Store},
    report::Report,
    spooled::{self, Spooled},
};

const DELIVERED_WITHIN: Duration = Duration::from_mins(5);

/// Time of one way of all batches, and running time of either process for it.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub took: Duration,
    pub own_ran: Duration,
    pub peer_ran: Duration,
}

/// Lets both ways take turns, each first in every other round.
pub async fn measure(
    spooled: &Spooled<'_>,
    rounds: u32,
    cores: &Cores,
    root: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut delivered, mut bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let directory = root.join(format!("round-{round}"));
        fs::create_dir(&directory)?;
        let peer = Peer::start(cores, &directory.join("aggregator"), &Store::Embedded)?;
        let spool = directory.join("spool");
        spooled.copy(&spool)?;
        if round % 2 == 1 {
            bare.push(stream(spooled, &peer).await?);
        }
        delivered.push(deliver(spooled, &spool, &peer).await?);
        if round % 2 == 0 {
            bare.push(stream(spooled, &peer).await?);
        }
        peer.end()?;
        fs::remove_dir_all(&directory)?;
    }
    report.delivery(spooled, &delivered, &bare)
}

async fn deliver(spooled: &Spooled<'_>, directory: &Path, peer: &Peer) -> anyhow::Result<Way> {
    let opened = open(spooled, directory, peer)?;
    let watch = Watch::start(peer);
    let delivered = opened.begin().released().await?;
    let way = watch.stop();
    everything_is_applied(spooled, peer).await?;
    delivered.end().await?;
    Ok(way)
}

/// A spool that is open, to be delivered to a peer.
pub struct Opened {
    spool: Spool,
    config: Config,
    batch_count: u64,
}

/// A delivery that goes on.
pub struct Running {
    log: watch::Receiver<LogState>,
    batch_count: u64,
    stop: oneshot::Sender<()>,
    delivering: JoinHandle<()>,
    end: oneshot::Receiver<Result<(), FatalError>>,
}

pub fn open(spooled: &Spooled<'_>, directory: &Path, peer: &Peer) -> anyhow::Result<Opened> {
    let reporter = spooled.workload.reporter;
    let spool = spooled::open(reporter, directory)?;
    let config = spooled::config(reporter, directory, &peer.aggregator)?;
    Ok(Opened { spool, config, batch_count: u64::try_from(spooled.batches.len())? })
}

impl Opened {
    pub fn begin(self) -> Running {
        let Spool { handle, log, end, .. } = self.spool;
        let delivery = Delivery {
            config: self.config.session,
            endpoints: self.config.endpoints,
            spool: handle,
            log: log.clone(),
            trouble: watch::channel(Trouble::default()).1,
            link_state: watch::Sender::default(),
            superseded: mpsc::channel(1).0,
            clock: clock::now,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let delivering = tokio::spawn(delivery::run(delivery, async {
            drop(stopped.await);
        }));
        Running { log, batch_count: self.batch_count, stop, delivering, end }
    }
}

impl Running {
    /// Waits until the last batch is released, which follows the durable ack.
    pub async fn released(mut self) -> anyhow::Result<Self> {
        let released = self.log.wait_for(|state| state.released == state.produced);
        let state = *tokio::time::timeout(DELIVERED_WITHIN, released).await??;
        ensure!(state.produced.sequence == self.batch_count);
        Ok(self)
    }

    pub async fn end(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.delivering.await?;
        Ok(self.end.await??)
    }
}

/// The aggregator must have folded all that was delivered, each observation once.
pub async fn everything_is_applied(spooled: &Spooled<'_>, peer: &Peer) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(peer.aggregator.clone())?.connect().await?;
    let mut mesh = MeshServiceClient::new(channel);
    let (reporter, expected) =
        (spooled.workload.reporter.to_string(), u64::try_from(spooled.workload.observation_count)?);
    eventually("everything is folded", DELIVERED_WITHIN, async || {
        let request = ListCollectorsRequest { page_size: 1_000, ..Default::default() };
        let collectors = mesh.list_collectors(request).await?.into_inner().collectors;
        let found = collectors.into_iter().find(|collector| collector.reporter == reporter);
        let applied = found.and_then(|collector| collector.ledger).map(|sum| sum.applied_count);
        ensure!(applied == Some(expected), "{applied:?} of {expected} observations are applied");
        Ok(())
    })
    .await
}

/// Sends the same frames to the service that only counts.
async fn stream(spooled: &Spooled<'_>, peer: &Peer) -> anyhow::Result<Way> {
    let watch = Watch::start(peer);
    counted(spooled.batches.clone(), peer.bare.clone()).await?;
    Ok(watch.stop())
}

/// Sends batches to the service that only counts, and waits for its count.
pub async fn counted(batches: Vec<Batch>, bare: String) -> anyhow::Result<()> {
    let last = batches.last().context("a workload")?.sequence;
    let channel = Endpoint::from_shared(bare)?.tcp_nodelay(true).connect().await?;
    let frames = batches.into_iter().map(FromCollector::Batch).map(convert::to_collector);
    let mut client = CollectionServiceClient::new(channel);
    let mut answers = client.deliver(tokio_stream::iter(frames)).await?.into_inner();
    let answer = answers.message().await?.and_then(|answer| answer.frame);
    let Some(deliver_response::Frame::Ack(ack)) = answer else {
        anyhow::bail!("the bare service answered {answer:?}")
    };
    ensure!(ack.applied_through == last, "the bare service counted to {}", ack.applied_through);
    Ok(())
}

/// The clocks when something began.
pub struct Watch {
    began: Instant,
    own: Ran,
    peer: Ran,
    peer_pid: u32,
}

impl Watch {
    pub fn start(peer: &Peer) -> Self {
        let peer_pid = peer.pid();
        let (own, peer) = (Ran::of(std::process::id()), Ran::of(peer_pid));
        Self { began: Instant::now(), own, peer, peer_pid }
    }

    pub fn stop(self) -> Way {
        let took = self.began.elapsed();
        Way {
            took,
            own_ran: Ran::of(std::process::id()).since(&self.own),
            peer_ran: Ran::of(self.peer_pid).since(&self.peer),
        }
    }
}
