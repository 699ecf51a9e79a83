//! The shared store: Redis, for any number of aggregators.
//!
//! ```text
//! session ─ open, admit, confirm ─▶ scripts ─▶ {reporter} cursor, log
//! follower ◀── tail ── asks where every log stands ──┘
//! link ── checks the servers: the same ones? durable? in reach?
//! ```
//!
//! `admit.lua` decides about a batch and stores it in one atomic step. `admission::open` decides
//! about a Hello; the result is written only if the cursor has not changed since. Each log has a
//! hash over all of its records, so that a follower notices when a failover has lost records that
//! it had read.

mod archive;
pub mod cache;
mod config;
mod cursors;
mod entry;
mod evidence;
mod format;
mod inspect;
mod keys;
mod link;
mod logs;
mod replicated;
mod tail;

use std::{
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use phuxanh_core::{
    LocalityCode, Record, Timestamp,
    delivery::{
        admission::{self, Admitted, Offer, Opened, Opening, Ticket, Verdict},
        damage::Damaged,
        log::Event,
    },
    frame::{Durability, Hello, ResyncReason, SessionId},
};
use redis::Script;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tracing::error;

pub use cache::Cache;
pub use config::{Config, Password, Settings, Topology};
pub use inspect::{Demand, Refusal};
pub use link::probe;

use phuxanh_daemon::{clock::Clock, tasks::Tasks};

use super::{Announcements, Store, Terms, Trouble, Writes, WritesRefused};
use crate::store;
use entry::Kept;
use keys::Keys;
use link::{Link, Live};
use logs::Logs;

/// Attempts to open a log while others change its cursor.
const OPEN_ATTEMPTS: usize = 8;
/// Time for which an aggregator's announcement is passed on.
const ANNOUNCED_MILLIS: u32 = 5_000;
/// Most followers that wait for the tail.
const FOLLOWERS_MAX: usize = 1;
/// Most admissions that wait for replicas together.
const REPLICATED_TOGETHER: usize = 256;

static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/admit.lua")));
static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/open.lua")));
static CACHE_SNAPSHOT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/snapshot.lua")));
static PUBLISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/publish.lua")));
static CONFIRM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/confirm.lua")));
static ANNOUNCE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/announce.lua")));
static REBUILD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/rebuild.lua")));
static PROBE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/probe.lua")));

/// Failure of the Redis store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("redis cannot be the store: {0}")]
    Refused(Refusal),
    #[error("redis is out of reach: {0}")]
    Down(String),
    #[error("redis failed: {0}")]
    Command(redis::RedisError),
    #[error("unreadable data in redis: {0}")]
    Corrupt(&'static str),
    #[error("the cursor was lost while the log is kept: it is being rebuilt")]
    NoCursor,
    #[error("{0}")]
    Damaged(Box<Damaged>),
    #[error("write not replicated: {0}")]
    Unreplicated(String),
    #[error("cannot open the log of {0}: its cursor keeps changing (do several collectors run?)")]
    Contended(LocalityCode),
    #[error("cannot read the system's random source")]
    Randomness,
}

impl Error {
    const fn corrupt(what: &'static str) -> Self {
        Self::Corrupt(what)
    }

    /// True if the data of one reporter is at fault, and not the server or the link.
    pub(super) fn is_of_data(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::NoCursor | Self::Damaged(_) => true,
            Self::Command(error) => error.code() == Some("WRONGTYPE"),
            Self::Refused(_)
            | Self::Down(_)
            | Self::Unreplicated(_)
            | Self::Contended(_)
            | Self::Randomness => false,
        }
    }

    /// True if the server did not answer, or an answer was lost on the way.
    pub(super) fn is_of_reach(&self) -> bool {
        match self {
            Self::Command(_) => !self.is_of_data(),
            Self::Down(_) => true,
            Self::Refused(_)
            | Self::Corrupt(_)
            | Self::NoCursor
            | Self::Damaged(_)
            | Self::Unreplicated(_)
            | Self::Contended(_)
            | Self::Randomness => false,
        }
    }
}

impl From<redis::RedisError> for Error {
    /// A rejected login is a refusal: waiting does not help.
    fn from(error: redis::RedisError) -> Self {
        let is_login = error.kind() == redis::ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
        if is_login {
            Self::Refused(Refusal::Login(error.to_string()))
        } else {
            Self::Command(error)
        }
    }
}

