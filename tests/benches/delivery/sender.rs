//! A collector without a spool.

use anyhow::{Context, bail};
use phuxanh_collector::delivery::random;
use phuxanh_core::{
    Batch, LocalityCode, LogId, Observation, Position,
    frame::{Ack, Durability, FromAggregator, FromCollector, Hello, PROTOCOL},
};
use phuxanh_proto::{
    convert,
    v1::{DeliverRequest, DeliverResponse, collection_service_client::CollectionServiceClient},
};
use phuxanh_tests::harness::Client;
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

const FRAMES_MAX: usize = 4;

/// A collector without a spool, which knows to the moment when an ack has come.
pub struct Sender {
    reporter: LocalityCode,
    log: LogId,
    at: Position,
}

/// An open stream of it.
pub struct Stream {
    frames: mpsc::Sender<DeliverRequest>,
    answers: Streaming<DeliverResponse>,
}

impl Sender {
    pub fn new(reporter: LocalityCode) -> Self {
        let log = LogId(random());
        Self { reporter, log, at: Position::start(log) }
    }

    /// Says Hello to an aggregator, and waits until it is welcome.
    pub async fn open(&self, receiver: &Client) -> anyhow::Result<Stream> {
        let (frames, outbound) = mpsc::channel(FRAMES_MAX);
        let hello = Hello {
            protocol: PROTOCOL,
            reporter: self.reporter,
            log: self.log,
            log_epoch: 0,
            produced: self.at,
            released: self.at,
            host: "bench".to_owned(),
            software: String::new(),
            least_durability: Durability::Always,
            catalogue_digest: [0; 32],
            catalogue_version: 1,
        };
        frames.send(convert::to_collector(FromCollector::Hello(hello))).await?;
        let mut client = CollectionServiceClient::new(receiver.channel());
        let answers = client.deliver(ReceiverStream::new(outbound)).await?.into_inner();
        let mut stream = Stream { frames, answers };
        match stream.answer().await? {
            FromAggregator::Welcome(welcome) if welcome.applied == self.at => Ok(stream),
            other => bail!("{other:?} instead of Welcome"),
        }
    }

    /// Sends a batch, and says when its durable ack came.
    pub async fn deliver(
        &mut self,
        stream: &mut Stream,
        observations: &[Observation],
    ) -> anyhow::Result<Instant> {
        let batch = Batch {
            sequence: self.at.sequence + 1,
            previous_chain: self.at.chain,
            observation_count: u32::try_from(observations.len())?,
            complete_through: None,
            payload: convert::encode(observations).into(),
        };
        self.at = self.at.after(&batch);
        stream.frames.send(convert::to_collector(FromCollector::Batch(batch))).await?;
        loop {
            match stream.answer().await? {
                FromAggregator::Ack(Ack { durable_through, .. })
                    if durable_through == self.at.sequence =>
                {
                    return Ok(Instant::now());
                }
                FromAggregator::Ack(_) => {}
                other => bail!("{other:?} instead of an ack"),
            }
        }
    }
}

impl Stream {
    async fn answer(&mut self) -> anyhow::Result<FromAggregator> {
        let frame = self.answers.message().await?.context("the stream has ended")?;
        Ok(convert::from_aggregator(frame)?)
    }
}
