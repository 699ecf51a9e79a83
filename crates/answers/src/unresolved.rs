//! Names that mean no single locality, with those they may have meant.

use std::fmt;

use phuxanh_proto::v1::{Locality, LocalityKind};

use crate::{grid::Table, language::Language, vocabulary};

/// Candidates that an error lists.
const LISTED_MAX: usize = 20;

/// Localities that a name may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    All,
    /// Provinces and the nation.
    Scopes,
    /// The same ones, for what they report.
    Reporters,
}

impl Among {
    pub fn takes(self, kind: LocalityKind) -> bool {
        match self {
            Self::All => true,
            Self::Scopes | Self::Reporters => is_province(kind) || kind == LocalityKind::Nation,
        }
    }
}

/// A text that does not name one locality, with those it may have meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Unresolved {
    pub text: String,
    pub among: Among,
    /// Bearers of the very name; without any, those of a similar one.
    pub exact: bool,
    pub candidates: Vec<Locality>,
}

/// True for a province, whatever its kind.
pub fn is_province(kind: LocalityKind) -> bool {
    matches!(kind, LocalityKind::Province | LocalityKind::City)
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, among, exact, candidates } = self;
        let count = candidates.len();
        match (among, exact) {
            (_, true) => write!(f, "{count} localities bear the name \"{text}\"")?,
            (Among::All, false) => write!(f, "no locality is called \"{text}\"")?,
            (Among::Scopes, false) => {
                write!(f, "no province is called \"{text}\" (and only provinces hold communes)")?;
            }
            (Among::Reporters, false) => {
                write!(f, "no province is called \"{text}\" (and communes have no collector)")?;
            }
        }
        if candidates.is_empty() {
            return write!(f, "\n  Look for it with: phuxanh search TEXT");
        }
        f.write_str(if *exact { "; use a code:\n" } else { "; similar ones, use a code:\n" })?;
        for line in listing(candidates).lines() {
            write!(f, "\n  {line}")?;
        }
        if count > LISTED_MAX {
            write!(f, "\n  … and more: phuxanh search \"{text}\"")?;
        }
        Ok(())
    }
}

fn listing(candidates: &[Locality]) -> String {
    let listed = || candidates.iter().take(LISTED_MAX);
    let mut table = Table::new(false);
    table.left("Code", listed().map(|found| &found.code));
    table.left("Name", listed().map(|found| &found.name));
    let kind = |found: &Locality| vocabulary::kind(found.kind()).words;
    table.left("Kind", listed().map(|found| kind(found).text(Language::English).to_owned()));
    if listed().any(|found| !found.province_code.is_empty()) {
        table.left("Province", listed().map(province));
    }
    table.render()
}

/// Name and code of a commune's province; empty for others.
pub fn province(locality: &Locality) -> String {
    if locality.province_code.is_empty() {
        return String::new();
    }
    format!("{} ({})", locality.province_name, locality.province_code)
}
