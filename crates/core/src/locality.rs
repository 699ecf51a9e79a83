//! Official codes of localities, and the level that a code's shape tells.

use std::{fmt, str::FromStr};

/// Five-digit codes are numbered from here, so that no two codes share a number.
const COMMUNE_OFFSET: u32 = 100_000;

/// A level of the hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Nation,
    Province,
    Commune,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nation => "nation",
            Self::Province => "province",
            Self::Commune => "commune",
        })
    }
}

impl FromStr for Level {
    type Err = LocalityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "nation" => Ok(Self::Nation),
            "province" => Ok(Self::Province),
            "commune" => Ok(Self::Commune),
            _ => Err(LocalityError::Level(text.to_owned())),
        }
    }
}

/// The official code of a locality: `00` for the nation, two digits for a province, five for a
/// commune. Orders as the nation, the provinces, the communes, each by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalityCode(u32);

/// A text or number that is no locality code or level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalityError {
    #[error(
        "\"{0}\" is not a locality code: expected 2 digits (province, 00 for the nation) or 5 digits (commune)"
    )]
    Code(String),
    #[error("{0} is not a locality number")]
    Number(i64),
    #[error("\"{0}\" is not a level: expected nation, province or commune")]
    Level(String),
}

impl LocalityCode {
    /// The nation, `00`.
    pub const NATION: Self = Self(0);

    /// The code's number on the wire and at rest: its digits, plus 100,000 for five of them.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The code of a number as [`Self::number`] gives it.
    pub fn from_number(number: i64) -> Result<Self, LocalityError> {
        match u32::try_from(number) {
            Ok(number)
                if number < 100 || (COMMUNE_OFFSET..2 * COMMUNE_OFFSET).contains(&number) =>
            {
                Ok(Self(number))
            }
            _ => Err(LocalityError::Number(number)),
        }
    }

    /// The level that the code's shape tells.
    #[must_use]
    pub const fn level(self) -> Level {
        match self.0 {
            0 => Level::Nation,
            1..COMMUNE_OFFSET => Level::Province,
            _ => Level::Commune,
        }
    }
}

impl FromStr for LocalityCode {
    type Err = LocalityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u32>().ok())
            .flatten();
        match (text.len(), number) {
            (2, Some(number)) => Ok(Self(number)),
            (5, Some(number)) => Ok(Self(COMMUNE_OFFSET + number)),
            _ => Err(LocalityError::Code(text.to_owned())),
        }
    }
}

impl fmt::Display for LocalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level() {
            Level::Commune => write!(f, "{:05}", self.0 - COMMUNE_OFFSET),
            Level::Nation | Level::Province => write!(f, "{:02}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shape_tells_the_level() {
        for (code, level) in
            [("00", Level::Nation), ("04", Level::Province), ("00004", Level::Commune)]
        {
            assert_eq!(code.parse::<LocalityCode>().map(LocalityCode::level), Ok(level));
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in ["", "4", "004", "0004", "000004", "+4", "٠٤", "0x", " 04", "-0004"] {
            assert_eq!(text.parse::<LocalityCode>(), Err(LocalityError::Code(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn parse_after_display_is_identity(number in prop_oneof![0_u32..100, 100_000_u32..200_000]) {
            let code = LocalityCode::from_number(number.into()).expect("in range");
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(code.number(), number);
        }
    }
}
