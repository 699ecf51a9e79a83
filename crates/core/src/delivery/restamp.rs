//! Repair of receipts that a wrong clock has stamped.
//!
//! Receipts rise from record to record, so one that lies in the future puts all later ones there, too.
//! Those after the latest right one are set right behind it, in their order: what was received after
//! a deadline stays after it, unless the deadline lies behind the latest right receipt.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::Timestamp;

/// Distance of the first restamped record from the latest right receipt. Those of records that are no
/// longer kept, which only checkpoints name, lie before it.
const RECORDS_BEHIND: Duration = Duration::from_secs(1);

/// Restamps the receipts of one reporter's log.
#[derive(Debug, Clone)]
pub struct Restamp {
    /// Latest right receipt.
    latest: Timestamp,
    /// New receipts of the records, by the old ones.
    moved: BTreeMap<Timestamp, Timestamp>,
}

impl Restamp {
    #[must_use]
    pub const fn new(latest: Timestamp) -> Self {
        Self { latest, moved: BTreeMap::new() }
    }

    /// Number of records with another receipt.
    #[must_use]
    pub fn moved_count(&self) -> usize {
        self.moved.len()
    }

    /// Receipt of the next record.
    pub fn record(&mut self, receipt: Timestamp) -> Timestamp {
        if receipt <= self.latest {
            return receipt;
        }
        let place = self.latest.plus(RECORDS_BEHIND).plus(micros(self.moved.len()));
        *self.moved.entry(receipt).or_insert(place)
    }

    /// Receipt of the cursor behind all records: of the last one, or behind all that only checkpoints
    /// name.
    #[must_use]
    pub fn cursor(&self, receipt: Timestamp) -> Timestamp {
        if receipt <= self.latest {
            return receipt;
        }
        let last = self.moved.values().next_back().copied();
        last.unwrap_or_else(|| self.latest.plus(RECORDS_BEHIND))
    }

    /// New receipts of a checkpoint behind some of these records, by the old ones.
    #[must_use]
    pub fn checkpoint(&self, receipts: BTreeSet<Timestamp>) -> BTreeMap<Timestamp, Timestamp> {
        let mut trimmed_count = 0;
        let restamped = receipts.into_iter().map(|receipt| {
            let now = if receipt <= self.latest {
                receipt
            } else if let Some(moved) = self.moved.get(&receipt) {
                *moved
            } else {
                trimmed_count += 1;
                self.latest.plus(micros(trimmed_count).min(RECORDS_BEHIND))
            };
            (receipt, now)
        });
        restamped.collect()
    }
}

fn micros(count: usize) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_micros(day * 86_400_000_000).expect("a time")
    }

    #[test]
    fn what_was_stamped_right_stays_and_the_rest_keeps_its_order() {
        let mut restamp = Restamp::new(day(10));
        let old = [day(1), day(10), day(700), day(701)];
        let new = old.map(|receipt| restamp.record(receipt));
        let behind = |micros: u64| day(10).plus(Duration::from_micros(1_000_000 + micros));
        assert_eq!(new, [day(1), day(10), behind(0), behind(1)]);
        assert_eq!((restamp.moved_count(), restamp.cursor(day(701))), (2, behind(1)));
        assert_eq!(Restamp::new(day(10)).cursor(day(10)), day(10));
    }

    #[test]
    fn a_checkpoint_agrees_with_the_records_and_keeps_the_order_of_those_that_are_gone() {
        let mut restamp = Restamp::new(day(10));
        let record = restamp.record(day(703));
        let old = BTreeSet::from([day(3), day(701), day(702), day(703)]);
        let new: Vec<_> = restamp.checkpoint(old).into_values().collect();
        let trimmed = |micros: u64| day(10).plus(Duration::from_micros(micros));
        assert_eq!(new, [day(3), trimmed(1), trimmed(2), record]);
        assert!(new.is_sorted());
        // All records are gone: the next one must come after what the checkpoint names.
        let restamp = Restamp::new(day(10));
        let named = restamp.checkpoint(BTreeSet::from([day(701), day(702)]));
        assert!(named.into_values().all(|receipt| receipt <= restamp.cursor(day(702))));
    }
}
