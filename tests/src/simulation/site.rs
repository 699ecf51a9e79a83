//! A collector's host: its disk, its sources, and, while it runs, the shell around the production's
//! sending half, which mirrors `collector/src/delivery.rs`.

use std::{collections::VecDeque, time::Duration};

use phuxanh_core::{
    Chain, LogId, Now, Observation, Position,
    delivery::sender::{Config, Input, LogState, Output, Sender},
    frame::{FromAggregator, FromCollector},
};

use super::{
    rule::{Omitted, Rule},
    spool::{Answer, Image, Owner, Request},
};

/// A connection that is being opened.
#[derive(Debug)]
pub struct Opening {
    pub ready: Duration,
    pub is_refused: bool,
}

/// A running collector.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Process {
    pub sender: Sender,
    pub opening: Option<Opening>,
    pub link: Option<u32>,
    /// Requests to the spool, one at a time.
    pub asked: VecDeque<Request>,
    /// Answer that it has given.
    pub answer: Option<Input>,
    /// The owner's last word, and whether it was passed on.
    pub log: LogState,
    pub is_log_new: bool,
    /// The first of these was handed to the owner.
    pub is_asking: bool,
    /// Answer to the source.
    pub source_answer: Option<Answer>,
    pub is_source_asking: bool,
    /// True if the sender may want something done; nothing else reaches it before.
    pub has_outputs: bool,
    unchecked: Unchecked,
}

/// Follows the chain for a sender that is not to notice that it broke.
#[derive(Debug, Default)]
struct Unchecked {
    sent: Option<Position>,
    originals: VecDeque<(u64, Chain)>,
}

/// Observations that a source has read and not been answered for.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub file: Vec<Observation>,
    /// True if the file was handed over before, perhaps by a process that crashed.
    pub is_repeated: bool,
    /// Time of the next attempt, after the spool was full.
    pub retry_at: Duration,
    /// True if it has nothing to report while there are faults.
    pub is_spare: bool,
}

/// An older image of a spool, with what had been promised by then.
#[derive(Debug, Clone)]
pub struct Backup {
    pub disk: Image,
    pub promised: Vec<Observation>,
}

/// A host that runs a collector.
#[derive(Debug)]
pub struct Site {
    pub host: String,
    /// Offset of the wall clock in microseconds.
    pub clock_offset: i64,
    /// Until when its disk takes its time.
    pub slow_until: Duration,
    pub owner: Owner,
    pub process: Option<Process>,
    pub source: Source,
    pub backup: Option<Backup>,
    /// Observations whose append was answered.
    pub promised: Vec<Observation>,
}

impl Process {
    #[must_use]
    pub fn new(config: Config, log: LogState, seed: u64, now: Now) -> Self {
        Self {
            sender: Sender::new(config, log, seed, now),
            opening: None,
            link: None,
            asked: VecDeque::new(),
            answer: None,
            log,
            is_log_new: false,
            is_asking: false,
            source_answer: None,
            is_source_asking: false,
            has_outputs: false,
            unchecked: Unchecked::default(),
        }
    }

    /// Puts an input to the sender; without some rules, a false one.
    pub fn handle(&mut self, now: Now, input: Input, omitted: &Omitted) {
        let input = match input {
            Input::Frame(FromAggregator::Welcome(mut welcome)) => {
                if omitted.has(Rule::ResyncAtSender)
                    && welcome.applied.sequence < self.log.released.sequence
                {
                    welcome.applied = self.log.released;
                }
                if omitted.has(Rule::RegressedAtSender)
                    && welcome.applied.sequence > self.log.produced.sequence
                {
                    welcome.applied = self.log.produced;
                }
                if omitted.has(Rule::Credit) {
                    welcome.credit.batch_count_max += 1;
                    welcome.credit.payload_bytes_max *= 2;
                }
                self.unchecked.sent = Some(welcome.applied);
                self.unchecked.originals.clear();
                Input::Frame(FromAggregator::Welcome(welcome))
            }
            Input::Loaded { log, after, mut batches } if omitted.has(Rule::ChainAtSender) => {
                for batch in &mut batches {
                    let Some(sent) = self.unchecked.sent else { break };
                    self.unchecked.originals.push_back((batch.sequence, batch.previous_chain));
                    batch.previous_chain = sent.chain;
                    self.unchecked.sent = Some(sent.after(batch));
                }
                Input::Loaded { log, after, batches }
            }
            Input::Disconnected(cause) if omitted.has(Rule::HelloAfterChanges) => {
                // As if all that was asked of the spool were answered.
                for _ in 0..self.asked.len() + usize::from(self.is_asking) {
                    self.sender.handle(now, Input::Done(self.log));
                }
                Input::Disconnected(cause)
            }
            other => other,
        };
        self.sender.handle(now, input);
    }

    /// The next output; a batch as the spool holds it.
    pub fn next_output(&mut self) -> Option<Output> {
        let mut output = self.sender.next_output()?;
        if let Output::Send(FromCollector::Batch(batch)) = &mut output {
            let originals = &mut self.unchecked.originals;
            while let Some((sequence, chain)) = originals.pop_front() {
                if sequence == batch.sequence {
                    batch.previous_chain = chain;
                    break;
                }
            }
        }
        Some(output)
    }
}

impl Site {
    #[must_use]
    pub const fn new(host: String, owner: Owner) -> Self {
        Self {
            host,
            clock_offset: 0,
            slow_until: Duration::ZERO,
            owner,
            process: None,
            source: Source {
                file: Vec::new(),
                is_repeated: false,
                retry_at: Duration::ZERO,
                is_spare: false,
            },
            backup: None,
            promised: Vec::new(),
        }
    }

    /// True if all that the host has read is delivered.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let disk = &self.owner.disk;
        self.source.file.is_empty()
            && disk.produced == disk.released
            && disk.restating.is_none()
            && !self.owner.is_asked()
    }

    /// The request that an output of the sender amounts to, if it is one.
    #[must_use]
    pub fn request(output: &Output, fresh: LogId) -> Option<Request> {
        Some(match output.clone() {
            Output::Load { after, batch_count_max, payload_bytes_max } => {
                Request::Load { after, batch_count_max, payload_bytes_max }
            }
            Output::Settle { through, results } => Request::Settle { through, results },
            Output::Adopt { log_epoch } => Request::Adopt { log_epoch },
            Output::BeginLog(_) => Request::BeginLog { fresh },
            Output::Restate { observation_count_max, payload_bytes_max } => {
                Request::Restate { observation_count_max, payload_bytes_max }
            }
            Output::Connect { .. }
            | Output::Send(_)
            | Output::HalfClose
            | Output::Disconnect
            | Output::Refuse(_)
            | Output::FindSuperseded { .. }
            | Output::Stopped => return None,
        })
    }
}
