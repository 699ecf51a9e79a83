//! The configuration files under `deploy/config` are what the daemons read, and say what they do
//! without them. Those of compose and Kubernetes are read, too.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use phuxanh_aggregator::{access::Source, config as aggregator};
use phuxanh_collector::config as collector;
use phuxanh_core::gazetteer::Gazetteer;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn file(name: &str) -> PathBuf {
    deploy().join("config").join(name)
}

/// Files of TOML in a folder and in those below it.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("read").path());
    let found = entries.flat_map(|path| match path.extension() {
        _ if path.is_dir() => toml_files(&path),
        Some(extension) if extension == "toml" => vec![path],
        _ => Vec::new(),
    });
    found.collect()
}

/// Every key that a file may hold stands in it, written or commented out.
fn assert_names_every_key(name: &str, settings: &str) {
    let text = fs::read_to_string(file(name)).expect("the file is there");
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
fn every_configuration_file_below_deploy_is_read() {
    let found = toml_files(&deploy());
    assert!(found.len() >= 8, "{found:?}");
    for path in found {
        let shown = path.display();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        match name {
            "aggregator.toml" => {
                aggregator::Settings::read(Some(&path))
                    .unwrap_or_else(|it| panic!("{shown}: {it}"));
            }
            "collector.toml" => {
                collector::Settings::read(Some(&path)).unwrap_or_else(|it| panic!("{shown}: {it}"));
            }
            "access.toml" => {
                let gazetteer = Arc::new(Gazetteer::builtin());
                Source::read(path.clone(), gazetteer).unwrap_or_else(|it| panic!("{shown}: {it}"));
            }
            _ => panic!("{shown}: no program reads a file of this name"),
        }
    }
}

#[test]
fn a_reporter_makes_the_defaults_valid() {
    let settings =
        collector::Settings { reporter: "04".to_owned(), ..collector::Settings::default() };
    collector::Config::new(&settings).expect("all else has a default");
    aggregator::Config::new(&aggregator::Settings::default()).expect("all has a default");
}
