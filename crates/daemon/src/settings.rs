//! Settings: a file, the environment (`PHUXANH__SECTION__KEY`) and flags, in that order.
//!
//! ```text
//! file, environment ── read ─▶ Settings ── checked, every fault noted ─▶ Config, or Faults
//! ```
//!
//! Each daemon has its own `Settings` (what was written) and `Config` (what is valid). Here is how
//! they are read, how faults are told, and each setting that means the same to all of them.

mod environment;
mod file_fault;
mod shared;
mod words;

use std::{fmt, fs, path::Path};

use environment::Variables;
use phuxanh_core::frame::Durability;
use serde::de::DeserializeOwned;

pub use file_fault::{FileCause, FileFault};
pub use shared::{
    CatalogueFile, GazetteerFile, Host, LinkRateMin, ObservedAheadMax, RestatedMonthsMax,
};

/// Error that keeps settings from being read. It repeats no text that was set, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Fault {
    /// Key of the setting, for example `folder.path`.
    pub key: &'static str,
    /// The fault, and what was expected.
    pub message: String,
    /// The same about a file that the setting names, for those who word it in another language.
    pub file: Option<Box<FileFault>>,
}

/// Everything wrong with the settings. As an error it is never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// A condition that a setting must meet: its key, whether it does, and what is expected.
pub type Rule = (&'static str, bool, &'static str);

/// Reads the file, if one is named, and the environment over it. In the environment, commas separate
/// the entries of `list`.
pub fn read<T: DeserializeOwned>(file: Option<&Path>, list: &str) -> Result<T, ReadError> {
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    builder
        .add_source(Variables::new(config::Environment::default(), list))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| ReadError(words::of(&error)))
}

/// Durability by its word.
pub fn durability(word: &str) -> Result<Durability, String> {
    match word {
        "none" => Ok(Durability::None),
        "everysec" => Ok(Durability::Everysec),
        "always" => Ok(Durability::Always),
        "replicated" => Ok(Durability::Replicated),
        _ => Err(format!("found \"{word}\", expected none, everysec, always or replicated")),
    }
}

impl Fault {
    #[must_use]
    pub const fn new(key: &'static str, message: String) -> Self {
        Self { key, message, file: None }
    }

    /// Fault of a file.
    #[must_use]
    pub fn of_file(key: &'static str, path: &Path, cause: FileCause) -> Self {
        let message = format!("{}: {cause}", path.display());
        Self { key, message, file: Some(Box::new(FileFault { path: path.to_owned(), cause })) }
    }
}

impl Faults {
    /// True if nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what was found, or `None` and one more fault.
    pub fn check<T>(&mut self, key: &'static str, found: Result<T, String>) -> Option<T> {
        found.map_err(|message| self.0.push(Fault::new(key, message))).ok()
    }

    /// Returns what a file holds, or `None` and one more fault that names the file.
    pub fn read<T, E: fmt::Display>(
        &mut self,
        key: &'static str,
        path: &Path,
        parse: impl FnOnce(Vec<u8>) -> Result<T, E>,
    ) -> Option<T> {
        let found = fs::read(path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| parse(bytes).map_err(|error| error.to_string()));
        self.check(key, found.map_err(|message| format!("{}: {message}", path.display())))
    }

    /// Notes each rule that is not met.
    pub fn require(&mut self, rules: impl IntoIterator<Item = Rule>) {
        let broken = rules.into_iter().filter(|(_, is_met, _)| !is_met);
        let faults = broken.map(|(key, _, message)| Fault::new(key, message.to_owned()));
        self.0.extend(faults);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_fault_is_kept_and_told() {
        let mut faults = Faults::default();
        assert_eq!(faults.check("a", Ok(1)), Some(1));
        assert_eq!(faults.check::<u8>("b", Err("found 0".to_owned())), None);
        faults.require([("c.d", true, "never told"), ("c.e", false, "expected more than 0")]);
        let missing = faults.read("f", Path::new("/nonexistent/file"), Ok::<_, String>);
        assert_eq!(missing, None);
        let told = faults.to_string();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[..2], ["b: found 0", "c.e: expected more than 0"]);
        assert!(lines[2].starts_with("f: /nonexistent/file: "), "{told}");
    }

    #[test]
    fn a_file_that_does_not_parse_is_named() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"bytes").expect("it is written");
        let mut faults = Faults::default();
        let parsed = faults.read("key", file.path(), |bytes| Err::<(), _>(bytes.len()));
        assert_eq!(parsed, None);
        assert_eq!(faults.to_string(), format!("key: {}: 5", file.path().display()));
    }
}
