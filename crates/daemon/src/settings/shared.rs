//! Each setting that collectors and aggregators have alike: its default, its limits, its meaning.

use std::{fs, path::PathBuf, time::Duration};

use phuxanh_core::{catalogue::Catalogue, gazetteer::Gazetteer};
use serde::Deserialize;

use super::{Faults, Rule};

/// `host`: name of this host, for operators and leases; empty for the machine's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Host(pub String);

/// `catalogue_file`: replaces the built-in catalogue.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct CatalogueFile(pub Option<PathBuf>);

/// `gazetteer_file`: replaces the built-in gazetteer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct GazetteerFile(pub Option<PathBuf>);

/// `observed_ahead_max`: how far an observed time may lie ahead of this machine's clock.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct ObservedAheadMax(#[serde(with = "humantime_serde")] pub Duration);

/// `link_bytes_per_second_min`: what a link between collector and aggregator carries at least. Each
/// end waits for as long as the largest batch needs on such a link.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct LinkRateMin(pub u32);

/// `restated_months_max`: months before a locality began for which figures may be restated for it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct RestatedMonthsMax(pub u32);

impl Host {
    /// The name that was given, or the machine's own where it tells one.
    #[must_use]
    pub fn name(&self) -> String {
        if !self.0.is_empty() {
            return self.0.clone();
        }
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
    }
}

impl CatalogueFile {
    /// The catalogue in the file, or the built-in one.
    pub fn read(&self, faults: &mut Faults) -> Option<Catalogue> {
        match &self.0 {
            None => Some(Catalogue::builtin()),
            Some(path) => faults.read("catalogue_file", path, |bytes| Catalogue::parse(&bytes)),
        }
    }
}

impl GazetteerFile {
    /// The gazetteer in the file, or the built-in one.
    pub fn read(&self, faults: &mut Faults) -> Option<Gazetteer> {
        match &self.0 {
            None => Some(Gazetteer::builtin()),
            Some(path) => faults.read("gazetteer_file", path, |bytes| Gazetteer::parse(&bytes)),
        }
    }
}

impl Default for ObservedAheadMax {
    fn default() -> Self {
        Self(Duration::from_mins(5))
    }
}

impl Default for RestatedMonthsMax {
    fn default() -> Self {
        Self(1)
    }
}

impl Default for LinkRateMin {
    fn default() -> Self {
        Self(4_096)
    }
}

impl LinkRateMin {
    const LEAST: u32 = 1_024;

    /// The rule that the setting must meet under its key.
    #[must_use]
    pub const fn rule(self, key: &'static str) -> Rule {
        (key, self.0 >= Self::LEAST, "expected at least 1024")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_as_it_was_told_or_by_its_machine() {
        assert_eq!(Host("centre-1".to_owned()).name(), "centre-1");
        assert_ne!(Host::default().name(), "");
    }

    #[test]
    fn facts_are_built_in_unless_a_file_replaces_them() {
        let mut faults = Faults::default();
        let version = CatalogueFile::default().read(&mut faults).map(|found| found.version);
        assert_eq!(version, Some(Catalogue::builtin().version));
        assert!(GazetteerFile::default().read(&mut faults).is_some());
        assert!(faults.is_empty());
        let elsewhere = Some(PathBuf::from("/nonexistent/facts"));
        assert!(CatalogueFile(elsewhere.clone()).read(&mut faults).is_none());
        assert!(GazetteerFile(elsewhere).read(&mut faults).is_none());
        let keys: Vec<_> = faults.0.iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["catalogue_file", "gazetteer_file"]);
    }

    #[test]
    fn a_link_slower_than_any_is_refused() {
        let (_, is_met, _) = LinkRateMin::default().rule("delivery.link_bytes_per_second_min");
        assert!(is_met);
        assert_eq!(LinkRateMin(1_023).rule("a"), ("a", false, "expected at least 1024"));
    }
}
