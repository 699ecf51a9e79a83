//! The localities of the country: official codes, names, kinds, days in force.
//!
//! Owns the list and nothing that is measured. A file in the format of the built-in one (CSV:
//! `code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases`) may replace it.

mod file;
mod search;

use std::collections::BTreeMap;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

pub use file::{Error, Fault};
pub use search::Match;

use crate::{Level, LocalityCode, Period};

const BUILTIN: &[u8] = include_bytes!("../data/gazetteer.csv");

/// Official kind of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nation,
    /// Tỉnh.
    Province,
    /// Thành phố, at the level of a province.
    City,
    /// Xã.
    Commune,
    /// Phường.
    Ward,
    /// Đặc khu.
    SpecialZone,
}

impl Kind {
    /// The level of its localities.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Nation => Level::Nation,
            Self::Province | Self::City => Level::Province,
            Self::Commune | Self::Ward | Self::SpecialZone => Level::Commune,
        }
    }
}

/// One locality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locality {
    pub code: LocalityCode,
    pub kind: Kind,
    /// Vietnamese name without its prefix, in Unicode normal form C.
    pub name: String,
    /// English name; empty where none is known.
    pub name_en: String,
    /// Province of a commune.
    pub province: Option<LocalityCode>,
    /// First day in force.
    pub valid_from: Date,
    /// First day no longer in force.
    pub valid_until: Option<Date>,
    /// Commune whose service centre serves this one, where it has none of its own.
    pub served_by: Option<LocalityCode>,
    /// Other names by which people look for it.
    pub aliases: Vec<String>,
}

/// The checked list of localities.
#[derive(Debug, Clone)]
pub struct Gazetteer {
    source: Vec<u8>,
    digest: [u8; 32],
    localities: BTreeMap<LocalityCode, Locality>,
    /// Communes by province, each list by code.
    communes: BTreeMap<LocalityCode, Vec<LocalityCode>>,
    first_day: Date,
    index: search::Index,
}

impl Gazetteer {
    /// The nation, its 34 provinces and 3,321 communes.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the built-in gazetteer is checked by a test")
    }

    /// Reads and checks a gazetteer file.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let localities = file::parse(bytes)?;
        let mut communes = BTreeMap::<_, Vec<_>>::new();
        for locality in localities.values() {
            match locality.province {
                Some(province) => communes.entry(province).or_default().push(locality.code),
                None if locality.code.level() == Level::Province => {
                    communes.entry(locality.code).or_default();
                }
                None => {}
            }
        }
        let first_day = localities
            .values()
            .map(|locality| locality.valid_from)
            .min()
            .expect("a checked gazetteer holds the nation");
        let index = search::Index::new(&localities);
        Ok(Self {
            source: bytes.to_vec(),
            digest: Sha256::digest(bytes).into(),
            localities,
            communes,
            first_day,
            index,
        })
    }

    /// The file's bytes.
    #[must_use]
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// SHA-256 of the file.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    #[must_use]
    pub fn locality(&self, code: LocalityCode) -> Option<&Locality> {
        self.localities.get(&code)
    }

    /// All localities, ordered by code.
    pub fn localities(&self) -> impl Iterator<Item = &Locality> {
        self.localities.values()
    }

    /// The provinces, ordered by code, whether in force or not.
    pub fn provinces(&self) -> impl Iterator<Item = &Locality> {
        self.communes.keys().filter_map(|code| self.localities.get(code))
    }

    /// A province's communes, ordered by code, whether in force or not.
    pub fn communes(&self, province: LocalityCode) -> impl Iterator<Item = &Locality> {
        let codes = self.communes.get(&province).map_or(&[][..], Vec::as_slice);
        codes.iter().filter_map(|code| self.localities.get(code))
    }

    /// True if a locality counts in a period: in force on its last day. A period that ended before
    /// the gazetteer begins is answered with the localities of its first day, so that figures
    /// restated for the present units can be compared.
    #[must_use]
    pub fn in_force(&self, locality: &Locality, period: Period) -> bool {
        let day = period.last_day().max(self.first_day);
        locality.valid_from <= day && locality.valid_until.is_none_or(|until| day < until)
    }

    /// Every locality that bears a name, best matches first. Case, accents and punctuation do
    /// not matter, and đ is d.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<Match<'_>> {
        self.index.search(text, &self.localities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_gazetteer_is_the_country() {
        let gazetteer = Gazetteer::builtin();
        let count = |kind| gazetteer.localities().filter(|found| found.kind == kind).count();
        assert_eq!(gazetteer.provinces().count(), 34);
        assert_eq!(count(Kind::Commune), 2_621);
        assert_eq!(count(Kind::Ward), 687);
        assert_eq!(count(Kind::SpecialZone), 13);
        assert_eq!(count(Kind::City) + count(Kind::Province), 34);
        let cao_bang = "04".parse().expect("a code");
        assert_eq!(gazetteer.communes(cao_bang).count(), 56);
    }

    #[test]
    fn days_in_force_decide_who_counts() {
        let text = "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n\
                    00,nation,Việt Nam,,,2025-07-01,,,\n\
                    01,thanh_pho,Hà Nội,,,2025-07-01,,,\n\
                    00004,phuong,Ba Đình,,01,2025-07-01,2025-09-01,,\n\
                    00005,phuong,Mới,,01,2025-09-01,,,\n";
        let gazetteer = Gazetteer::parse(text.as_bytes()).expect("a gazetteer");
        let counted = |period: &str| -> Vec<String> {
            let period = period.parse().expect("a period");
            let hanoi = "01".parse().expect("a code");
            gazetteer
                .communes(hanoi)
                .filter(|commune| gazetteer.in_force(commune, period))
                .map(|commune| commune.code.to_string())
                .collect()
        };
        assert_eq!(counted("2025-06"), ["00004"]);
        assert_eq!(counted("2025-08"), ["00004"]);
        assert_eq!(counted("2025-09"), ["00005"]);
    }
}
