//! A spool and its model, side by side.

use phuxanh_collector::spool::{
    self, AcceptedFile, Config, Error, FatalError, Fate, Handle, Medium, Spool,
};
use phuxanh_core::{Observation, Timestamp};
use phuxanh_daemon::clock::Clock;

use super::{
    disk::Disk,
    groups,
    model::{BATCH_OBSERVATION_COUNT_MAX, Model, Seen},
    step::{Said, Step, chosen, log_id, results, resync, time},
};

pub const FIRST_LOG: u8 = 200;

pub fn clock() -> Timestamp {
    "2025-08-01 09:00".parse().expect("a time")
}

pub fn config() -> Config {
    Config {
        quota_bytes: 8 << 20,
        ballast_bytes: 64 << 10,
        compact_ratio: 2,
        compact_bytes_min: 100 << 10,
        batch_observation_count_max: BATCH_OBSERVATION_COUNT_MAX,
        ..Config::default()
    }
}

pub fn open(medium: Medium, config: Config) -> Result<Spool, FatalError> {
    open_at(medium, config, clock)
}

pub fn open_at(medium: Medium, config: Config, clock: Clock) -> Result<Spool, FatalError> {
    spool::open_on(medium, config, log_id(FIRST_LOG), clock)
}

pub fn model() -> Model {
    Model::new(log_id(FIRST_LOG), clock())
}

/// True if a step was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The spool had no room for an append, and nothing of it has happened.
    Full,
}

/// A spool has ended in the midst of a step: what may be on its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended(pub Vec<Seen>);

/// Answer of a spool to a step.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Fates(Vec<Fate>),
    Count(u64),
    AcceptedFile(Option<AcceptedFile>),
}

/// Carries out a step at a spool on a disk and, where it was done, at its model. Fails where the
/// spool has ended.
pub async fn carry_out(
    disk: &Disk,
    handle: &Handle,
    model: &mut Model,
    step: &Step,
) -> Result<Outcome, Ended> {
    if let Step::Together { before, batch_count, refused, after } = step {
        let settle = results(model, *batch_count, refused);
        return groups::carry_out(disk, handle, model, groups::group(before, settle, after)).await;
    }
    let answer = match ask(handle, model, step).await {
        Ok(answer) => answer,
        Err(Error::Full { .. }) => return Ok(Outcome::Full),
        Err(Error::Closed) => {
            // The change may have reached the disk before the write that failed.
            let mut after = model.clone();
            apply(&mut after, step, true);
            return Err(Ended(vec![model.seen(), after.seen()]));
        }
    };
    // A watermark waits, without a word, for as long as there is no room for it.
    let is_held = matches!(step, Step::CompleteThrough(_))
        && handle.stat().await.expect("open").log.produced.sequence == model.produced_through();
    assert_eq!(answer, apply(model, step, !is_held), "{step:?}");
    Ok(Outcome::Done)
}

async fn ask(handle: &Handle, model: &Model, step: &Step) -> Result<Answer, Error> {
    match step {
        Step::Together { .. } => unreachable!("carried out as a group"),
        Step::Append(said) => Ok(Answer::Fates(handle.append(observations(said)).await?)),
        Step::Settle { batch_count, refused } => {
            let (through, results) = results(model, *batch_count, refused);
            handle.settle(through, results).await.map(|_| Answer::Done)
        }
        Step::SettleAgain => {
            handle.settle(model.released_through(), Vec::new()).await.map(|_| Answer::Done)
        }
        Step::Adopt(log_epoch) => handle.adopt(*log_epoch).await.map(|_| Answer::Done),
        Step::BeginLog(number) => {
            handle.begin_log(log_id(*number), resync()).await.map(|_| Answer::Done)
        }
        Step::Restate { count_max } => {
            handle.restate(*count_max, 1 << 20).await.map(|_| Answer::Done)
        }
        Step::CompleteThrough(minute) => {
            handle.complete_through(time(*minute)).await.map(|()| Answer::Done)
        }
        Step::Replay(bits) => {
            let numbers = chosen(&model.letter_numbers(), *bits);
            assert_eq!(handle.replay(numbers).await?.passed_over, [0; 0]);
            Ok(Answer::Done)
        }
        Step::Drop(bits) => {
            let numbers = chosen(&model.letter_numbers(), *bits);
            handle.drop_dead_letters(numbers).await.map(Answer::Count)
        }
        Step::AcceptFile(number) => {
            handle.accept_file(accepted_file(*number)).await?;
            handle.accepted_file([*number; 32]).await.map(Answer::AcceptedFile)
        }
    }
}

/// Carries out a step at a model alone.
fn apply(model: &mut Model, step: &Step, has_room: bool) -> Answer {
    match step {
        Step::Append(said) => return Answer::Fates(model.append(&observations(said))),
        Step::Settle { batch_count, refused } => {
            let (through, results) = results(model, *batch_count, refused);
            model.settle(through, &results);
        }
        Step::SettleAgain | Step::Together { .. } => {}
        Step::Adopt(log_epoch) => model.adopt(*log_epoch),
        Step::BeginLog(number) => model.begin_log(log_id(*number)),
        Step::Restate { count_max } => {
            let count_max = usize::try_from(*count_max).expect("few");
            model.restate(count_max.min(BATCH_OBSERVATION_COUNT_MAX));
        }
        Step::CompleteThrough(minute) => model.complete_through(time(*minute), has_room),
        Step::Replay(bits) => model.replay(&chosen(&model.letter_numbers(), *bits)),
        Step::Drop(bits) => {
            return Answer::Count(model.drop_letters(&chosen(&model.letter_numbers(), *bits)));
        }
        Step::AcceptFile(number) => return Answer::AcceptedFile(Some(accepted_file(*number))),
    }
    Answer::Done
}

pub fn observations(said: &[Said]) -> Vec<Observation> {
    said.iter().copied().map(Said::observation).collect()
}

fn accepted_file(number: u8) -> AcceptedFile {
    AcceptedFile { digest: [number; 32], name: format!("{number}.csv"), accepted: clock() }
}

/// Everything that can be seen of a spool, once nothing is wrong with it.
pub async fn look(handle: &Handle) -> Result<Seen, Error> {
    let verified = handle.verify().await?;
    assert_eq!(verified.faults, Vec::<String>::new());
    let mut log = handle.stat().await?.log;
    log.spool_bytes = 0;
    let batches = handle.load(log.released.sequence, u32::MAX, u64::MAX).await?.batches;
    let dead_letters = handle.dead_letters(0, usize::MAX).await?;
    Ok(Seen { log, batches, dead_letters })
}

/// Leaves out what is not on disk, and so not there after a crash.
pub fn without_memory(mut seen: Seen) -> Seen {
    seen.log.complete_through = None;
    seen
}

/// Ends a spool in order.
pub async fn close(spool: Spool) {
    drop(spool.handle);
    spool.end.await.expect("the owner tells how it ended").expect("in order");
}
