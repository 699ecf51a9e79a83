//! Sorted lists as one, of which only as much is done as is asked for.

use std::{cmp::Ordering, collections::BinaryHeap};

/// The first of what is left of a list.
struct Head<'a, T> {
    first: T,
    rest: &'a [T],
    compare: fn(&T, &T) -> Ordering,
}

impl<'a, T: Copy> Head<'a, T> {
    fn new(list: &'a [T], compare: fn(&T, &T) -> Ordering) -> Option<Self> {
        let (first, rest) = list.split_first()?;
        Some(Self { first: *first, rest, compare })
    }
}

impl<T> Ord for Head<'_, T> {
    /// Reversed, since a heap gives its greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(&other.first, &self.first)
    }
}

impl<T> PartialOrd for Head<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Head<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Head<'_, T> {}

/// All elements of lists that are each sorted by `compare`, in that order. Each step costs the
/// logarithm of the number of lists.
pub(super) fn merge<'a, T: Copy + 'a>(
    lists: impl Iterator<Item = &'a [T]>,
    compare: fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = T> {
    let mut heads: BinaryHeap<_> = lists.filter_map(|list| Head::new(list, compare)).collect();
    std::iter::from_fn(move || {
        let head = heads.pop()?;
        heads.extend(Head::new(head.rest, compare));
        Some(head.first)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_merge_is_the_sort_of_all(
            mut lists in proptest::collection::vec(proptest::collection::vec(0..20_u8, 0..8), 0..6),
        ) {
            for list in &mut lists {
                list.sort_unstable();
            }
            let mut all = lists.concat();
            all.sort_unstable();
            let merged: Vec<_> = merge(lists.iter().map(Vec::as_slice), u8::cmp).collect();
            prop_assert_eq!(merged, all);
        }
    }
}
