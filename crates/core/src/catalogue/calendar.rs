//! Working days: Monday to Friday less the public holidays that a catalogue lists.

use jiff::{ToSpan, civil::Date};

use super::file::{self, Fault};
use crate::Period;

/// A public holiday of one or several days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    pub first: Date,
    /// Last day; not before the first.
    pub last: Date,
    pub name_vi: String,
    pub name_en: String,
}

/// The public holidays, as they are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    pub holidays: Vec<Holiday>,
}

/// The days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDays<'a> {
    /// Working days.
    pub day_count: u32,
    /// From Monday to Friday.
    pub weekday_count: u32,
    /// Those that take a working day.
    pub holidays: Vec<&'a Holiday>,
    /// True if any holiday of the month's year is listed.
    pub is_listed: bool,
}

impl Calendar {
    /// Checks the holidays of a file; each fault is added to `faults`.
    pub(super) fn new(rows: &[file::Holiday], faults: &mut Vec<Fault>) -> Self {
        let mut holidays = Vec::<Holiday>::new();
        for row in rows {
            match holiday(row) {
                Ok(found) if holidays.iter().any(|other| found.overlaps(other)) => {
                    let message = "holds a day of another holiday".to_owned();
                    faults.push(Fault { key: format!("holiday.{}.first", row.first), message });
                }
                Ok(found) => holidays.push(found),
                Err((field, message)) => {
                    let key = format!("holiday.{}.{field}", row.first);
                    faults.push(Fault { key, message: message.to_owned() });
                }
            }
        }
        Self { holidays }
    }

    /// The working days of a month.
    #[must_use]
    pub fn working_days(&self, period: Period) -> WorkingDays<'_> {
        let last = period.last_day();
        let days = last.first_of_month().series(1.day()).take_while(|day| *day <= last);
        let mut found = WorkingDays {
            day_count: 0,
            weekday_count: 0,
            holidays: Vec::new(),
            is_listed: self.holidays.iter().any(|one| one.first.year() == last.year()),
        };
        // Monday is 1.
        for day in days.filter(|day| day.weekday().to_monday_one_offset() <= 5) {
            found.weekday_count += 1;
            match self.holidays.iter().find(|one| (one.first..=one.last).contains(&day)) {
                None => found.day_count += 1,
                Some(holiday) if found.holidays.last() == Some(&holiday) => {}
                Some(holiday) => found.holidays.push(holiday),
            }
        }
        found
    }
}

impl Holiday {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

fn holiday(row: &file::Holiday) -> Result<Holiday, (&'static str, &'static str)> {
    let day = |field, text: &str| text.parse().map_err(|_| (field, "expected a day as YYYY-MM-DD"));
    let (first, last) = (day("first", &row.first)?, day("last", &row.last)?);
    if last < first {
        return Err(("last", "lies before the first day"));
    }
    Ok(Holiday { first, last, name_vi: row.vi.clone(), name_en: row.en.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    fn row(first: &str, last: &str) -> file::Holiday {
        let (first, last) = (first.to_owned(), last.to_owned());
        file::Holiday { first, last, vi: "Tết".to_owned(), en: String::new() }
    }

    #[test]
    fn working_days_are_those_of_the_calendars_on_the_wall() {
        let calendar = Catalogue::builtin().calendar;
        let cases = [
            ("2025-01", 17, 23, 2),
            ("2025-04", 20, 22, 2),
            ("2025-05", 21, 22, 1),
            ("2025-06", 21, 21, 0),
            ("2025-07", 23, 23, 0),
            ("2025-09", 20, 22, 1),
            ("2026-02", 15, 20, 1),
            ("2026-04", 20, 22, 2),
        ];
        for (month, day_count, weekday_count, holiday_count) in cases {
            let found = calendar.working_days(month.parse().expect("a month"));
            let counts = (found.day_count, found.weekday_count, found.holidays.len());
            assert_eq!(counts, (day_count, weekday_count, holiday_count), "{month}");
            assert!(found.is_listed);
        }
        let unlisted = calendar.working_days("2031-05".parse().expect("a month"));
        assert_eq!((unlisted.day_count, unlisted.is_listed), (22, false));
    }

    #[test]
    fn a_holiday_on_a_sunday_takes_no_working_day() {
        let mut faults = Vec::new();
        let rows = [row("2025-06-01", "2025-06-01"), row("2025-06-27", "2025-07-01")];
        let calendar = Calendar::new(&rows, &mut faults);
        assert_eq!(faults, []);
        let [june, july] = ["2025-06", "2025-07"]
            .map(|month| calendar.working_days(month.parse().expect("a month")));
        assert_eq!((june.day_count, june.holidays.len()), (19, 1));
        assert_eq!((july.day_count, july.holidays.len()), (22, 1));
    }

    #[test]
    fn each_fault_of_a_holiday_names_its_key() {
        let faults_of = |rows: &[file::Holiday]| {
            let mut faults = Vec::new();
            Calendar::new(rows, &mut faults);
            faults.into_iter().map(|fault| fault.key).collect::<Vec<_>>()
        };
        assert_eq!(faults_of(&[row("soon", "2025-06-01")]), ["holiday.soon.first"]);
        assert_eq!(faults_of(&[row("2025-06-01", "2025")]), ["holiday.2025-06-01.last"]);
        assert_eq!(faults_of(&[row("2025-06-02", "2025-06-01")]), ["holiday.2025-06-02.last"]);
        let twice = [row("2025-06-01", "2025-06-03"), row("2025-06-03", "2025-06-04")];
        assert_eq!(faults_of(&twice), ["holiday.2025-06-03.first"]);
    }
}
