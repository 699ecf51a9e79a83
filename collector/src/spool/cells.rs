//! Changes of the cells by one transaction.
//!
//! A cell holds the last in order of what the aggregator was last known to hold and of what waits
//! for it. What is refused gives way: the cell becomes what it would be had the refused values
//! never been observed, so that both ends hold the same again, and none of them comes back.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_core::{CellKey, Observation, Timestamp};
use phuxanh_proto::convert::{basis_number, decode};
use redb::ReadableTable;

use super::{
    FatalError, Fate,
    change::{Change, Entry},
    replaced::{self, REPLACED},
    tables::{BATCHES, CELLS, Kept, Place, cell_row, keep, order, read_kept},
};

/// Refused observations, by cell.
pub(super) type Refusals = BTreeMap<CellKey, BTreeMap<Place, Kept>>;
/// Observations of cells by their places in the log.
type Versions = BTreeMap<CellKey, Vec<(Place, Kept)>>;

impl Change {
    /// Holds observations against their cells. Those that are to travel become their cells and
    /// are given their revisions; says what became of each. Repeated ones replace no value of the
    /// same observed time.
    pub(super) fn observe(
        &mut self,
        observations: &[Observation],
        is_repeated: bool,
    ) -> Result<(Vec<Fate>, Vec<Entry>), FatalError> {
        let mut cells = self.transaction.open_table(CELLS)?;
        let digest = &mut self.head.tally.cells;
        let mut fates = Vec::with_capacity(observations.len());
        let mut entries = Vec::new();
        for mut observation in observations.iter().cloned() {
            let current = cells.get(cell_row(&observation.key))?.map(|kept| kept.value());
            let fate = compare(&mut observation, current, is_repeated)?;
            fates.push(fate);
            if !fate.is_taken() {
                continue;
            }
            cells.insert(cell_row(&observation.key), keep(&observation))?;
            if let Some(current) = current {
                *digest = digest.without(&read_kept(observation.key.clone(), current)?);
            }
            *digest = digest.with(&observation);
            entries.push(Entry { observation, replaced: current });
        }
        Ok((fates, entries))
    }

    /// The unreleased observations of cells, in the order of the log.
    pub(super) fn unreleased(&self, keys: &BTreeSet<CellKey>) -> Result<Versions, FatalError> {
        let batches = self.transaction.open_table(BATCHES)?;
        let mut versions = Versions::new();
        for row in batches.range(self.head.released.sequence + 1..)? {
            let (sequence, row) = row?;
            let (count, _, _, payload) = row.value();
            // What cannot be read back has no cells; verifying the spool tells of it.
            let observations = decode(payload, count).unwrap_or_default();
            for (index, observation) in (0..).zip(observations) {
                if keys.contains(&observation.key) {
                    let kept = keep(&observation);
                    let place = (sequence.value(), index);
                    versions.entry(observation.key).or_default().push((place, kept));
                }
            }
        }
        Ok(versions)
    }

    /// Makes refused observations of batches through a sequence give way.
    pub(super) fn give_way(&mut self, through: u64, refusals: &Refusals) -> Result<(), FatalError> {
        let keys = refusals.keys().cloned().collect();
        for (key, versions) in self.unreleased(&keys)? {
            let refused = &refusals[&key];
            let held = self.fold_again(through, &versions, refused)?;
            self.set_cell(&key, held)?;
        }
        Ok(())
    }

    /// Folds a cell again from what stood before its unreleased observations, without the refused
    /// ones. What later ones are said to have replaced is set right on the way.
    fn fold_again(
        &self,
        through: u64,
        versions: &[(Place, Kept)],
        refused: &BTreeMap<Place, Kept>,
    ) -> Result<Option<Kept>, FatalError> {
        let mut table = self.transaction.open_table(REPLACED)?;
        let Some((first, _)) = versions.first() else { return Ok(None) };
        let before = replaced::at(&table, *first)?;
        // A cell that was restated stood before itself: refused, it goes too.
        let mut held = before.filter(|before| !refused.values().any(|gone| gone == before));
        for (place, kept) in versions {
            if place.0 > through {
                replaced::set(&mut table, *place, held)?;
            }
            if !refused.contains_key(place) && held.is_none_or(|held| order(&held) <= order(kept)) {
                held = Some(*kept);
            }
        }
        Ok(held)
    }

    fn set_cell(&mut self, key: &CellKey, held: Option<Kept>) -> Result<(), FatalError> {
        let mut cells = self.transaction.open_table(CELLS)?;
        let digest = &mut self.head.tally.cells;
        let before = match held {
            Some(held) => cells.insert(cell_row(key), held)?.map(|kept| kept.value()),
            None => cells.remove(cell_row(key))?.map(|kept| kept.value()),
        };
        if let Some(before) = before {
            *digest = digest.without(&read_kept(key.clone(), before)?);
        }
        if let Some(held) = held {
            *digest = digest.with(&read_kept(key.clone(), held)?);
        }
        Ok(())
    }
}

/// Decides what becomes of an observation beside its cell, and gives it its revision.
fn compare(
    observation: &mut Observation,
    current: Option<Kept>,
    is_repeated: bool,
) -> Result<Fate, FatalError> {
    let observed = observation.observed.micros();
    let said = (observation.value, observed, basis_number(observation.basis));
    observation.revision = match current {
        Some((value, at, _, from)) if (value, at, from) == said => return Ok(Fate::Unchanged),
        Some((value, at, _, _)) if observed < at || (is_repeated && observed == at) => {
            let observed = Timestamp::from_micros(at).map_err(|_| FatalError::Corrupt("cell"))?;
            return Ok(Fate::Superseded { value, observed });
        }
        Some((_, at, revision, _)) if observed == at => revision.saturating_add(1),
        Some(_) | None => 0,
    };
    Ok(match observation.value {
        Some(_) => Fate::Taken,
        None => Fate::Withdrawn { value: current.and_then(|(value, ..)| value) },
    })
}
