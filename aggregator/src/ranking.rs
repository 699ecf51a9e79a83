//! The ranking: which localities are lowest.
//!
//! Owns ranks and the order of rows over sorted lists: one list per province for communes, one for
//! all provinces. It computes no value. The first rows of any number of lists cost as many steps
//! of a heap; a rank, or the place of a page in the middle, costs one binary search per list.

mod merge;

use std::{cmp::Ordering, sync::Arc};

use phuxanh_proto::model::{Level, LocalityCode};

use crate::rollup::{Key, Order, Orders, PeriodRollup, Ratio};
use merge::merge;

/// What is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    pub scope: Scope,
    /// Place of the indicator in the catalogue.
    pub indicator: usize,
    pub order: Order,
}

/// Which localities are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Provinces,
    /// The communes of one province, or of the nation.
    Communes {
        within: Option<LocalityCode>,
    },
}

/// Localities that a ranking leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unranked {
    Unknown,
    Untested,
}

/// A ranked locality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// From 1; equal values share one.
    pub rank: usize,
    pub key: Key,
}

/// A locality with its neighbours, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub row: Row,
    pub before: Vec<Row>,
    pub behind: Vec<Row>,
}

/// A sorted list of localities.
#[derive(Debug)]
pub enum List {
    /// Of a province's communes by an indicator, shared with all that ask.
    Communes { rollup: Arc<PeriodRollup>, indicator: usize },
    /// Made for one question.
    Provinces(Orders),
}

/// The answer to a [`Query`] in one period, of which rows are computed when asked for.
#[derive(Debug)]
pub struct Ranking {
    order: Order,
    lists: Vec<List>,
}

impl Scope {
    /// Of the localities that are ranked.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Provinces => Level::Province,
            Self::Communes { .. } => Level::Commune,
        }
    }

    /// The province or the nation within which they are ranked.
    #[must_use]
    pub fn within(self) -> LocalityCode {
        match self {
            Self::Provinces => LocalityCode::NATION,
            Self::Communes { within } => within.unwrap_or(LocalityCode::NATION),
        }
    }
}

impl List {
    fn orders(&self) -> Option<&Orders> {
        match self {
            Self::Communes { rollup, indicator } => rollup.orders(*indicator),
            Self::Provinces(orders) => Some(orders),
        }
    }
}

impl Ranking {
    #[must_use]
    pub const fn new(order: Order, lists: Vec<List>) -> Self {
        Self { order, lists }
    }

    /// Localities with a rank.
    #[must_use]
    pub fn ranked_count(&self) -> usize {
        self.ranked().map(<[_]>::len).sum()
    }

    /// Localities without one.
    #[must_use]
    pub fn unranked_count(&self, section: Unranked) -> usize {
        self.unranked(section).map(<[_]>::len).sum()
    }

    /// At most `count_max` rows behind a place, or from the first.
    #[must_use]
    pub fn rows_after(&self, after: Option<&Key>, count_max: usize) -> Vec<Row> {
        let start = |keys: &[Key]| {
            after.map_or(0, |after| keys.partition_point(|key| self.compare()(key, after).is_le()))
        };
        let before_count = self.ranked().map(start).sum();
        let rest = self.ranked().map(|keys| keys.split_at(start(keys)).1);
        let keys = merge(rest, self.compare()).take(count_max);
        self.rows(before_count, keys)
    }

    /// At most `count_max` localities without a rank behind a code, or from the first.
    #[must_use]
    pub fn unranked_after(
        &self,
        section: Unranked,
        after: Option<LocalityCode>,
        count_max: usize,
    ) -> Vec<LocalityCode> {
        let rest = self.unranked(section).map(|codes| {
            let start = codes.partition_point(|code| Some(*code) <= after);
            codes.split_at(start).1
        });
        merge(rest, LocalityCode::cmp).take(count_max).collect()
    }

    /// One more than the localities that come strictly before a value.
    #[must_use]
    pub fn rank(&self, value: Ratio) -> usize {
        let before = |keys: &[Key]| {
            keys.partition_point(|key| self.order.compare_values(key.value, value).is_lt())
        };
        1 + self.ranked().map(before).sum::<usize>()
    }

    /// A place with at most `neighbour_max` rows on each side.
    #[must_use]
    pub fn standing(&self, key: Key, neighbour_max: usize) -> Standing {
        let start =
            |keys: &[Key]| keys.partition_point(|found| self.compare()(found, &key).is_lt());
        let mut near: Vec<_> = self
            .ranked()
            .flat_map(|keys| {
                let before = keys.split_at(start(keys)).0;
                before.split_at(before.len().saturating_sub(neighbour_max)).1
            })
            .copied()
            .collect();
        near.sort_unstable_by(self.compare());
        let before = near.split_off(near.len().saturating_sub(neighbour_max));
        let before_count = self.ranked().map(start).sum::<usize>() - before.len();
        Standing {
            row: Row { rank: self.rank(key.value), key },
            before: self.rows(before_count, before.into_iter()),
            behind: self.rows_after(Some(&key), neighbour_max),
        }
    }

    /// Consecutive keys as rows; `before_count` keys stand before the first.
    fn rows(&self, before_count: usize, keys: impl Iterator<Item = Key>) -> Vec<Row> {
        let mut rows = Vec::<Row>::new();
        for (at, key) in keys.enumerate() {
            let rank = match rows.last() {
                Some(last) if last.key.value == key.value => last.rank,
                Some(_) => 1 + before_count + at,
                None => self.rank(key.value),
            };
            rows.push(Row { rank, key });
        }
        rows
    }

    fn compare(&self) -> fn(&Key, &Key) -> Ordering {
        match self.order {
            Order::Lowest => |one, other| Order::Lowest.compare(one, other),
            Order::Highest => |one, other| Order::Highest.compare(one, other),
        }
    }

    fn ranked(&self) -> impl Iterator<Item = &[Key]> {
        self.lists.iter().filter_map(List::orders).map(|orders| orders.ranked(self.order))
    }

    fn unranked(&self, section: Unranked) -> impl Iterator<Item = &[LocalityCode]> {
        self.lists.iter().filter_map(List::orders).map(move |orders| match section {
            Unranked::Unknown => orders.unknown(),
            Unranked::Untested => orders.untested(),
        })
    }
}

#[cfg(test)]
mod tests;
