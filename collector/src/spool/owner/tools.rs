//! Commands of operators: how the spool stands, whether it is sound, and the dead letters.

use super::{
    super::{
        DeadLetter, Error, FatalError, Fate, Held, Replayed, Stat, Verified, backend::Want,
        letters, resynced, room::Load, verify,
    },
    Owner, load_of,
};

impl Owner {
    pub(super) fn stat(&mut self) -> Result<Stat, FatalError> {
        let tally = self.head.tally;
        Ok(Stat {
            log: self.tell(),
            waiting_observation_count: tally.waiting_observation_count,
            waiting_payload_bytes: tally.waiting_payload_bytes,
            used_bytes: self.file.measure()?,
            quota_bytes: self.config.quota_bytes,
            ballast_bytes: self.config.ballast_bytes,
            is_ballast_kept: self.file.has_ballast(),
            held: self.held().map(|want| match want {
                Want::Disk => Held::Disk,
                Want::Quota => Held::Quota,
            }),
            resynced: resynced::read(&self.file.read()?)?,
        })
    }

    pub(super) fn verify(&mut self) -> Result<Verified, FatalError> {
        let mut verified = Verified::default();
        match self.file.check() {
            Ok(true) => {}
            Ok(false) => verified.fault("pages of the file were damaged and have been repaired"),
            Err(error) => match self.file.take_want() {
                // The check writes; without room for that it is left out.
                Some(_) => self.file.reopen()?,
                None => return Err(error),
            },
        }
        self.refresh()?;
        verify::walk(&self.file.read()?, &mut verified)?;
        Ok(verified)
    }

    pub(super) fn dead_letters(
        &self,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<DeadLetter>, FatalError> {
        letters::list(&self.file.read()?, after, count_max)
    }

    /// Observes letters again, and takes them out of the dead letters in the same transaction.
    pub(super) fn replay(
        &mut self,
        numbers: &[u64],
    ) -> Result<Result<Replayed, Error>, FatalError> {
        let load = self.load_of_letters(numbers)?;
        let replayed = self.append_if_room(&load, |change, owner| {
            let taken = change.unbury(numbers)?;
            let mut replayed = Replayed {
                passed_over: numbers
                    .iter()
                    .zip(&taken)
                    .filter(|(_, observation)| observation.is_none())
                    .map(|(number, _)| *number)
                    .collect(),
                ..Replayed::default()
            };
            let taken: Vec<_> = taken.into_iter().flatten().collect();
            let (fates, entries) = change.observe(&taken, false)?;
            for fate in fates {
                match fate {
                    Fate::Taken | Fate::Withdrawn { .. } => replayed.taken_count += 1,
                    Fate::Unchanged => replayed.unchanged_count += 1,
                    Fate::Superseded { .. } => replayed.superseded_count += 1,
                }
            }
            change.append(entries, owner.watermark(), owner.batch_max())?;
            Ok(replayed)
        })?;
        self.refresh()?;
        self.tell();
        Ok(replayed)
    }

    fn load_of_letters(&self, numbers: &[u64]) -> Result<Load, FatalError> {
        let transaction = self.file.read()?;
        let mut observations = Vec::new();
        for number in numbers {
            let listed = letters::list(&transaction, number.saturating_sub(1), 1)?;
            let letter = listed.into_iter().find(|letter| letter.number == *number);
            observations.extend(letter.and_then(|letter| letter.observation));
        }
        Ok(load_of(&observations))
    }

    pub(super) fn drop_letters(&mut self, numbers: &[u64]) -> Result<u64, FatalError> {
        let dropped = self.insist(|change, _| change.drop_letters(numbers))?;
        self.refresh()?;
        self.tell();
        Ok(dropped)
    }
}
