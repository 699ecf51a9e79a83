//! The owner: the one thread that reads and changes the spool.

mod group;
mod space;
mod tools;

use std::path::PathBuf;

use phuxanh_core::{
    LogId, Observation, Timestamp,
    delivery::sender::{LogState, Resync},
    frame::CollectorAudit,
};
use phuxanh_daemon::clock::Clock;
use redb::ReadableTableMetadata;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    AcceptedFile, Config, FatalError, Handle, Loaded, Spool,
    change::{BatchMax, Change, Watermark, length},
    directory::Opened,
    file::File,
    request::Request,
    room::Load,
    tables::{BATCHES, DEAD_LETTERS, FILES, Head, RESTATING, read_batch},
    told,
};
use space::Space;

struct Owner {
    file: File,
    config: Config,
    clock: Clock,
    head: Head,
    is_restating: bool,
    dead_letter_count: u64,
    /// Newest word of the sources, which the next batch carries.
    complete_through: Option<Timestamp>,
    space: Space,
    state: watch::Sender<LogState>,
}

pub(super) fn spawn(opened: Opened, config: Config, clock: Clock) -> Result<Spool, FatalError> {
    let Opened { file, head, moved_aside } = opened;
    let mut owner = Owner {
        file,
        config,
        clock,
        head,
        is_restating: false,
        dead_letter_count: 0,
        complete_through: head.tally.complete_through,
        space: Space::default(),
        state: watch::channel(log_state(&head)).0,
    };
    owner.refresh()?;
    owner.restore_ballast();
    owner.tell();
    let log = owner.state.subscribe();
    Ok(start(owner, log, config.queue_max, moved_aside))
}

fn start(
    mut owner: Owner,
    log: watch::Receiver<LogState>,
    queue_max: usize,
    moved_aside: Option<PathBuf>,
) -> Spool {
    let (requests, mut queue) = mpsc::channel(queue_max);
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut queued = Vec::with_capacity(queue_max);
        let mut result = Ok(());
        while result.is_ok() && queue.blocking_recv_many(&mut queued, queue_max) > 0 {
            result = owner.carry_out_all(queued.drain(..));
        }
        drop(owner);
        // Nobody waits for the end any more where the daemon is ending itself.
        drop(ended.send(result));
    });
    Spool { handle: Handle { requests }, log, moved_aside, end }
}

impl Owner {
    /// Carries out a request. A reply that nobody waits for any more is dropped: what was asked
    /// has happened all the same.
    fn carry_out(&mut self, request: Request) -> Result<(), FatalError> {
        match request {
            Request::Group(entry) => self.commit_alone(entry)?,
            Request::AcceptedFile { digest, reply } => answer(reply, self.accepted_file(digest)?),
            Request::AcceptFile { file, reply } => answer(reply, self.accept_file(&file)?),
            Request::CompleteThrough { time, reply } => {
                // It moves back where the clock was put right.
                self.complete_through = Some(time);
                self.append_watermark()?;
                self.tell();
                answer(reply, ());
            }
            Request::Load { after, batch_count_max, payload_bytes_max, reply } => {
                answer(reply, self.load(after, batch_count_max, payload_bytes_max)?);
            }
            Request::Adopt { log_epoch, reply } => {
                self.insist(|change, _| {
                    change.head.log_epoch = log_epoch;
                    Ok(())
                })?;
                answer(reply, self.tell());
            }
            Request::BeginLog { fresh, resync, reply } => {
                answer(reply, self.begin_log(fresh, &resync)?);
            }
            Request::Restate { observation_count_max, payload_bytes_max, reply } => {
                answer(reply, self.restate(observation_count_max, payload_bytes_max)?);
            }
            Request::Superseded { values, reply } => {
                let transaction = self.file.read()?;
                answer(reply, told::untold(&transaction, self.head.log_epoch, values)?);
            }
            Request::NoteTold { values, reply } => {
                self.insist(|change, _| told::keep(&change.transaction, &values))?;
                answer(reply, ());
            }
            Request::Stat { reply } => answer(reply, self.stat()?),
            Request::Verify { reply } => answer(reply, self.verify()?),
            Request::DeadLetters { after, count_max, reply } => {
                answer(reply, self.dead_letters(after, count_max)?);
            }
            Request::Replay { numbers, reply } => answer(reply, self.replay(&numbers)?),
            Request::DropDeadLetters { numbers, reply } => {
                answer(reply, self.drop_letters(&numbers)?);
            }
        }
        Ok(())
    }

    /// An empty batch says that everything is here while nothing is appended.
    fn append_watermark(&mut self) -> Result<(), FatalError> {
        let now = (self.clock)();
        let tally = &self.head.tally;
        let is_due = tally.carried.is_none_or(|carried| {
            carried > now || now.since(carried) >= self.config.watermark_interval
        });
        if !is_due || self.complete_through == tally.complete_through {
            return Ok(());
        }
        let load = Load { batch_count: 1, observation_count: 0, payload_bytes: 0 };
        let appended =
            self.append_if_room(&load, |change, owner| change.append_watermark(owner.watermark()))?;
        if appended.is_err() {
            tracing::debug!("no room for a watermark, the next one will do");
        }
        Ok(())
    }

