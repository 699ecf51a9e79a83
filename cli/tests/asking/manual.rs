//! Completion in shells, and manual pages.

use std::{fs, process::Command};

use tempfile::TempDir;

use crate::run;

/// Nobody is asked for these.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn each_shell_completes_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(NOBODY, &["completion", shell]).output();
        for word in ["lowest", "scorecard", "revoke", "output-file"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let complaint = run(NOBODY, &["completion", "csh"]).failure(2);
    assert!(complaint.contains("bash, zsh, fish"), "{complaint}");
}

#[test]
fn bash_takes_its_script() {
    let folder = TempDir::new().expect("a folder");
    let script = folder.path().join("phuxanh.bash");
    fs::write(&script, run(NOBODY, &["completion", "bash"]).output()).expect("written");
    let asked = r#"source "$1"; COMP_WORDS=(phuxanh compl) COMP_CWORD=1
        _phuxanh phuxanh compl phuxanh; echo "${COMPREPLY[*]}""#;
    let output = Command::new("bash").args(["-c", asked, "-"]).arg(&script).output();
    let output = output.expect("bash runs");
    assert_eq!(output.stdout, b"completeness completion\n", "{output:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = TempDir::new().expect("a folder");
    let pages = folder.path().join("man1");
    assert_eq!(run(NOBODY, &["man", &pages.display().to_string()]).output(), "");
    for name in ["phuxanh", "phuxanh-lowest", "phuxanh-pki-revoke", "phuxanh-man"] {
        let page = fs::read_to_string(pages.join(format!("{name}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let complaint = run(NOBODY, &["man", &file.display().to_string()]).failure(1);
    assert!(complaint.contains(&file.display().to_string()), "{complaint}");
}
