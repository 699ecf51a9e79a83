//! Help in both languages.

use crate::{command, run};

/// Nobody is asked for these.
const NOBODY: &str = "http://127.0.0.1:1";
/// Characters of a line where no terminal tells.
const COLUMNS: usize = 80;
/// Words without which English says little. None of them is a word or a name in Vietnamese help.
const ENGLISH: [&str; 18] = [
    "the",
    "of",
    "or",
    "and",
    "with",
    "for",
    "which",
    "default",
    "possible",
    "values",
    "env",
    "Usage",
    "Options",
    "Commands",
    "Arguments",
    "Print",
    "List",
    "Show",
];

/// Help of a command and of all that it holds: its words, and the text.
fn helps(language: &str, path: &[&str], found: &mut Vec<(String, String)>) {
    let args = [&["--lang", language, "help"], path].concat();
    let help = run(NOBODY, &args).output();
    let listed = help.lines().skip_while(|line| !["Lệnh:", "Commands:"].contains(line)).skip(1);
    let begun =
        listed.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names =
        begun.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    for name in names.filter(|name| *name != "help") {
        helps(language, &[path, &[name]].concat(), found);
    }
    found.push((path.join(" "), help));
}

#[test]
fn no_help_is_wider_than_a_terminal() {
    for language in ["vi", "en"] {
        let mut found = Vec::new();
        helps(language, &[], &mut found);
        assert!(found.len() > 35, "{}", found.len());
        for (path, help) in found {
            let wide = help.lines().find(|line| line.chars().count() > COLUMNS);
            assert_eq!(wide, None, "{language} {path}");
        }
    }
}

#[test]
fn vietnamese_help_holds_no_english() {
    let mut found = Vec::new();
    helps("vi", &[], &mut found);
    for (path, help) in found {
        assert!(help.contains("Cách dùng: phuxanh"), "{path}: {help}");
        assert!(help.contains("Xem hướng dẫn"), "{path}: {help}");
        let words = help.split(|letter: char| !letter.is_alphanumeric());
        let english: Vec<_> = words.filter(|word| ENGLISH.contains(word)).collect();
        assert!(english.is_empty(), "{path}: {english:?}\n{help}");
    }
}

#[test]
fn help_speaks_the_language_of_the_locale() {
    let told = |locale: &str, args: &[&str]| {
        let output = command(NOBODY, args).env("LANG", locale).output().expect("phuxanh runs");
        String::from_utf8(output.stdout).expect("stdout is UTF-8")
    };
    assert!(told("vi_VN.UTF-8", &["lowest", "-h"]).contains("Tùy chọn:"));
    assert!(told("vi_VN.UTF-8", &["lowest", "-h", "--lang=en"]).contains("Options:"));
    assert!(told("C.UTF-8", &["lowest", "-h"]).contains("Options:"));
    assert!(
        told("C.UTF-8", &["--lang", "vi"]).is_empty(),
        "help instead of a command is a complaint"
    );
}

#[test]
fn values_and_defaults_are_told_in_both_lengths() {
    let short = run(NOBODY, &["--lang", "vi", "lowest", "-h"]).output();
    let short = short.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        short.contains("[mặc định: table] [giá trị: table, wide, json, csv, xlsx, md]"),
        "{short}"
    );
    let long = run(NOBODY, &["lowest", "--help"]).output();
    for line in
        ["- csv: Comma-separated values of one table", "[default: table]", "- city: Thành phố"]
    {
        assert!(long.contains(line), "{line}: {long}");
    }
    assert!(!long.contains("Xếp hạng"), "{long}");
}

#[test]
fn completions_are_described_in_the_language() {
    let fish = |language| run(NOBODY, &["--lang", language, "completion", "fish"]).output();
    assert!(fish("vi").contains("Xếp đơn vị cao nhất lên đầu") && !fish("vi").contains(" vi: "));
    assert!(
        fish("en").contains("Put the highest first")
            && fish("en").contains("Workbook with a sheet")
    );
}
