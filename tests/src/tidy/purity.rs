//! Rule 1: the core and the pure modules beside it decide without a clock, a socket, a file or a
//! task.
//!
//! That the core has no runtime, no wire and no store is checked where the compiler looks too, in
//! its resolved dependencies. The tokens tell what the standard library offers to everybody, and
//! what the pure modules of crates with a shell could name.

use super::{Source, Token, Tree, Violation};

/// Crates that are not among the core's dependencies, in no depth.
pub const NOT_IN_CORE: [&str; 7] = ["tokio", "tonic", "prost", "redb", "redis", "clap", "tracing"];

/// The pure modules, each a file and the folder of the same name; `*` continues a name.
pub const PURE: [&str; 8] = [
    CORE,
    "aggregator/src/store/redis/evidence",
    "aggregator/src/store/redis/inspect",
    "collector/src/source/refusal",
    "collector/src/source/settling",
    "collector/src/source/table",
    "collector/src/source/value",
    CONTRACT,
];
const CORE: &str = "crates/core/src/*";
const CONTRACT: &str = "proto/src/*";

/// Names that no pure module uses.
const IMPURE: [&str; 2] = ["Instant::now", "SystemTime"];
const IMPURE_STD: [&str; 5] = ["env", "fs", "net", "process", "thread"];
/// Names that modules outside the shell do not use.
const SHELL: [&str; 5] = ["tokio", "tonic", "prost", "redis", "async"];
/// The contract is where messages and values meet.
const WIRE: [&str; 2] = ["tonic", "prost"];

/// Names of the forbidden crates among the lines of `cargo tree --prefix none`.
#[must_use]
pub fn forbidden_in_core(dependencies: &str) -> Vec<&str> {
    let names = dependencies.lines().filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| {
            let family = |crate_name: &&str| {
                let rest = name.strip_prefix(*crate_name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            };
            NOT_IN_CORE.iter().any(family)
        })
        .collect()
}

/// Pure modules name no I/O, no clock and no runtime.
#[must_use]
pub fn pure_modules_name_no_io(tree: &Tree) -> Vec<Violation> {
    let pure = tree.sources.iter().filter(|source| belongs(&source.path, &PURE));
    pure.flat_map(|source| {
        let is_contract = belongs(&source.path, &[CONTRACT]);
        let allowed = |word: &str| is_contract && WIRE.contains(&word);
        let words = IMPURE.into_iter().chain(SHELL.into_iter().filter(|word| !allowed(word)));
        let named = words.flat_map(|word| violations(source, source.find(word), word));
        let modules = IMPURE_STD.into_iter().flat_map(|module| {
            violations(source, source.find_std(module), &format!("std::{module}"))
        });
        named.chain(modules).collect::<Vec<_>>()
    })
    .collect()
}

/// Every pure module is there, so that renaming one does not free it of the rule.
#[must_use]
pub fn pure_modules_exist(tree: &Tree) -> Vec<Violation> {
    let missing = PURE
        .into_iter()
        .filter(|module| !tree.sources.iter().any(|source| belongs(&source.path, &[module])));
    missing
        .map(|module| Violation {
            path: format!("{module}.rs"),
            line: 1,
            message: "this pure module is missing: name its new place in the rule".to_owned(),
        })
        .collect()
}

fn violations(source: &Source, found: Vec<&Token>, word: &str) -> Vec<Violation> {
    let violation = |token: &Token| Violation {
        path: source.path.clone(),
        line: token.line,
        message: format!("a pure module names {word}"),
    };
    found.into_iter().map(violation).collect()
}

/// True if a file is one of these modules or lies in the folder of one.
pub(super) fn belongs(path: &str, modules: &[&str]) -> bool {
    let file = path.strip_suffix(".rs").unwrap_or(path);
    modules.iter().any(|module| match module.strip_suffix('*') {
        Some(beginning) => file.starts_with(beginning),
        None => {
            file.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{super::planted::verdict, *};

    #[test]
    fn each_impure_word_is_found_where_it_is_planted() {
        let cases = [
            ("use tokio::sync::mpsc;", "1: a pure module names tokio"),
            ("\nfn f() -> tonic::Status {}", "2: a pure module names tonic"),
            ("use prost::Message;", "1: a pure module names prost"),
            ("use redis::Client;", "1: a pure module names redis"),
            ("async fn f() {}", "1: a pure module names async"),
            ("fn f() { Instant::now(); }", "1: a pure module names Instant::now"),
            ("use std::time::SystemTime;", "1: a pure module names SystemTime"),
            ("use std::fs;", "1: a pure module names std::fs"),
            ("use std::{\n    fmt,\n    net::IpAddr,\n};", "3: a pure module names std::net"),
            ("fn f() { std::env::var(a); }", "1: a pure module names std::env"),
        ];
        for (text, expected) in cases {
            for path in ["crates/core/src/figures/a.rs", "collector/src/source/table.rs"] {
                assert_eq!(verdict(pure_modules_name_no_io, path, text), [expected], "{text}");
            }
        }
    }

    #[test]
    fn a_forbidden_dependency_is_named_with_its_family() {
        let tree = "phuxanh-core v0.1.0 (here)\nserde v1.0.228\ntracing-core v0.1.36\nredbird v1.0.0\n\
                    tokio v1.0.0 (*)\nprost-derive v0.14.6 (proc-macro)\n";
        assert_eq!(forbidden_in_core(tree), ["tracing-core", "tokio", "prost-derive"]);
    }

    #[test]
    fn shells_and_the_wires_own_modules_are_free() {
        let text = "async fn f() { tokio::spawn(g()); }";
        assert_eq!(verdict(pure_modules_name_no_io, "aggregator/src/ingest.rs", text), [""; 0]);
        let wire = "fn f() -> Result<(), prost::DecodeError> {}";
        let in_proto = |path| verdict(pure_modules_name_no_io, path, wire).len();
        assert_eq!(in_proto("proto/src/convert/batch.rs"), 0);
        let core = "crates/core/src/catalogue.rs";
        assert_eq!(verdict(pure_modules_name_no_io, core, wire).len(), 1);
    }

    #[test]
    fn a_pure_module_that_moved_away_is_missed() {
        let tree = Tree::new(vec![("proto/src/lib.rs".into(), String::new())]).expect("it parses");
        let missing: Vec<_> =
            pure_modules_exist(&tree).into_iter().map(|found| found.path).collect();
        assert!(missing.contains(&"collector/src/source/value.rs".to_owned()));
        assert!(!missing.iter().any(|path| path.starts_with("proto/")));
    }

    #[test]
    fn a_module_is_its_file_and_its_folder() {
        let belongs = |path: &str| belongs(path, &["a/src/fold", "a/src/rank*"]);
        for path in ["a/src/fold.rs", "a/src/fold/cells.rs", "a/src/ranking.rs", "a/src/rank/x.rs"]
        {
            assert!(belongs(path), "{path}");
        }
        for path in ["a/src/folder.rs", "b/src/fold.rs", "a/src/frank.rs"] {
            assert!(!belongs(path), "{path}");
        }
    }
}
