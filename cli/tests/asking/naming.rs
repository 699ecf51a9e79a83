//! Names of localities in texts.

use phuxanh_core::gazetteer::Gazetteer;

use crate::{ask, ask_json, fake::Fake};

/// A name that several communes and no province bear.
fn repeated_name() -> (String, Vec<String>) {
    let gazetteer = Gazetteer::builtin();
    let found = gazetteer.search("Tân Thành");
    let codes = found.iter().filter(|hit| hit.exact).map(|hit| hit.locality.code.to_string());
    ("Tân Thành".to_owned(), codes.collect())
}

#[test]
fn a_name_without_accents_is_enough() {
    let fake = Fake::start();
    for name in ["lai chau", "Lai Châu", "tinh LAI CHAU", " 12 "] {
        assert_eq!(ask_json(&fake, &["scorecard", name])["code"], "12", "{name}");
    }
}

#[test]
fn a_name_of_several_lists_them_all() {
    let fake = Fake::start();
    let (name, codes) = repeated_name();
    assert!(codes.len() > 1, "{codes:?}");
    for command in ["standing", "scorecard"] {
        let complaint = ask(&fake, &[command, &name]).failure(1);
        assert!(complaint.contains("use a code"), "{complaint}");
        for code in &codes {
            assert!(complaint.contains(code), "{code} is missing:\n{complaint}");
        }
    }
}

#[test]
fn a_part_of_a_name_is_answered_with_similar_ones() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["scorecard", "quoc tu giam"]).failure(1);
    assert!(complaint.contains("no locality is called \"quoc tu giam\""), "{complaint}");
    assert!(complaint.contains("Văn Miếu - Quốc Tử Giám"), "{complaint}");
    let complaint = ask(&fake, &["scorecard", "xyzzy"]).failure(1);
    assert!(complaint.contains("phuxanh search"), "{complaint}");
}

#[test]
fn only_provinces_and_the_nation_are_scopes() {
    let fake = Fake::start();
    let (name, _) = repeated_name();
    let complaint = ask(&fake, &["lowest", "--within", &name]).failure(1);
    assert!(complaint.contains("no province is called"), "{complaint}");
    assert_eq!(ask_json(&fake, &["lowest", "--within", "viet nam"])["within"], "00");
    assert_eq!(ask_json(&fake, &["lowest", "--within", "TP.HCM"])["within"], "79");
}

#[test]
fn an_unknown_code_is_not_found() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["scorecard", "99"]).failure(1);
    assert!(complaint.contains("not found: no such locality\n  locality: 99"), "{complaint}");
}
