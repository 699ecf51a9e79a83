//! The owner: the one thread that reads and changes the spool.

use std::path::PathBuf;

use phuxanh_proto::model::{LogId, Observation, Timestamp};
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    AcceptedFile, Config, Error, FatalError, Fate, Handle, Loaded, OpenError, Request, Spool,
    file::{BATCHES, DEAD_LETTERS, FILES, LOG, Opened, RESTATING},
    log::{LogEnds, Transaction, read_batch, read_ends},
};
use crate::{clock::Clock, session::LogState};

struct Owner {
    database: Database,
    config: Config,
    clock: Clock,
    ends: LogEnds,
    /// Bytes of the payloads that wait.
    payload_bytes: u64,
    is_restating: bool,
    dead_letter_count: u64,
    complete_through: Option<Timestamp>,
    state: watch::Sender<LogState>,
}

pub(super) fn spawn(opened: Opened, config: Config, clock: Clock) -> Result<Spool, OpenError> {
    let Opened { database, moved_aside } = opened;
    let (owner, log) = Owner::new(database, config, clock)?;
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
        let mut result = Ok(());
        while let (Ok(()), Some(request)) = (&result, queue.blocking_recv()) {
            result = owner.carry_out(request);
        }
        // Nobody waits for the end any more where the daemon is ending itself.
        drop(ended.send(result));
    });
    Spool { handle: Handle { requests }, log, moved_aside, end }
}

impl Owner {
    fn new(
        database: Database,
        config: Config,
        clock: Clock,
    ) -> Result<(Self, watch::Receiver<LogState>), FatalError> {
        let reading = database.begin_read()?;
        let ends = read_ends(&reading.open_table(LOG)?)?;
        let mut payload_bytes = 0;
        for entry in redb::ReadableTable::iter(&reading.open_table(BATCHES)?)? {
            payload_bytes += u64::try_from(entry?.1.value().3.len()).expect("64 bits fit");
        }
        let is_restating = !reading.open_table(RESTATING)?.is_empty()?;
        let dead_letter_count = reading.open_table(DEAD_LETTERS)?.len()?;
        drop(reading);
        let state = log_state(&ends, payload_bytes, is_restating, dead_letter_count, None);
        let (state, log) = watch::channel(state);
        let owner = Self {
            database,
            config,
            clock,
            ends,
            payload_bytes,
            is_restating,
            dead_letter_count,
            complete_through: None,
            state,
        };
        Ok((owner, log))
    }

