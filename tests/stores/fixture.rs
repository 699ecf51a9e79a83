//! Stores to be tested, and what is put into them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use phuxanh_aggregator::store::{
    Embedded, Shared, Store, Terms, embedded,
    redis::{self, Config, Demand, Topology},
};
use phuxanh_core::{
    Basis, Batch, CellKey, LocalityCode, LogId, Observation, Position, Timestamp,
    delivery::{
        admission::{Offer, Opened},
        log::{Checkpoint, Event, Reference, References},
    },
    figures::fold::Contents,
    frame::{BatchResult, Durability, Generation, Hello, PROTOCOL, Refused, SessionId},
    validation::Refusal,
};
use phuxanh_daemon::tasks::Tasks;
use phuxanh_proto::convert;
use phuxanh_tests::harness::Redis;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use crate::damage::Damage;

pub const LOG: LogId = LogId([1; 16]);
pub const SESSION: SessionId = SessionId([1; 16]);
/// Longest wait for what must come.
const WITHIN: Duration = Duration::from_secs(10);
/// Room for all that a test's store holds, since the embedded one tells it before it answers.
const TOLD_QUEUE: usize = 128;
const QUEUE_MAX: usize = 16;

/// Store that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Redis,
}

/// A store, and what is needed to kill it and open it again.
pub struct Fixture {
    kind: Kind,
    lease_span: Duration,
    pub store: Arc<dyn Store>,
    pub redis: Option<Redis>,
    folder: TempDir,
}

impl Fixture {
    /// An empty store, in which no lease keeps anybody out.
    pub async fn new(kind: Kind) -> anyhow::Result<Self> {
        Self::leasing(kind, Duration::ZERO).await
    }

    pub async fn leasing(kind: Kind, lease_span: Duration) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let redis = match kind {
            Kind::Embedded => None,
            Kind::Redis => Some(Redis::start(&folder.path().join("redis"), &[]).await?),
        };
        let store = open(kind, folder.path().join("embedded"), redis.as_ref(), lease_span).await?;
        Ok(Self { kind, lease_span, store, redis, folder })
    }

    /// Another handle to the same Redis, as another aggregator has it.
    pub async fn replica(&self) -> anyhow::Result<Arc<dyn Store>> {
        let nowhere = self.folder.path().join("nowhere");
        open(self.kind, nowhere, self.redis.as_ref(), self.lease_span).await
    }

    /// Damages the store while nobody has it, and opens it again.
    pub async fn damaged(mut self, damage: Damage) -> anyhow::Result<Self> {
        let path = self.folder.path().join("embedded");
        let copy = self.folder.path().join("damaged");
        if let Some(redis) = &self.redis {
            damage.in_redis(redis).await?;
        } else {
            phuxanh_tests::harness::copy_files(&path, &copy)?;
            damage.in_file(&copy.join("store.redb"))?;
        }
        self.store = open(self.kind, copy, self.redis.as_ref(), self.lease_span).await?;
        Ok(self)
    }

    /// Kills the store (Redis), or lets go of it without its closing words, and opens what is left.
    pub async fn crash(mut self) -> anyhow::Result<Self> {
        let path = self.folder.path().join("embedded");
        let path = if let Some(redis) = &mut self.redis {
            redis.kill()?;
            redis.restart().await?;
            path
        } else {
            // The file as a power loss would leave it: a copy of what is on disk.
            let copy = self.folder.path().join("copy");
            phuxanh_tests::harness::copy_files(&path, &copy)?;
            copy
        };
        self.store = open(self.kind, path, self.redis.as_ref(), self.lease_span).await?;
        Ok(self)
    }
}

/// One refusal is in every third batch of [`fill`].
pub const REFUSALS_TOLD_MAX: usize = 60;

