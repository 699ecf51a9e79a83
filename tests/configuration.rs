//! The configuration files under `deploy/config` are what the daemons read, and say what they do
//! without them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use phuxanh_aggregator::{access::Source, config as aggregator};
use phuxanh_collector::config as collector;
use phuxanh_core::gazetteer::Gazetteer;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config").join(name)
}

/// Every key that a file may hold stands in it, written or commented out.
fn assert_names_every_key(name: &str, settings: &str) {
    let text = std::fs::read_to_string(file(name)).expect("the file is there");
    let keys = settings
        .split(": ")
        .filter_map(|part| part.rsplit(|letter: char| !is_key(letter)).next())
        .filter(|key| !key.is_empty());
    for key in keys {
        let is_named = text.lines().any(|line| {
            let line = line.trim_start_matches("# ");
            let section = line.split('#').next().unwrap_or_default().trim_end();
            line.starts_with(&format!("{key} ="))
                || section == format!("[{key}]")
                || (section.starts_with('[') && section.ends_with(&format!(".{key}]")))
        });
        assert!(is_named, "{name} does not name {key}");
    }
}

fn is_key(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '_'
}

#[test]
fn the_aggregators_file_holds_the_defaults() {
    let read = aggregator::Settings::read(Some(&file("aggregator.toml"))).expect("it is read");
    assert_eq!(format!("{read:#?}"), format!("{:#?}", aggregator::Settings::default()));
    assert_names_every_key("aggregator.toml", &format!("{read:#?}"));
}

#[test]
fn the_collectors_file_holds_the_defaults() {
    let read = collector::Settings::read(Some(&file("collector.toml"))).expect("it is read");
    assert_eq!(format!("{read:#?}"), format!("{:#?}", collector::Settings::default()));
    assert_names_every_key("collector.toml", &format!("{read:#?}"));
}

#[test]
fn the_access_file_is_read() {
    let gazetteer = Arc::new(Gazetteer::builtin());
    Source::read(file("access.toml"), gazetteer).expect("it is read");
}

#[test]
fn a_reporter_makes_the_defaults_valid() {
    let settings =
        collector::Settings { reporter: "04".to_owned(), ..collector::Settings::default() };
    collector::Config::new(&settings).expect("all else has a default");
    aggregator::Config::new(&aggregator::Settings::default()).expect("all has a default");
}
