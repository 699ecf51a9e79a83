use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Basis, CellKey, Observation};

/// Few enough places, times and values that cells are replaced, repeated and superseded.
pub(super) fn any_observation() -> impl Strategy<Value = Observation> {
    let places = (0..2_u32, 0..2_u32, 0..2_u32);
    let values = (proptest::option::of(0..3_i64), 0..3_i64, 0..2_u32);
    (places, values).prop_map(|((locality, metric, period), (value, observed, revision))| {
        Observation {
            key: CellKey {
                locality: ["00004", "00008"][locality as usize].parse().expect("a code"),
                metric: ["b", "a"][metric as usize].parse().expect("an id"),
                period: ["2025-07", "2025-08"][period as usize].parse().expect("a period"),
            },
            value,
            observed: Timestamp::from_micros(observed).expect("1970"),
            revision,
            basis: Basis::Reported,
        }
    })
}

fn receipt_of(sequence: u64) -> i64 {
    100 + i64::try_from(sequence).expect("few")
}

pub(super) fn record(sequence: u64, all: Vec<Observation>) -> Record {
    Record {
        receipt: Timestamp::from_micros(receipt_of(sequence)).expect("1970"),
        log: LogId([1; 16]),
        log_epoch: 1,
        sequence,
        complete_through: None,
        host: "one".to_owned(),
        catalogue_digest: [3; 32],
        contents: Contents::Observations {
            all: all.into_iter().collect(),
            refused: BTreeSet::from([1]),
        },
    }
}

/// A collector's clock was a year ahead for some batches.
#[test]
fn a_watermark_ahead_of_its_receipt_is_not_taken_and_the_last_word_counts() {
    let receipt = |sequence| record(sequence, Vec::new()).receipt;
    let year = Duration::from_hours(24 * 365);
    let (early, late) = (receipt(1), receipt(4).plus(WATERMARK_AHEAD_MAX));
    let said = [
        Some(receipt(1)),
        Some(receipt(2).plus(year)),
        None,
        Some(late),
        Some(late.plus(Duration::from_millis(1))),
        Some(early),
    ];
    let mut fold = Fold::default();
    let taken = (1..).zip(said).map(|(sequence, complete_through)| {
        fold.apply(&Record { complete_through, ..record(sequence, Vec::new()) });
        fold.position().complete_through
    });
    let (early, late) = (Some(early), Some(late));
    assert_eq!(taken.collect::<Vec<_>>(), [early, early, early, late, late, early]);
}

/// The record of a log that another host delivered.
fn of_log(epoch: u64, sequence: u64, all: Vec<Observation>) -> Record {
    let log = LogId([u8::try_from(epoch).expect("few"); 16]);
    let host = format!("host {epoch}");
    Record { log, log_epoch: epoch, host, ..record(sequence, all) }
}

