//! Values of a yes or no before the one in force: the last observation of each earlier day.
//!
//! A month's state on one of its days follows from what had been observed by the end of that day,
//! in whatever order it arrived. Values that only repeat the one before them are kept too: a value
//! that arrives late holds until the next one that was observed, not until the next that differs.
//! Counts have no such history: a cell loses it with the first value that is neither 0 nor 1.

use crate::Timestamp;

/// Earlier days kept of a cell. The oldest goes when there are more.
pub const DAYS_MAX: usize = 31;

/// The earlier days of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    /// The last of each day, rising; all of days before that of the value in force.
    pub moments: Vec<Moment>,
    /// True if older days are not kept.
    pub is_cut: bool,
}

/// Value observed at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub observed: Timestamp,
    pub revision: u32,
    /// `None` where withdrawn.
    pub value: Option<bool>,
}

/// The value is no longer known, since older days were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("observations of that day are no longer kept")]
pub struct Forgotten;

impl Moment {
    /// A value as a yes or no; `None` where it is a count.
    pub(super) fn new(observed: Timestamp, revision: u32, value: Option<i64>) -> Option<Self> {
        let value = match value {
            None => None,
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) => return None,
        };
        Some(Self { observed, revision, value })
    }

    fn order(&self) -> (Timestamp, u32) {
        (self.observed, self.revision)
    }
}

impl Earlier {
    /// Takes in what is not in force any more, or never was. Of two with equal times and revisions
    /// the one that comes later stands, as among cells: the order of a reporter's log decides.
    pub(super) fn insert(&mut self, moment: Moment) {
        let day = moment.observed.day();
        let at = self.moments.partition_point(|kept| kept.observed.day() < day);
        match self.moments.get_mut(at).filter(|kept| kept.observed.day() == day) {
            Some(kept) if kept.order() > moment.order() => {}
            Some(kept) => *kept = moment,
            None => self.moments.insert(at, moment),
        }
        if self.moments.len() > DAYS_MAX {
            self.moments.remove(0);
            self.is_cut = true;
        }
    }

    /// Returns the value reported before an instant, the midnight behind a day.
    pub(super) fn before(&self, midnight: Timestamp) -> Result<Option<bool>, Forgotten> {
        let behind = self.moments.partition_point(|kept| kept.observed < midnight);
        match behind.checked_sub(1) {
            Some(last) => Ok(self.moments[last].value),
            None if self.is_cut => Err(Forgotten),
            None => Ok(None),
        }
    }
}
