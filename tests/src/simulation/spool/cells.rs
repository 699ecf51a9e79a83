//! Changes of the cells by requests.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_collector::spool::Fate;
use phuxanh_core::{CellKey, Observation};
use phuxanh_proto::convert::decode;

use super::{Entry, Image, Place, row};

impl Image {
    /// Holds an observation against its cell; where it travels, the cell becomes it.
    pub(super) fn observe(&mut self, mut observation: Observation) -> (Fate, Option<Entry>) {
        let current = self.cells.get(&row(&observation.key)).cloned();
        observation.revision = match &current {
            Some(cell)
                if (cell.value, cell.observed, cell.basis)
                    == (observation.value, observation.observed, observation.basis) =>
            {
                return (Fate::Unchanged, None);
            }
            Some(cell) if observation.observed < cell.observed => {
                let fate = Fate::Superseded { value: cell.value, observed: cell.observed };
                return (fate, None);
            }
            Some(cell) if observation.observed == cell.observed => cell.revision + 1,
            Some(_) | None => 0,
        };
        self.set_cell(&observation.key, Some(observation.clone()));
        let fate = match observation.value {
            Some(_) => Fate::Taken,
            None => Fate::Withdrawn { value: current.as_ref().and_then(|cell| cell.value) },
        };
        (fate, Some(Entry { observation, replaced: current }))
    }

    /// Makes refused observations of batches through a sequence give way: each cell becomes what it
    /// would be had they never been observed.
    pub(super) fn give_way(&mut self, through: u64, refused: &BTreeMap<Place, Observation>) {
        let keys: BTreeSet<_> = refused.values().map(|gone| gone.key.clone()).collect();
        for key in keys {
            let gone: BTreeMap<_, _> = refused.iter().filter(|(_, gone)| gone.key == key).collect();
            let versions = self.versions(&key);
            let Some((first, _)) = versions.first() else { continue };
            let before = self.replaced.get(first).cloned();
            let mut held = before.filter(|before| !gone.values().any(|gone| *gone == before));
            for (place, observation) in &versions {
                if place.0 > through {
                    match held.clone() {
                        Some(held) => drop(self.replaced.insert(*place, held)),
                        None => drop(self.replaced.remove(place)),
                    }
                }
                let is_later = held.as_ref().is_none_or(|held| {
                    (held.observed, held.revision) <= (observation.observed, observation.revision)
                });
                if !gone.contains_key(place) && is_later {
                    held = Some(observation.clone());
                }
            }
            self.set_cell(&key, held);
        }
    }

    /// The unreleased observations of a cell, in the order of the log.
    fn versions(&self, key: &CellKey) -> Vec<(Place, Observation)> {
        let mut versions = Vec::new();
        for batch in self.batches.values() {
            let observations = decode(&batch.payload, batch.observation_count).unwrap_or_default();
            let places = (0..).map(|index| (batch.sequence, index)).zip(observations);
            versions.extend(places.filter(|(_, observation)| observation.key == *key));
        }
        versions
    }

    /// Takes a refused value out of its cell, as if nothing had stood there before.
    pub(super) fn forget(&mut self, refused: &BTreeMap<Place, Observation>) {
        for gone in refused.values() {
            if self.cells.get(&row(&gone.key)) == Some(gone) {
                self.set_cell(&gone.key, None);
            }
        }
    }

    fn set_cell(&mut self, key: &CellKey, held: Option<Observation>) {
        let row = row(key);
        if let Some(held) = &held {
            self.digest = self.digest.with(held);
        }
        let before = match held {
            Some(held) => self.cells.insert(row, held),
            None => self.cells.remove(&row),
        };
        if let Some(before) = before {
            self.digest = self.digest.without(&before);
        }
    }
}
