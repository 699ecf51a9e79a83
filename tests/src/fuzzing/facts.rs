//! Files of the gazetteer and the catalogue.

use std::collections::BTreeSet;

use phuxanh_core::{
    Level,
    catalogue::{Catalogue, Formula},
    gazetteer::Gazetteer,
};

/// Reads the bytes as a gazetteer. Every commune of one that is taken has its province.
pub(super) fn gazetteer(bytes: &[u8]) {
    let read = match Gazetteer::parse(bytes) {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error without words"),
    };
    assert_eq!(read.source(), bytes);
    let mut commune_count = 0;
    for province in read.provinces() {
        assert_eq!(province.code.level(), Level::Province);
        for commune in read.communes(province.code) {
            commune_count += 1;
            assert_eq!(
                (commune.code.level(), commune.province),
                (Level::Commune, Some(province.code))
            );
        }
    }
    let communes = read.localities().filter(|it| it.code.level() == Level::Commune);
    assert_eq!(communes.count(), commune_count, "a commune without a province");
    for locality in read.localities().take(20) {
        assert!(!locality.name.is_empty(), "{} has no name", locality.code);
        assert_eq!(read.locality(locality.code).map(|it| &it.name), Some(&locality.name));
        let found = read.search(&locality.code.to_string());
        assert!(!found.is_empty(), "{} is not found", locality.code);
    }
}

/// Reads the bytes as a catalogue. Every id of one that is taken is unique, and names what there is.
pub(super) fn catalogue(bytes: &[u8]) {
    let read = match Catalogue::parse(bytes) {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error without words"),
    };
    assert_eq!(read.source(), bytes);
    let mut metrics = BTreeSet::new();
    for criterion in &read.criteria {
        assert!(metrics.insert(criterion.definition.id.as_str()), "{:?}", criterion.definition);
        assert!(criterion.evidence.is_none_or(|at| at < read.measures.len()), "{criterion:?}");
    }
    for measure in &read.measures {
        assert!(metrics.insert(measure.definition.id.as_str()), "{:?}", measure.definition);
    }
    for id in &metrics {
        assert!(read.metric(id).is_some(), "{id} is not found");
    }
    for (at, indicator) in read.indicators.iter().enumerate() {
        assert_eq!(read.indicator_index(&indicator.definition.id), Some(at));
        if let Formula::Ratio { numerator, denominator } = &indicator.formula {
            for metric in numerator.iter().chain(denominator) {
                assert!(
                    read.measure_index(&metric.to_string()).is_some(),
                    "{metric} is no measure"
                );
            }
        }
    }
}
