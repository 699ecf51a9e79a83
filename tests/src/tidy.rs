//! The rules of the tree, each a function from the [`Tree`] to what breaks it.
//!
//! ```text
//! files → Tree → rule → violations
//!           └ Source: the tokens of a Rust file, with their lines
//! ```
//!
//! Knows nothing of types or names across files: what a rule cannot see in the tokens of one file,
//! it does not claim.

pub mod cycles;
pub mod edges;
pub mod form;
mod imports;
pub mod logs;
pub mod purity;
mod source;

use std::{fmt, fs, path::Path};

use anyhow::Context;
pub use source::{Source, Token};

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path from the root of the tree.
    pub path: String,
    /// Line from 1.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// The text files of the project.
#[derive(Debug, Default)]
pub struct Tree {
    /// Every text file that people write, with its path from the root.
    pub texts: Vec<(String, String)>,
    /// The Rust files among them.
    pub sources: Vec<Source>,
}

impl Tree {
    /// The tree that this crate is part of.
    pub fn of_workspace() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
        let mut texts = Vec::new();
        collect(root, "", &mut texts)?;
        Self::new(texts)
    }

    /// A tree of texts by path.
    pub fn new(texts: Vec<(String, String)>) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        for (path, text) in &texts {
            if extension(path) == Some("rs") {
                sources.push(Source::parse(path, text).with_context(|| path.clone())?);
            }
        }
        Ok(Self { texts, sources })
    }

    /// The Rust files below a folder.
    pub fn sources_below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Source> {
        self.sources.iter().filter(move |source| source.path.starts_with(folder))
    }
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

/// Data and what tools write are not read: they have no form of ours.
fn is_written_by_people(path: &str) -> bool {
    match extension(path) {
        Some("csv" | "lock" | "binpb") => false,
        Some(_) | None => true,
    }
}

fn collect(root: &Path, folder: &str, texts: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let entries = fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    for name in names {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let full = root.join(&path);
        // What fuzzers write is no source.
        let is_fuzzed = full.parent().is_some_and(|parent| parent.ends_with("tests/fuzz"))
            && ["found", "kept", "artifacts"].contains(&name.as_str());
        // A further worktree has a file of this name.
        let is_cache = is_fuzzed
            || name == ".git"
            || name == "target"
            || name == "dist"
            || full.join("CACHEDIR.TAG").exists();
        if is_cache {
            continue;
        }
        if full.is_dir() {
            collect(root, &path, texts)?;
        } else if is_written_by_people(&path)
            && let Ok(text) = fs::read_to_string(&full)
        {
            texts.push((path, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod planted {
    use super::{Tree, Violation};

    /// Returns a rule's violations in one planted file, as `line: message`.
    pub(crate) fn verdict(
        rule: fn(&Tree) -> Vec<Violation>,
        path: &str,
        text: &str,
    ) -> Vec<String> {
        let tree = Tree::new(vec![(path.to_owned(), text.to_owned())]).expect("it parses");
        rule(&tree)
            .into_iter()
            .map(|found| {
                assert_eq!(found.path, path);
                format!("{}: {}", found.line, found.message)
            })
            .collect()
    }

    #[test]
    fn the_tree_is_read_without_what_tools_write() {
        let tree = Tree::of_workspace().expect("the tree is readable");
        let has = |path: &str| tree.texts.iter().any(|(found, _)| found == path);
        assert!(has("Cargo.toml") && has("crates/core/src/period.rs") && has("tests/run"));
        assert!(!has("Cargo.lock") && !has("crates/core/data/gazetteer.csv"));
        assert!(tree.sources.iter().all(|source| !source.path.starts_with("target/")));
    }
}
