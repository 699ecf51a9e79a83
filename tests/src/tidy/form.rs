//! Rule 7 and the style that goes with it: sizes, names, reasons, and what tests leave out.

use super::{Source, Token, Tree, Violation};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const MAIN_LINES_MAX: usize = 60;

/// Names that say nothing of what a file owns.
const EMPTY_NAMES: [&str; 4] = ["mod.rs", "utils.rs", "common.rs", "types.rs"];

/// The one file of a crate's tests that waits: it polls a condition with a deadline.
const WAITING: &str = "eventually.rs";

/// Rule 7: no long file.
#[must_use]
pub fn files_are_short(tree: &Tree) -> Vec<Violation> {
    let lengths = tree.texts.iter().filter(|(path, _)| is_code(path));
    let long = lengths.map(|(path, text)| (path, text.lines().count(), max_lines(path)));
    long.filter(|(_, count, max)| count > max)
        .map(|(path, count, max)| Violation {
            path: path.clone(),
            line: max + 1,
            message: format!("{count} lines, at most {max}"),
        })
        .collect()
}

/// Rule 7: no long function.
#[must_use]
pub fn functions_are_short(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for function in source.functions() {
            if function.line_count > FUNCTION_LINES_MAX {
                found.push(Violation {
                    path: source.path.clone(),
                    line: function.line,
                    message: format!(
                        "{} has {} lines, at most {FUNCTION_LINES_MAX}",
                        function.name, function.line_count
                    ),
                });
            }
        }
    }
    found
}

/// Rule 7: whoever switches a lint off says why.
#[must_use]
pub fn switched_off_lints_have_a_reason(tree: &Tree) -> Vec<Violation> {
    everywhere(tree, |source| {
        let attributes = ["allow", "expect"].into_iter().flat_map(|word| source.places(word));
        let without = attributes.filter(|at| is_attribute(source, *at) && !has_reason(source, *at));
        without
            .map(|at| (&source.tokens[at], "a lint is switched off without a reason".to_owned()))
            .collect()
    })
}

/// Files are named by what they own.
#[must_use]
pub fn files_are_named_by_what_they_own(tree: &Tree) -> Vec<Violation> {
    let empty = tree.sources.iter().filter(|source| EMPTY_NAMES.contains(&source.name()));
    empty
        .map(|source| Violation {
            path: source.path.clone(),
            line: 1,
            message: format!("{} says nothing: name what it owns", source.name()),
        })
        .collect()
}

/// The product says why something cannot fail, instead of unwrapping it.
#[must_use]
pub fn nothing_is_unwrapped(tree: &Tree) -> Vec<Violation> {
    everywhere(tree, |source| {
        let found = source.find(".unwrap()").into_iter().filter(|token| !token.is_test);
        found.map(|token| (token, "expect(\"the invariant\") instead".to_owned())).collect()
    })
}

/// Every test runs.
#[must_use]
pub fn no_test_is_ignored(tree: &Tree) -> Vec<Violation> {
    everywhere(tree, |source| {
        let places = source.places("ignore").into_iter().filter(|at| is_attribute(source, *at));
        places.map(|at| (&source.tokens[at], "every test runs".to_owned())).collect()
    })
}

/// Tests wait for a condition with a deadline, not for a span.
#[must_use]
pub fn tests_do_not_sleep(tree: &Tree) -> Vec<Violation> {
    everywhere(tree, |source| {
        if source.name() == WAITING {
            return Vec::new();
        }
        let found = source.find("sleep").into_iter().chain(source.find("sleep_until"));
        found
            .filter(|token| token.is_test)
            .map(|token| (token, "wait for a condition with a deadline".to_owned()))
            .collect()
    })
}

/// Nothing names a folder of the machine that somebody worked on.
#[must_use]
pub fn no_path_of_a_machine(tree: &Tree) -> Vec<Violation> {
    let folders = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for (path, text) in &tree.texts {
        for (index, line) in text.lines().enumerate() {
            for folder in folders.iter().filter(|folder| line.contains(folder.as_str())) {
                let message = format!("{folder} is a folder of one machine");
                found.push(Violation { path: path.clone(), line: index + 1, message });
            }
        }
    }
    found
}

fn everywhere(tree: &Tree, find: impl Fn(&Source) -> Vec<(&Token, String)>) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for (token, message) in find(source) {
            found.push(Violation { path: source.path.clone(), line: token.line, message });
        }
    }
    found
}

fn is_code(path: &str) -> bool {
    let extensions = ["rs", "proto", "py", "sh", "js", "css", "html", "lua"];
    super::extension(path).is_none_or(|extension| extensions.contains(&extension))
}

