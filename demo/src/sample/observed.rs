//! Times at which the sample's observations were made.

use phuxanh_core::{LocalityCode, Period, Timestamp};

use super::random::{Purpose, Random};

/// Office hours, in minutes of the day; the end is the report's cut-off.
const OPENING: u64 = 8 * 60;
const CUT_OFF: u64 = 16 * 60;

/// Communes that declare their criteria only on the last day, in a thousand.
const LAST_DAY_PERMILLE: u64 = 350;

/// Time at which a commune declared its criteria: from mid July to the cut-off of the report.
#[must_use]
pub fn declared(commune: LocalityCode) -> Timestamp {
    let mut random = Random::new(Purpose::Observed, commune, 0);
    let last = random.chance(LAST_DAY_PERMILLE);
    let day = if last { 31 } else { random.between(14, 30) };
    time(day, random.between(OPENING, CUT_OFF))
}

/// Time at which a commune counted a month: June in the first days of July, July on its last day.
#[must_use]
pub fn counted(commune: LocalityCode, period: Period) -> Timestamp {
    let mut random = Random::new(Purpose::Observed, commune, period.number());
    let last_day = period.last_day();
    let day = if last_day.month() == 7 { 31 } else { random.between(1, 5) };
    time(day, random.between(OPENING, CUT_OFF))
}

/// A minute of a day in July 2025.
fn time(day: u64, minute: u64) -> Timestamp {
    let text = format!("2025-07-{day:02} {:02}:{:02}", minute / 60, minute % 60);
    text.parse().expect("a time of a day in July")
}
