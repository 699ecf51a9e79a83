//! Group commit: appends and releases that have queued up while a commit was on its way are
//! committed together in the next one, so that they share its syncs.

use phuxanh_core::Observation;

use super::{
    super::{
        Error, FatalError, Fate,
        change::Change,
        request::{GroupCommit, Request, Series},
        room::Load,
    },
    Owner, answer, load_of,
};

impl Owner {
    /// Carries out requests in the order in which they came.
    pub(super) fn carry_out_all(
        &mut self,
        requests: impl Iterator<Item = Request>,
    ) -> Result<(), FatalError> {
        let mut group = Vec::new();
        for request in requests {
            match request {
                Request::Group(entry) => group.push(entry),
                request => {
                    self.commit(std::mem::take(&mut group))?;
                    self.carry_out(request)?;
                }
            }
        }
        self.commit(group)
    }

    /// Makes a group durable in one commit, and answers it. Where it may be that not all of it has
    /// room, each has a commit of its own, and is refused or not on its own account.
    fn commit(&mut self, group: Vec<GroupCommit>) -> Result<(), FatalError> {
        let fates = if group.len() > 1 { self.commit_together(&group)? } else { None };
        let Some(fates) = fates else {
            return group.into_iter().try_for_each(|entry| self.commit_alone(entry));
        };
        let state = self.tell();
        let mut fates = fates.into_iter();
        let mut has_released = false;
        for entry in group {
            match entry {
                GroupCommit::Append { reply, .. } => {
                    answer(reply, Ok(fates.next().expect("every append has its fates")));
                }
                GroupCommit::Settle { reply, .. } => {
                    has_released = true;
                    answer(reply, state);
                }
            }
        }
        if has_released { self.tidy_up() } else { Ok(()) }
    }

    /// The fates of a group's appends, in order. `None` where it was not committed; nothing of it
    /// has happened then.
    fn commit_together(
        &mut self,
        group: &[GroupCommit],
    ) -> Result<Option<Vec<Vec<Fate>>>, FatalError> {
        let mut whole: Option<Load> = None;
        for entry in group {
            if let GroupCommit::Append { observations, series, .. } = entry {
                if series.is_broken() {
                    return Ok(None);
                }
                let load = load_of(observations);
                whole = Some(whole.map_or(load, |whole| whole.and(&load)));
            }
        }
        if let Some(load) = &whole
            && !self.has_room_for(load)?
        {
            return Ok(None);
        }
        let Ok(fates) = self.attempt(|change, owner| owner.join(change, group))? else {
            return Ok(None);
        };
        if let Some(load) = &whole {
            self.has_grown(load);
        }
        Ok(Some(fates))
    }

    /// Carries out a group on the log, in its order.
    fn join(
        &self,
        change: &mut Change,
        group: &[GroupCommit],
    ) -> Result<Vec<Vec<Fate>>, FatalError> {
        let now = (self.clock)();
        let mut all_fates = Vec::new();
        let mut is_idle = true;
        for entry in group {
            match entry {
                GroupCommit::Append { observations, series, .. } => {
                    all_fates.push(self.take(change, observations, series)?);
                }
                GroupCommit::Settle { through, results, .. } => {
                    change.settle(*through, results, now)?;
                }
            }
            is_idle &= std::mem::take(&mut change.is_idle);
        }
        change.is_idle = is_idle;
        Ok(all_fates)
    }

    pub(super) fn commit_alone(&mut self, entry: GroupCommit) -> Result<(), FatalError> {
        match entry {
            GroupCommit::Append { observations, series, reply } => {
                answer(reply, self.append(&observations, &series)?);
            }
            GroupCommit::Settle { through, results, reply } => {
                let now = (self.clock)();
                self.insist(|change, _| change.settle(through, &results, now))?;
                answer(reply, self.tell());
                self.tidy_up()?;
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        observations: &[Observation],
        series: &Series,
    ) -> Result<Result<Vec<Fate>, Error>, FatalError> {
        if series.is_broken() {
            return Ok(Err(self.full()));
        }
        let load = load_of(observations);
        let appended =
            self.append_if_room(&load, |change, owner| owner.take(change, observations, series))?;
        if appended.is_err() {
            series.break_off();
        }
        Ok(appended)
    }

    fn take(
        &self,
        change: &mut Change,
        observations: &[Observation],
        series: &Series,
    ) -> Result<Vec<Fate>, FatalError> {
        let (fates, entries) = change.observe(observations, series.is_repeated())?;
        change.is_idle = entries.is_empty();
        change.append(entries, self.watermark(), self.batch_max())?;
        Ok(fates)
    }
}
