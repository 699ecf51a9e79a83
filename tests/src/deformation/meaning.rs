//! Meaning of files: values of cells at times, in the model's own words.
//!
//! Nothing here is read by the product's parsers. Times are computed from the calendar.

use fastrand::Rng;

/// Reporter of all files.
pub const REPORTER: &str = "01";
/// The time at which files are read, in Vietnam.
pub const NOW: &str = "2025-10-15 09:00";

/// Two units change on 1 September 2025: 00070 ends, 00071 begins. 00691 is of another province.
pub const GAZETTEER: &str = "\
code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases
00,nation,Việt Nam,,,2025-07-01,,,
01,thanh_pho,Hà Nội,,,2025-07-01,,,
02,tinh,Tuyên Quang,,,2025-07-01,,,
00004,phuong,Ba Đình,,01,2025-07-01,,,
00010,phuong,Cầu Giấy,,01,2025-07-01,,,
01273,xa,Đông Anh,,01,2025-07-01,,,
10105,xa,Ứng Hòa,,01,2025-07-01,,,
00070,xa,Cũ,,01,2025-07-01,2025-09-01,,
00071,xa,Mới,,01,2025-09-01,,,
00691,phuong,Hà Giang,,02,2025-07-01,,,
";

/// Communes of the reporter that do not change, with their names.
pub const COMMUNES: [(&str, &str); 4] =
    [("00004", "Ba Đình"), ("00010", "Cầu Giấy"), ("01273", "Đông Anh"), ("10105", "Ứng Hòa")];
pub const CRITERIA: [&str; 2] = ["digital_signatures", "network_secure"];
pub const MEASURES: [&str; 4] =
    ["applications_received", "applications_online", "working_days", "fees_due"];
/// The only one that a province reports of itself.
pub const PROVINCE_MEASURE: &str = "declared_applications_received";

/// Takes one of a list.
pub fn pick<T: Clone>(random: &mut Rng, list: &[T]) -> T {
    list[random.usize(0..list.len())].clone()
}

/// A time of day in Vietnam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

impl Moment {
    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        // Days of the civil calendar, with years that begin in March.
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468;
        let seconds = ((days * 24 + self.hour - 7) * 60 + self.minute) * 60 + self.second;
        seconds * 1_000_000
    }

    fn random(random: &mut Rng) -> Self {
        let (month, day) = pick(random, &[(9, 5), (9, 12), (9, 30), (10, 1), (10, 14)]);
        let is_midnight = random.u8(0..8) == 0;
        let hour = if is_midnight { 0 } else { random.i64(0..24) };
        let minute = if is_midnight { 0 } else { pick(random, &[0, 0, 5, 30, 59]) };
        let second = if is_midnight { 0 } else { pick(random, &[0, 0, 0, 7]) };
        Self { year: 2025, month, day, hour, minute, second }
    }
}

/// Whose value something is, of what and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Its code; a unit that is not the one that bears the code today has a name instead.
    pub locality: String,
    pub metric: &'static str,
    pub period: String,
}

/// Meaning of a cell of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    pub cell: Cell,
    /// Microseconds since 1970.
    pub observed: i64,
    pub basis: &'static str,
    /// None takes an earlier value back.
    pub value: Option<i64>,
}

/// Key that the values of a row share.
#[derive(Debug, Clone)]
pub struct Key {
    /// Locality as meant.
    pub locality: String,
    /// Code as written.
    pub code: &'static str,
    pub name: &'static str,
    pub period: &'static str,
    pub moment: Moment,
    pub basis: &'static str,
    /// Oddity for which it must be refused.
    pub oddity: Option<&'static str>,
}

impl Key {
    /// A key that is as it should be.
    #[must_use]
    pub fn plain(random: &mut Rng) -> Self {
        let (code, name) = pick(random, &COMMUNES);
        let period = pick(random, &["2025-06", "2025-07", "2025-08", "2025-09"]);
        let basis = pick(random, &["reported", "reported", "published", "synthetic"]);
        let moment = Moment::random(random);
        let key =
            Self { locality: code.to_owned(), code, name, period, moment, basis, oddity: None };
        match random.u8(0..10) {
            0 => {
                let period = pick(random, &["2025-06", "2025-07", "2025-08"]);
                Self { locality: "00070".to_owned(), code: "00070", name: "Cũ", period, ..key }
            }
            1 => {
                let period = "2025-09";
                Self { locality: "00071".to_owned(), code: "00071", name: "Mới", period, ..key }
            }
            _ => key,
        }
    }

    /// One of few keys, so that files speak of the same cells at the same times.
    #[must_use]
    pub fn crowded(random: &mut Rng) -> Self {
        let (code, name) = pick(random, &COMMUNES[..2]);
        let period = pick(random, &["2025-08", "2025-09"]);
        let hour = pick(random, &[8, 9, 10, 11]);
        let moment = Moment { year: 2025, month: 10, day: 1, hour, minute: 0, second: 0 };
        let basis = pick(random, &["reported", "reported", "published"]);
        Self { locality: code.to_owned(), code, name, period, moment, basis, oddity: None }
    }

    /// A key of a unit that merged, ended or is another province's.
    #[must_use]
    pub fn odd(random: &mut Rng) -> Self {
        let key = Self::plain(random);
        let before = Moment { month: 6, day: 20, ..key.moment };
        let former = format!("the unit that had {} before the merger", key.code);
        match random.u8(0..5) {
            0 => Self {
                locality: former,
                period: pick(random, &["2025-05", "2025-06"]),
                moment: before,
                oddity: Some("observed before the unit was in force"),
                ..key
            },
            1 => Self {
                locality: former,
                period: pick(random, &["2025-05", "2025-03", "2024-12"]),
                oddity: Some("period before the merger"),
                ..key
            },
            2 => Self {
                locality: "the units that 00071 was made of".to_owned(),
                code: "00071",
                name: "Mới",
                period: pick(random, &["2025-06", "2025-07", "2025-08"]),
                oddity: Some("period before a unit began"),
                ..key
            },
            3 => Self {
                locality: "the unit that 00070 is part of now".to_owned(),
                code: "00070",
                name: "Cũ",
                period: "2025-09",
                oddity: Some("period after a unit ended"),
                ..key
            },
            _ => Self {
                locality: "00691".to_owned(),
                code: "00691",
                name: "Hà Giang",
                oddity: Some("unit of another province"),
                ..key
            },
        }
    }

    /// Returns the meaning of a value of it.
    #[must_use]
    pub fn says(&self, metric: &'static str, value: Option<i64>) -> Statement {
        let (locality, period) = (self.locality.clone(), self.period.to_owned());
        let cell = Cell { locality, metric, period };
        Statement { cell, observed: self.moment.micros(), basis: self.basis, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let moment =
            |year, month, day, hour| Moment { year, month, day, hour, minute: 30, second: 1 };
        assert_eq!(moment(1970, 1, 1, 7).micros(), 1_801_000_000);
        assert_eq!(moment(2025, 10, 1, 16).micros(), 1_759_311_001_000_000);
        assert_eq!(moment(2024, 2, 29, 0).micros(), 1_709_141_401_000_000);
    }
}
