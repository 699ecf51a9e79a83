//! Peers that take and never give: neither end grows while the other does not read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use phuxanh_core::{
    Batch, LocalityCode, LogId, Position, Timestamp,
    frame::{
        Credit, Durability, FromAggregator, FromCollector, Generation, Heartbeat, Hello,
        IntakeTrouble, PROTOCOL, SessionId, Welcome,
    },
};
use phuxanh_proto::{
    convert,
    v1::{
        DeliverRequest, DeliverResponse, ListOtherValuesRequest, ListOtherValuesResponse,
        collection_service_client::CollectionServiceClient,
        collection_service_server::{CollectionService, CollectionServiceServer},
    },
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Endpoint, Server},
};

use super::{
    bulk::Bulk,
    pace,
    proof::{applied_once, bulk_stands, collector},
};
use crate::harness::{CollectorSetup, Deployment, Process, eventually, settings};

/// Largest growth of a process's memory: what an allocator keeps, far below what passes.
const GROWTH_BYTES_MAX: u64 = 5 << 20;
/// Bytes of a batch in the flood.
const PAYLOAD_BYTES: usize = 200 << 10;
/// Frames before the memory is measured first.
const WARM_UP_FRAMES: usize = 50;
/// HTTP/2 window of a peer that does not read, so that nothing is read for it either.
const WINDOW_BYTES: u32 = 64;
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// Files that a collector sends to an aggregator that never acknowledges, in every session.
const SILENT_FILES: usize = 25;
/// Time for which a frame that must not be taken is offered.
const OFFERED_FOR: Duration = Duration::from_secs(1);
/// Frames in flight beyond which an aggregator that took them would be hoarding them.
const HELD_FRAMES_MAX: u64 = 40;

/// A collector sends so many large frames and reads nothing: the aggregator's memory stays flat.
pub async fn collector_that_never_reads(frame_count: usize) -> anyhow::Result<()> {
    let deployment = Deployment::start_with(&[], &pace::brisk(Bulk::facts())).await?;
    let mut deaf = Deaf::connect(deployment.server(), LocalityCode::NATION).await?;
    deaf.send_batch(Vec::new(), 0).await?;
    deaf.flood(WARM_UP_FRAMES).await?;
    let before = deployment.resident_bytes(&Process::Aggregator)?;
    deaf.flood(frame_count).await?;
    let after = deployment.resident_bytes(&Process::Aggregator)?;
    ensure!(after < before + GROWTH_BYTES_MAX, "{before} bytes became {after}");
    drop(deaf);

    // Each of these asks for an answer of its own, which cannot be sent: they are left where they
    // are, until the session ends for want of signs of life.
    let mut deaf = Deaf::connect(deployment.server(), LocalityCode::NATION).await?;
    let before = deployment.resident_bytes(&Process::Aggregator)?;
    while deaf.send_batch(vec![0xff; PAYLOAD_BYTES], 1).await? {
        ensure!(deaf.at.sequence < HELD_FRAMES_MAX, "frames are taken that nobody answers");
    }
    let after = deployment.resident_bytes(&Process::Aggregator)?;
    let held = HELD_FRAMES_MAX * PAYLOAD_BYTES as u64;
    ensure!(after < before + GROWTH_BYTES_MAX + held, "{before} bytes became {after}");
    let client = deployment.client()?;
    eventually("the session ends", TAKEN_WITHIN, async || {
        let found = collector(&client, "00").await?;
        ensure!(!found.connected, "it is connected since {:?}", found.since_time);
        Ok(())
    })
    .await
}

/// An aggregator welcomes so many sessions and never acknowledges anything: the collector's memory
/// stays flat, and what it holds arrives at the next one that does.
pub async fn aggregator_that_never_acknowledges(
    seed: u64,
    session_count: u64,
) -> anyhow::Result<()> {
    let mut bulk = Bulk::new(seed);
    let mut deployment = Deployment::start_with(&[], &pace::brisk(Bulk::facts())).await?;
    let silent = Silent::start().await?;
    let setup = CollectorSetup {
        server: Some(silent.url.clone()),
        settings: settings(&[
            ("DELIVERY__ACK_TIMEOUT", "100ms"),
            ("DELIVERY__BACKOFF_MAX", "20ms"),
            // All that there is goes out in every session.
            ("SPOOL__BATCH_OBSERVATION_COUNT_MAX", "2000"),
        ]),
        ..CollectorSetup::of(bulk.province())
    };
    let process = deployment.add_collector(&setup)?;
    deployment.restart(&process)?;
    for _ in 0..SILENT_FILES {
        let (name, text) = bulk.next_file();
        deployment.put_file(bulk.province(), &name, text.as_bytes())?;
    }
    deployment.files_are_read().await?;
    silent.has_welcomed(5).await?;
    let before = deployment.resident_bytes(&process)?;
    silent.has_welcomed(session_count).await?;
    let after = deployment.resident_bytes(&process)?;
    ensure!(after < before + GROWTH_BYTES_MAX, "{before} bytes became {after}");

    ensure!(deployment.terminate(&process).await? == Some(0));
    let process = deployment.add_collector(&CollectorSetup { server: None, ..setup })?;
    deployment.restart(&process)?;
    let client = deployment.client()?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    bulk_stands(&client, &bulk).await
}

/// A collector that sends what it is told to and reads nothing.
pub(super) struct Deaf {
    log: LogId,
    at: Position,
    frames: mpsc::Sender<DeliverRequest>,
    /// Held, and never asked.
    _unread: Streaming<DeliverResponse>,
}

