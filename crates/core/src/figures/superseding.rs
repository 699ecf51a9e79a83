//! Values of other logs that stand where a collector has a value of its own.
//!
//! A collector is told how many of its observations were superseded, not by what. It asks for the
//! values in force that other logs brought, and holds them against its cells: its officers learn
//! then that somebody else reported for them.

use crate::{Observation, Timestamp};

/// Values in force that one host brought in one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherLog {
    pub log_epoch: u64,
    /// Host that delivered them; empty where that is not known any more.
    pub host: String,
    pub observations: Vec<Observation>,
}

/// A value that another log brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseding {
    pub observation: Observation,
    pub log_epoch: u64,
    /// Host that delivered it; empty where that is not known any more.
    pub host: String,
}

/// A collector's own value, and the one that stands in its place at the aggregator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    pub own: Observation,
    pub by: Superseding,
}

impl OtherLog {
    /// Its values one by one.
    pub fn into_values(self) -> impl Iterator<Item = Superseding> {
        let Self { log_epoch, host, observations } = self;
        observations.into_iter().map(move |observation| Superseding {
            observation,
            log_epoch,
            host: host.clone(),
        })
    }
}

impl Superseding {
    /// True if it says something else than a collector's own value of the same cell, and comes after
    /// it in the order of the fold. An own value that comes later is still on its way.
    #[must_use]
    pub fn supersedes(&self, own: &Observation, log_epoch: u64) -> bool {
        let theirs = &self.observation;
        let is_same = (theirs.value, theirs.basis) == (own.value, own.basis);
        !is_same && order(theirs, self.log_epoch) > order(own, log_epoch)
    }
}

const fn order(observation: &Observation, log_epoch: u64) -> (Timestamp, u32, u64) {
    (observation.observed, observation.revision, log_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, CellKey};

    fn said(value: i64, observed: i64) -> Observation {
        Observation {
            key: CellKey {
                locality: "00004".parse().expect("a code"),
                metric: "a".parse().expect("an id"),
                period: "2025-07".parse().expect("a period"),
            },
            value: Some(value),
            observed: Timestamp::from_micros(observed).expect("1970"),
            revision: 0,
            basis: Basis::Reported,
        }
    }

    #[test]
    fn a_later_value_that_differs_supersedes_and_one_that_is_on_its_way_is_not_superseded() {
        let supersedes = |(theirs, their_epoch), (own, epoch)| {
            let by =
                Superseding { observation: theirs, log_epoch: their_epoch, host: String::new() };
            by.supersedes(&own, epoch)
        };
        assert!(supersedes((said(9, 2), 1), (said(5, 1), 2)));
        assert!(!supersedes((said(5, 2), 1), (said(5, 1), 2)), "the same value");
        assert!(!supersedes((said(9, 1), 1), (said(5, 2), 2)), "an earlier one");
        // At the same time, the newer log is in force.
        assert!(supersedes((said(9, 1), 3), (said(5, 1), 2)));
        assert!(!supersedes((said(9, 1), 1), (said(5, 1), 2)));
        let withdrawn = Observation { value: None, ..said(0, 2) };
        assert!(supersedes((withdrawn, 1), (said(5, 1), 2)));
    }
}
