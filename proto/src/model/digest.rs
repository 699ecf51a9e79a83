//! A digest of a table of cells that does not depend on their order, so that both ends of a
//! delivery can keep it up to date cell by cell and compare it.

use sha2::{Digest, Sha256};

use super::Observation;

/// How many cells a table holds, and the sum of their hashes modulo 2^128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellDigest {
    pub count: u64,
    pub sum: u128,
}

impl CellDigest {
    /// A table that gained a cell holding this observation.
    #[must_use]
    pub fn with(self, cell: &Observation) -> Self {
        Self { count: self.count + 1, sum: self.sum.wrapping_add(hash(cell)) }
    }

    /// A table that lost the cell holding this observation.
    ///
    /// # Panics
    /// Where the table was empty.
    #[must_use]
    pub fn without(self, cell: &Observation) -> Self {
        Self { count: self.count - 1, sum: self.sum.wrapping_sub(hash(cell)) }
    }
}

fn hash(cell: &Observation) -> u128 {
    let hasher = Sha256::new()
        .chain_update(cell.key.locality.number().to_be_bytes())
        .chain_update(cell.key.period.number().to_be_bytes());
    let hasher = match cell.value {
        None => hasher.chain_update([0]),
        Some(value) => hasher.chain_update([1]).chain_update(value.to_be_bytes()),
    };
    let whole = hasher
        .chain_update(cell.observed.micros().to_be_bytes())
        .chain_update(cell.revision.to_be_bytes())
        .chain_update([cell.basis as u8])
        .chain_update(cell.key.metric.as_str())
        .finalize();
    let half: [u8; 16] = whole[..16].try_into().expect("SHA-256 has 32 bytes");
    u128::from_be_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Basis, CellKey};

    fn cell(locality: &str, value: Option<i64>) -> Observation {
        Observation {
            key: CellKey {
                locality: locality.parse().expect("a code"),
                metric: "digital_signatures".parse().expect("an id"),
                period: "2025-07".parse().expect("a period"),
            },
            value,
            observed: "2025-07-31 16:00".parse().expect("a time"),
            revision: 0,
            basis: Basis::Reported,
        }
    }

    #[test]
    fn order_does_not_matter_and_every_field_does() {
        let (a, b) = (cell("00004", Some(1)), cell("00008", Some(0)));
        let empty = CellDigest::default();
        assert_eq!(empty.with(&a).with(&b), empty.with(&b).with(&a));
        assert_eq!(empty.with(&a).with(&b).without(&a), empty.with(&b));
        let others = [
            cell("00025", Some(1)),
            cell("00004", Some(0)),
            cell("00004", None),
            Observation { revision: 1, ..a.clone() },
            Observation { basis: Basis::Synthetic, ..a.clone() },
            Observation { observed: "2025-07-31 16:01".parse().expect("a time"), ..a.clone() },
        ];
        assert!(others.iter().all(|other| empty.with(other) != empty.with(&a)));
    }
}