/// Terms under which no lease keeps anybody out.
pub fn terms() -> Terms {
    let references = References { catalogue_digest: [7; 32], gazetteer_digest: [8; 32] };
    let checkpoint_epoch = |_, kept: &Checkpoint| match &kept.bytes[..] {
        UNREADABLE => None,
        OF_EPOCH_7 => Some(7),
        _ => Some(0),
    };
    Terms {
        lease_span: Duration::ZERO,
        references,
        checkpoint_epoch,
        refusals_told_max: REFUSALS_TOLD_MAX,
    }
}

/// Opens the embedded store of a directory.
pub async fn embedded(path: PathBuf) -> anyhow::Result<Arc<dyn Store>> {
    open(Kind::Embedded, path, None, Duration::ZERO).await
}

async fn open(
    kind: Kind,
    path: PathBuf,
    redis: Option<&Redis>,
    lease_span: Duration,
) -> anyhow::Result<Arc<dyn Store>> {
    let terms = Terms { lease_span, ..terms() };
    Ok(match kind {
        Kind::Embedded => {
            let fresh = Generation([3; 16]);
            let (directory, queue_max) = (path, QUEUE_MAX);
            let config = embedded::Config { directory, queue_max, ballast_bytes: 64 << 10 };
            Arc::new(Embedded::start(&config, fresh, terms, wall_clock)?.0)
        }
        Kind::Redis => {
            let redis = redis.context("a server")?;
            Arc::new(shared(config(redis, Durability::Always), terms).await?)
        }
    })
}

/// Starts the shared store; its tasks run for as long as the test does.
pub async fn shared(config: Config, terms: Terms) -> Result<Shared, redis::Error> {
    let mut tasks = Tasks::default();
    let store = Shared::start(config, terms, wall_clock, &mut tasks).await?;
    // They end when the store is dropped, at the latest with the test.
    tokio::spawn(tasks.finish());
    Ok(store)
}

/// A checkpoint of another version.
pub const UNREADABLE: &[u8] = b"of another version";
/// A checkpoint whose cells came in epoch 7 at the latest.
pub const OF_EPOCH_7: &[u8] = b"of epoch 7";

/// Configuration of a server in tests.
pub fn config(redis: &Redis, durability: Durability) -> Config {
    Config {
        topology: Topology::Single,
        urls: vec![redis.url()],
        key_prefix: "test".to_owned(),
        username: None,
        password: None,
        root_certificate: None,
        demand: Demand { durability, replica_count_min: 1 },
        connect_timeout: Duration::from_secs(2),
        response_timeout: Duration::from_secs(5),
        poll_interval: Duration::from_millis(10),
        look_interval: Duration::from_secs(1),
    }
}

/// A file as a catalogue or gazetteer is kept.
pub fn reference(contents: &[u8]) -> Reference {
    (Sha256::digest(contents).into(), contents.to_vec())
}

/// A clock that sometimes goes back.
pub fn wall_clock() -> Timestamp {
    use std::sync::atomic::{AtomicU64, Ordering};
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    let start: Timestamp = "2025-07-31 16:00".parse().expect("a time");
    start.plus(Duration::from_millis(if asked % 3 == 2 { 0 } else { asked }))
}

pub fn reporter() -> LocalityCode {
    "04".parse().expect("a code")
}

/// The batch that follows a position, with one observation; different `value`s make different
/// batches.
pub fn batch(after: Position, value: i64) -> Batch {
    let observation = Observation {
        key: CellKey {
            locality: "01273".parse().expect("a code"),
            metric: "applications_received".parse().expect("an id"),
            period: "2025-07".parse().expect("a period"),
        },
        value: Some(value),
        observed: "2025-07-31 16:00".parse().expect("a time"),
        revision: u32::try_from(after.sequence).expect("a small number"),
        basis: Basis::Reported,
    };
    Batch {
        sequence: after.sequence + 1,
        previous_chain: after.chain,
        observation_count: 1,
        complete_through: None,
        payload: Bytes::from(convert::encode(&[observation])),
    }
}

