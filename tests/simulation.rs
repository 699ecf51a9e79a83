//! The simulation of delivery keeps every promise, is the same for the same seed, misses each rule
//! that is left out, and models the spool as it is. It is explained in `src/simulation.rs`.

use std::{
    collections::BTreeSet,
    env,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_collector::spool::{self, Handle, Medium};
use phuxanh_core::{
    LogId, Timestamp,
    delivery::sender::{Input, LogState, Resync},
    frame::{BatchResult, Refused, ResyncReason},
    validation::Refusal,
};
use phuxanh_tests::simulation::{
    Campaign, Finding, Invariant, Omitted, Reached, Row, Rule, TABLE, live, sources,
    spool::{Answer, BatchMax, Image, Letter, Owner, Request},
};
use redb::{StorageBackend, backends::InMemoryBackend};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 1;
const HISTORIES: u64 = 10_000;
const THREADS: usize = 2;
/// Steps of a failed history that are shown.
const STEPS_SHOWN: usize = 60;
/// Histories in which a rule that is left out must be missed, and in which a shadowed one is not.
const MISSED_WITHIN: u64 = 4_000;
const NOT_MISSED_IN: u64 = 400;

#[test]
fn every_history_keeps_every_promise_and_they_reach_everything() -> anyhow::Result<()> {
    let first_seed = env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?;
    let campaign = Campaign {
        first_seed,
        history_count: HISTORIES,
        thread_count: THREADS,
        omitted: Omitted::default(),
    };
    let progress = campaign.run(|_| {});
    if let Some(failure) = progress.failures.first() {
        let outcome = live(failure.seed, &Omitted::default(), true);
        let first = outcome.trace.len().saturating_sub(STEPS_SHOWN);
        let steps = outcome.trace[first..].join("\n");
        panic!("seed {}: {:?}\n{steps}", failure.seed, failure.violation);
    }
    ensure!(progress.history_count == HISTORIES, "{} histories", progress.history_count);
    let missing: Vec<_> = progress.reached.missing().into_iter().map(Reached::name).collect();
    ensure!(missing.is_empty(), "never reached: {missing:#?}");
    Ok(())
}

#[test]
fn a_seed_gives_the_same_history_again() {
    for seed in SEED..=100 {
        let once = live(seed, &Omitted::default(), true);
        let again = live(seed, &Omitted::default(), true);
        assert!(once.trace.len() > 50, "seed {seed}: {} steps", once.trace.len());
        assert_eq!(once.trace, again.trace, "seed {seed}");
        assert_eq!(once.reached, again.reached, "seed {seed}");
    }
}

#[test]
fn each_rule_is_missed_or_shadowed_as_the_table_says() -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<()> {
        while let Some(row) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
            holds(row).with_context(|| format!("without {:?}", row.rules))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a history panicked"))
    })
}

fn holds(row: &Row) -> anyhow::Result<()> {
    let omitted = Omitted::new(row.rules);
    let broken = |seed| live(seed, &omitted, false).broken;
    match row.finding {
        Finding::Breaks(invariants) => {
            let mut awaited: BTreeSet<Invariant> = invariants.iter().copied().collect();
            for seed in row.seed..row.seed + MISSED_WITHIN {
                if let Some(violation) = broken(seed) {
                    awaited.remove(&violation.invariant);
                }
                if awaited.is_empty() {
                    return Ok(());
                }
            }
            anyhow::bail!("{MISSED_WITHIN} histories have not broken {awaited:?}")
        }
        Finding::Shadowed(by) => {
            let found =
                (row.seed..row.seed + NOT_MISSED_IN).find_map(|seed| Some((seed, broken(seed)?)));
            ensure!(found.is_none(), "{by:?} does not stand behind it: {found:?}");
            Ok(())
        }
    }
}

#[test]
fn the_table_has_every_rule_and_every_promise() {
    let of_rules: BTreeSet<Rule> = TABLE.iter().flat_map(|row| row.rules).copied().collect();
    let missing: Vec<_> = Rule::ALL.iter().filter(|rule| !of_rules.contains(rule)).collect();
    assert_eq!(missing, Vec::<&Rule>::new());
    let broken: BTreeSet<Invariant> = TABLE
        .iter()
        .flat_map(|row| match row.finding {
            Finding::Breaks(invariants) => invariants,
            Finding::Shadowed(_) => &[],
        })
        .copied()
        .collect();
    let missing: Vec<_> = Invariant::ALL.iter().filter(|it| !broken.contains(it)).collect();
    assert_eq!(missing, Vec::<&Invariant>::new());
    // A shadowed rule is missed once the one behind it is left out as well.
    for row in TABLE {
        let Finding::Shadowed(by) = row.finding else { continue };
        let is_missed = TABLE.iter().any(|other| {
            matches!(other.finding, Finding::Breaks(_))
                && other.rules.contains(&by)
                && row.rules.iter().all(|rule| *rule == by || other.rules.contains(rule))
        });
        assert!(is_missed, "{:?} and {by:?} are not left out together", row.rules);
    }
}

const MAX: BatchMax = BatchMax { observation_count: 3, payload_bytes: 160 };

