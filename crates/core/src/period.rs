//! Calendar months in Asia/Ho_Chi_Minh.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

use super::Timestamp;

/// First and last month that an observation may speak of.
const FIRST: u32 = 2000 * 12;
const LAST: u32 = 2199 * 12 + 11;

/// A calendar month in Asia/Ho_Chi_Minh, from 2000-01 to 2199-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u32);

/// A text or number that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("\"{0}\" is not a period: expected a month as YYYY-MM, from 2000-01 to 2199-12")]
    Text(String),
    #[error("month number {0} is out of range")]
    Number(i64),
}

impl Period {
    /// The earliest period there is.
    pub const MIN: Self = Self(FIRST);
    /// The latest.
    pub const MAX: Self = Self(LAST);

    /// Months since year 0: year × 12 + month − 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The period of a number as [`Self::number`] gives it.
    pub fn from_number(number: i64) -> Result<Self, PeriodError> {
        match u32::try_from(number) {
            Ok(number @ FIRST..=LAST) => Ok(Self(number)),
            _ => Err(PeriodError::Number(number)),
        }
    }

    /// The month in which a time falls; the nearest one there is for a time outside all.
    #[must_use]
    pub fn containing(time: Timestamp) -> Self {
        let date = time.date();
        let number = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        let clamped = number.clamp(FIRST.into(), LAST.into());
        Self::from_number(clamped).expect("clamped into the range of periods")
    }

    /// The month before, if there is one.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        (self.0 > FIRST).then(|| Self(self.0 - 1))
    }

    /// The month behind, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (self.0 < LAST).then(|| Self(self.0 + 1))
    }

    /// The end of a day, from 1 to 28, of the month that follows: the midnight behind it.
    #[must_use]
    pub fn end_of_following(self, day: u8) -> Timestamp {
        let behind = jiff::Span::new().days(i64::from(day) + 1);
        let date = self.last_day().checked_add(behind);
        Timestamp::midnight(date.expect("a day of the year 2200 or earlier"))
    }

    /// The midnights that its days begin with, and the one behind the last of them.
    pub fn midnights(self) -> impl Iterator<Item = Timestamp> {
        let first = self.last_day().first_of_month();
        let days = usize::try_from(first.days_in_month()).expect("a month has days");
        first.series(jiff::Span::new().days(1)).take(days + 1).map(Timestamp::midnight)
    }

    /// The last day of the month.
    #[must_use]
    pub fn last_day(self) -> Date {
        let year = i16::try_from(self.0 / 12).expect("years up to 2199");
        let month = i8::try_from(self.0 % 12 + 1).expect("months up to 12");
        jiff::civil::date(year, month, 1).last_of_month()
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
                return None;
            }
            let (year, month) = (year.parse::<i64>().ok()?, month.parse::<i64>().ok()?);
            (1..=12).contains(&month).then(|| Self::from_number(year * 12 + month - 1).ok())?
        };
        parse().ok_or_else(|| PeriodError::Text(text.to_owned()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_turn_in_vietnam_and_not_in_utc() {
        let before: Timestamp = "2025-07-31T16:59:59Z".parse().expect("a time");
        let after: Timestamp = "2025-07-31T17:00:00Z".parse().expect("a time");
        assert_eq!(Period::containing(before).to_string(), "2025-07");
        assert_eq!(Period::containing(after).to_string(), "2025-08");
    }

    #[test]
    fn a_day_of_the_month_behind_ends_at_midnight_in_vietnam() {
        let end = |period: &str, day| {
            period.parse::<Period>().expect("a period").end_of_following(day).to_string()
        };
        assert_eq!(end("2025-07", 5), "2025-08-06T00:00:00+07:00");
        assert_eq!(end("2025-12", 1), "2026-01-02T00:00:00+07:00");
        assert_eq!(end("2024-01", 28), "2024-02-29T00:00:00+07:00");
        assert_eq!(end("2199-12", 28), "2200-01-29T00:00:00+07:00");
    }

    #[test]
    fn midnights_are_those_of_its_days_in_vietnam() {
        let ends = |period: &str| {
            let midnights = period.parse::<Period>().expect("a period").midnights();
            let all: Vec<_> = midnights.map(|one| one.to_string()).collect();
            (all.len(), all.first().cloned(), all.last().cloned())
        };
        let at = |date: &str| Some(format!("{date}T00:00:00+07:00"));
        assert_eq!(ends("2024-02"), (30, at("2024-02-01"), at("2024-03-01")));
        assert_eq!(ends("2199-12"), (32, at("2199-12-01"), at("2200-01-01")));
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in ["", "2025", "2025-7", "2025-13", "2025-00", "1999-12", "2025-07-01", "+025-07"]
        {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::Text(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn parse_after_display_is_identity(number in FIRST..=LAST) {
            let period = Period::from_number(number.into()).expect("in range");
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }
    }
}