fn max_lines(path: &str) -> usize {
    if path.ends_with("/src/main.rs") { MAIN_LINES_MAX } else { FILE_LINES_MAX }
}

/// True if the word at `at` begins an attribute: `#[word` or `#![word`.
pub(super) fn is_attribute(source: &Source, at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| source.tokens[at].text.as_str());
    before(1) == Some("[") && matches!(before(2), Some("#" | "!"))
}

/// True if the attribute at `at` holds `reason = …`.
fn has_reason(source: &Source, at: usize) -> bool {
    let depth = source.tokens[at].depth;
    let attribute = source.tokens[at..].iter().take_while(|token| token.depth >= depth);
    attribute.filter(|token| token.depth > depth).any(|token| token.text == "reason")
}

#[cfg(test)]
mod tests {
    use super::{super::planted::verdict, *};

    const NONE: [&str; 0] = [];

    #[test]
    fn a_long_file_is_found_and_main_sooner() {
        let lines = |count: usize| "//\n".repeat(count);
        let verdict = |path, count| verdict(files_are_short, path, &lines(count));
        assert_eq!(verdict("cli/src/table.rs", 501), ["501: 501 lines, at most 500"]);
        assert_eq!(verdict("deploy/examples/a.py", 501), ["501: 501 lines, at most 500"]);
        assert_eq!(verdict("cli/src/main.rs", 61), ["61: 61 lines, at most 60"]);
        assert_eq!(verdict("cli/src/table.rs", 500), NONE);
        assert_eq!(verdict("README.md", 501), NONE);
    }

    #[test]
    fn a_long_function_is_found() {
        let function = |count: usize| format!("\nfn long() {{{}}}", "\n".repeat(count - 1));
        let verdict = |count| verdict(functions_are_short, "cli/src/a.rs", &function(count));
        assert_eq!(verdict(71), ["2: long has 71 lines, at most 70"]);
        assert_eq!(verdict(70), NONE);
    }

    #[test]
    fn a_lint_switched_off_silently_is_found() {
        let rule = switched_off_lints_have_a_reason;
        let expected = ["1: a lint is switched off without a reason"];
        for text in ["#[allow(dead_code)] fn f() {}", "#![expect(clippy::pedantic)]"] {
            assert_eq!(verdict(rule, "cli/src/a.rs", text), expected, "{text}");
        }
        for text in
            ["#[allow(dead_code, reason = \"why\")] fn f() {}", "fn f() { a.expect(\"b\"); }"]
        {
            assert_eq!(verdict(rule, "cli/src/a.rs", text), NONE, "{text}");
        }
    }

    #[test]
    fn empty_names_are_found() {
        let rule = files_are_named_by_what_they_own;
        let expected = ["1: utils.rs says nothing: name what it owns"];
        assert_eq!(verdict(rule, "cli/src/utils.rs", ""), expected);
        assert_eq!(verdict(rule, "cli/src/model.rs", ""), NONE);
    }

    #[test]
    fn unwrap_is_found_outside_tests() {
        let text = "fn f() { g().unwrap(); }\n#[cfg(test)]\nmod tests { fn f() { g().unwrap(); } }";
        let verdict = |path| verdict(nothing_is_unwrapped, path, text);
        assert_eq!(verdict("cli/src/a.rs"), ["1: expect(\"the invariant\") instead"]);
        assert_eq!(verdict("tests/crash.rs"), NONE);
    }

    #[test]
    fn ignored_tests_and_sleeps_are_found() {
        let ignored = "#[test]\n#[ignore = \"slow\"]\nfn f() {}";
        assert_eq!(verdict(no_test_is_ignored, "tests/a.rs", ignored), ["2: every test runs"]);
        let sleeping = "async fn f() { tokio::time::sleep(SPAN).await; }";
        let expected = ["1: wait for a condition with a deadline"];
        assert_eq!(verdict(tests_do_not_sleep, "tests/crash.rs", sleeping), expected);
        for path in ["tests/src/harness/eventually.rs", "collector/src/delivery.rs"] {
            assert_eq!(verdict(tests_do_not_sleep, path, sleeping), NONE, "{path}");
        }
    }

    #[test]
    fn a_folder_of_a_machine_is_found() {
        let text = format!("one\ncd /{}/somebody/project\n", "home");
        let expected = [format!("2: /{}/ is a folder of one machine", "home")];
        assert_eq!(verdict(no_path_of_a_machine, "README.md", &text), expected);
    }
}
