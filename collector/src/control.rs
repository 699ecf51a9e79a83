//! Questions of operators to a collector's spool: how it stands, whether it is sound, its dead
//! letters.
//!
//! ```text
//! phuxanh-collector spool … ─ a line of JSON ─▶ socket in the data directory ─▶ server ┐
//!                           ◀─ a line of JSON ─                                        ├▶ spool
//!            └ opens the file itself where no collector runs ───────────────────────────┘
//! ```
//!
//! Both ways lead to [`Asked::answer`], so they say the same. Of delivery it knows how the link
//! stands, and what the aggregator said of itself.

mod access;
mod command;
mod server;
mod text;

use std::path::PathBuf;

use phuxanh_core::{Position, Timestamp, delivery::sender::Peer};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    delivery::{DurableAck, LastFailure, LinkState},
    spool::{self, Handle, Held},
};

pub use access::{Access, Error};
pub use command::{Command, Outcome, Selection, run};
pub use server::Server;

/// Name of the socket in the data directory.
pub const SOCKET: &str = "control.sock";
/// Largest request, a line of JSON.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Largest reply, a line of JSON.
const REPLY_BYTES_MAX: usize = 4 << 20;
/// Dead letters that one request names, or one reply lists.
pub const DEAD_LETTERS_MAX: usize = 1_000;

/// Request of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    Stat,
    Verify,
    /// Dead letters behind a number, at most [`DEAD_LETTERS_MAX`].
    DeadLetters {
        after: u64,
    },
    /// Observes dead letters again.
    Replay {
        numbers: Vec<u64>,
    },
    Drop {
        numbers: Vec<u64>,
    },
}

/// Reply to an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    Stat(Box<Stat>),
    Verified(Verified),
    DeadLetters { dead_letters: Vec<DeadLetter> },
    Replayed(Replayed),
    Dropped { dropped: u64 },
    Failed { message: String },
}

/// State of a spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    pub log_id: String,
    /// 0 before an aggregator gave one.
    pub log_epoch: u64,
    pub produced: LogPosition,
    pub released: LogPosition,
    /// True if cells remain to be restated.
    pub restating: bool,
    /// Batches, observations and bytes that wait to be delivered.
    pub batches: u64,
    pub observations: u64,
    pub payload_bytes: u64,
    pub file_bytes: u64,
    pub used_bytes: u64,
    pub quota_bytes: u64,
    pub ballast_bytes: u64,
    /// False while the ballast is given up.
    pub ballast_kept: bool,
    /// `quota` or `disk` while the source is held back.
    pub held_back: Option<String>,
    pub cells: u64,
    pub cell_digest: String,
    /// Observations of this log.
    pub produced_observations: u64,
    pub rejected_observations: u64,
    pub dead_letters: u64,
    pub complete_through: Option<String>,
    /// Damaged files that were moved aside.
    pub unreadable_files: u64,
    /// State of the link; nothing where no collector runs.
    pub link: Option<LinkStat>,
    /// Aggregator of the open stream; nothing where no stream is open.
    pub aggregator: Option<Aggregator>,
    /// Reason why the present log replaced another one; empty if it did not.
    pub resynced: Option<Resynced>,
}

/// State of the link since the collector started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStat {
    /// URL of the aggregator of the open stream; nothing where no stream is open.
    pub connected_to: Option<String>,
    /// Time since which the stream, or none, is open.
    pub since_time: Option<String>,
    pub last_error: Option<LinkError>,
    pub last_durable_ack: Option<DurableAckStat>,
}

/// The last failure of the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkError {
    pub time: String,
    pub url: String,
    /// As in the log, for example `connection_refused`.
    pub kind: String,
    pub cause: String,
    pub advice: String,
}

/// The last ack by which the aggregator holds batches durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableAckStat {
    pub time: String,
    /// Last batch of it.
    pub through: u64,
}

/// An aggregator, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregator {
    pub url: String,
    /// Ids of the session and of the aggregator's store.
    pub session: String,
    pub store_generation: String,
    /// `none`, `everysec`, `always` or `replicated`.
    pub durability: String,
    pub catalogue_digest: String,
    /// True if the collector has the same catalogue.
    pub same_catalogue: bool,
    /// Reason why the aggregator takes no batches for now.
    pub hold: Option<String>,
    /// Last batch of this log that the aggregator has folded.
    pub folded_through: u64,
    /// Observations of this log through there, by what became of them.
    pub applied: u64,
    pub repeated: u64,
    pub superseded: u64,
    pub rejected: u64,
}

