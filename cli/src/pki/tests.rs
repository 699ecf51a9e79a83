//! A whole pilot's certificates in a folder of their own.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use clap::Parser;
use phuxanh_daemon::tls::{Certificate, ClientFiles, PemFile, ServerFiles};

use super::*;
use crate::args::{Args, Command};

const DAY_SECONDS: u64 = 24 * 60 * 60;

fn run(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let folder = folder.join("pki").display().to_string();
    let dir: &[&str] = if arguments.contains(&"show") { &[] } else { &["--dir", &folder] };
    let line = [&["phuxanh", "pki"], arguments, dir].concat();
    let Command::Pki(command) = Args::parse_from(line).command else { panic!("no pki") };
    let answered = answer(&command, Format::Table { colour: false, language: Language::English });
    answered.map(|answer| answer.text).map_err(|error| error.to_string())
}

fn file(folder: &Path, name: &str) -> PemFile {
    PemFile { setting: "tls", path: folder.join("pki").join(name) }
}

fn shown(folder: &Path, name: &str) -> Certificate {
    Certificate::read_file(&file(folder, name)).expect("it is read")
}

fn pilot() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        &["init", "--trust-domain", "egov.example"][..],
        &["issue", "server", "--dns", "centre.example", "--ip", "192.0.2.1"],
        &["issue", "collector", "--province", "04"],
    ] {
        run(folder.path(), line).expect("done");
    }
    folder
}

#[test]
fn three_commands_make_what_both_ends_need() {
    let pilot = pilot();
    let pem = |name| file(pilot.path(), name);
    let files = ServerFiles {
        certificate: pem("server.pem"),
        key: pem("server-key.pem"),
        client_authorities: Some(pem("authority.pem")),
        revocations: Some(pem("revoked.pem")),
    };
    files.load().expect("a server's files");
    let own = Some((pem("collector-04-main.pem"), pem("collector-04-main-key.pem")));
    let files = ClientFiles { authorities: Some(pem("authority.pem")), own };
    files.load().expect("a client's files");

    let collector = shown(pilot.path(), "collector-04-main.pem");
    assert_eq!(collector.uris, ["spiffe://egov.example/province/04/collector/main"]);
    assert_eq!(collector.hosts, [""; 0]);
    assert_eq!(shown(pilot.path(), "server.pem").hosts, ["centre.example", "192.0.2.1"]);
    let days = |name| {
        let found = shown(pilot.path(), name);
        found.expiry.since(found.begin).as_secs() / DAY_SECONDS
    };
    assert_eq!(["authority.pem", "server.pem", "collector-04-main.pem"].map(days), [1_825, 90, 90]);
    for key in ["authority-key.pem", "server-key.pem", "collector-04-main-key.pem"] {
        let mode = fs::metadata(pem(key).path).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

#[test]
fn nothing_is_overwritten_but_by_renewal() {
    let pilot = pilot();
    let text = |name| fs::read_to_string(file(pilot.path(), name).path).expect("readable");
    let names = ["authority.pem", "authority-key.pem", "collector-04-main.pem"];
    let before = names.map(text);
    for line in [
        &["init", "--trust-domain", "egov.example"][..],
        &["issue", "collector", "--province", "04"],
        &["issue", "server", "--dns", "other.example"],
    ] {
        let refused = run(pilot.path(), line).expect_err("refused");
        assert!(refused.contains("exists and is not overwritten"), "{refused}");
    }
    assert_eq!(names.map(text), before);

    let certificate = file(pilot.path(), "collector-04-main.pem").path.display().to_string();
    let key = text("collector-04-main-key.pem");
    run(pilot.path(), &["renew", &certificate]).expect("renewed");
    assert_ne!(text("collector-04-main.pem"), before[2]);
    assert_ne!(text("collector-04-main-key.pem"), key);
    let renewed = shown(pilot.path(), "collector-04-main.pem");
    assert_eq!(renewed.uris, ["spiffe://egov.example/province/04/collector/main"]);
    let told = run(pilot.path(), &["show", &certificate]).expect("shown");
    assert!(told.contains("collector/main") && told.contains("valid"), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");
}

#[test]
fn revocations_are_kept_and_only_of_the_authoritys_own() {
    let (pilot, other) = (pilot(), pilot());
    run(pilot.path(), &["issue", "collector", "--province", "96"]).expect("issued");
    let path = |folder: &Path, name: &str| file(folder, name).path.display().to_string();
    let list = || {
        let authority = file(pilot.path(), "authority.pem");
        file(pilot.path(), "revoked.pem").revocations_of(&authority).expect("a list")
    };
    let collector = |province| format!("collector-{province}-main.pem");
    let serial = |province| shown(pilot.path(), &collector(province)).serial;
    let count = list().number;
    assert_eq!(list().revoked, []);
    let expected = Vec::from(["04", "96"].map(serial));
    for (index, province) in ["04", "96", "04"].into_iter().enumerate() {
        let own = path(pilot.path(), &collector(province));
        let told = run(pilot.path(), &["revoke", &own]).expect("revoked");
        assert!(told.contains("revoked") && told.contains("tls.revocations_file"), "{told}");
        assert_eq!(list().number, count + 1 + u64::try_from(index).expect("few"));
    }
    let serials = || list().revoked.into_iter().map(|it| it.serial).collect::<Vec<_>>();
    assert_eq!(serials(), expected);

    // What is renewed is not what was revoked, and every step keeps the list fresh.
    let own = path(pilot.path(), &collector("04"));
    assert!(run(pilot.path(), &["show", &own]).expect("shown").contains("revoked"));
    run(pilot.path(), &["renew", &own]).expect("renewed");
    let told = run(pilot.path(), &["show", &own]).expect("shown");
    assert!(told.contains(" valid") && !told.contains("revoked"), "{told}");
    run(pilot.path(), &["refresh"]).expect("refreshed");
    assert_eq!((serials(), list().number), (expected, count + 5));
    let lasts = list().next_update.expect("a time").since(clock::now()).as_secs();
    assert_eq!(lasts.div_ceil(DAY_SECONDS), 90);

    for (certificate, expected) in [
        (path(other.path(), &collector("04")), "was not issued by"),
        (path(pilot.path(), "authority.pem"), "is the authority itself"),
        (path(pilot.path(), "revoked.pem"), "holds no certificate"),
    ] {
        let refused = run(pilot.path(), &["revoke", &certificate]).expect_err("refused");
        assert!(refused.contains(expected), "{refused}");
    }
    let foreign = fs::read(file(other.path(), "revoked.pem").path).expect("readable");
    for (bytes, expected) in [
        (&foreign[..], "holds no revocation list of the authority"),
        (&b"half a file"[..], "holds no revocation list, expected"),
    ] {
        fs::write(file(pilot.path(), "revoked.pem").path, bytes).expect("written");
        let refused = run(pilot.path(), &["revoke", &own]).expect_err("refused");
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn names_that_cannot_be_are_refused() {
    let pilot = pilot();
    for (line, expected) in [
        (&["issue", "collector", "--province", "01273"][..], "is no collector's identity"),
        (&["issue", "collector", "--province", "04", "--name", "../a"], "collector's identity"),
        (&["issue", "server", "--dns", "a.example", "--name", "../a"], "is no name of a file"),
    ] {
        let refused = run(pilot.path(), line).expect_err("refused");
        assert!(refused.contains(expected), "{refused}");
    }
}
