//! Observation: one value of one cell, as a reporter says it.

use std::{fmt, str::FromStr, sync::Arc};

use super::{LocalityCode, Period, Timestamp};

/// The id of a criterion or a measure: lower case letters, digits and underscores, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(Arc<str>);

/// A text that is no metric id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a metric id: expected lower case letters, digits and underscores, at most 64"
)]
pub struct MetricError(pub String);

impl MetricId {
    /// Longest id, in bytes.
    pub(super) const BYTES_MAX: usize = 64;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MetricId {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if first && text.len() <= Self::BYTES_MAX && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(MetricError(text.to_owned()))
        }
    }
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Origin of a value, from the most to the least certain. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Basis {
    /// Reported by its reporter as its own observation.
    #[default]
    Reported = 0,
    /// Taken from a published figure.
    Published = 1,
    /// Made up so that published totals hold.
    Synthetic = 2,
}

impl FromStr for Basis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "reported" => Ok(Self::Reported),
            "published" => Ok(Self::Published),
            "synthetic" => Ok(Self::Synthetic),
            _ => Err(format!(
                "\"{text}\" is not a basis: expected reported (or nothing), published or synthetic"
            )),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reported => "reported",
            Self::Published => "published",
            Self::Synthetic => "synthetic",
        })
    }
}

/// Identity of a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    pub locality: LocalityCode,
    pub metric: MetricId,
    pub period: Period,
}

/// One value of a cell, absolute: a later one replaces it, nothing is ever added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub key: CellKey,
    /// 0 or 1 for a criterion, a count for a measure; `None` withdraws an earlier value.
    pub value: Option<i64>,
    /// Time of observation, by the reporter's word.
    pub observed: Timestamp,
    /// Number of changes of the value at this same observed time.
    pub revision: u32,
    pub basis: Basis,
}
