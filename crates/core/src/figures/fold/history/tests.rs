use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    LogId, Observation, Timestamp,
    figures::fold::{
        Fold,
        tests::{any_observation, record},
    },
};

const REFUSALS: [(u32, Refusal); 1] = [(1, Refusal::ImpossibleValue)];

/// Batches of two logs; the second observation of each is refused.
fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let batch = (prop::collection::vec(any_observation(), 0..6), 1..3_u8);
    prop::collection::vec(batch, 1..12).prop_map(|batches| {
        let numbered = (1..).zip(batches).map(|(sequence, (all, log))| Record {
            log: LogId([log; 16]),
            log_epoch: log.into(),
            ..record(sequence, all)
        });
        numbered.collect()
    })
}

fn keys(records: &[Record]) -> BTreeSet<CellKey> {
    let all = records.iter().flat_map(|record| match &record.contents {
        Contents::Observations { all, .. } => all.iter().collect(),
        Contents::Undecodable { .. } => Vec::<Observation>::new(),
    });
    all.map(|one| one.key).collect()
}

fn all_sightings(records: &[Record], key: &CellKey) -> Vec<Sighting> {
    records.iter().flat_map(|record| of_record(record, &REFUSALS, key)).collect()
}

fn in_force(fold: &Fold, key: &CellKey) -> Option<Cell> {
    fold.cell(key.locality, fold.metric_key(&key.metric)?, key.period).cloned()
}

fn batch(cell: &Cell) -> (u64, u64, u32, Timestamp) {
    (cell.log_epoch, cell.sequence, cell.index, cell.receipt)
}

proptest! {
    /// Each observation has the fate that the fold gave it.
    #[test]
    fn fates_add_up_to_the_ledger_and_the_cell_is_the_one_in_force(records in any_records()) {
        let mut fold = Fold::default();
        for record in &records {
            fold.apply(record);
        }
        let [mut applied, mut repeated, mut superseded, mut refused] = [0; 4];
        for key in keys(&records) {
            let sightings = all_sightings(&records, &key);
            let fates = fates(&sightings);
            for (at, fate) in fates.iter().enumerate() {
                match *fate {
                    Fate::InForce => applied += 1,
                    Fate::Replaced { by } => {
                        applied += 1;
                        prop_assert!(by > at);
                    }
                    Fate::Superseded { by: before } | Fate::Repeated { of: before } => {
                        superseded += u64::from(matches!(fate, Fate::Superseded { .. }));
                        repeated += u64::from(matches!(fate, Fate::Repeated { .. }));
                        prop_assert!(before < at);
                    }
                    Fate::Refused(_) => refused += 1,
                }
            }
            let standing = fates.iter().position(|fate| *fate == Fate::InForce);
            let standing = standing.map(|at| batch(&sightings[at].cell));
            prop_assert_eq!(standing, in_force(&fold, &key).as_ref().map(batch));
        }
        let ledger = fold.position().ledger;
        prop_assert_eq!(
            [applied, repeated, superseded, refused],
            [ledger.applied, ledger.repeated, ledger.superseded, ledger.rejected]
        );
    }

    /// Where the first records are gone, the one in force is the same.
    #[test]
    fn a_trimmed_log_has_the_same_value_in_force(records in any_records(), gone in 0..12_usize) {
        let mut fold = Fold::default();
        for record in &records {
            fold.apply(record);
        }
        let held = &records[gone.min(records.len())..];
        for key in keys(&records) {
            let Some(cell) = in_force(&fold, &key) else { continue };
            let mut sightings = all_sightings(held, &key);
            if !is_sighted(&cell, &sightings) {
                sightings.insert(0, Sighting { cell: cell.clone(), origin: None, refusal: None });
            }
            let fates = fates(&sightings);
            let standing = fates.iter().position(|fate| *fate == Fate::InForce);
            prop_assert_eq!(standing.map(|at| batch(&sightings[at].cell)), Some(batch(&cell)));
        }
    }
}
