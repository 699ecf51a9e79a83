//! Commands over the insight and the trend service, and what they share.

pub mod compare;
pub mod days;
pub mod distribution;
pub mod gap;
mod gap_ranking;
pub mod path;
pub mod shortfalls;
pub mod trend;
pub mod why;

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, Basis, Level};
use serde::Serialize;

use crate::{args, error::Error, marks::Marks, reply, words};

/// A locality by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    pub code: String,
    pub name: String,
}

/// Provenance of a number.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    data_time: Option<Timestamp>,
    stale: bool,
    basis: Basis,
}

/// Age and origin. Keys that do not apply are left out.
#[derive(Debug, Serialize)]
pub struct BehindJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    data_time: Option<String>,
    stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
}

impl Named {
    pub fn new(named: Option<v1::NamedLocality>) -> Result<Self, Error> {
        let v1::NamedLocality { code, name } = part("a locality", named)?;
        Ok(Self { code, name })
    }

    pub fn text(&self) -> String {
        format!("{} ({})", self.name, self.code)
    }
}

impl Behind {
    pub fn new(provenance: Option<v1::Provenance>) -> Result<Self, Error> {
        let provenance = part("a provenance", provenance)?;
        Ok(Self {
            data_time: reply::time(provenance.data_time)?,
            stale: provenance.stale,
            basis: reply::known("basis", provenance.basis)?,
        })
    }
}

impl From<Behind> for Marks {
    fn from(behind: Behind) -> Self {
        Self { stale: behind.stale, basis: behind.basis }
    }
}

impl From<Behind> for BehindJson {
    fn from(behind: Behind) -> Self {
        Self {
            data_time: behind.data_time.map(|time| time.to_string()),
            stale: behind.stale,
            basis: words::basis(behind.basis),
        }
    }
}

/// A part that every answer has to hold.
pub fn part<T>(what: &str, part: Option<T>) -> Result<T, Error> {
    part.ok_or_else(|| Error::Contract(format!("{what} is missing")))
}

/// A scope without a level asks for what lies in it.
fn level(level: Option<args::Level>, has_scope: bool) -> Level {
    match level {
        Some(args::Level::Commune) => Level::Commune,
        None if has_scope => Level::Commune,
        Some(args::Level::Province) | None => Level::Province,
    }
}
