//! What became of each observation of one cell that a log still holds.

use super::{Cell, Contents, Origin, Outcome, Record};
use crate::{CellKey, Decode, frame::Refused, validation::Refusal};

/// An observation of a cell, as a log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub cell: Cell,
    /// Where its batch came from.
    pub origin: Option<Origin>,
    /// Reason why it was refused, if it was.
    pub refusal: Option<Refusal>,
}

/// What became of an observation. A number is the place of another one in the same history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    InForce,
    /// It was in force until this one came.
    Replaced {
        by: usize,
    },
    /// This one, which is later in the order of the fold, had come before it.
    Superseded {
        by: usize,
    },
    /// It says the same as this one, which was in force.
    Repeated {
        of: usize,
    },
    Refused(Refusal),
}

/// Lists the observations of a cell in a record, by their place in the batch. A payload that cannot
/// be read has none.
#[must_use]
pub fn sightings(kept: &crate::Record, decode: Decode, key: &CellKey) -> Vec<Sighting> {
    let refusals = match kept.result.as_ref().map(|result| &result.refused) {
        Some(Refused::Observations(refusals)) => refusals.as_slice(),
        Some(Refused::Everything) | None => &[],
    };
    of_record(&Record::read(kept, decode), refusals, key)
}

fn of_record(record: &Record, refusals: &[(u32, Refusal)], key: &CellKey) -> Vec<Sighting> {
    let Contents::Observations { all, .. } = &record.contents else { return Vec::new() };
    let Some(metric) = all.metrics().iter().position(|metric| *metric == key.metric) else {
        return Vec::new();
    };
    let rows = (0..).zip(all.rows()).filter(|(_, row)| {
        (row.metric as usize, row.locality, row.period) == (metric, key.locality, key.period)
    });
    let sighted = rows.map(|(index, row)| Sighting {
        cell: Cell::new(record, index, row),
        origin: Some(Origin::of(record)),
        refusal: refusals.iter().find(|(at, _)| *at == index).map(|(_, why)| *why),
    });
    sighted.collect()
}

/// Says what became of each observation, from the first that is known to the last.
///
/// Put the cell in force first where its own record is no longer in the log: it came before all
/// others. Of other observations whose records are gone nothing is known, so that one which they
/// had superseded is said to be replaced.
#[must_use]
pub fn fates(sightings: &[Sighting]) -> Vec<Fate> {
    let mut in_force = None;
    let mut fates = Vec::<Fate>::with_capacity(sightings.len());
    for (at, Sighting { cell, refusal, .. }) in sightings.iter().enumerate() {
        let outcome = in_force.map(|before: usize| (cell.beside(&sightings[before].cell), before));
        let fate = match (refusal, outcome) {
            (Some(refusal), _) => Fate::Refused(*refusal),
            (None, Some((Outcome::Repeated, of))) => Fate::Repeated { of },
            (None, Some((Outcome::Superseded, by))) => Fate::Superseded { by },
            (None, Some((Outcome::Applied, before))) => {
                fates[before] = Fate::Replaced { by: at };
                in_force = Some(at);
                Fate::InForce
            }
            (None, None) => {
                in_force = Some(at);
                Fate::InForce
            }
        };
        fates.push(fate);
    }
    fates
}

/// True if a cell came with one of these observations.
#[must_use]
pub fn is_sighted(cell: &Cell, sightings: &[Sighting]) -> bool {
    let batch = |cell: &Cell| (cell.log_epoch, cell.sequence, cell.index);
    sightings.iter().any(|sighting| batch(&sighting.cell) == batch(cell))
}

#[cfg(test)]
mod tests;
