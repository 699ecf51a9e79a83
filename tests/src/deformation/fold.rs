//! Contents of the cells after files: of each cell the value that was observed last, and of those
//! observed at one time the one that was read last. A file that comes again replaces none of those.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    meaning::{Cell, Statement},
    sheet::Meant,
    writing::Written,
};

/// Observed time, value and basis of a cell.
pub type Held = (i64, Option<i64>, &'static str);

#[derive(Debug, Default)]
pub struct Fold {
    pub cells: BTreeMap<Cell, Held>,
    accepted: BTreeSet<Vec<u8>>,
}

/// Values of a file, counted by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub taken: u64,
    pub unchanged: u64,
    pub superseded: u64,
}

impl Fold {
    /// Reads a file in which nothing is odd; `has_refusals` tells whether anything else of it is
    /// refused.
    pub fn read(&mut self, file: &Written, has_refusals: bool) -> Counts {
        let is_repeated = self.accepted.contains(&file.bytes);
        let mut counts = Counts::default();
        for item in &file.items {
            let mut meant: Vec<_> =
                item.item.meant.iter().filter(|meant| !meant.is_contradicted).collect();
            meant.sort_by_key(|meant| meant.column);
            for Meant { statement, .. } in meant {
                self.take(statement, is_repeated, &mut counts);
            }
        }
        if counts.is_accepted(has_refusals) {
            self.accepted.insert(file.bytes.clone());
        }
        counts
    }

    fn take(&mut self, statement: &Statement, is_repeated: bool, counts: &mut Counts) {
        let Statement { cell, observed, basis, value } = statement;
        let said = (*observed, *value, *basis);
        match self.cells.get(cell) {
            Some(held) if *held == said => counts.unchanged += 1,
            Some((at, ..)) if observed < at || (is_repeated && observed == at) => {
                counts.superseded += 1;
            }
            Some(_) | None => {
                counts.taken += 1;
                self.cells.insert(cell.clone(), said);
            }
        }
    }
}

impl Counts {
    /// True if a file of which this became lies among the accepted ones.
    #[must_use]
    pub const fn is_accepted(&self, has_refusals: bool) -> bool {
        self.taken > 0 || (self.unchanged > 0 && self.superseded == 0 && !has_refusals)
    }
}