/// A new log in the place of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resynced {
    pub time: String,
    pub reason: String,
    pub detail: String,
}

/// A place in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    pub sequence: u64,
    pub chain: String,
}

/// Contents that were walked, and their faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub sound: bool,
    pub batches: u64,
    pub observations: u64,
    pub cells: u64,
    pub dead_letters: u64,
    pub faults: Vec<String>,
}

/// A refused observation. Its fields are left out where the whole batch could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub id: u64,
    pub observation: Option<Observation>,
    pub reason: String,
    pub refused_time: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub locality: String,
    pub metric: String,
    pub period: String,
    /// Nothing where it withdraws an earlier value.
    pub value: Option<i64>,
    pub observed_time: String,
    pub basis: String,
}

/// Replayed dead letters by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replayed {
    pub taken: u64,
    pub unchanged: u64,
    pub superseded: u64,
    /// Letters that are not there, or cannot be read and so stay.
    pub passed_over: Vec<u64>,
    /// True if the spool was too full to take more; the rest stays.
    pub full: bool,
}

/// Parts that requests are answered from.
#[derive(Debug, Clone)]
pub struct Asked {
    pub handle: Handle,
    pub directory: PathBuf,
    /// `None` where no collector runs.
    pub link: Option<watch::Receiver<LinkState>>,
    /// Aggregators by number.
    pub endpoints: Vec<String>,
    /// Digest of the collector's catalogue.
    pub catalogue_digest: [u8; 32],
}

