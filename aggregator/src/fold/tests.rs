use std::collections::BTreeSet;

use proptest::prelude::*;

use phuxanh_proto::model::{CellKey, Observation};

use super::*;

/// Few enough places, times and values that cells are replaced, repeated and superseded.
fn any_observation() -> impl Strategy<Value = Observation> {
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

fn record(sequence: u64, all: Vec<Observation>) -> Record {
    Record {
        receipt: Timestamp::from_micros(9).expect("1970"),
        log: LogId([1; 16]),
        log_epoch: 1,
        sequence,
        complete_through: None,
        contents: Contents::Observations {
            all: all.into_iter().collect(),
            refused: BTreeSet::from([1]),
        },
    }
}

proptest! {
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
            let cells = fold.cells().map(|(key, cell)| (key, cell.clone())).collect();
            let restored =
                Fold::restore(fold.metrics().to_vec(), cells, Position::default());
            prop_assert_eq!(restored.position().cells, of_cells);
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
}
