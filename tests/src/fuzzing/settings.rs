//! Settings files of both daemons.

use std::{fmt::Display, fs};

use phuxanh_aggregator::config as aggregator;
use phuxanh_collector::config as collector;
use phuxanh_daemon::settings::{CatalogueFile, Faults, GazetteerFile};

/// Secret that no message may repeat.
const SECRET: &str = "s3cr3t-w0rd";

/// Reads the bytes as the settings of either daemon. What is wrong has a name, and no secret is told.
pub(super) fn run(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("settings.toml");
    fs::write(&path, bytes).expect("written");
    match aggregator::Settings::read(Some(&path)) {
        Err(error) => named(&error),
        Ok(mut settings) => {
            // Files elsewhere are no matter of these bytes.
            (settings.catalogue_file, settings.gazetteer_file) = Default::default();
            settings.store.redis.password_file = None;
            settings.store.redis.ca_file = None;
            told(aggregator::Config::new(&settings));
        }
    }
    match collector::Settings::read(Some(&path)) {
        Err(error) => named(&error),
        Ok(mut settings) => {
            settings.catalogue_file = CatalogueFile::default();
            settings.gazetteer_file = GazetteerFile::default();
            told(collector::Config::new(&settings));
        }
    }
}

fn told<T>(read: Result<T, Faults>) {
    let Err(faults) = read else { return };
    assert!(!faults.is_empty(), "refused without a reason");
    for fault in &faults.0 {
        assert!(!fault.key.is_empty() && !fault.message.is_empty(), "{fault:?}");
    }
    named(&faults);
}

fn named(error: &impl Display) {
    let message = error.to_string();
    assert!(!message.trim().is_empty(), "an error without words");
    // A key is named, whatever it is.
    let mut values = message.split('`').step_by(2);
    assert!(!values.any(|value| value.contains(SECRET)), "{message}");
}
