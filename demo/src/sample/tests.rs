use std::{fs, path::Path};

use phuxanh_core::gazetteer::Kind;

use super::*;
use crate::naive::{self, FILES, Row, number};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sample/provinces");

/// Each part with its whole.
const PARTS: [(&str, &str); 15] = [
    ("applications_online", "applications_received"),
    ("applications_completed", "applications_received"),
    ("applications_on_time", "applications_completed"),
    ("results_due", "applications_completed"),
    ("results_electronic", "results_due"),
    ("results_signed", "results_electronic"),
    ("records_digitised", "applications_received"),
    ("records_reused", "records_digitised"),
    ("records_synchronised", "applications_received"),
    ("population_data_used", "applications_received"),
    ("fees_due", "applications_received"),
    ("fees_paid_online", "fees_due"),
    ("petitions_on_time", "petitions_received"),
    ("ratings_positive", "applications_completed"),
    ("obstacles_software", "applications_received"),
];

fn measured(files: &[File]) -> Vec<Row> {
    let rows = files.iter().flat_map(naive::rows);
    rows.filter(|row| number(row, "working_days").is_some()).collect()
}

#[test]
fn the_committed_files_are_what_the_generator_makes() {
    let directory = Path::new(COMMITTED);
    let files = &*FILES;
    for file in files {
        let committed = fs::read_to_string(directory.join(&file.name)).expect("a committed file");
        assert!(committed == file.text, "{} differs: run phuxanh-sample", file.name);
    }
    assert_eq!(fs::read_dir(directory).expect("the directory").count(), files.len());
}

#[test]
fn green_communes_are_those_of_the_breakdown() {
    let breakdown = Breakdown::builtin();
    for file in FILES.iter() {
        let criteria = naive::criteria(file);
        assert_eq!(criteria.len(), 13);
        let rows = naive::rows(file);
        let green = rows
            .iter()
            .filter(|row| criteria.iter().all(|criterion| number(row, criterion) == Some(1)));
        let expected = breakdown.coverage(file.province).expect("every province");
        assert_eq!(green.count() as u64, expected.green, "{}", file.name);
        let declared = rows.iter().filter(|row| number(row, &criteria[0]).is_some());
        assert_eq!(declared.count() as u64, expected.total, "{}", file.name);
    }
}

#[test]
fn every_commune_reports_everything_in_time() {
    let cut_off = Published::builtin().known_at;
    let catalogue = Catalogue::builtin();
    for file in FILES.iter() {
        let rows = naive::rows(file);
        for three in rows.chunks(3) {
            assert!(three.iter().all(|row| row["locality"] == three[0]["locality"]));
            for metric in metrics(&catalogue).map(MetricId::as_str) {
                let months: Vec<&str> = three
                    .iter()
                    .filter(|row| number(row, metric).is_some())
                    .map(|row| row["period"].as_str())
                    .collect();
                let is_criterion =
                    catalogue.criteria.iter().any(|found| found.definition.id == metric);
                let expected =
                    if is_criterion { vec!["2025-07"] } else { vec!["2025-06", "2025-07"] };
                assert_eq!(months, expected, "{metric}");
            }
        }
        for row in &rows {
            let observed: Timestamp = row["observed_time"].parse().expect("a time");
            let month: Period = row["period"].parse().expect("a month");
            assert!(observed <= cut_off && month <= Period::containing(observed), "{row:?}");
        }
    }
}

#[test]
fn only_what_follows_from_the_report_is_marked_as_published() {
    let complete = Published::builtin().complete.names;
    let gazetteer = Gazetteer::builtin();
    for (province, file) in gazetteer.provinces().zip(FILES.iter()) {
        for row in naive::rows(file) {
            let declares = number(&row, "centre_operating").is_some();
            let expected = if declares && complete.contains(&province.name) {
                Basis::Published
            } else {
                Basis::Synthetic
            };
            assert_eq!(row["basis"].parse(), Ok(expected), "{row:?}");
        }
    }
}

#[test]
fn no_part_is_greater_than_its_whole() {
    for row in measured(&FILES) {
        let at = |column| number(&row, column).expect("a measured row");
        for (part, whole) in PARTS {
            assert!(at(part) <= at(whole), "{part} {row:?}");
        }
        assert!(at("applications_online") + at("applications_post") <= at("applications_received"));
        let open = at("applications_received") - at("applications_completed");
        assert!(at("applications_overdue_open") <= open, "{row:?}");
        assert!(at("ratings_positive") + at("ratings_negative") <= at("applications_completed"));
        assert_eq!(at("working_days"), if row["period"] == "2025-06" { 21 } else { 23 });
    }
}

#[test]
fn wards_are_larger_than_communes() {
    let gazetteer = Gazetteer::builtin();
    let rows = measured(&FILES);
    let mean = |kind: Kind| {
        let of_kind: Vec<u64> = rows
            .iter()
            .filter(|row| {
                let code = row["locality"].parse().expect("a code");
                gazetteer.locality(code).is_some_and(|found| found.kind == kind)
            })
            .filter_map(|row| number(row, "applications_received"))
            .collect();
        of_kind.iter().sum::<u64>() / of_kind.len() as u64
    };
    assert!(mean(Kind::Ward) > 2 * mean(Kind::Commune));
    assert!(mean(Kind::Commune) > mean(Kind::SpecialZone));
}