#[tokio::test]
async fn the_modelled_spool_does_as_the_real_one() -> anyhow::Result<()> {
    for seed in 0..30 {
        let mut random = Rng::with_seed(seed);
        let log = LogId(random.u128(..).to_be_bytes());
        let config = spool::Config {
            watermark_interval: std::time::Duration::ZERO,
            batch_observation_count_max: MAX.observation_count,
            batch_payload_bytes_max: MAX.payload_bytes,
            ..spool::Config::default()
        };
        let medium = || Ok(Box::new(InMemoryBackend::new()) as Box<dyn StorageBackend>);
        let real = spool::open_on(Medium::new(medium, None), config, log, clock)?;
        let mut model = Owner::new(Image::new(log), MAX, u64::MAX, Omitted::default());
        for step in 0..80 {
            let request = request(&mut random, &model.disk);
            model.ask(request.clone());
            let modelled = model.commit().and_then(|(_, answer)| answer);
            let context = || format!("seed {seed}, step {step}: {request:?}");
            let real_answer = carry_out(&real.handle, &request).await.with_context(context)?;
            ensure!(said(modelled) == real_answer, "{}: not {real_answer}", context());
            let told = plain(*real.log.borrow());
            let modelled = plain(model.log_state());
            ensure!(told == modelled, "{}: {told:?} is not {modelled:?}", context());
        }
        let letters = real.handle.dead_letters(0, usize::MAX).await?;
        let letters: Vec<_> = letters.into_iter().filter_map(|letter| letter.observation).collect();
        let modelled: Vec<_> = model
            .disk
            .letters
            .into_iter()
            .filter_map(|letter| match letter {
                Letter::Observation(observation) => Some(observation),
                Letter::Payload(_) => None,
            })
            .collect();
        ensure!(letters == modelled, "seed {seed}: {letters:?} is not {modelled:?}");
    }
    Ok(())
}

fn clock() -> Timestamp {
    "2025-08-01 09:00".parse().expect("a time")
}

/// A request that delivery or a source might make, and some that they would not.
fn request(random: &mut Rng, disk: &Image) -> Request {
    let wall = Timestamp::from_micros(1_753_952_400_000_000 + random.i64(0..5_000_000));
    let wall = wall.expect("a time");
    match random.u32(0..12) {
        0..=3 => {
            let known: Vec<_> = disk.cells.values().cloned().collect();
            Request::Append(sources::file(random, wall, &known))
        }
        4 => Request::CompleteThrough(wall),
        5 | 6 => Request::Load {
            after: random.u64(0..=disk.produced.sequence),
            batch_count_max: random.u32(0..4),
            payload_bytes_max: random.u64(0..500),
        },
        7 | 8 => settle(random, disk),
        9 => Request::Adopt { log_epoch: random.u64(1..9) },
        10 if random.bool() => Request::BeginLog { fresh: LogId(random.u128(..).to_be_bytes()) },
        _ => Request::Restate {
            observation_count_max: random.u32(0..5),
            payload_bytes_max: random.u32(0..300),
        },
    }
}

fn settle(random: &mut Rng, disk: &Image) -> Request {
    let through = random.u64(0..=disk.produced.sequence + 1);
    let mut results = Vec::new();
    for (sequence, batch) in disk.batches.range(..=through) {
        let refused = match random.u32(0..6) {
            0 => Refused::Everything,
            1 | 2 => Refused::Observations(
                (0..batch.observation_count)
                    .filter(|_| random.bool())
                    .map(|index| (index, Refusal::ObservedAhead))
                    .collect(),
            ),
            _ => continue,
        };
        results.push(BatchResult { sequence: *sequence, refused });
    }
    Request::Settle { through, results }
}

/// Puts a request to the real spool; gives its answer in words.
async fn carry_out(handle: &Handle, request: &Request) -> anyhow::Result<String> {
    Ok(match request.clone() {
        Request::Append(observations) => format!("{:?}", Some(handle.append(observations).await?)),
        Request::CompleteThrough(time) => {
            handle.complete_through(time).await?;
            String::new()
        }
        Request::Load { after, batch_count_max, payload_bytes_max } => {
            let loaded = handle.load(after, batch_count_max, payload_bytes_max).await?;
            format!("{:?}", (loaded.log, loaded.after, loaded.batches))
        }
        Request::Settle { through, results } => {
            format!("{:?}", plain(handle.settle(through, results).await?))
        }
        Request::Adopt { log_epoch } => format!("{:?}", plain(handle.adopt(log_epoch).await?)),
        Request::BeginLog { fresh } => {
            let resync = Resync { reason: ResyncReason::StoreLost, detail: String::new() };
            format!("{:?}", plain(handle.begin_log(fresh, resync).await?))
        }
        Request::Restate { observation_count_max, payload_bytes_max } => {
            let log = handle.restate(observation_count_max, payload_bytes_max).await?;
            format!("{:?}", plain(log))
        }
        Request::Poison { .. } => anyhow::bail!("nobody asks the real spool for that"),
    })
}

/// The model's answer in the same words.
fn said(answer: Option<Answer>) -> String {
    match answer {
        None => String::new(),
        Some(Answer::Appended(fates)) => format!("{fates:?}"),
        Some(Answer::Delivery(answer)) => match *answer {
            Input::Loaded { log, after, batches } => format!("{:?}", (log, after, batches)),
            Input::Done(log) => format!("{:?}", plain(log)),
            other => format!("{other:?}"),
        },
    }
}

/// Returns what both spools tell of their log; the file's length is the real one's own.
fn plain(log: LogState) -> LogState {
    LogState { spool_bytes: 0, ..log }
}
