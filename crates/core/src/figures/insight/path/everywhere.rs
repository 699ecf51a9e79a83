//! The smallest set of criteria that reaches a target when they are fixed everywhere.
//!
//! A commune turns green when the set holds all that it lacks. Up to [`EXACT_MAX`] criteria every
//! subset is tried, beyond that the set is grown greedily, with a lower bound beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::figures::insight::Lack;

/// Lacking criteria up to which every subset is tried.
pub const EXACT_MAX: usize = 16;

/// Criteria that are fixed in every commune that lacks them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CriterionSet {
    /// Places in the catalogue, in order.
    pub criteria: Vec<usize>,
    /// No set with fewer criteria reaches the target.
    pub lower_bound: usize,
    /// Communes that turn green.
    pub turned_count: usize,
    /// Fixes of criteria that are unmet.
    pub unmet_fix_count: usize,
    /// Fixes of criteria that are not reported.
    pub unknown_fix_count: usize,
}

impl CriterionSet {
    /// A set that turns at least `needed_count` green of the communes with these lacks, which are
    /// not empty and come by rising size.
    pub(super) fn new(lacks: &[&Lack], needed_count: usize) -> Self {
        let needed_count = needed_count.min(lacks.len());
        if needed_count == 0 {
            return Self::default();
        }
        let lacking = count_by_criterion(lacks);
        let (criteria, lower_bound) = if lacking.len() <= EXACT_MAX {
            let criteria = smallest(lacks, &lacking, needed_count);
            let size = criteria.len();
            (criteria, size)
        } else {
            let bound = lower_bound(lacks, &lacking, needed_count);
            (grown(lacks, &lacking, needed_count), bound)
        };
        Self::counted(lacks, criteria, lower_bound)
    }

    /// True if no smaller set reaches the target.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.criteria.len() == self.lower_bound
    }

    fn counted(lacks: &[&Lack], criteria: BTreeSet<usize>, lower_bound: usize) -> Self {
        let within = |part: &[usize]| part.iter().filter(|at| criteria.contains(at)).count();
        let turned = lacks.iter().filter(|lack| lack.criteria().all(|at| criteria.contains(&at)));
        Self {
            turned_count: turned.count(),
            unmet_fix_count: lacks.iter().map(|lack| within(&lack.unmet)).sum(),
            unknown_fix_count: lacks.iter().map(|lack| within(&lack.unknown)).sum(),
            criteria: criteria.into_iter().collect(),
            lower_bound,
        }
    }
}

/// Counts the communes that lack each criterion, which is the number of fixes it asks for.
fn count_by_criterion(lacks: &[&Lack]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for at in lacks.iter().flat_map(|lack| lack.criteria()) {
        *counts.entry(at).or_default() += 1;
    }
    counts
}

/// A smallest set, with the fewest fixes among those, and the first in the catalogue's order among
/// those. A subset is a number whose bits stand for the lacking criteria, the first one highest,
/// so that among sets of one size the greatest number is the first in order.
fn smallest(
    lacks: &[&Lack],
    lacking: &BTreeMap<usize, usize>,
    needed_count: usize,
) -> BTreeSet<usize> {
    let bits: BTreeMap<_, _> =
        lacking.keys().rev().enumerate().map(|(bit, at)| (*at, 1_usize << bit)).collect();
    let mut turned = vec![0_usize; 1 << lacking.len()];
    for lack in lacks {
        turned[lack.criteria().map(|at| bits[&at]).sum::<usize>()] += 1;
    }
    // From the communes that lack exactly a set to those that lack no more than it.
    for bit in bits.values() {
        for set in 0..turned.len() {
            if set & bit != 0 {
                turned[set] += turned[set ^ bit];
            }
        }
    }
    let fix_count = |set: usize| {
        let chosen = bits.iter().filter(|(_, bit)| set & **bit != 0);
        chosen.map(|(at, _)| lacking[at]).sum::<usize>()
    };
    let reaching = (0..turned.len()).filter(|set| turned[*set] >= needed_count);
    let best = reaching
        .min_by_key(|set| (set.count_ones(), fix_count(*set), std::cmp::Reverse(*set)))
        .expect("all lacking criteria together turn every commune green");
    bits.into_iter().filter(|(_, bit)| best & bit != 0).map(|(at, _)| at).collect()
}

/// Criteria that no set can do without: leaving one out leaves out all communes that lack it.
fn indispensable(
    lacks: &[&Lack],
    lacking: &BTreeMap<usize, usize>,
    needed_count: usize,
) -> BTreeSet<usize> {
    let spare_count = lacks.len() - needed_count;
    lacking.iter().filter(|(_, count)| **count > spare_count).map(|(at, _)| *at).collect()
}

/// At least the criteria that no set can do without; and of the communes that turn green, as many
/// as are needed, one lacks no less than the last of the cheapest ones.
fn lower_bound(lacks: &[&Lack], lacking: &BTreeMap<usize, usize>, needed_count: usize) -> usize {
    let last = lacks.get(needed_count - 1).map_or(0, |lack| lack.count());
    indispensable(lacks, lacking, needed_count).len().max(last)
}

/// Adds the criteria of the commune that asks for the fewest more, until enough are green; then
/// drops what turned out not to be needed.
fn grown(
    lacks: &[&Lack],
    lacking: &BTreeMap<usize, usize>,
    needed_count: usize,
) -> BTreeSet<usize> {
    let mut set = indispensable(lacks, lacking, needed_count);
    let more =
        |lack: &Lack, set: &BTreeSet<usize>| lack.criteria().filter(|at| !set.contains(at)).count();
    let reaches = |set: &BTreeSet<usize>| {
        lacks.iter().filter(|lack| more(lack, set) == 0).count() >= needed_count
    };
    while !reaches(&set) {
        let rest = lacks.iter().filter(|lack| more(lack, &set) > 0);
        let next = rest.min_by_key(|lack| more(lack, &set));
        set.extend(next.into_iter().flat_map(|lack| lack.criteria()));
    }
    for at in set.clone() {
        set.remove(&at);
        if !reaches(&set) {
            set.insert(at);
        }
    }
    set
}
