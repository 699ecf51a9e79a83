//! Values in force that came in other logs than a given one.

use std::{collections::BTreeMap, ops::Bound};

use super::Fold;
use crate::{CellKey, LocalityCode, Observation, figures::superseding::OtherLog};

impl Fold {
    /// Lists the values in force that came in other logs than the one of this epoch, withdrawn ones
    /// too, of the localities behind `after`. Whole localities are listed until there are
    /// `count_min` values; says behind which locality to go on, unless that was the last one.
    #[must_use]
    pub fn of_other_logs(
        &self,
        log_epoch: u64,
        after: Option<LocalityCode>,
        count_min: usize,
    ) -> (Vec<OtherLog>, Option<LocalityCode>) {
        let mut logs = BTreeMap::<(u64, &str), Vec<Observation>>::new();
        let mut count = 0;
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        for (&locality, cells) in self.localities.range(behind) {
            for ((metric, period), cell) in cells.iter() {
                if cell.log_epoch == log_epoch {
                    continue;
                }
                let metric = self.metrics.ids[metric.0 as usize].clone();
                let host = self.origin(cell).map_or("", |origin| &origin.host);
                logs.entry((cell.log_epoch, host)).or_default().push(Observation {
                    key: CellKey { locality, metric, period },
                    value: cell.value,
                    observed: cell.observed,
                    revision: cell.revision,
                    basis: cell.basis,
                });
                count += 1;
            }
            if count >= count_min {
                let is_last =
                    self.localities.last_key_value().is_none_or(|(last, _)| *last == locality);
                return (collect(logs), (!is_last).then_some(locality));
            }
        }
        (collect(logs), None)
    }
}

fn collect(logs: BTreeMap<(u64, &str), Vec<Observation>>) -> Vec<OtherLog> {
    let named = |((log_epoch, host), observations): ((u64, &str), _)| OtherLog {
        log_epoch,
        host: host.to_owned(),
        observations,
    };
    logs.into_iter().map(named).collect()
}
