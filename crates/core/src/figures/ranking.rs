//! The ranking: which localities are lowest.
//!
//! Owns ranks and the order of rows over sorted lists: one list per province for communes, one for
//! all provinces. It computes no value. The first rows of any number of lists cost as many steps
//! of a heap; a rank, or the place of a page in the middle, costs one binary search per list.

mod merge;

use std::{cmp::Ordering, sync::Arc};

use crate::{
    Level, LocalityCode,
    figures::rollup::{Key, Order, Orders, Ratio, Rollup, Unranked},
    gazetteer::Kind,
};
use merge::merge;

/// Query of a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    pub scope: Scope,
    /// Place of the indicator in the catalogue.
    pub indicator: usize,
    pub order: Order,
    /// `None` for all.
    pub kind: Option<Kind>,
    /// Least denominator of a value that is ranked; 0 for any.
    pub denominator_min: i64,
}

/// Localities that are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Provinces,
    /// The communes of one province, or of the nation.
    Communes {
        within: Option<LocalityCode>,
    },
}

/// A ranked locality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<V = Ratio> {
    /// From 1; equal values share one.
    pub rank: usize,
    pub key: Key<V>,
}

/// A locality with its neighbours, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<V = Ratio> {
    pub row: Row<V>,
    pub before: Vec<Row<V>>,
    pub behind: Vec<Row<V>>,
}

/// The answer to a question in one period, of which rows are computed when asked for.
#[derive(Debug)]
pub struct Ranking<V = Ratio> {
    order: Order,
    /// Shared with all that ask, or made for one question.
    lists: Vec<Arc<Orders<V>>>,
}

impl Query {
    /// Every locality of a scope.
    #[must_use]
    pub const fn all(scope: Scope, indicator: usize, order: Order) -> Self {
        Self { scope, indicator, order, kind: None, denominator_min: 0 }
    }

    /// True if it leaves out nothing that has a value.
    #[must_use]
    pub const fn is_of_all(&self) -> bool {
        self.kind.is_none() && self.denominator_min == 0
    }

    /// The value of a locality that is ranked, or why it has none.
    pub fn ranked(&self, rollup: &Rollup) -> Result<Ratio, Unranked> {
        let value = rollup.value().ranked()?;
        if value.denominator() < self.denominator_min { Err(Unranked::Small) } else { Ok(value) }
    }
}

impl Scope {
    /// Level of the localities that are ranked.
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

impl<V: Ord + Copy> Ranking<V> {
    #[must_use]
    pub const fn new(order: Order, lists: Vec<Arc<Orders<V>>>) -> Self {
        Self { order, lists }
    }

    /// Localities with a rank.
    #[must_use]
    pub fn ranked_count(&self) -> usize {
        self.ranked().map(<[_]>::len).sum()
    }

    /// Localities without one.
    #[must_use]
    pub fn unranked_count(&self, why: Unranked) -> usize {
        self.unranked(why).map(<[_]>::len).sum()
    }

    /// At most `count_max` rows behind a place, or from the first.
    #[must_use]
    pub fn rows_after(&self, after: Option<&Key<V>>, count_max: usize) -> Vec<Row<V>> {
        let start = |keys: &[Key<V>]| {
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
        why: Unranked,
        after: Option<LocalityCode>,
        count_max: usize,
    ) -> Vec<LocalityCode> {
        let rest = self.unranked(why).map(|codes| {
            let start = codes.partition_point(|code| Some(*code) <= after);
            codes.split_at(start).1
        });
        merge(rest, LocalityCode::cmp).take(count_max).collect()
    }

    /// One more than the localities that come strictly before a value.
    #[must_use]
    pub fn rank(&self, value: V) -> usize {
        let before = |keys: &[Key<V>]| {
            keys.partition_point(|key| self.order.compare_values(key.value, value).is_lt())
        };
        1 + self.ranked().map(before).sum::<usize>()
    }

    /// A place with at most `neighbour_max` rows on each side.
    #[must_use]
    pub fn standing(&self, key: Key<V>, neighbour_max: usize) -> Standing<V> {
        let start =
            |keys: &[Key<V>]| keys.partition_point(|found| self.compare()(found, &key).is_lt());
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
    fn rows(&self, before_count: usize, keys: impl Iterator<Item = Key<V>>) -> Vec<Row<V>> {
        let mut rows = Vec::<Row<V>>::new();
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

    /// Returns the order of two places.
    #[must_use]
    pub fn compare(&self) -> fn(&Key<V>, &Key<V>) -> Ordering {
        match self.order {
            Order::Lowest => |one, other| Order::Lowest.compare(one, other),
            Order::Highest => |one, other| Order::Highest.compare(one, other),
        }
    }

    fn ranked(&self) -> impl Iterator<Item = &[Key<V>]> {
        self.lists.iter().map(|orders| orders.ranked(self.order))
    }

    fn unranked(&self, why: Unranked) -> impl Iterator<Item = &[LocalityCode]> {
        self.lists.iter().map(move |orders| orders.unranked(why))
    }
}

#[cfg(test)]
mod tests;
