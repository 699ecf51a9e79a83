//! Frames: what the two ends of a delivery session say to each other.

use std::{fmt, time::Duration};

use super::{Batch, CellDigest, LocalityCode, LogId, Position, Timestamp, validation::Refusal};

/// Version of the rules of the stream that this code speaks.
pub const PROTOCOL: u32 = 1;

/// A frame from a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromCollector {
    Hello(Hello),
    Batch(Batch),
    Heartbeat(Heartbeat),
    /// A kind that this version does not know.
    Unknown,
}

/// A frame from an aggregator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAggregator {
    Welcome(Welcome),
    BatchResult(BatchResult),
    Ack(Ack),
    /// Hold new batches for this long.
    Throttle {
        retry_delay: Duration,
        reason: String,
    },
    /// End the session in order before the deadline.
    Drain {
        deadline: Duration,
    },
    /// Begin a new log and restate the cells.
    ResyncRequired {
        reason: ResyncReason,
        detail: String,
    },
    /// A frame of an unknown kind was passed over.
    FrameRefused {
        frame_number: u64,
    },
    /// A kind that this version does not know.
    Unknown,
}

/// Reach of a write when it is called durable, from the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Never: kept in memory.
    None,
    /// Synced about once a second.
    Everysec,
    /// Synced before it is called durable.
    Always,
    /// Synced, and held by the configured number of replicas.
    Replicated,
}

/// Random id of a session; compared for equality only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// Random id of an aggregator's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(pub [u8; 16]);

/// Opens a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    pub protocol: u32,
    pub reporter: LocalityCode,
    pub log: LogId,
    /// Epoch that an aggregator gave the log; 0 before the first Welcome.
    pub log_epoch: u64,
    /// Last batch appended.
    pub produced: Position,
    /// Last batch released after a durable ack.
    pub released: Position,
    pub host: String,
    pub catalogue_digest: [u8; 32],
    pub least_durability: Durability,
    pub software: String,
    pub catalogue_version: u32,
}

/// Program and catalogue of a collector, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    pub software: String,
    pub catalogue_version: u32,
    pub catalogue_digest: [u8; 32],
}

impl Hello {
    #[must_use]
    pub fn program(&self) -> Program {
        Program {
            software: self.software.clone(),
            catalogue_version: self.catalogue_version,
            catalogue_digest: self.catalogue_digest,
        }
    }
}

/// Shows that the collector is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub produced_through: u64,
    pub spool_batch_count: u64,
    pub spool_bytes: u64,
    pub dead_letter_count: u64,
    pub sent: Timestamp,
    pub complete_through: Option<Timestamp>,
    pub audit: Option<CollectorAudit>,
    pub intake_trouble: IntakeTrouble,
}

/// Files of a collector's inbox that cannot be read or filed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntakeTrouble {
    pub file_count: u64,
    /// Name of the first of them and the cause, see [`IntakeTrouble::bounded`].
    pub first: String,
}

/// Maximum length of [`IntakeTrouble::first`], in bytes.
pub const INTAKE_TROUBLE_BYTES_MAX: usize = 200;

impl IntakeTrouble {
    /// Makes a file's name safe to send and show: removes characters that move a terminal's cursor
    /// or turn the direction of writing, and cuts it between characters. Empty if `file_count` is
    /// 0.
    #[must_use]
    pub fn bounded(file_count: u64, first: &str) -> Self {
        let first = if file_count > 0 { first } else { "" };
        Self { file_count, first: bounded(first, INTAKE_TROUBLE_BYTES_MAX) }
    }
}

/// Maximum length of a host's name, in bytes; longer than DNS allows.
pub const HOST_BYTES_MAX: usize = 255;
/// Maximum length of a program's name and version, in bytes.
pub const SOFTWARE_BYTES_MAX: usize = 100;
/// Maximum length of a message to the operators of the other end, in bytes.
pub const DETAIL_BYTES_MAX: usize = 500;

/// Makes text from the other end safe to keep and show: drops characters that act on others, and
/// cuts between characters.
#[must_use]
pub fn bounded(text: &str, bytes_max: usize) -> String {
    let mut bounded = String::new();
    for character in text.chars().filter(|it| is_shown(*it)) {
        if bounded.len() + character.len_utf8() > bytes_max {
            break;
        }
        bounded.push(character);
    }
    bounded
}

/// True if a character stands for itself, and does nothing to those beside it.
fn is_shown(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
        )
}

