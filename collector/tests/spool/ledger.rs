//! The counts and cells of a spool agree with what an aggregator folds, whatever was refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use phuxanh_collector::spool::{Config, Fate, Reason, Spool};
use phuxanh_core::{
    CellDigest, CellKey, Observation, Timestamp,
    delivery::sender::LogState,
    frame::{BatchResult, CollectorAudit, Refused},
    validation::Refusal,
};
use phuxanh_proto::convert::decode;
use proptest::{collection::vec, prelude::*};

use super::{
    bench::{clock, close, config, open, open_at},
    disk::Disk,
    step::{Said, log_id, resync},
};

/// The part of an aggregator that a ledger needs: cells in their order, and counts.
#[derive(Default)]
struct Aggregator {
    cells: BTreeMap<CellKey, Observation>,
    received: u64,
    rejected: u64,
}

impl Aggregator {
    /// Takes all that waits but the places that it refuses, and acknowledges it.
    async fn take(&mut self, spool: &Spool, refused: &BTreeSet<(u64, u32)>) -> LogState {
        let log = *spool.log.borrow();
        let after = log.released.sequence;
        let loaded = spool.handle.load(after, u32::MAX, u64::MAX).await.expect("open");
        let mut results = Vec::new();
        for batch in loaded.batches {
            let observations = decode(&batch.payload, batch.observation_count).expect("ours");
            let mut list = Vec::new();
            for (index, observation) in (0..).zip(observations) {
                self.received += 1;
                if refused.contains(&(batch.sequence - after, index)) {
                    self.rejected += 1;
                    list.push((index, Refusal::ImpossibleValue));
                    continue;
                }
                let order = |one: &Observation| (one.observed, one.revision);
                let held = self.cells.get(&observation.key);
                if held.is_none_or(|held| order(held) <= order(&observation)) {
                    self.cells.insert(observation.key.clone(), observation);
                }
            }
            if !list.is_empty() {
                let refused = Refused::Observations(list);
                results.push(BatchResult { sequence: batch.sequence, refused });
            }
        }
        spool.handle.settle(log.produced.sequence, results).await.expect("open")
    }

    fn audit(&self, log: &LogState) -> CollectorAudit {
        CollectorAudit {
            produced_through: log.produced.sequence,
            produced_observation_count: self.received,
            rejected_observation_count: self.rejected,
            cells: self.cells.values().fold(CellDigest::default(), CellDigest::with),
        }
    }
}

fn spool() -> Spool {
    let none = Config { ballast_bytes: 0, ..config() };
    open(Disk::new(&[], None).0.medium(), none).expect("a new spool")
}

fn said(place: u8, value: u8, minute: u8) -> Observation {
    Said { place, value, minute }.observation()
}

async fn append(spool: &Spool, observations: &[Observation]) {
    let fates = spool.handle.append(observations.to_vec()).await.expect("room");
    assert_eq!(fates, vec![Fate::Taken; observations.len()]);
}

/// All that is in a log that restates everything.
async fn restate(spool: &Spool) {
    while spool.handle.restate(100, 1 << 20).await.expect("open").is_restating {}
}

#[tokio::test]
async fn refused_values_give_way_to_the_last_one_that_was_not() {
    let (spool, mut aggregator) = (spool(), Aggregator::default());
    append(&spool, &[said(0, 1, 0)]).await;
    aggregator.take(&spool, &BTreeSet::new()).await;
    for (value, minute) in [(2, 1), (3, 2), (4, 2)] {
        append(&spool, &[said(0, value, minute)]).await;
    }
    let chain = BTreeSet::from([(1, 0), (2, 0), (3, 0)]);
    let log = aggregator.take(&spool, &chain).await;
    assert_eq!(log.audit, Some(aggregator.audit(&log)));
    assert_eq!(log.audit.expect("kept").cells, CellDigest::default().with(&said(0, 1, 0)));
    let letters = spool.handle.dead_letters(0, 9).await.expect("open");
    let refused: Vec<_> = letters
        .iter()
        .map(|letter| (letter.number, letter.observation.as_ref().and_then(|one| one.value)))
        .collect();
    assert_eq!(refused, [(1, Some(1)), (2, Some(2)), (3, Some(3))]);
    assert!(
        letters.iter().all(|letter| letter.reason == Reason::Refused(Refusal::ImpossibleValue))
    );
    // Said again it is new again, and what was refused says nothing of what is older.
    append(&spool, &[said(0, 2, 1)]).await;
    let log = aggregator.take(&spool, &BTreeSet::new()).await;
    assert_eq!(log.audit, Some(aggregator.audit(&log)));
    close(spool).await;
}