    /// Carries out a request. A reply that nobody waits for any more is dropped: what was asked
    /// has happened all the same.
    fn carry_out(&mut self, request: Request) -> Result<(), FatalError> {
        match request {
            Request::Append { observations, reply } => {
                answer(reply, self.append(observations)?);
            }
            Request::AcceptedFile { digest, reply } => {
                answer(reply, self.accepted_file(digest)?);
            }
            Request::AcceptFile { file, reply } => drop(reply.send(self.accept_file(&file)?)),
            Request::CompleteThrough { time, reply } => {
                self.complete_through = self.complete_through.max(Some(time));
                self.tell();
                answer(reply, ());
            }
            Request::Load { after, batch_count_max, payload_bytes_max, reply } => {
                answer(reply, self.load(after, batch_count_max, payload_bytes_max)?);
            }
            Request::Settle { through, results, reply } => {
                let now = (self.clock)();
                let mut ends = self.ends;
                let transaction = self.begin()?;
                let released = transaction.settle(&mut ends, through, &results, now)?;
                self.commit(transaction, ends)?;
                self.payload_bytes -= released;
                self.dead_letter_count = self.count_dead_letters()?;
                answer(reply, self.tell());
            }
            Request::Adopt { log_epoch, reply } => {
                let transaction = self.begin()?;
                self.commit(transaction, LogEnds { log_epoch, ..self.ends })?;
                answer(reply, self.tell());
            }
            Request::BeginLog { fresh, reply } => drop(reply.send(self.begin_log(fresh)?)),
            Request::Restate { observation_count_max, payload_bytes_max, reply } => {
                let bounds = Config {
                    batch_observation_count_max: usize::try_from(observation_count_max)
                        .unwrap_or(usize::MAX)
                        .min(self.config.batch_observation_count_max),
                    batch_payload_bytes_max: usize::try_from(payload_bytes_max)
                        .unwrap_or(usize::MAX)
                        .min(self.config.batch_payload_bytes_max),
                    ..self.config
                };
                answer(reply, self.restate(&bounds)?);
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        mut observations: Vec<Observation>,
    ) -> Result<Result<Vec<Fate>, Error>, FatalError> {
        if self.payload_bytes >= self.config.quota_bytes {
            return Ok(Err(Error::Full { quota_bytes: self.config.quota_bytes }));
        }
        let transaction = self.begin()?;
        let mut fates = Vec::with_capacity(observations.len());
        for observation in &mut observations {
            fates.push(transaction.observe(observation)?);
        }
        let mut kept = fates.iter().map(|fate| *fate == Fate::Taken);
        observations.retain(|_| kept.next().unwrap_or(false));
        if !observations.is_empty() {
            let mut ends = self.ends;
            let added = transaction.append(
                &mut ends,
                &observations,
                self.complete_through,
                &self.config,
            )?;
            self.commit(transaction, ends)?;
            self.payload_bytes += added;
            self.tell();
        }
        Ok(Ok(fates))
    }

    fn load(
        &self,
        after: u64,
        batch_count_max: u32,
        payload_bytes_max: u64,
    ) -> Result<Loaded, FatalError> {
        let table = self.database.begin_read()?.open_table(BATCHES)?;
        let count_max = usize::try_from(batch_count_max).unwrap_or(usize::MAX).max(1);
        let mut batches = Vec::new();
        let mut payload_bytes = 0;
        for entry in table.range(after + 1..)?.take(count_max) {
            let (sequence, row) = entry?;
            payload_bytes += u64::try_from(row.value().3.len()).expect("64 bits fit");
            if payload_bytes > payload_bytes_max && !batches.is_empty() {
                break;
            }
            batches.push(read_batch(sequence.value(), row.value())?);
        }
        Ok(Loaded { log: self.ends.log, after, batches })
    }

    fn begin_log(&mut self, fresh: LogId) -> Result<LogState, FatalError> {
        let transaction = self.begin()?;
        let ends = transaction.begin_log(fresh)?;
        self.commit(transaction, ends)?;
        self.is_restating = true;
        Ok(self.tell())
    }

    fn restate(&mut self, bounds: &Config) -> Result<LogState, FatalError> {
        let transaction = self.begin()?;
        let cells = transaction.next_cells(bounds.batch_observation_count_max)?;
        let mut ends = self.ends;
        let added = transaction.append(&mut ends, &cells, self.complete_through, bounds)?;
        self.commit(transaction, ends)?;
        self.payload_bytes += added;
        self.is_restating = !self.database.begin_read()?.open_table(RESTATING)?.is_empty()?;
        Ok(self.tell())
    }

    fn accepted_file(&self, digest: [u8; 32]) -> Result<Option<AcceptedFile>, FatalError> {
        let files = self.database.begin_read()?.open_table(FILES)?;
        let kept = files.get(&digest)?;
        kept.map(|kept| {
            let (name, accepted) = kept.value();
            let accepted =
                Timestamp::from_micros(accepted).map_err(|_| FatalError::Corrupt("file"))?;
            Ok(AcceptedFile { digest, name: name.to_owned(), accepted })
        })
        .transpose()
    }

    fn accept_file(&self, file: &AcceptedFile) -> Result<(), FatalError> {
        let transaction = self.begin()?;
        let row = (file.name.as_str(), file.accepted.micros());
        transaction.0.open_table(FILES)?.insert(&file.digest, row)?;
        Ok(transaction.0.commit()?)
    }

    fn count_dead_letters(&self) -> Result<u64, FatalError> {
        Ok(self.database.begin_read()?.open_table(DEAD_LETTERS)?.len()?)
    }

    fn begin(&self) -> Result<Transaction, FatalError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(Transaction(transaction))
    }

    /// Makes a transaction durable, with these ends of the log.
    fn commit(&mut self, transaction: Transaction, ends: LogEnds) -> Result<(), FatalError> {
        transaction.set_ends(&ends)?;
        transaction.0.commit()?;
        self.ends = ends;
        Ok(())
    }

    /// Tells the watchers how the log stands.
    fn tell(&self) -> LogState {
        let state = log_state(
            &self.ends,
            self.payload_bytes,
            self.is_restating,
            self.dead_letter_count,
            self.complete_through,
        );
        self.state.send_replace(state);
        state
    }
}

/// Answers whoever still waits.
fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("nobody waits for the spool's answer");
    }
}

fn log_state(
    ends: &LogEnds,
    payload_bytes: u64,
    is_restating: bool,
    dead_letter_count: u64,
    complete_through: Option<Timestamp>,
) -> LogState {
    LogState {
        log: ends.log,
        log_epoch: ends.log_epoch,
        produced: ends.produced,
        released: ends.released,
        is_restating,
        batch_count: ends.produced.sequence - ends.released.sequence,
        spool_bytes: payload_bytes,
        dead_letter_count,
        complete_through,
        audit: None,
    }
}
