//! Instants, to the microsecond.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    civil::{Date, DateTime},
    tz,
};

/// Asia/Ho_Chi_Minh has kept this offset, without summer time, since 1975.
const OFFSET: tz::Offset = tz::offset(7);

/// Bounds that leave room for any duration that configuration allows to be added: years 1 to 9998.
const MICROS_MIN: i64 = -62_135_596_800_000_000;
const MICROS_MAX: i64 = 253_370_764_800_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The present, as a shell tells it to what decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since an origin of the shell's choosing; never goes back. For deadlines.
    pub monotonic: Duration,
    /// The time of day, which may be set. For what is told to others.
    pub wall: Timestamp,
}

/// A text or number that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error(
        "\"{0}\" is not a time: expected for example 2025-07-31T16:00:00+07:00, or 2025-07-31 16:00 \
         for Vietnamese time"
    )]
    Text(String),
    #[error("{0} microseconds since 1970 is outside the years 1 to 9998")]
    Number(i64),
}

impl Timestamp {
    /// The instant of a count of microseconds since 1970 UTC.
    pub const fn from_micros(micros: i64) -> Result<Self, TimeError> {
        if MICROS_MIN <= micros && micros <= MICROS_MAX {
            Ok(Self(micros))
        } else {
            Err(TimeError::Number(micros))
        }
    }

    /// Microseconds since 1970 UTC.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Time from `earlier` until this; zero where it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The instant `span` later, at most the last one there is.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(MICROS_MAX))
    }

    /// The first instant of a day in Vietnam.
    ///
    /// # Panics
    /// Outside the years 1 to 9998.
    #[must_use]
    pub fn midnight(date: Date) -> Self {
        let instant = OFFSET.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        let instant = instant.expect("a day of the years 1 to 9998");
        Self::from_micros(instant.as_microsecond()).expect("a day of the years 1 to 9998")
    }

    /// Days from 1 January 1970 to the date in Vietnam: cheaper than dates, where they are compared.
    #[must_use]
    pub const fn day(self) -> i64 {
        (self.0 + OFFSET.seconds() as i64 * 1_000_000).div_euclid(MICROS_PER_DAY)
    }

    /// The date in Vietnam.
    #[must_use]
    pub fn date(self) -> Date {
        self.civil().date()
    }

    /// Date and time of day in Vietnam.
    #[must_use]
    pub fn civil(self) -> DateTime {
        let instant = jiff::Timestamp::from_microsecond(self.0).expect("bounded by from_micros");
        OFFSET.to_datetime(instant)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads RFC 3339, or a date with a time of day (or without: midnight) in Vietnam. A zone name,
    /// a leap second, a compact form or a sign before the year is refused: the parser behind this
    /// would read some of them as another time than they say.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant = is_plain(text)
            .then(|| {
                text.parse::<jiff::Timestamp>().ok().or_else(|| {
                    let civil = text.parse::<DateTime>().ok()?;
                    OFFSET.to_timestamp(civil).ok()
                })
            })
            .flatten();
        instant
            .and_then(|instant| Self::from_micros(instant.as_microsecond()).ok())
            .ok_or_else(|| TimeError::Text(text.to_owned()))
    }
}

/// True if a text has the shape `YYYY-MM-DD`, with or without `HH:MM[:SS[.fraction]]` behind a
/// space or a T, and with or without an offset (`Z`, `+HH`, `+HH:MM`) behind that.
fn is_plain(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    if !has_shape(date, "0000-00-00") {
        return false;
    }
    let Some(rest) = rest.strip_prefix([' ', 'T', 't']) else { return rest.is_empty() };
    let Some((minutes, mut rest)) = rest.split_at_checked(5) else { return false };
    if !has_shape(minutes, "00:00") {
        return false;
    }
    if let Some((seconds, behind)) = rest.split_at_checked(3)
        && has_shape(seconds, ":00")
    {
        if seconds == ":60" {
            return false;
        }
        rest = behind;
        if let Some(fraction) = rest.strip_prefix('.') {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            rest = offset;
        }
    }
    match rest.strip_prefix(['+', '-']) {
        Some(offset) => has_shape(offset, "00") || has_shape(offset, "00:00"),
        None => matches!(rest, "" | "Z" | "z"),
    }
}

/// True if a text has digits where a shape has 0, and the shape's own characters elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, place): (u8, u8)| {
        if place == b'0' { byte.is_ascii_digit() } else { byte == place }
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with the offset of Vietnam.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+07:00", self.civil())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_without_an_offset_is_vietnamese() {
        let cut_off: Timestamp = "2025-07-31T16:00:00+07:00".parse().expect("RFC 3339");
        for text in [
            "2025-07-31 16:00",
            "2025-07-31T16:00:00",
            "2025-07-31T09:00:00Z",
            "2025-07-31t16:00",
            "2025-07-31T16:00+07",
            "2025-07-31T16:00:00.000+07:00",
        ] {
            assert_eq!(text.parse(), Ok(cut_off), "{text}");
        }
        assert_eq!(cut_off.to_string(), "2025-07-31T16:00:00+07:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let wrong = [
            "",
            "31/07/2025",
            "2025-13-01",
            "yesterday",
            "20250731T1600",
            "2025-07-31 16",
            "2025-07-31 4:00",
            "2025-07-31 24:00",
            "2025-07-31 16:00:60",
            "2025-07-31T16:00[UTC]",
            "2025-07-31T16:00-07:00[Asia/Ho_Chi_Minh]",
            "2025-07-31T09:00:00Z[Asia/Ho_Chi_Minh]",
            "2025-07-31 16:00[u-ca=buddhist]",
            "2025-07-31 16:00 +00:00",
            "2025-07-31 16:00 UTC",
            "-002025-07-31 16:00",
            "2025-W31-4",
            "2025-07-31 16h00",
            "2025-07-31T16:00:00.",
            "2025-02-30 10:00",
            "2025-07-31 ",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Timestamp>(), Err(TimeError::Text(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn parse_after_display_is_identity(micros in 0..MICROS_MAX) {
            let time = Timestamp::from_micros(micros).expect("in range");
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn days_are_counted_as_dates_are(micros in MICROS_MIN..MICROS_MAX) {
            let time = Timestamp::from_micros(micros).expect("in range");
            let since = time.date().since(jiff::civil::date(1970, 1, 1)).expect("a few years");
            prop_assert_eq!(time.day(), i64::from(since.get_days()));
        }
    }
}