proptest! {
    /// Part by part, the list holds each cell in force that came in another log, once, with the host
    /// that delivered it.
    #[test]
    fn the_values_of_other_logs_are_listed_in_parts(
        batches in proptest::collection::vec(
            (1..4_u64, proptest::collection::vec(any_observation(), 0..6)),
            0..8,
        ),
        epoch in 1..4_u64,
        count_min in 1..8_usize,
    ) {
        let mut fold = Fold::default();
        for (sequence, (epoch, batch)) in (1..).zip(batches) {
            fold.apply(&of_log(epoch, sequence, batch));
        }
        let mut expected: Vec<_> = fold
            .cells()
            .filter(|(_, cell)| cell.log_epoch != epoch)
            .map(|((locality, MetricKey(metric), period), cell)| {
                let metric = fold.metrics()[metric as usize].clone();
                let said = (cell.value, cell.observed, cell.revision);
                ((locality, metric, period), said, cell.log_epoch, format!("host {}", cell.log_epoch))
            })
            .collect();
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let (logs, next) = fold.of_other_logs(epoch, after, count_min);
            for value in logs.into_iter().flat_map(crate::figures::superseding::OtherLog::into_values) {
                let Observation { key, value: said, observed, revision, .. } = value.observation;
                let key = (key.locality, key.metric, key.period);
                listed.push((key, (said, observed, revision), value.log_epoch, value.host));
            }
            prop_assert!(next.is_none() || next > after);
            after = next;
            if after.is_none() {
                break;
            }
        }
        expected.sort();
        listed.sort();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn the_digest_is_that_of_the_cells_at_every_position(
        batches in proptest::collection::vec(
            proptest::collection::vec(any_observation(), 0..6),
            0..8,
        ),
    ) {
        let mut fold = Fold::default();
        for (sequence, batch) in (1..).zip(batches) {
            fold.apply(&record(sequence, batch));
            let of_cells = fold.cells().fold(CellDigest::default(), |digest, (key, cell)| {
                let (locality, MetricKey(metric), period) = key;
                let metric = fold.metrics()[metric as usize].clone();
                digest.with(&Observation {
                    key: CellKey { locality, metric, period },
                    value: cell.value,
                    observed: cell.observed,
                    revision: cell.revision,
                    basis: cell.basis,
                })
            });
            prop_assert_eq!(fold.position().cells, of_cells);
            let restored = Fold::restore(Kept {
                metrics: fold.metrics().to_vec(),
                cells: fold.cells().map(|(key, cell)| (key, cell.clone())).collect(),
                earlier: fold
                    .cells()
                    .filter_map(|(key, _)| Some((key, fold.earlier(key.0, key.1, key.2)?.clone())))
                    .collect(),
                first_receipts: fold.first_receipts().collect(),
                origins: fold.origins().to_vec(),
                position: Position { cells: CellDigest::default(), ..*fold.position() },
            });
            prop_assert_eq!(&restored, &fold);
        }
    }

    #[test]
    fn the_changes_are_the_metrics_and_periods_of_the_cells_that_differ(
        batches in proptest::collection::vec(
            proptest::collection::vec(any_observation(), 0..6),
            0..8,
        ),
    ) {
        let mut fold = Fold::default();
        for (sequence, batch) in (1..).zip(batches) {
            let before = fold.clone();
            let changes = fold.apply(&record(sequence, batch));
            let differing = fold.cells().filter(|&((locality, metric, period), cell)| {
                before.cell(locality, metric, period) != Some(cell)
            });
            let expected: Changes = differing
                .map(|((_, MetricKey(metric), period), _)| {
                    (fold.metrics()[metric as usize].clone(), period)
                })
                .collect();
            prop_assert_eq!(changes, expected);
        }
    }

    /// Told again from the observations, one after the other, with nothing but plain maps.
    #[test]
    fn first_receipts_and_unbroken_values_equal_a_naive_replay(
        batches in proptest::collection::vec(
            proptest::collection::vec(any_observation(), 0..6),
            0..8,
        ),
    ) {
        let mut fold = Fold::default();
        let mut first_receipts = BTreeMap::new();
        // Of each cell every value that was ever in force: observed, revision, value.
        let mut applied = BTreeMap::<_, Vec<(Timestamp, u32, Option<i64>)>>::new();
        for (sequence, batch) in (1..).zip(batches) {
            let taken = batch.iter().enumerate().filter(|(index, _)| *index != 1);
            for (_, one) in taken {
                let rows = applied.entry(one.key.clone()).or_default();
                let next = (one.observed, one.revision, one.value);
                let in_force = rows.last().is_none_or(|last| {
                    *last != next && (last.0, last.1) <= (next.0, next.1)
                });
                if in_force {
                    rows.push(next);
                    if one.value.is_some() {
                        let place = (one.key.locality, one.key.period);
                        first_receipts.entry(place).or_insert(receipt_of(sequence));
                    }
                }
            }
            fold.apply(&record(sequence, batch));
        }
        let found: BTreeMap<_, _> =
            fold.first_receipts().map(|(place, receipt)| (place, receipt.micros())).collect();
        prop_assert_eq!(found, first_receipts);
        for ((locality, MetricKey(metric), period), cell) in fold.cells() {
            let metric = fold.metrics()[metric as usize].clone();
            let rows = &applied[&CellKey { locality, metric, period }];
            let equal = rows.iter().rev().take_while(|(_, _, value)| *value == cell.value);
            let first = equal.last().expect("the value in force");
            prop_assert_eq!(cell.unchanged_since, first.0);
        }
    }
}

#[test]
fn a_yes_or_no_keeps_its_earlier_days_and_a_count_none() {
    let kept = |values: [i64; 3]| {
        let mut fold = Fold::default();
        for (sequence, (day, value)) in (1..).zip((0..).zip(values)) {
            let one = Observation {
                key: CellKey {
                    locality: "00004".parse().expect("a code"),
                    metric: "a".parse().expect("an id"),
                    period: "2025-07".parse().expect("a period"),
                },
                value: Some(value),
                observed: Timestamp::from_micros(day * 86_400_000_000).expect("1970"),
                revision: 0,
                basis: Basis::Reported,
            };
            fold.apply(&record(sequence, vec![one]));
        }
        let (place, _) = fold.cells().next().expect("a cell");
        let earlier = fold.earlier(place.0, place.1, place.2)?;
        Some(earlier.moments.iter().map(|moment| moment.value).collect::<Vec<_>>())
    };
    assert_eq!(kept([1, 0, 0]), Some(vec![Some(true), Some(false)]));
    assert_eq!(kept([1, 0, 2]), None);
    assert_eq!(kept([7, 7, 1]), None);
}

#[test]
fn a_cell_tells_the_log_the_host_and_the_catalogue_of_its_batch() {
    let one = |metric: &str| Observation {
        key: CellKey {
            locality: "00004".parse().expect("a code"),
            metric: metric.parse().expect("an id"),
            period: "2025-07".parse().expect("a period"),
        },
        value: Some(1),
        observed: Timestamp::from_micros(0).expect("1970"),
        revision: 0,
        basis: Basis::Reported,
    };
    let (old, new) = ([3; 32], [4; 32]);
    let stretches = [
        ("a", 1, "one", old),
        ("b", 1, "one", old),
        ("c", 1, "one", new),
        ("d", 2, "one", new),
        ("e", 2, "two", new),
    ];
    let mut fold = Fold::default();
    for (sequence, (metric, log, host, catalogue_digest)) in (1..).zip(stretches) {
        let (log, host) = (LogId([log; 16]), host.to_owned());
        fold.apply(&Record { log, host, catalogue_digest, ..record(sequence, vec![one(metric)]) });
    }
    assert_eq!(fold.origins().len(), 4);
    for ((_, MetricKey(metric), _), cell) in fold.cells() {
        let (_, log, host, catalogue_digest) = stretches[metric as usize];
        let origin = fold.origin(cell).expect("an origin");
        let found = (origin.log, origin.host.as_str(), origin.catalogue_digest);
        assert_eq!(found, (LogId([log; 16]), host, catalogue_digest));
    }
}