/// Handle to the store.
pub struct Shared {
    link: Arc<Link>,
    logs: Arc<Logs>,
    terms: Terms,
    copies: Option<mpsc::Sender<replicated::Question>>,
    /// Passes new followers to the tail.
    followers: mpsc::Sender<mpsc::Sender<Event>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.link.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// Connects to Redis. Waits while the servers cannot be reached, and fails if they cannot be
    /// trusted. Adds its tasks to `tasks`; the store works as long as they run.
    pub async fn start(
        config: Config,
        terms: Terms,
        clock: Clock,
        tasks: &mut Tasks,
    ) -> Result<Self, Error> {
        let link = Arc::new(Link {
            keys: Keys::new(config.key_prefix.clone()),
            live: watch::Sender::new(None),
            given: AtomicU64::new(0),
            durable: watch::Sender::default(),
            incarnation: watch::Sender::default(),
            cause: watch::Sender::new(None),
            replaced: watch::Sender::new(None),
            clock,
            writes: Writes::new(clock),
            doubt: Notify::new(),
            config,
        });
        let look = link.first().await?;
        tasks.essential("redis link", Arc::clone(&link).run(look));
        let copies = (link.config.demand.durability == Durability::Replicated).then(|| {
            let (questions, asked) = mpsc::channel(REPLICATED_TOGETHER);
            let waiting = replicated::run(Arc::clone(&link), asked, REPLICATED_TOGETHER);
            tasks.essential("redis copies", waiting);
            questions
        });
        let logs = Arc::new(Logs::new(Arc::clone(&link), clock));
        let (followers, following) = mpsc::channel(FOLLOWERS_MAX);
        let following = tail::run(Arc::clone(&logs), terms.checkpoint_epoch, following);
        tasks.essential("redis tail", following);
        Ok(Self { link, logs, terms, copies, followers })
    }

    fn keys(&self) -> &Keys {
        &self.link.keys
    }

    /// Cache beside the logs.
    #[must_use]
    pub fn cache(&self) -> Cache {
        Cache::new(Arc::clone(&self.logs))
    }

    fn lease_millis(&self) -> u64 {
        u64::try_from(self.terms.lease_span.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the ticket of a session's latest write, once it is as durable as a reply requires.
    async fn ticket(
        &self,
        reporter: LocalityCode,
        session: SessionId,
        sequence: u64,
    ) -> Result<Ticket, Error> {
        match self.link.config.demand.durability {
            Durability::Always => Ok(Ticket::default()),
            Durability::Replicated => {
                let (reply, answer) = oneshot::channel();
                let gone = || Error::Unreplicated("the waiting task has ended".to_owned());
                let copies = self.copies.as_ref().ok_or_else(gone)?;
                let question = replicated::Question { reporter, session, sequence, reply };
                copies.send(question).await.map_err(|_| gone())?;
                answer.await.map_err(|_| gone())?.map(|()| Ticket::default())
            }
            Durability::Everysec | Durability::None => {
                Ok(Ticket(self.link.given.fetch_add(1, Ordering::Relaxed) + 1))
            }
        }
    }

    /// Adds a reporter to those that are followed.
    async fn list(&self, reporter: LocalityCode) -> Result<(), Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let mut add = redis::cmd("SADD");
        add.arg(self.keys().reporters()).arg(reporter.to_string());
        self.logs.written(add.query_async(&mut connection).await)
    }

    /// Makes one attempt to open a log; returns `None` if the cursor changed meanwhile.
    async fn try_open(&self, hello: &Hello, session: SessionId) -> Result<Option<Opened>, Error> {
        let reporter = hello.reporter;
        let kept = match self.logs.kept_unless_lost(reporter).await {
            Err(error) if error.is_of_data() => {
                // The tail rebuilds the cursor of every reporter that is listed.
                self.list(reporter).await?;
                return Err(error);
            }
            read => read?,
        };
        let opening = admission::open(kept.as_ref().map(|it| it.cursor.clone()), hello, session);
        let Live { mut connection, generation } = self.link.live()?;
        let mut script = OPEN.key(self.keys().cursor(reporter));
        script.arg(&hello.host).arg(self.lease_millis());
        match &kept {
            None => script.arg("").arg(""),
            Some(kept) => script.arg(&kept.cursor.session.0[..]).arg(kept.cursor.record_count),
        };
        if let Opening::Welcome(cursor) = &opening {
            self.list(reporter).await?;
            for (field, value) in Kept::fields(cursor) {
                script.arg(field).arg(value);
            }
            let tip = kept.as_ref().map_or("", |kept| kept.tip.as_str());
            script.arg("tip").arg(tip);
        }
        let answer: Vec<String> = self.logs.written(script.invoke_async(&mut connection).await)?;
        let words: Vec<_> = answer.iter().map(String::as_str).collect();
        match (words.as_slice(), opening) {
            (["owned", host], _) => Ok(Some(Opened::Owned { host: (*host).to_owned() })),
            (["opened"], Opening::Resync(reason)) => Ok(Some(Opened::Resync(reason))),
            (["opened"], Opening::Welcome(cursor)) => {
                let ticket = self.ticket(reporter, session, cursor.position.sequence).await?;
                let (released, count_max) = (hello.released.sequence, self.terms.refusals_told_max);
                let results = self.logs.results(&cursor, reporter, released, count_max).await;
                let results = match results {
                    Ok(Some(results)) => results,
                    Ok(None) => return Ok(Some(Opened::Resync(ResyncReason::StoreLost))),
                    Err(Error::Damaged(damaged)) => {
                        error!(%damaged, "damaged record: the collector must begin a new log");
                        self.logs.note_damage(reporter, &cursor).await?;
                        return Ok(Some(Opened::Resync(ResyncReason::StoreLost)));
                    }
                    Err(error) => return Err(error),
                };
                Ok(Some(Opened::Welcome { cursor, generation, ticket, results }))
            }
            (["changed"], _) => Ok(None),
            _ => Err(Error::corrupt("script's answer")),
        }
    }

    async fn decide(&self, offer: Offer) -> Result<Verdict, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let before = offer.batch.before();
        let position = before.after(&offer.batch);
        let mut script = ADMIT.key(self.keys().cursor(offer.reporter));
        script
            .key(self.keys().log(offer.reporter))
            .arg(&offer.session.0[..])
            .arg(&offer.log.0[..])
            .arg(offer.batch.sequence)
            .arg(&before.chain.0[..])
            .arg(&position.chain.0[..])
            .arg(offer.received.micros())
            .arg(self.lease_millis())
            .arg(entry::encode(offer.reporter, self.record(offer), position.chain));
        let answer: Vec<String> = self.logs.written(script.invoke_async(&mut connection).await)?;
        let words: Vec<_> = answer.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["append"] => Verdict::Append(position),
            ["duplicate"] => Verdict::Duplicate,
            ["fenced"] => Verdict::Fenced,
            ["replaced"] => Verdict::Conflict(ResyncReason::LogReplaced),
            ["damaged"] => Verdict::Conflict(ResyncReason::StoreLost),
            ["broken"] => Verdict::Conflict(ResyncReason::ChainBroken),
            ["gap", expected] => Verdict::Gap {
                expected: expected.parse().map_err(|_| Error::corrupt("script's answer"))?,
            },
            _ => return Err(Error::corrupt("script's answer")),
        })
    }

    fn record(&self, offer: Offer) -> Record {
        let references = self.terms.references;
        Record {
            receipt: offer.received,
            log: offer.log,
            log_epoch: offer.log_epoch,
            batch: offer.batch,
            result: offer.result,
            host: offer.host,
            catalogue_digest: references.catalogue_digest,
            gazetteer_digest: references.gazetteer_digest,
        }
    }
}