impl Asked {
    /// Answers from a spool on which no collector runs.
    #[must_use]
    pub fn without_daemon(handle: Handle, directory: PathBuf) -> Self {
        Self { handle, directory, link: None, endpoints: Vec::new(), catalogue_digest: [0; 32] }
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Reply {
        let handle = &self.handle;
        let reply = match request {
            Request::Stat => {
                handle.stat().await.map(|stat| Reply::Stat(Box::new(self.stat(&stat))))
            }
            Request::Verify => handle.verify().await.map(|found| Reply::Verified(found.into())),
            Request::DeadLetters { after } => handle
                .dead_letters(after, DEAD_LETTERS_MAX)
                .await
                .map(|letters| Reply::DeadLetters {
                    dead_letters: letters.into_iter().map(DeadLetter::from).collect(),
                }),
            Request::Replay { numbers } | Request::Drop { numbers }
                if numbers.len() > DEAD_LETTERS_MAX =>
            {
                let message = format!("at most {DEAD_LETTERS_MAX} dead letters at once");
                return Reply::Failed { message };
            }
            Request::Replay { numbers } => match handle.replay(numbers).await {
                Err(spool::Error::Full { .. }) => {
                    Ok(Reply::Replayed(Replayed { full: true, ..Replayed::default() }))
                }
                replayed => replayed.map(|replayed| Reply::Replayed(replayed.into())),
            },
            Request::Drop { numbers } => {
                handle.drop_dead_letters(numbers).await.map(|dropped| Reply::Dropped { dropped })
            }
        };
        reply.unwrap_or_else(|error| Reply::Failed { message: error.to_string() })
    }

    fn stat(&self, stat: &spool::Stat) -> Stat {
        let state = self.link.as_ref().map(|link| link.borrow().clone());
        let link = state.as_ref().map(|state| self.link(state));
        let aggregator = state.and_then(|state| state.peer).map(|peer| self.aggregator(peer));
        let unreadable_files = spool::moved_aside_count(&self.directory);
        Stat { unreadable_files, link, aggregator, ..Stat::of(stat) }
    }

    fn link(&self, state: &LinkState) -> LinkStat {
        let LinkState { peer, since, last_failure, durable_ack } = state;
        LinkStat {
            connected_to: peer.as_ref().map(|peer| self.endpoints[peer.endpoint].clone()),
            since_time: since.as_ref().map(Timestamp::to_string),
            last_error: last_failure.as_ref().map(|LastFailure { at, endpoint, failure }| {
                LinkError {
                    time: at.to_string(),
                    url: self.endpoints[*endpoint].clone(),
                    kind: failure.kind.name().to_owned(),
                    cause: failure.to_string(),
                    advice: failure.kind.advice().to_owned(),
                }
            }),
            last_durable_ack: durable_ack
                .map(|DurableAck { at, through }| DurableAckStat { time: at.to_string(), through }),
        }
    }

    fn aggregator(&self, peer: Peer) -> Aggregator {
        let Peer { endpoint, welcome, folded: (folded_through, ledger), hold } = peer;
        let id = |id: [u8; 16]| format!("{:032x}", u128::from_be_bytes(id));
        Aggregator {
            url: self.endpoints[endpoint].clone(),
            session: id(welcome.session.0),
            store_generation: id(welcome.generation.0),
            durability: welcome.durability.to_string(),
            catalogue_digest: hex(&welcome.catalogue_digest),
            same_catalogue: welcome.catalogue_digest == self.catalogue_digest,
            hold,
            folded_through,
            applied: ledger.applied,
            repeated: ledger.repeated,
            superseded: ledger.superseded,
            rejected: ledger.rejected,
        }
    }
}

impl Stat {
    /// The spool's part.
    fn of(stat: &spool::Stat) -> Self {
        let log = &stat.log;
        let audit = log.audit.unwrap_or_default();
        Self {
            log_id: log.log.to_string(),
            log_epoch: log.log_epoch,
            produced: log.produced.into(),
            released: log.released.into(),
            restating: log.is_restating,
            batches: log.batch_count,
            observations: stat.waiting_observation_count,
            payload_bytes: stat.waiting_payload_bytes,
            file_bytes: log.spool_bytes,
            used_bytes: stat.used_bytes,
            quota_bytes: stat.quota_bytes,
            ballast_bytes: stat.ballast_bytes,
            ballast_kept: stat.is_ballast_kept,
            held_back: stat.held.map(|held| match held {
                Held::Quota => "quota".to_owned(),
                Held::Disk => "disk".to_owned(),
            }),
            cells: audit.cells.count,
            cell_digest: format!("{:032x}", audit.cells.sum),
            produced_observations: audit.produced_observation_count,
            rejected_observations: audit.rejected_observation_count,
            dead_letters: log.dead_letter_count,
            complete_through: log.complete_through.as_ref().map(Timestamp::to_string),
            unreadable_files: 0,
            link: None,
            aggregator: None,
            resynced: stat.resynced.as_ref().map(|resynced| Resynced {
                time: resynced.at.to_string(),
                reason: resynced.reason.clone(),
                detail: resynced.detail.clone(),
            }),
        }
    }
}

impl From<Position> for LogPosition {
    fn from(position: Position) -> Self {
        Self { sequence: position.sequence, chain: hex(&position.chain.0) }
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    let (halves, _) = bytes.as_chunks();
    let half = |half: &[u8; 16]| format!("{:032x}", u128::from_be_bytes(*half));
    halves.iter().map(half).collect()
}

impl From<spool::Verified> for Verified {
    fn from(verified: spool::Verified) -> Self {
        Self {
            sound: verified.faults.is_empty(),
            batches: verified.batch_count,
            observations: verified.observation_count,
            cells: verified.cell_count,
            dead_letters: verified.dead_letter_count,
            faults: verified.faults,
        }
    }
}

impl From<spool::DeadLetter> for DeadLetter {
    fn from(letter: spool::DeadLetter) -> Self {
        let observation = letter.observation.map(|observation| Observation {
            locality: observation.key.locality.to_string(),
            metric: observation.key.metric.to_string(),
            period: observation.key.period.to_string(),
            value: observation.value,
            observed_time: observation.observed.to_string(),
            basis: observation.basis.to_string(),
        });
        Self {
            id: letter.number,
            observation,
            reason: letter.reason.to_string(),
            refused_time: letter.refused.to_string(),
        }
    }
}

impl From<spool::Replayed> for Replayed {
    fn from(replayed: spool::Replayed) -> Self {
        Self {
            taken: replayed.taken_count,
            unchanged: replayed.unchanged_count,
            superseded: replayed.superseded_count,
            passed_over: replayed.passed_over,
            full: false,
        }
    }
}
