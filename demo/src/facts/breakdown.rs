//! Green communes per province: a breakdown that fits every published total.

use std::collections::BTreeMap;

use phuxanh_core::LocalityCode;

const GREEN_BY_PROVINCE: &str = include_str!("../../../deploy/sample/green-by-province.csv");

/// Green communes of every province.
#[derive(Debug, Clone)]
pub struct Breakdown(BTreeMap<LocalityCode, Coverage>);

/// Green communes of one province.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    pub total: u64,
    pub green: u64,
    /// Published; the others are made up so that the published totals hold.
    pub stated: bool,
}

impl Breakdown {
    /// The breakdown that is built in.
    #[must_use]
    pub fn builtin() -> Self {
        let mut reader = csv::Reader::from_reader(GREEN_BY_PROVINCE.as_bytes());
        let records = reader.records().map(|record| record.expect("five columns, kept by a test"));
        Self(records.map(|record| read(&record).expect("valid rows, kept by a test")).collect())
    }

    /// Returns what the report says of a province.
    #[must_use]
    pub fn coverage(&self, province: LocalityCode) -> Option<Coverage> {
        self.0.get(&province).copied()
    }

    /// All provinces by code.
    pub fn provinces(&self) -> impl Iterator<Item = (LocalityCode, Coverage)> {
        self.0.iter().map(|(code, coverage)| (*code, *coverage))
    }
}

impl Coverage {
    /// Green communes in a thousand.
    #[must_use]
    pub const fn permille(self) -> u64 {
        self.green * 1_000 / self.total
    }

    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.green == self.total
    }
}

fn read(record: &csv::StringRecord) -> Option<(LocalityCode, Coverage)> {
    let code = record.get(0)?.parse().ok()?;
    let total = record.get(2)?.parse().ok()?;
    let green = record.get(3)?.parse().ok()?;
    Some((code, Coverage { total, green, stated: record.get(4)? == "stated" }))
}

#[cfg(test)]
mod tests {
    use phuxanh_core::gazetteer::Gazetteer;

    use super::*;
    use crate::facts::Published;

    #[test]
    fn the_breakdown_fits_the_gazetteer_and_the_published_totals() {
        let (breakdown, gazetteer) = (Breakdown::builtin(), Gazetteer::builtin());
        let published = Published::builtin();
        for province in gazetteer.provinces() {
            let coverage = breakdown.coverage(province.code).expect("every province");
            let communes = u64::try_from(gazetteer.communes(province.code).count());
            assert_eq!(Ok(coverage.total), communes, "{}", province.name);
            let named = published.complete.names.contains(&province.name);
            assert_eq!(coverage.is_complete(), named, "{}", province.name);
        }
        let total = |part: fn(Coverage) -> u64| {
            breakdown.provinces().map(|(_, found)| part(found)).sum::<u64>()
        };
        assert_eq!(published.communes_total, total(|found| found.total));
        assert_eq!(published.communes_green, total(|found| found.green));
    }
}