#[tokio::test]
async fn a_wiped_store_gets_back_what_stood_before_a_value_that_it_then_refuses() {
    let (spool, mut aggregator) = (spool(), Aggregator::default());
    append(&spool, &[said(0, 1, 0), said(1, 1, 0)]).await;
    aggregator.take(&spool, &BTreeSet::new()).await;
    append(&spool, &[said(0, 2, 1)]).await;
    let mut wiped = Aggregator::default();
    spool.handle.begin_log(log_id(1), resync()).await.expect("open");
    restate(&spool).await;
    let log = wiped.take(&spool, &BTreeSet::from([(1, 0)])).await;
    assert_eq!(
        wiped.cells,
        BTreeMap::from([said(0, 1, 0), said(1, 1, 0)].map(|one| (one.key.clone(), one)))
    );
    assert_eq!(log.audit, Some(wiped.audit(&log)));
    close(spool).await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_refused_observation_by_observation() {
    let spool = spool();
    append(&spool, &[said(0, 1, 0), said(1, 1, 0)]).await;
    append(&spool, &[said(1, 2, 1)]).await;
    let results = vec![BatchResult { sequence: 1, refused: Refused::Everything }];
    let log = spool.handle.settle(2, results).await.expect("open");
    let audit = log.audit.expect("kept");
    assert_eq!((audit.produced_observation_count, audit.rejected_observation_count), (3, 2));
    assert_eq!(audit.cells, CellDigest::default().with(&said(1, 2, 1)));
    let replayed = spool.handle.replay(vec![1, 2, 3]).await.expect("room");
    let counts = (replayed.taken_count, replayed.unchanged_count, replayed.superseded_count);
    assert_eq!((counts, replayed.passed_over), ((1, 0, 1), vec![3]));
    let log = *spool.log.borrow();
    assert_eq!((log.produced.sequence, log.dead_letter_count), (3, 0));
    // What is replayed travels as an observation of its own.
    assert_eq!(log.audit.expect("kept").produced_observation_count, 4);
    close(spool).await;
}

#[tokio::test]
async fn a_log_says_that_it_is_complete_even_when_nothing_changes() {
    static NOW: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_micros(NOW.load(Ordering::Relaxed)).expect("a time")
    }
    let at = |minutes: u64| clock().plus(Duration::from_mins(minutes));
    let pass = |minutes| NOW.store(at(minutes).micros(), Ordering::Relaxed);
    pass(0);
    let (disk, _) = Disk::new(&[], None);
    let interval = Duration::from_mins(15);
    let config = Config { ballast_bytes: 0, watermark_interval: interval, ..config() };
    let spool = open_at(disk.medium(), config, now).expect("a new spool");
    let mut counts = Vec::new();
    for minute in [0, 1, 14, 15, 16, 29, 31] {
        pass(minute);
        spool.handle.complete_through(at(minute)).await.expect("open");
        counts.push(spool.log.borrow().produced.sequence);
    }
    assert_eq!(counts, [1, 1, 1, 2, 2, 2, 3]);
    pass(40);
    append(&spool, &[said(0, 1, 0)]).await;
    pass(50);
    spool.handle.complete_through(at(50)).await.expect("open");
    let batches = spool.handle.load(0, 9, 9_999).await.expect("open").batches;
    let said: Vec<_> =
        batches.iter().map(|batch| (batch.observation_count, batch.complete_through)).collect();
    let at = |minutes| Some(at(minutes));
    assert_eq!(said, [(0, at(0)), (0, at(15)), (0, at(31)), (1, at(31))]);
    let log = *spool.log.borrow();
    assert_eq!(log.complete_through, at(50));
    close(spool).await;
    let spool = open_at(Disk::new(&disk.image(), None).0.medium(), config, now).expect("it opens");
    assert_eq!(spool.log.borrow().complete_through, at(31));
    spool.handle.complete_through(clock()).await.expect("open");
    assert_eq!(spool.log.borrow().produced, log.produced);
    close(spool).await;
}

/// A clock that was ahead for a while spoils the watermark no longer than that.
#[tokio::test]
async fn a_watermark_moves_back_when_the_clock_is_put_right() {
    static NOW: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_micros(NOW.load(Ordering::Relaxed)).expect("a time")
    }
    let year = Duration::from_hours(24 * 365);
    let config = Config { ballast_bytes: 0, ..config() };
    let (disk, _) = Disk::new(&[], None);
    let spool = open_at(disk.medium(), config, now).expect("a new spool");
    for time in [clock().plus(year), clock()] {
        NOW.store(time.micros(), Ordering::Relaxed);
        spool.handle.complete_through(time).await.expect("open");
    }
    assert_eq!(spool.log.borrow().complete_through, Some(clock()));
    let batches = spool.handle.load(0, 9, 9_999).await.expect("open").batches;
    let said: Vec<_> = batches.iter().map(|batch| batch.complete_through).collect();
    assert_eq!(said, [Some(clock().plus(year)), Some(clock())]);
    close(spool).await;
}

/// Observations, the places of refused ones, and whether the store was wiped before.
type Round = (Vec<Said>, Vec<(u64, u32)>, bool);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let said = (0_u8..4, 1_u8..4, 0_u8..4).prop_map(|(place, value, minute)| Said {
        place,
        value,
        minute,
    });
    let refused = vec((1_u64..4, 0_u32..5), 0..4);
    vec((vec(said, 0..8), refused, proptest::bool::weighted(0.2)), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ends_agree_whenever_nothing_waits(rounds in rounds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (spool, mut aggregator) = (spool(), Aggregator::default());
            for (number, (said, refused, is_wiped)) in (0..).zip(rounds) {
                for said in said {
                    spool.handle.append(vec![said.observation()]).await.expect("room");
                }
                let mut refused = refused.into_iter().collect();
                if is_wiped {
                    aggregator = Aggregator::default();
                    spool.handle.begin_log(log_id(number), resync()).await.expect("open");
                    restate(&spool).await;
                    // What was taken once is taken again by the same rules.
                    refused = BTreeSet::new();
                }
                let log = aggregator.take(&spool, &refused).await;
                assert_eq!(log.audit, Some(aggregator.audit(&log)));
                assert_eq!(spool.handle.verify().await.expect("open").faults, Vec::<String>::new());
            }
            close(spool).await;
        });
    }
}