/// The first so many batches of a log, and the position behind the last.
pub fn batches(log: LogId, count: u64) -> (Vec<Batch>, Position) {
    let mut end = Position::start(log);
    let batches = (0..count)
        .map(|number| {
            let batch = batch(end, i64::try_from(number).expect("a small number"));
            end = end.after(&batch);
            batch
        })
        .collect();
    (batches, end)
}

pub fn hello(log: LogId, produced: Position, released: Position) -> Hello {
    Hello {
        protocol: PROTOCOL,
        reporter: reporter(),
        log,
        log_epoch: 0,
        produced,
        released,
        host: "alpha".to_owned(),
        catalogue_digest: [0; 32],
        least_durability: Durability::Always,
        software: String::new(),
        catalogue_version: 1,
    }
}

pub fn offer(log: LogId, session: SessionId, batch: Batch) -> Offer {
    let contents = Contents::Undecodable { observation_count: batch.observation_count };
    Offer {
        reporter: reporter(),
        session,
        log,
        log_epoch: 1,
        host: "alpha".to_owned(),
        received: wall_clock(),
        batch,
        contents,
        result: None,
    }
}

/// Refusals of every third batch.
pub fn result(sequence: u64) -> Option<BatchResult> {
    let refused = Refused::Observations(vec![(0, Refusal::UnknownMetric)]);
    sequence.is_multiple_of(3).then_some(BatchResult { sequence, refused })
}

/// Opens a fresh log and admits so many batches.
pub async fn fill(store: &dyn Store, count: u64) -> anyhow::Result<Vec<Batch>> {
    let (batches, end) = batches(LOG, count);
    let opened = store.open(hello(LOG, end, Position::start(LOG)), SESSION).await?;
    let Opened::Welcome { .. } = opened else { bail!("{opened:?}") };
    for batch in &batches {
        let mut offer = offer(LOG, SESSION, batch.clone());
        offer.result = result(batch.sequence);
        store.admit(offer).await?;
    }
    Ok(batches)
}

/// Follows a store until it has told what it held, and goes on to listen.
pub struct Follower {
    events: mpsc::Receiver<Event>,
}

impl Follower {
    pub async fn new(store: &dyn Store) -> anyhow::Result<Self> {
        let (told, events) = mpsc::channel(TOLD_QUEUE);
        store.follow(told).await?;
        Ok(Self { events })
    }

    /// The next event, in words: `restored 5`, `6: 1/7` (number: log's first byte / sequence),
    /// `aside: …` or `caught up`.
    pub async fn next(&mut self) -> anyhow::Result<String> {
        let event = timeout(WITHIN, self.events.recv()).await?.context("the end")?;
        Ok(match event {
            Event::Restored { checkpoint, .. } => {
                format!("restored {}", checkpoint.map_or(0, |it| it.mark.record_count))
            }
            Event::Committed(committed) => format!(
                "{}: {}/{}",
                committed.mark.record_count, committed.record.log.0[0], committed.record.sequence
            ),
            Event::Damaged { damaged, mark, .. } => {
                format!("{}: damaged {:?}", mark.record_count, damaged.records)
            }
            Event::SetAside { detail, .. } => format!("aside: {detail}"),
            Event::CaughtUp => "caught up".to_owned(),
        })
    }

    pub async fn next_ones(&mut self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut words = Vec::new();
        for _ in 0..count {
            let next = self.next().await;
            words.push(next.with_context(|| format!("told so far: {words:?}"))?);
        }
        Ok(words)
    }

    /// The next record with the mark behind it.
    pub async fn committed(&mut self) -> anyhow::Result<phuxanh_core::delivery::log::Committed> {
        loop {
            let event = timeout(WITHIN, self.events.recv()).await?.context("the end")?;
            if let Event::Committed(committed) = event {
                return Ok(*committed);
            }
        }
    }
}
