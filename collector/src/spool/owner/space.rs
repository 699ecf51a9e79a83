//! Space: what is appended only where there is room, and what is done although there is none.

use std::time::Duration;

use phuxanh_core::Timestamp;
use tracing::{info, warn};

use super::{
    super::{
        Config, Error, FatalError,
        backend::Want,
        change::{BatchMax, Change},
        room::{self, Holding, Load},
        tables::Head,
    },
    Owner,
};

/// Time between two attempts at the ballast while the log does not drain.
const RESTORE_INTERVAL: Duration = Duration::from_mins(1);
/// Share of the quota that a batch may take, so that its page never doubles a small file over it.
const BATCH_SHARE: u64 = 32;

/// A change that found too little space, and why it failed.
pub(super) struct Short {
    want: Want,
    error: FatalError,
}

/// Measures of the file's pages.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Bytes in use, at most.
    used_bytes_max: u64,
    /// True if something was committed since that was measured.
    is_stale: bool,
    /// True if nothing was committed since the file was compacted.
    is_compact: bool,
    /// Reason why appends are refused, if they are.
    held: Option<Want>,
    restore_tried: Option<Timestamp>,
}

impl Owner {
    /// Carries out an append, or says that the spool is full. Nothing of it has happened then.
    pub(super) fn append_if_room<T>(
        &mut self,
        load: &Load,
        append: impl FnOnce(&mut Change, &Self) -> Result<T, FatalError>,
    ) -> Result<Result<T, Error>, FatalError> {
        if let Some(want) = self.shortage(load)? {
            self.note(Some(want));
            return Ok(Err(self.full()));
        }
        match self.attempt(append)? {
            Ok(done) => {
                self.has_grown(load);
                Ok(Ok(done))
            }
            Err(Short { want, .. }) => {
                if want == Want::Quota {
                    // The estimate was wrong: not asked again before something was committed.
                    self.space.used_bytes_max = u64::MAX;
                    self.space.is_stale = false;
                }
                self.note(Some(want));
                self.tell();
                Ok(Err(self.full()))
            }
        }
    }

    /// After an append.
    pub(super) fn has_grown(&mut self, load: &Load) {
        self.space.used_bytes_max = self.space.used_bytes_max.saturating_add(room::growth(load));
        self.note(None);
        self.tell();
    }

    pub(super) const fn full(&self) -> Error {
        Error::Full { quota_bytes: self.config.quota_bytes }
    }

    /// Carries out what must not fail for want of space: where it does, room is made and it is
    /// tried once more.
    pub(super) fn insist<T>(
        &mut self,
        mut alter: impl FnMut(&mut Change, &Self) -> Result<T, FatalError>,
    ) -> Result<T, FatalError> {
        match self.attempt(&mut alter)? {
            Ok(done) => return Ok(done),
            Err(Short { want: Want::Quota, .. }) => self.compact()?,
            Err(Short { want: Want::Disk, .. }) => {}
        }
        self.attempt(alter)?.map_err(|short| short.error)
    }

    /// Makes a change durable. Where there is too little space for it the file is open again, and
    /// the change has not happened.
    pub(super) fn attempt<T>(
        &mut self,
        alter: impl FnOnce(&mut Change, &Self) -> Result<T, FatalError>,
    ) -> Result<Result<T, Short>, FatalError> {
        self.file.take_want();
        let mut intended = None;
        let changed = self.change(alter, &mut intended);
        if let Err(error) = changed {
            let Some(want) = self.file.take_want() else { return Err(error) };
            self.make_room(want)?;
            // The write that failed may have come after the commit.
            if intended.as_ref().is_none_or(|(head, _)| *head != self.head) {
                return Ok(Err(Short { want, error }));
            }
        }
        let (_, done) = intended.expect("a change that was made, or was found made");
        Ok(Ok(done))
    }

    /// Begins, alters and commits. What the commit was to be is left in `intended`, should it fail.
    fn change<T>(
        &mut self,
        alter: impl FnOnce(&mut Change, &Self) -> Result<T, FatalError>,
        intended: &mut Option<(Head, T)>,
    ) -> Result<(), FatalError> {
        let mut change = self.begin()?;
        let done = alter(&mut change, self)?;
        let (head, is_idle) = (change.head, change.is_idle);
        *intended = Some((head, done));
        if is_idle {
            return Ok(change.transaction.abort()?);
        }
        let letter_count = head.tally.letter_number - self.head.tally.letter_number;
        self.space.used_bytes_max =
            self.space.used_bytes_max.saturating_add(room::letters(letter_count));
        self.space.is_stale = true;
        self.space.is_compact = false;
        change.commit()?;
        self.head = head;
        self.dead_letter_count += letter_count;
        Ok(())
    }