#[tonic::async_trait]
impl Store for Shared {
    fn kind(&self) -> &'static str {
        match self.link.config.topology {
            Topology::Single => "redis",
            Topology::Sentinel { .. } => "redis sentinel",
            Topology::Cluster => "redis cluster",
        }
    }

    fn durability(&self) -> Durability {
        self.link.config.demand.durability
    }

    fn durable(&self) -> watch::Receiver<Ticket> {
        self.link.durable.subscribe()
    }

    fn incarnation(&self) -> watch::Receiver<u64> {
        self.link.incarnation.subscribe()
    }

    fn trouble(&self) -> watch::Receiver<Option<Trouble>> {
        self.logs.trouble.subscribe()
    }

    fn writes(&self) -> watch::Receiver<Option<WritesRefused>> {
        self.link.writes.subscribe()
    }

    fn replaced(&self) -> watch::Receiver<Option<Timestamp>> {
        self.link.replaced.subscribe()
    }

    async fn open(&self, hello: Hello, session: SessionId) -> Result<Opened, store::Error> {
        for _ in 0..OPEN_ATTEMPTS {
            if let Some(opened) = self.try_open(&hello, session).await? {
                return Ok(opened);
            }
        }
        Err(Error::Contended(hello.reporter).into())
    }

    async fn admit(&self, offer: Offer) -> Result<Admitted, store::Error> {
        let (reporter, session, sequence) = (offer.reporter, offer.session, offer.batch.sequence);
        let verdict = self.decide(offer).await?;
        // A repeated batch may not be durable yet from its first time.
        let ticket = match verdict {
            Verdict::Append(_) | Verdict::Duplicate => {
                self.ticket(reporter, session, sequence).await?
            }
            Verdict::Fenced | Verdict::Gap { .. } | Verdict::Conflict(_) => Ticket::default(),
        };
        Ok(Admitted { verdict, ticket })
    }

    async fn confirm(
        &self,
        reporter: LocalityCode,
        session: SessionId,
    ) -> Result<Option<u64>, store::Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let mut script = CONFIRM.key(self.link.keys.cursor(reporter));
        script.arg(&session.0[..]).arg(self.lease_millis());
        Ok(self.logs.written(script.invoke_async(&mut connection).await)?)
    }

    async fn follow(&self, events: mpsc::Sender<Event>) -> Result<(), store::Error> {
        self.followers.send(events).await.map_err(|_| store::Error::Closed)
    }

    async fn close(&self) {}
}

#[tonic::async_trait]
impl Announcements for Shared {
    async fn announce(
        &self,
        replica: [u8; 16],
        said: Vec<u8>,
    ) -> Result<Vec<Vec<u8>>, store::Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let mut script = ANNOUNCE.key(self.link.keys.replicas());
        script.arg(&replica[..]).arg(ANNOUNCED_MILLIS).arg(said);
        Ok(self.logs.written(script.invoke_async(&mut connection).await)?)
    }
}