impl Deaf {
    /// Opens a stream with a log of its own and says Hello.
    pub(super) async fn connect(server: &str, reporter: LocalityCode) -> anyhow::Result<Self> {
        const FRAMES_MAX: usize = 1;
        let endpoint = Endpoint::from_shared(server.to_owned())?;
        let channel = endpoint.initial_stream_window_size(WINDOW_BYTES).connect().await?;
        let (frames, outbound) = mpsc::channel(FRAMES_MAX);
        let mut client = CollectionServiceClient::new(channel);
        let answer = client.deliver(ReceiverStream::new(outbound)).await?;
        let log = LogId(fastrand::u128(..).to_be_bytes());
        let at = Position::start(log);
        let deaf = Self { log, at, frames, _unread: answer.into_inner() };
        let hello = Hello {
            protocol: PROTOCOL,
            reporter,
            log,
            log_epoch: 0,
            produced: at,
            released: at,
            host: "deaf".to_owned(),
            catalogue_digest: [0; 32],
            least_durability: Durability::None,
            software: String::new(),
            catalogue_version: 1,
        };
        ensure!(deaf.send(FromCollector::Hello(hello)).await?, "Hello is not taken");
        Ok(deaf)
    }

    /// Sends a frame; false where it is not taken for a while.
    async fn send(&self, frame: FromCollector) -> anyhow::Result<bool> {
        match timeout(OFFERED_FOR, self.frames.send(convert::to_collector(frame))).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(_)) => bail!("the stream has ended"),
            Err(_) => Ok(false),
        }
    }

    /// Sends the log's next batch; false where it is not taken.
    async fn send_batch(&mut self, payload: Vec<u8>, count: u32) -> anyhow::Result<bool> {
        let batch = Batch {
            sequence: self.at.sequence + 1,
            previous_chain: self.at.chain,
            observation_count: count,
            complete_through: None,
            payload: payload.into(),
        };
        self.at = self.at.after(&batch);
        self.send(FromCollector::Batch(batch)).await
    }

    /// Sends the first batch again and again, as large as it may be, and heartbeats in between.
    /// Each one asks for an acknowledgement.
    async fn flood(&self, count: usize) -> anyhow::Result<()> {
        let batch = Batch {
            sequence: 1,
            previous_chain: Position::start(self.log).chain,
            observation_count: 1,
            complete_through: None,
            payload: vec![0xff; PAYLOAD_BYTES].into(),
        };
        for number in 0..count {
            let frame = if number % 4 == 0 {
                self.heartbeat()?
            } else {
                FromCollector::Batch(batch.clone())
            };
            ensure!(self.send(frame).await?, "frame {number} is not taken");
        }
        Ok(())
    }

    fn heartbeat(&self) -> anyhow::Result<FromCollector> {
        Ok(FromCollector::Heartbeat(Heartbeat {
            produced_through: self.at.sequence,
            spool_batch_count: 0,
            spool_bytes: 0,
            dead_letter_count: 0,
            sent: Timestamp::from_micros(0).context("1970 is a time")?,
            complete_through: None,
            audit: None,
            intake_trouble: IntakeTrouble::default(),
        }))
    }
}

/// An aggregator that welcomes whoever comes, and says no more.
struct Silent {
    url: String,
    welcomed: Arc<AtomicU64>,
}

struct SilentService {
    welcomed: Arc<AtomicU64>,
}

impl Silent {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let welcomed = Arc::new(AtomicU64::new(0));
        let service = SilentService { welcomed: Arc::clone(&welcomed) };
        let serving = Server::builder()
            .initial_stream_window_size(WINDOW_BYTES)
            .add_service(CollectionServiceServer::new(service))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        Ok(Self { url, welcomed })
    }

    async fn has_welcomed(&self, count: u64) -> anyhow::Result<()> {
        eventually(&format!("{count} sessions"), Duration::from_mins(2), async || {
            let welcomed = self.welcomed.load(Ordering::Relaxed);
            ensure!(welcomed >= count, "{welcomed} only");
            Ok(())
        })
        .await
    }
}

#[tonic::async_trait]
impl CollectionService for SilentService {
    type DeliverStream =
        Pin<Box<dyn tokio_stream::Stream<Item = Result<DeliverResponse, Status>> + Send>>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        const FRAMES_MAX: usize = 1;
        let welcomed = Arc::clone(&self.welcomed);
        let mut inbound = request.into_inner();
        let (outgoing, frames) = mpsc::channel(FRAMES_MAX);
        tokio::spawn(async move {
            let Ok(Some(frame)) = inbound.message().await else { return };
            let Ok(FromCollector::Hello(hello)) = convert::from_collector(frame) else { return };
            let welcome = convert::to_aggregator(FromAggregator::Welcome(welcome(&hello)));
            if outgoing.send(Ok(welcome)).await.is_ok() {
                welcomed.fetch_add(1, Ordering::Relaxed);
                // Both directions stay open and unused until the collector has gone.
                outgoing.closed().await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(frames))))
    }

    async fn list_other_values(
        &self,
        _: Request<ListOtherValuesRequest>,
    ) -> Result<Response<ListOtherValuesResponse>, Status> {
        Err(Status::unimplemented("an aggregator that says nothing"))
    }
}

fn welcome(hello: &Hello) -> Welcome {
    Welcome {
        session: SessionId([1; 16]),
        generation: Generation([1; 16]),
        log_epoch: 1,
        applied: Position::start(hello.log),
        durability: Durability::Always,
        credit: Credit {
            batch_count_max: 1_000,
            payload_bytes_max: 4 << 20,
            batch_payload_bytes_max: 256 << 10,
            batch_observation_count_max: 10_000,
        },
        heartbeat_interval: Duration::from_millis(50),
        catalogue_digest: [0; 32],
    }
}
