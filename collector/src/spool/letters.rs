//! Dead letters: what the aggregator refused, until an operator replays it or drops it.

use std::collections::BTreeMap;

use phuxanh_core::{
    Observation, Timestamp,
    frame::{BatchResult, Refused},
    validation::Refusal,
};
use phuxanh_proto::convert::{decode, encode};
use redb::{ReadTransaction, ReadableTable, Table};

use super::{
    FatalError,
    cells::Refusals,
    change::Change,
    tables::{BATCHES, DEAD_LETTERS, DeadLetterRow, keep},
};

/// An observation that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Given once and never again.
    pub number: u64,
    /// `None` where the whole batch can be read by neither end: it can only be dropped.
    pub observation: Option<Observation>,
    pub reason: Reason,
    /// Time at which the refusal became known here.
    pub refused: Timestamp,
}

/// Reason why an observation lies in the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Refused(Refusal),
    /// The aggregator could not read the batch that it came in, and so took nothing of it.
    #[error("the aggregator could not read the batch")]
    Undecodable,
}

/// Numbers of the reasons at rest: 0 for an undecodable batch, else the place here from 1.
const REFUSALS: [Refusal; 9] = [
    Refusal::UnknownLocality,
    Refusal::ForeignLocality,
    Refusal::UnknownMetric,
    Refusal::WrongLevel,
    Refusal::ImpossibleValue,
    Refusal::ObservedAhead,
    Refusal::ImpossiblePeriod,
    Refusal::ObservedBeforeLocality,
    Refusal::PeriodOutsideLocality,
];

impl Reason {
    fn number(self) -> u32 {
        match self {
            Self::Undecodable => 0,
            Self::Refused(refusal) => (1..)
                .zip(REFUSALS)
                .find(|(_, listed)| *listed == refusal)
                .map(|(number, _)| number)
                .expect("every refusal is listed"),
        }
    }

    fn read(number: u32) -> Result<Self, FatalError> {
        match number.checked_sub(1) {
            None => Ok(Self::Undecodable),
            Some(place) => usize::try_from(place)
                .ok()
                .and_then(|place| REFUSALS.get(place))
                .map(|refusal| Self::Refused(*refusal))
                .ok_or(FatalError::Corrupt("dead letter")),
        }
    }
}

impl Change {
    /// Puts what was refused of unreleased batches into the dead letters.
    ///
    /// Of a batch that the aggregator could not read, all observations are refused. One that
    /// cannot be read here either becomes a single letter, counted as rejected in full; the cells
    /// that it set are not known any more and stay.
    pub(super) fn dead_letter(
        &mut self,
        results: &[&BatchResult],
        now: Timestamp,
    ) -> Result<Refusals, FatalError> {
        let batches = self.transaction.open_table(BATCHES)?;
        let mut letters = self.transaction.open_table(DEAD_LETTERS)?;
        let tally = &mut self.head.tally;
        let mut refusals = Refusals::new();
        for result in results {
            let row = batches.get(result.sequence)?.ok_or(FatalError::Corrupt("batch"))?;
            let (count, _, _, payload) = row.value();
            let Ok(observations) = decode(payload, count) else {
                tally.letter_number += 1;
                tally.rejected_observation_count += u64::from(count);
                let row = (count, payload, Reason::Undecodable.number(), now.micros());
                letters.insert(tally.letter_number, row)?;
                continue;
            };
            for (index, reason) in refused_places(&result.refused, count) {
                let place = usize::try_from(index).expect("32 bits fit");
                let observation = &observations[place];
                tally.letter_number += 1;
                tally.rejected_observation_count += 1;
                let payload = encode(std::slice::from_ref(observation));
                let row = (1, payload.as_slice(), reason.number(), now.micros());
                letters.insert(tally.letter_number, row)?;
                refusals
                    .entry(observation.key.clone())
                    .or_default()
                    .insert((result.sequence, index), keep(observation));
            }
        }
        Ok(refusals)
    }

    /// Takes letters that can be read out of the dead letters; `None` for one that cannot, which
    /// stays, or that is not there.
    pub(super) fn unbury(
        &mut self,
        numbers: &[u64],
    ) -> Result<Vec<Option<Observation>>, FatalError> {
        let mut letters = self.transaction.open_table(DEAD_LETTERS)?;
        let mut taken = Vec::with_capacity(numbers.len());
        for number in numbers {
            let letter = letters.get(*number)?.map(|row| read(*number, row.value())).transpose()?;
            let observation = letter.and_then(|letter| letter.observation);
            if observation.is_some() {
                letters.remove(*number)?;
            }
            taken.push(observation);
        }
        Ok(taken)
    }

    /// Drops letters; returns how many there were.
    pub(super) fn drop_letters(&mut self, numbers: &[u64]) -> Result<u64, FatalError> {
        let mut letters: Table<'_, u64, DeadLetterRow> =
            self.transaction.open_table(DEAD_LETTERS)?;
        let mut dropped = 0;
        for number in numbers {
            dropped += u64::from(letters.remove(*number)?.is_some());
        }
        Ok(dropped)
    }
}

/// The letters behind a number, at most so many.
pub(super) fn list(
    transaction: &ReadTransaction,
    after: u64,
    count_max: usize,
) -> Result<Vec<DeadLetter>, FatalError> {
    let letters = transaction.open_table(DEAD_LETTERS)?;
    letters
        .range(after.saturating_add(1)..)?
        .take(count_max)
        .map(|row| {
            let (number, row) = row?;
            read(number.value(), row.value())
        })
        .collect()
}

fn read(
    number: u64,
    (count, payload, reason, refused): (u32, &[u8], u32, i64),
) -> Result<DeadLetter, FatalError> {
    let observation = match count {
        1 => decode(payload, 1).ok().and_then(|mut observations| observations.pop()),
        _ => None,
    };
    Ok(DeadLetter {
        number,
        observation,
        reason: Reason::read(reason)?,
        refused: Timestamp::from_micros(refused).map_err(|_| FatalError::Corrupt("dead letter"))?,
    })
}

/// The places that a result refuses, each once, in a batch of `count`.
fn refused_places(refused: &Refused, count: u32) -> BTreeMap<u32, Reason> {
    match refused {
        Refused::Everything => (0..count).map(|index| (index, Reason::Undecodable)).collect(),
        Refused::Observations(refused) => refused
            .iter()
            .filter(|(index, _)| *index < count)
            .map(|(index, refusal)| (*index, Reason::Refused(*refusal)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_from_its_number() {
        let refusals = REFUSALS.into_iter().map(Reason::Refused);
        for reason in refusals.chain([Reason::Undecodable]) {
            assert_eq!(Reason::read(reason.number()).expect("a number"), reason);
        }
        assert!(matches!(Reason::read(10), Err(FatalError::Corrupt(_))));
    }
}