    /// Opens the file again after a write that failed. On a full disk the ballast goes first.
    fn make_room(&mut self, want: Want) -> Result<(), FatalError> {
        if want == Want::Disk && self.file.give_up_ballast()? {
            warn!("the disk is full, the ballast is given up and the source held back");
        }
        self.file.reopen()?;
        self.space.is_stale = true;
        self.refresh()
    }

    /// Returns what there is too little of for an append.
    fn shortage(&mut self, load: &Load) -> Result<Option<Want>, FatalError> {
        if !self.file.has_ballast() {
            let now = (self.clock)();
            let is_due =
                self.space.restore_tried.is_none_or(|tried| now.since(tried) >= RESTORE_INTERVAL);
            if is_due {
                self.restore_ballast();
            }
            if !self.file.has_ballast() {
                return Ok(Some(Want::Disk));
            }
        }
        if self.has_room_for(load)? {
            return Ok(None);
        }
        if !self.head.is_drained() {
            return Ok(Some(Want::Quota));
        }
        if !self.space.is_compact {
            self.compact()?;
        }
        // Nothing will be released that could make more room, so the estimate has no more to say:
        // the storage's own bound still holds.
        Ok(None)
    }

    /// True if a load fits by what is known of the file, or is found when it is measured.
    pub(super) fn has_room_for(&mut self, load: &Load) -> Result<bool, FatalError> {
        Ok(self.file.has_ballast()
            && (self.fits(load) || (self.space.is_stale && self.measure()?.fits(load))))
    }

    fn fits(&self, load: &Load) -> bool {
        let tally = &self.head.tally;
        let holding = Holding {
            cell_count: tally.cells.count,
            waiting_observation_count: tally.waiting_observation_count,
            waiting_payload_bytes: tally.waiting_payload_bytes,
        };
        let capacity = room::capacity(self.file.bytes(), self.config.quota_bytes);
        self.space.used_bytes_max.saturating_add(room::need(&holding, load)) <= capacity
    }

    fn measure(&mut self) -> Result<&Self, FatalError> {
        self.space.used_bytes_max = self.file.measure()?;
        self.space.is_stale = false;
        Ok(self)
    }

    /// After a release: a drained spool gets its ballast back, and a short file.
    pub(super) fn tidy_up(&mut self) -> Result<(), FatalError> {
        if !self.head.is_drained() {
            return Ok(());
        }
        if !self.file.has_ballast() {
            self.compact()?;
            self.restore_ballast();
        } else if self.file.bytes() >= self.config.compact_bytes_min && !self.space.is_compact {
            let used_bytes = self.measure()?.space.used_bytes_max;
            let Config { compact_ratio, compact_bytes_min, .. } = self.config;
            let file_bytes = self.file.bytes();
            if room::is_worth_compacting(file_bytes, used_bytes, compact_ratio, compact_bytes_min) {
                self.compact()?;
            }
        }
        self.tell();
        Ok(())
    }

    /// Fills the ballast where it is missing, if the disk has room for it.
    pub(super) fn restore_ballast(&mut self) {
        if self.file.has_ballast() {
            return;
        }
        self.space.restore_tried = Some((self.clock)());
        match self.file.restore_ballast() {
            Ok(()) => info!("the ballast is in place"),
            Err(error) => {
                warn!(%error, "there is no room for the ballast, the source is held back");
            }
        }
    }

    fn compact(&mut self) -> Result<(), FatalError> {
        let before = self.file.bytes();
        self.file.take_want();
        match self.file.compact() {
            Ok(()) => info!(before, after = self.file.bytes(), "the spool was compacted"),
            Err(error) => {
                let Some(want) = self.file.take_want() else { return Err(error) };
                warn!(want = want.name(), "there is no room to compact the spool");
                self.file.reopen()?;
            }
        }
        self.space.is_compact = true;
        self.space.is_stale = true;
        self.refresh()
    }

    /// Says once that the source is held back, and once that it goes on.
    fn note(&mut self, want: Option<Want>) {
        match (self.space.held, want) {
            (None, Some(Want::Quota)) => {
                let (file_bytes, quota_bytes) = (self.file.bytes(), self.config.quota_bytes);
                warn!(
                    file_bytes,
                    quota_bytes, "the spool is at its quota, the source is held back"
                );
            }
            (None, Some(Want::Disk)) => warn!("the disk is full, the source is held back"),
            (Some(_), None) => info!("the spool has room again, the source goes on"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.space.held = want;
    }

    pub(super) const fn held(&self) -> Option<Want> {
        self.space.held
    }

    /// Returns the limits of a batch here.
    pub(super) fn batch_max(&self) -> BatchMax {
        let share = usize::try_from(self.config.quota_bytes / BATCH_SHARE).unwrap_or(usize::MAX);
        BatchMax {
            observation_count: self.config.batch_observation_count_max,
            payload_bytes: self.config.batch_payload_bytes_max.min(share),
        }
    }
}