/// The collector's side of the audit, to be compared with what the aggregator has folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorAudit {
    /// Last batch appended to the log.
    pub produced_through: u64,
    /// Observations in the log's batches through there.
    pub produced_observation_count: u64,
    /// Refused ones of these that are in the dead letters.
    pub rejected_observation_count: u64,
    pub cells: CellDigest,
}

/// Accepts a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    pub session: SessionId,
    pub generation: Generation,
    pub log_epoch: u64,
    /// Last batch of the log that the aggregator holds.
    pub applied: Position,
    pub durability: Durability,
    pub credit: Credit,
    pub heartbeat_interval: Duration,
    pub catalogue_digest: [u8; 32],
}

/// Most that may be on its way unacknowledged, and the largest batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    pub batch_count_max: u32,
    pub payload_bytes_max: u64,
    pub batch_payload_bytes_max: u32,
    pub batch_observation_count_max: u32,
}

/// Observations by what became of them. A received one is exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Replaced the value of their cell.
    pub applied: u64,
    /// Equal to their cell.
    pub repeated: u64,
    /// Older than their cell.
    pub superseded: u64,
    /// Refused, with a reason.
    pub rejected: u64,
}

/// Bytes that one refusal takes in a frame, at most.
const REFUSAL_BYTES: u64 = 8;

/// Time that so many bytes take on a link of this rate.
#[must_use]
pub const fn travel_time(bytes: u64, bytes_per_second: u32) -> Duration {
    let bytes_per_second = if bytes_per_second == 0 { 1 } else { bytes_per_second as u64 };
    Duration::from_micros(bytes.saturating_mul(1_000_000) / bytes_per_second)
}

/// Bytes that a batch and its longest answer put on a link.
#[must_use]
pub fn round_trip_bytes(batch: &Batch) -> u64 {
    let payload_bytes = u64::try_from(batch.payload.len()).unwrap_or(u64::MAX);
    payload_bytes.saturating_add(REFUSAL_BYTES * u64::from(batch.observation_count))
}

impl Ledger {
    /// All observations received.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.applied + self.repeated + self.superseded + self.rejected
    }

    /// Counts in another ledger's observations.
    pub const fn add(&mut self, other: &Self) {
        self.applied += other.applied;
        self.repeated += other.repeated;
        self.superseded += other.superseded;
        self.rejected += other.rejected;
    }
}

/// Progress of batches; the latest ack wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    pub applied_through: u64,
    pub durable_through: u64,
    /// Last batch that the ledger covers.
    pub folded_through: u64,
    /// Observations of the log through there, by what became of them.
    pub ledger: Ledger,
}

/// Refused observations of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchResult {
    pub sequence: u64,
    pub refused: Refused,
}

impl BatchResult {
    /// Refusals that it lists; 1 where the whole batch is refused.
    #[must_use]
    pub const fn refusal_count(&self) -> usize {
        match &self.refused {
            Refused::Observations(refusals) => refusals.len(),
            Refused::Everything => 1,
        }
    }
}

/// Refused observations of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Refusals by rising place in the batch.
    Observations(Vec<(u32, Refusal)>),
    /// The payload could not be read.
    Everything,
}

/// Reason why two logs do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResyncReason {
    /// The store holds less of the log than was released.
    StoreLost,
    /// The store holds more of the log than was produced.
    LogRegressed,
    /// Same sequence, other batches.
    ChainBroken,
    /// A newer log of the same reporter has taken its place.
    LogReplaced,
    /// Another host has delivered this log. Collectors are told that it was replaced, which comes to
    /// the same for them and is known to older ones.
    HostChanged,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Everysec => "everysec",
            Self::Always => "always",
            Self::Replicated => "replicated",
        })
    }
}

impl fmt::Display for ResyncReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StoreLost => "store lost",
            Self::LogRegressed => "log regressed",
            Self::ChainBroken => "chain broken",
            Self::LogReplaced => "log replaced",
            Self::HostChanged => "host changed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_in_trouble_is_told_in_whole_plain_characters() {
        let told = |first: &str| IntakeTrouble::bounded(2, first).first;
        assert_eq!(told("a\u{1b}[2J\u{202E}b\n.csv: gone\u{0}"), "a[2Jb.csv: gone");
        assert_eq!(told("Phủ Xanh.csv"), "Phủ Xanh.csv");
        // Three bytes each, and one before them.
        let cut = told(&format!("a{}", "ủ".repeat(100)));
        assert_eq!((cut.len(), cut.chars().count()), (199, 67));
        assert_eq!(told(&cut), cut);
        assert_eq!(IntakeTrouble::bounded(0, "a.csv"), IntakeTrouble::default());
    }
}
