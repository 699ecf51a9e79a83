//! The naive fold: of all observations of a cell that were admitted, the last in cell order.

use std::collections::BTreeMap;

use phuxanh_core::{
    CellKey, Observation, Record, Timestamp,
    figures::fold::{Cell, Fold},
    frame::Refused,
};
use phuxanh_proto::convert::decode;

use crate::simulation::invariant::{Invariant, Violation};

/// Observed time, revision, log epoch, sequence, index.
type Order = (Timestamp, u32, u64, u64, u32);

/// Every cell with the order of its value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Naive {
    cells: BTreeMap<CellKey, (Order, Observation)>,
    /// Everything that was admitted.
    all: Vec<Observation>,
}

impl Naive {
    /// Counts in a record; says whose cells it speaks of.
    pub fn add(&mut self, record: &Record) -> Vec<CellKey> {
        let batch = &record.batch;
        let refused = match record.result.as_ref().map(|result| &result.refused) {
            Some(Refused::Everything) => return Vec::new(),
            Some(Refused::Observations(refused)) => refused.as_slice(),
            None => &[],
        };
        let observations = decode(&batch.payload, batch.observation_count).unwrap_or_default();
        let keys = observations.iter().map(|observation| observation.key.clone()).collect();
        for (index, observation) in (0..).zip(observations) {
            if refused.iter().any(|(at, _)| *at == index) {
                continue;
            }
            self.all.push(observation.clone());
            let order = (
                observation.observed,
                observation.revision,
                record.log_epoch,
                batch.sequence,
                index,
            );
            let is_last = self.cells.get(&observation.key).is_none_or(|(held, _)| *held < order);
            if is_last {
                self.cells.insert(observation.key.clone(), (order, observation));
            }
        }
        keys
    }

    /// The value in force of a cell.
    #[must_use]
    pub fn cell(&self, key: &CellKey) -> Option<&Observation> {
        self.cells.get(key).map(|(_, observation)| observation)
    }

    #[must_use]
    pub fn was_admitted(&self, observation: &Observation) -> bool {
        self.all.contains(observation)
    }

    /// Holds some cells of a fold against this, with their revisions or without.
    pub fn agrees_on<'a>(
        &self,
        fold: &Fold,
        keys: impl Iterator<Item = &'a CellKey>,
        with_revisions: bool,
    ) -> Result<(), Violation> {
        for key in keys {
            let folded = fold
                .metric_key(&key.metric)
                .and_then(|metric| fold.cell(key.locality, metric, key.period));
            let naive = self.cell(key);
            Invariant::ExactlyOnce.check(is_equal(folded, naive, with_revisions), || {
                format!("{key:?}: the fold holds {folded:?}, the latest is {naive:?}")
            })?;
        }
        Ok(())
    }

    /// Holds all cells of a fold against this.
    pub fn agrees(&self, fold: &Fold, with_revisions: bool) -> Result<(), Violation> {
        let (folded, naive) = (fold.cells().count(), self.cells.len());
        Invariant::ExactlyOnce
            .check(folded == naive, || format!("{folded} cells are folded, not {naive}"))?;
        self.agrees_on(fold, self.cells.keys(), with_revisions)
    }
}

fn is_equal(folded: Option<&Cell>, naive: Option<&Observation>, with_revisions: bool) -> bool {
    let revision = |revision: u32| with_revisions.then_some(revision);
    let folded =
        folded.map(|cell| (cell.value, cell.observed, revision(cell.revision), cell.basis));
    let naive = naive.map(|it| (it.value, it.observed, revision(it.revision), it.basis));
    folded == naive
}
