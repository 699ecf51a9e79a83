//! Steps of a spool, in terms that fit whatever state it is in.

use phuxanh_core::{
    Basis, CellKey, LogId, Observation, Timestamp,
    delivery::sender::Resync,
    frame::{BatchResult, Refused, ResyncReason},
    validation::Refusal,
};

use super::model::Model;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Append(Vec<Said>),
    /// Releases so many batches; of each, what the bits say is refused.
    Settle {
        batch_count: u64,
        refused: Vec<u8>,
    },
    /// While a commit is on its way: appends, a release, and appends behind it.
    Together {
        before: Vec<Vec<Said>>,
        batch_count: u64,
        refused: Vec<u8>,
        after: Vec<Vec<Said>>,
    },
    /// Acknowledges again what was released before, with the results again.
    SettleAgain,
    Adopt(u64),
    BeginLog(u8),
    Restate {
        count_max: u32,
    },
    CompleteThrough(u8),
    /// Replays dead letters by their bits.
    Replay(u8),
    Drop(u8),
    AcceptFile(u8),
}

/// An observation out of a small world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub place: u8,
    pub value: u8,
    pub minute: u8,
}

const LOCALITIES: [&str; 3] = ["00004", "00008", "00025"];
const METRICS: [&str; 2] = ["digital_signatures", "applications_received"];
/// All bits: the whole batch could not be read.
pub const EVERYTHING: u8 = u8::MAX;

impl Said {
    pub fn observation(self) -> Observation {
        let place = usize::from(self.place);
        let minute = 16 * 60 + u32::from(self.minute);
        let observed = format!("2025-07-31 {:02}:{:02}", minute / 60, minute % 60);
        Observation {
            key: CellKey {
                locality: LOCALITIES[place % 3].parse().expect("a code"),
                metric: METRICS[place / 3 % 2].parse().expect("an id"),
                period: format!("2025-{:02}", 1 + place / 6 % 7).parse().expect("a period"),
            },
            value: self.value.checked_sub(1).map(i64::from),
            observed: observed.parse().expect("a time"),
            revision: 0,
            basis: Basis::Reported,
        }
    }
}

/// Reason that these tests give for a new log.
pub fn resync() -> Resync {
    Resync { reason: ResyncReason::StoreLost, detail: "the store was wiped".to_owned() }
}

pub fn log_id(number: u8) -> LogId {
    LogId([number; 16])
}

pub fn time(minute: u8) -> Timestamp {
    format!("2025-08-01 10:{:02}", minute % 60).parse().expect("a time")
}

/// Returns what the aggregator refuses of the next batches.
pub fn results(model: &Model, batch_count: u64, refused: &[u8]) -> (u64, Vec<BatchResult>) {
    let released = model.released_through();
    let through = (released + batch_count).min(model.produced_through());
    let results =
        (released + 1..=through).zip(refused.iter().cycle()).filter_map(|(sequence, bits)| {
            let refused = match *bits {
                EVERYTHING => Refused::Everything,
                bits => {
                    let places =
                        (0..model.batch_length(sequence)).filter(|at| bits >> (at % 8) & 1 == 1);
                    let list: Vec<_> = places.map(|at| (at, Refusal::ImpossibleValue)).collect();
                    if list.is_empty() {
                        return None;
                    }
                    Refused::Observations(list)
                }
            };
            Some(BatchResult { sequence, refused })
        });
    (through, results.collect())
}

pub fn chosen(numbers: &[u64], bits: u8) -> Vec<u64> {
    let at = numbers.iter().enumerate().filter(|(at, _)| bits >> (at % 8) & 1 == 1);
    at.map(|(_, number)| *number).collect()
}
