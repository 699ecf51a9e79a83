//! Words of the vocabulary.

use crate::language::Words;

/// Word of the vocabulary: a key for tools, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub key: &'static str,
    pub words: Words,
    pub paint: Paint,
}

/// Emphasis of a cell. Its text alone has to tell the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Good,
    Middling,
    Bad,
    Faint,
    Strong,
}