    fn load(
        &self,
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
    ) -> Result<Loaded, FatalError> {
        let table = self.file.read()?.open_table(BATCHES)?;
        let count_max = usize::try_from(batch_count_max).unwrap_or(usize::MAX).max(1);
        let mut batches = Vec::new();
        let mut payload_bytes = 0;
        for entry in table.range(after + 1..)?.take(count_max) {
            let (sequence, row) = entry?;
            payload_bytes += length(row.value().3);
            if payload_bytes > payload_bytes_max && !batches.is_empty() {
                break;
            }
            batches.push(read_batch(sequence.value(), row.value())?);
        }
        Ok(Loaded { log: self.head.log, after, batches })
    }

    fn begin_log(&mut self, fresh: LogId, resync: &Resync) -> Result<LogState, FatalError> {
        let now = (self.clock)();
        self.insist(|change, _| change.begin_log(fresh, resync, now))?;
        self.is_restating = true;
        Ok(self.tell())
    }

    fn restate(
        &mut self,
        observation_count_max: u32,
        payload_bytes_max: u32,
    ) -> Result<LogState, FatalError> {
        let own = self.batch_max();
        let theirs = |max: u32| usize::try_from(max).unwrap_or(usize::MAX).max(1);
        let max = BatchMax {
            observation_count: own.observation_count.min(theirs(observation_count_max)),
            payload_bytes: own.payload_bytes.min(theirs(payload_bytes_max)),
        };
        self.insist(|change, owner| change.restate(owner.watermark(), max))?;
        self.is_restating = !self.file.read()?.open_table(RESTATING)?.is_empty()?;
        Ok(self.tell())
    }

    fn accepted_file(&self, digest: [u8; 32]) -> Result<Option<AcceptedFile>, FatalError> {
        let files = self.file.read()?.open_table(FILES)?;
        let kept = files.get(&digest)?;
        kept.map(|kept| {
            let (name, accepted) = kept.value();
            let accepted =
                Timestamp::from_micros(accepted).map_err(|_| FatalError::Corrupt("file"))?;
            Ok(AcceptedFile { digest, name: name.to_owned(), accepted })
        })
        .transpose()
    }

    fn accept_file(&mut self, file: &AcceptedFile) -> Result<(), FatalError> {
        self.insist(|change, _| {
            let row = (file.name.as_str(), file.accepted.micros());
            change.transaction.open_table(FILES)?.insert(&file.digest, row)?;
            Ok(())
        })
    }

    fn watermark(&self) -> Watermark {
        Watermark { complete_through: self.complete_through, now: (self.clock)() }
    }

    fn begin(&self) -> Result<Change, FatalError> {
        Ok(Change::new(self.file.write()?, self.head))
    }

    /// Reads again what is kept in memory of the file.
    fn refresh(&mut self) -> Result<(), FatalError> {
        let transaction = self.file.read()?;
        self.head = Head::read(&transaction)?;
        self.is_restating = !transaction.open_table(RESTATING)?.is_empty()?;
        self.dead_letter_count = transaction.open_table(DEAD_LETTERS)?.len()?;
        Ok(())
    }

    /// Tells the watchers how the log stands.
    fn tell(&self) -> LogState {
        let state = LogState {
            is_restating: self.is_restating,
            spool_bytes: self.file.bytes(),
            dead_letter_count: self.dead_letter_count,
            complete_through: self.complete_through,
            ..log_state(&self.head)
        };
        self.state.send_replace(state);
        state
    }
}

/// Returns the most that an append of observations adds to the log.
fn load_of(observations: &[Observation]) -> Load {
    Load {
        batch_count: 1,
        observation_count: u64::try_from(observations.len()).expect("64 bits fit"),
        payload_bytes: length(&phuxanh_proto::convert::encode(observations)),
    }
}

/// Answers whoever still waits.
fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("nobody waits for the spool's answer");
    }
}

/// Returns what the head alone says of a log.
fn log_state(head: &Head) -> LogState {
    let tally = &head.tally;
    LogState {
        log: head.log,
        log_epoch: head.log_epoch,
        produced: head.produced,
        released: head.released,
        is_restating: false,
        batch_count: head.produced.sequence - head.released.sequence,
        spool_bytes: 0,
        dead_letter_count: 0,
        complete_through: tally.complete_through,
        audit: Some(CollectorAudit {
            produced_through: head.produced.sequence,
            produced_observation_count: tally.produced_observation_count,
            rejected_observation_count: tally.rejected_observation_count,
            cells: tally.cells,
        }),
    }
}
