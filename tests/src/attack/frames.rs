//! Frames of delivery in the name of a province that nobody reports: random ones, and right ones in
//! front of wrong ones.

use std::{net::IpAddr, time::Duration};

use fastrand::Rng;
use phuxanh_core::{
    Batch, LogId, Position,
    frame::{Durability, FromCollector, Hello, PROTOCOL},
};
use phuxanh_proto::{
    convert,
    v1::{
        self, DeliverRequest, collection_service_client::CollectionServiceClient, deliver_request,
    },
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use super::{Assailant, messages};
use crate::harness::Caller;

const METHOD: &str = "phuxanh.v1.CollectionService/Deliver";
/// Sessions of a connection.
const SESSIONS: usize = 20;
const FRAMES_MAX: usize = 40;
/// Longest time of a session.
const HELD_FOR: Duration = Duration::from_millis(500);

/// Code of the province whose name is taken.
pub(super) const PROVINCE: &str = "91";

/// Opens session after session.
pub(super) async fn deliver(mut it: Assailant) {
    loop {
        let Ok(channel) = channel(&it).await else { continue };
        for _ in 0..SESSIONS {
            let frames = session(&mut it.random);
            drop(timeout(HELD_FOR, exchange(channel.clone(), frames)).await);
            it.struck();
        }
        // Bytes that are no frames.
        let Ok(caller) = Caller::connect(it.from, &it.server).await else { continue };
        for _ in 0..SESSIONS {
            let bodies: Vec<_> = (0..3).flat_map(|_| messages::body(&mut it.random)).collect();
            let Ok(answer) = caller.call(METHOD, bodies).await else { break };
            drop(timeout(HELD_FOR, answer).await);
            it.struck();
        }
    }
}

async fn channel(it: &Assailant) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(it.server.clone())?;
    let from = IpAddr::from([127, 0, 0, it.from]);
    Ok(endpoint.local_address(Some(from)).connect().await?)
}

/// Sends frames and reads what is answered, until either end ends it.
async fn exchange(channel: Channel, frames: Vec<DeliverRequest>) -> Result<(), tonic::Status> {
    let mut client = CollectionServiceClient::new(channel);
    let mut answers = client.deliver(tokio_stream::iter(frames)).await?.into_inner();
    while answers.message().await?.is_some() {}
    Ok(())
}

/// Frames of one session.
fn session(random: &mut Rng) -> Vec<DeliverRequest> {
    let log = LogId(random.u128(..).to_be_bytes());
    let mut at = Position::start(log);
    let mut frames = Vec::new();
    if random.u8(0..4) > 0 {
        frames.push(convert::to_collector(FromCollector::Hello(hello(random, log))));
    }
    for _ in 0..random.usize(0..FRAMES_MAX) {
        if random.bool() {
            frames.push(DeliverRequest { frame: frame(random) });
            continue;
        }
        let batch = Batch {
            sequence: at.sequence + 1,
            previous_chain: at.chain,
            observation_count: random.u32(0..20),
            complete_through: None,
            payload: messages::message(random),
        };
        at = at.after(&batch);
        frames.push(convert::to_collector(FromCollector::Batch(batch)));
    }
    frames
}

fn hello(random: &mut Rng, log: LogId) -> Hello {
    Hello {
        protocol: PROTOCOL,
        reporter: PROVINCE.parse().expect("a code"),
        log,
        log_epoch: 0,
        produced: Position { sequence: random.u64(0..100), ..Position::start(log) },
        released: Position::start(log),
        host: "an assailant's".to_owned(),
        catalogue_digest: [0; 32],
        least_durability: Durability::None,
        software: String::new(),
        catalogue_version: random.u32(0..3),
    }
}

/// A frame with random fields, or none.
fn frame(random: &mut Rng) -> Option<deliver_request::Frame> {
    let position =
        |random: &mut Rng| v1::LogPosition { sequence: number(random), chain: bytes(random, 32) };
    match random.u8(0..4) {
        0 => Some(deliver_request::Frame::Hello(v1::Hello {
            protocol: random.u32(0..3),
            reporter: PROVINCE.to_owned(),
            log_id: bytes(random, 16),
            log_epoch: number(random),
            produced: Some(position(random)),
            released: random.bool().then(|| position(random)),
            host: "x".repeat(random.usize(0..5_000)),
            catalogue_digest: bytes(random, 32),
            least_durability: random.i32(-1..6),
            software: "\u{0}".repeat(random.usize(0..300)),
            catalogue_version: random.u32(..),
        })),
        1 => Some(deliver_request::Frame::Batch(v1::Batch {
            sequence: number(random),
            previous_chain: bytes(random, 32),
            observation_count: random.u32(..),
            complete_through_time: random.bool().then(|| time(random)),
            payload: messages::message(random),
        })),
        2 => Some(deliver_request::Frame::Heartbeat(v1::Heartbeat {
            produced_through: number(random),
            spool_batch_count: number(random),
            spool_bytes: number(random),
            dead_letter_count: number(random),
            sent_time: random.bool().then(|| time(random)),
            complete_through_time: random.bool().then(|| time(random)),
            audit: None,
            intake_trouble_count: number(random),
            intake_trouble: "ộ".repeat(random.usize(0..300)),
        })),
        _ => None,
    }
}

fn number(random: &mut Rng) -> u64 {
    random.choice([0, 1, 2, u64::MAX - 1, u64::MAX]).expect("some")
}

fn time(random: &mut Rng) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: random.i64(..), nanos: random.i32(..) }
}

/// So many random bytes, or one more.
fn bytes(random: &mut Rng, count: usize) -> Vec<u8> {
    let count = count + usize::from(random.u8(0..8) == 0);
    (0..count).map(|_| random.u8(..)).collect()
}
