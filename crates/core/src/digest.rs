//! A digest of a table of cells that does not depend on their order, so that both ends of a
//! delivery can keep it up to date cell by cell and compare it.

use sha2::{Digest, Sha256};

use super::{MetricId, Observation, Row};

/// Longest text that is hashed: every field of a cell with a value, and the longest metric id.
const TEXT_BYTES_MAX: usize = 4 + 4 + 9 + 8 + 4 + 1 + MetricId::BYTES_MAX;

/// Number of cells of a table, and the sum of their hashes modulo 2^128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellDigest {
    pub count: u64,
    pub sum: u128,
}

/// Part of the sum that one cell adds, as bytes: a number of 128 bits would cost a cell 8 bytes more
/// for its alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellHash([u8; 16]);

impl CellDigest {
    /// A table that gained a cell holding this observation.
    #[must_use]
    pub fn with(self, cell: &Observation) -> Self {
        self.plus(CellHash::of(cell))
    }

    /// A table that lost the cell holding this observation.
    ///
    /// # Panics
    /// If the table is empty.
    #[must_use]
    pub fn without(self, cell: &Observation) -> Self {
        self.minus(CellHash::of(cell))
    }

    /// A table that gained a cell of this hash.
    #[must_use]
    pub const fn plus(self, CellHash(hash): CellHash) -> Self {
        Self { count: self.count + 1, sum: self.sum.wrapping_add(u128::from_be_bytes(hash)) }
    }

    /// A table that lost a cell of this hash.
    ///
    /// # Panics
    /// If the table is empty.
    #[must_use]
    pub const fn minus(self, CellHash(hash): CellHash) -> Self {
        Self { count: self.count - 1, sum: self.sum.wrapping_sub(u128::from_be_bytes(hash)) }
    }
}

impl CellHash {
    #[must_use]
    pub fn of(cell: &Observation) -> Self {
        let &Observation { ref key, value, observed, revision, basis } = cell;
        let (locality, period) = (key.locality, key.period);
        Self::of_row(
            &key.metric,
            &Row { locality, metric: 0, period, value, observed, revision, basis },
        )
    }

    /// Hashes an observation whose metric is named beside it.
    #[must_use]
    pub fn of_row(metric: &MetricId, row: &Row) -> Self {
        let mut text = Text { bytes: [0; TEXT_BYTES_MAX], length: 0 };
        text.put(row.locality.number().to_be_bytes());
        text.put(row.period.number().to_be_bytes());
        match row.value {
            None => text.put([0]),
            Some(value) => {
                text.put([1]);
                text.put(value.to_be_bytes());
            }
        }
        text.put(row.observed.micros().to_be_bytes());
        text.put(row.revision.to_be_bytes());
        text.put([row.basis as u8]);
        text.put_all(metric.as_str().as_bytes());
        let whole = Sha256::digest(&text.bytes[..text.length]);
        Self(whole[..16].try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// Hashed text, in one piece: that costs half of hashing its fields one by one.
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    fn put<const N: usize>(&mut self, part: [u8; N]) {
        self.put_all(&part);
    }

    #[inline]
    fn put_all(&mut self, part: &[u8]) {
        self.bytes[self.length..][..part.len()].copy_from_slice(part);
        self.length += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, CellKey};

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

    #[test]
    fn the_hash_is_that_of_the_contract() {
        let text = [
            &100_004_u32.to_be_bytes()[..],
            &(2025_u32 * 12 + 6).to_be_bytes(),
            &[1],
            &1_i64.to_be_bytes(),
            &1_753_952_400_000_000_i64.to_be_bytes(),
            &0_u32.to_be_bytes(),
            &[0],
            b"digital_signatures",
        ];
        let whole = Sha256::digest(text.concat());
        let half = whole[..16].try_into().expect("16 bytes");
        let digest = CellDigest::default().with(&cell("00004", Some(1)));
        assert_eq!(digest, CellDigest { count: 1, sum: u128::from_be_bytes(half) });
    }
}
