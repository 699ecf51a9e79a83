//! A published share, with exactly the digits that were published.

use std::{fmt, str::FromStr};

/// Most digits behind the point.
const SCALE_MAX: usize = 9;

/// A decimal fraction of 1: `units` ÷ 10^`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    units: u64,
    /// At least 2, so that it can be written in percent.
    scale: u32,
}

/// A text that is no such fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a share: expected 0. and 2 to 9 digits")]
pub struct DecimalError(String);

impl Decimal {
    /// A ratio of integers rounded, half upwards, to the digits of this fraction. `None` for a
    /// denominator of 0.
    #[must_use]
    pub fn round_alike(self, numerator: u64, denominator: u64) -> Option<Self> {
        let scaled = u128::from(numerator) * 10_u128.pow(self.scale);
        let rounded =
            (2 * scaled + u128::from(denominator)).checked_div(2 * u128::from(denominator))?;
        Some(Self { units: u64::try_from(rounded).ok()?, scale: self.scale })
    }

    /// This share of a whole, rounded half upwards.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let unit = 10_u128.pow(self.scale);
        let rounded = (2 * u128::from(whole) * u128::from(self.units) + unit) / (2 * unit);
        u64::try_from(rounded).expect("a share is no more than its whole")
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let digits = text.strip_prefix("0.")?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let fits = (2..=SCALE_MAX).contains(&digits.len());
            let scale = u32::try_from(digits.len()).ok()?;
            (plain && fits).then_some(Self { units: digits.parse().ok()?, scale })
        };
        parse().ok_or_else(|| DecimalError(text.to_owned()))
    }
}

impl fmt::Display for Decimal {
    /// In percent, with the digits that it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(self.scale - 2);
        let (whole, rest) = (self.units / unit, self.units % unit);
        let width = usize::try_from(self.scale - 2).expect("at most 9");
        match width {
            0 => write!(f, "{whole} %"),
            _ => write!(f, "{whole}.{rest:0width$} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_ratio_is_rounded_to_the_published_digits() {
        let lowest = decimal("0.0536");
        assert_eq!(lowest.round_alike(3, 56), Some(lowest));
        assert_eq!(lowest.round_alike(3, 57), Some(decimal("0.0526")));
        assert_eq!(lowest.round_alike(3, 0), None);
        assert_eq!(decimal("0.053").round_alike(525, 10_000), Some(decimal("0.053")));
        assert_eq!(decimal("0.053").round_alike(5_249, 100_000), Some(decimal("0.052")));
    }

    #[test]
    fn a_share_is_written_in_percent() {
        for (text, percent) in [("0.3273", "32.73 %"), ("0.053", "5.3 %"), ("0.05", "5 %")] {
            assert_eq!(decimal(text).to_string(), percent);
        }
        assert_eq!(
            decimal("0.0001").round_alike(1, 1).map(|one| one.to_string()).as_deref(),
            Some("100.00 %")
        );
    }

    #[test]
    fn a_share_of_a_whole_is_rounded_once() {
        assert_eq!(decimal("0.3273").of(10_000), 3_273);
        assert_eq!(decimal("0.053").of(10), 1);
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in ["", "0", "1.5", "0.5", "0,53", "0.5x", "0.0123456789"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError(text.to_owned())));
        }
    }
}
