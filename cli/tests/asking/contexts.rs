//! Named servers of the file of contexts.

use std::fs;

use tempfile::TempDir;

use crate::{Run, command, fake::Fake};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

/// Runs a command with a file of contexts; the environment names a server that nobody is.
fn run_with(folder: &TempDir, args: &[&str]) -> Run {
    let file = folder.path().join("contexts.toml");
    command(NOBODY, args).env("PHUXANH_CONFIG", file).output().expect("phuxanh runs").into()
}

fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("contexts.toml"), text).expect("written");
    folder
}

#[test]
fn a_context_names_server_and_language() {
    let fake = Fake::start();
    let folder = folder(&format!(
        "[contexts.centre]\nserver = [\"{NOBODY}\", \"{}\"]\nlang = \"vi\"\n[contexts.other]\n",
        fake.server()
    ));
    let vietnamese = run_with(&folder, &["--context", "centre", "catalogue"]).output();
    assert!(vietnamese.contains("Tiêu chí"), "{vietnamese}");
    // The option goes before the context, wherever it stands.
    let english = run_with(&folder, &["catalogue", "--context=centre", "--lang", "en"]).output();
    assert!(english.contains("Criteria"), "{english}");
    let told = run_with(&folder, &["mesh", "--server", NOBODY, "--context", "centre"]).failure(69);
    assert!(told.contains(&format!("không kết nối được bộ tổng hợp tại {NOBODY}:")), "{told}");
    // What a context leaves out is that of the environment.
    let told = run_with(&folder, &["mesh", "--context", "other"]).failure(69);
    assert!(told.contains(&format!("cannot reach the aggregator at {NOBODY}:")), "{told}");
    let file = folder.path().join("contexts.toml");
    let mut chosen = command(NOBODY, &["catalogue"]);
    chosen.env("PHUXANH_CONFIG", file).env("PHUXANH_CONTEXT", "centre");
    let chosen = Run::from(chosen.output().expect("phuxanh runs"));
    assert_eq!(chosen.output(), vietnamese);
}

#[test]
fn a_context_is_found_in_the_users_configuration() {
    let fake = Fake::start();
    let home = TempDir::new().expect("a folder");
    fs::create_dir_all(home.path().join(".config/phuxanh")).expect("made");
    let text = format!("[contexts.centre]\nserver = \"{}\"\n", fake.server());
    fs::write(home.path().join(".config/phuxanh/contexts.toml"), text).expect("written");
    let mut asked = command(NOBODY, &["--context", "centre", "catalogue"]);
    asked.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME");
    let answer = Run::from(asked.output().expect("phuxanh runs")).output();
    assert!(answer.contains("Criteria"), "{answer}");
}

#[test]
fn files_stand_beside_the_file_of_contexts() {
    let fake = Fake::start();
    let folder = folder(&format!(
        "[contexts.centre]\nserver = \"{}\"\ntoken_file = \"token\"\n",
        fake.server()
    ));
    let told = run_with(&folder, &["--context", "centre", "mesh"]).failure(2);
    let token = folder.path().join("token").display().to_string();
    assert!(told.starts_with(&format!("phuxanh: --token-file: {token}: ")), "{told}");
    let told =
        run_with(&folder, &["--context", "centre", "mesh", "--token-file", "/none"]).failure(2);
    assert!(told.starts_with("phuxanh: --token-file: /none: "), "{told}");
}

#[test]
fn a_fault_names_file_line_and_key_and_no_value() {
    for (text, english, vietnamese) in [
        ("x = 1", "line 1: x: expected tables [contexts.NAME]", "dòng 1: x: chỉ cần"),
        ("[contexts]\nx = 1", "line 2: contexts.x: expected a table", "dòng 2: contexts.x: cần"),
        (
            "[contexts.x]\n\ntoken = \"secret\"",
            "line 3: contexts.x.token is no key: expected server, ",
            "dòng 3: contexts.x.token không phải một khóa: cần server, ",
        ),
        ("[contexts.x]\ntls_key = 5", "line 2: contexts.x.tls_key: expected the path", "dòng 2: "),
        (
            "[contexts.x]\nserver = \"ftp://secret\"",
            "contexts.x.server: expected http://",
            "dòng 2: ",
        ),
        ("[contexts.x]\nserver = []", "contexts.x.server: expected http://", "dòng 2: "),
        ("[contexts.x]\nlang = \"secret\"", "contexts.x.lang: expected \"vi\"", "dòng 2: "),
        ("[contexts.x]\ntoken_file = secret", "line 2: no TOML: ", "dòng 2: không phải TOML: "),
        (
            "[contexts.y]\n[contexts.z]",
            "has no context \"x\"\n  Its contexts: y, z",
            "không có hồ sơ máy chủ \"x\"",
        ),
    ] {
        let folder = folder(text);
        let told = run_with(&folder, &["--context", "x", "mesh"]).failure(2);
        assert!(told.contains(english) && !told.contains("secret"), "{text}: {told}");
        let file = folder.path().join("contexts.toml").display().to_string();
        assert!(told.contains(&file), "{text}: {told}");
        let told = run_with(&folder, &["--lang", "vi", "--context", "x", "mesh"]).failure(2);
        assert!(told.contains(vietnamese) && !told.contains("secret"), "{text}: {told}");
    }
    let missing = TempDir::new().expect("a folder");
    let told = run_with(&missing, &["--context", "x", "mesh"]).failure(2);
    assert!(told.contains("cannot read the file of contexts "), "{told}");
}
