//! Rules 2 to 6: what may be named where, and that nothing grows or is shared without bound.

use super::{Source, Token, Tree, Violation, purity::belongs};

/// The only modules that hold wire and at-rest types.
const WIRE: [&str; 16] = [
    "aggregator/src/checkpoint*",
    "aggregator/src/ingest*",
    "aggregator/src/mesh/at_rest",
    "aggregator/src/mesh/service",
    "aggregator/src/query*",
    "aggregator/src/server",
    "aggregator/src/server/health",
    "aggregator/src/store*",
    "aggregator/src/transfer/file",
    "cli/*",
    "collector/src/delivery*",
    "crates/answers*",
    "demo/*",
    "proto/build",
    "proto/src/convert*",
    "proto/src/lib",
];

/// Rule 2: wire types appear only in the service shells, at-rest encodings and conversions.
#[must_use]
pub fn wire_types_stay_outside(tree: &Tree) -> Vec<Violation> {
    let inner =
        tree.sources.iter().filter(|source| !source.is_test() && !belongs(&source.path, &WIRE));
    named(inner, &["v1::", "v1;"], |_| "a wire type is named outside the edges".to_owned())
}

/// Rule 3: what decides and sends acknowledgements does not know the cache, and the cache does
/// not know them. That an acknowledgement follows the commit is the session's own test.
#[must_use]
pub fn acknowledgements_know_no_cache(tree: &Tree) -> Vec<Violation> {
    let acknowledging = ["crates/core/src/delivery*", "aggregator/src/ingest*"];
    let acknowledges = tree.sources.iter().filter(|source| belongs(&source.path, &acknowledging));
    let caches = tree
        .sources
        .iter()
        .filter(|source| belongs(&source.path, &["aggregator/src/store/redis/cache*"]));
    let mut found = named(acknowledges, &["cache", "Cache"], |_| {
        "what acknowledges names the cache".to_owned()
    });
    found.extend(named(caches, &["Ack", "ack"], |_| {
        "the cache names an acknowledgement".to_owned()
    }));
    found
}

/// Rule 4: no queue without a bound, and no bound without a name.
#[must_use]
pub fn every_queue_has_a_named_bound(tree: &Tree) -> Vec<Violation> {
    let unbounded = ["unbounded_channel", "UnboundedSender", "UnboundedReceiver", "unbounded"];
    let mut found = named(product(tree), &unbounded, |word| format!("{word}: a queue has a bound"));
    found.extend(named(product(tree), &["std::sync::mpsc"], |_| {
        "std::sync::mpsc: its channel has no bound".to_owned()
    }));
    for source in product(tree) {
        let queues = ["mpsc::channel", "broadcast::channel"].map(|name| source.places(name));
        for at in queues.into_iter().flatten() {
            let depth = source.tokens[at].depth;
            let argument = source.tokens[at..].iter().find(|token| token.depth > depth);
            if argument.is_some_and(is_number) {
                let message = "the bound of a queue has a name".to_owned();
                found.push(violation(source, &source.tokens[at], message));
            }
        }
    }
    found
}

/// Files that lock, each for a reason that stands beside its lock.
const LOCKING: [&str; 4] = [
    "aggregator/src/ingest/quotas.rs",
    "aggregator/src/keeper.rs",
    "aggregator/src/query/heavy.rs",
    "aggregator/src/query/recent_views.rs",
];

/// Rule 5: mutable state has one owning task, so nothing is locked.
#[must_use]
pub fn state_has_one_owner(tree: &Tree) -> Vec<Violation> {
    let locks = ["Mutex", "RwLock", "static mut"];
    let daemons = ["aggregator/", "collector/", "crates/"];
    let sources = daemons.into_iter().flat_map(|folder| tree.sources_below(folder));
    let sources = sources.filter(|source| !LOCKING.contains(&source.path.as_str()));
    named(sources, &locks, |word| format!("{word}: state has one owning task"))
}

/// Rule 6: the two daemons know only the contract.
#[must_use]
pub fn daemons_do_not_import_each_other(tree: &Tree) -> Vec<Violation> {
    let pairs = [("collector/", "aggregator"), ("aggregator/", "collector")];
    let mut found = Vec::new();
    for (folder, other) in pairs {
        let message = |_: &str| format!("{folder} imports the {other}");
        found.extend(named(tree.sources_below(folder), &[&format!("phuxanh_{other}")], message));
        let manifest = format!("{folder}Cargo.toml");
        let text = tree.texts.iter().find(|(path, _)| *path == manifest);
        let lines = text.iter().flat_map(|(_, text)| text.lines().enumerate());
        for (index, _) in lines.filter(|(_, line)| line.contains(&format!("phuxanh-{other}"))) {
            let message = format!("{folder} depends on the {other}");
            found.push(Violation { path: manifest.clone(), line: index + 1, message });
        }
    }
    found
}

/// Each question is answered behind the check of its reach.
#[must_use]
pub fn questions_are_answered_in_one_place(tree: &Tree) -> Vec<Violation> {
    let services = tree.sources_below("aggregator/src/query/").filter(|it| !it.is_test());
    let message =
        |_: &str| "answer by Context::light or Context::heavy, which check the role".to_owned();
    named(services, &["Response::new"], message)
}

/// Rule 6: the command line is read in one place.
#[must_use]
pub fn only_main_knows_clap(tree: &Tree) -> Vec<Violation> {
    let others = tree.sources.iter().filter(|source| {
        let is_command_line = matches!(source.name(), "main.rs" | "args.rs");
        !is_command_line && !source.path.contains("/args/") && !source.is_test()
    });
    named(others, &["clap"], |_| "clap belongs in main.rs and args.rs".to_owned())
}

/// Rule 6: errors without a type stay where nobody handles them.
#[must_use]
pub fn anyhow_stays_at_the_top(tree: &Tree) -> Vec<Violation> {
    let inner = product(tree).filter(|source| {
        source.name() != "main.rs" && !belongs(&source.path, &["cli/*", "demo/*"])
    });
    named(inner, &["anyhow"], |_| "anyhow belongs in main.rs, cli, tests and demo".to_owned())
}

/// Everything but the tests.
fn product(tree: &Tree) -> impl Iterator<Item = &Source> {
    tree.sources.iter().filter(|source| !source.is_test())
}

fn named<'a>(
    sources: impl Iterator<Item = &'a Source>,
    patterns: &[&str],
    message: impl Fn(&str) -> String,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for pattern in patterns {
            let tokens = source.find(pattern);
            found.extend(tokens.iter().map(|token| violation(source, token, message(pattern))));
        }
    }
    found
}

fn violation(source: &Source, token: &Token, message: String) -> Violation {
    Violation { path: source.path.clone(), line: token.line, message }
}

fn is_number(token: &Token) -> bool {
    token.text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{super::planted::verdict, *};

    const NONE: [&str; 0] = [];

    #[test]
    fn wire_types_are_found_in_the_core_only() {
        let rule = wire_types_stay_outside;
        let expected = ["1: a wire type is named outside the edges"];
        assert_eq!(
            verdict(rule, "crates/core/src/figures/view.rs", "use phuxanh_proto::v1;"),
            expected
        );
        assert_eq!(verdict(rule, "collector/src/spool.rs", "fn f(b: v1::Batch) {}"), expected);
        for path in ["aggregator/src/query/ranking.rs", "collector/src/delivery.rs", "cli/src/a.rs"]
        {
            assert_eq!(verdict(rule, path, "use phuxanh_proto::v1::Batch;"), NONE, "{path}");
        }
    }

    #[test]
    fn the_cache_and_the_acknowledgements_are_kept_apart() {
        let rule = acknowledgements_know_no_cache;
        assert_eq!(
            verdict(rule, "aggregator/src/ingest/session.rs", "\ncache.put(a);"),
            ["2: what acknowledges names the cache"]
        );
        assert_eq!(
            verdict(rule, "aggregator/src/store/redis/cache.rs", "fn f(a: Ack) {}"),
            ["1: the cache names an acknowledgement"]
        );
    }

    #[test]
    fn queues_need_a_bound_with_a_name() {
        let rule = every_queue_has_a_named_bound;
        let path = "aggregator/src/ingest.rs";
        let cases = [
            ("mpsc::unbounded_channel()", "1: unbounded_channel: a queue has a bound"),
            ("use std::sync::mpsc;", "1: std::sync::mpsc: its channel has no bound"),
            ("let (a, b) = mpsc::channel(16);", "1: the bound of a queue has a name"),
            ("let c = broadcast::channel::<u8>(1_000);", "1: the bound of a queue has a name"),
        ];
        for (text, expected) in cases {
            assert_eq!(verdict(rule, path, text), [expected], "{text}");
        }
        for text in ["mpsc::channel(FRAMES_MAX)", "watch::channel(0)", "mpsc::channel::<u8>(n)"] {
            assert_eq!(verdict(rule, path, text), NONE, "{text}");
        }
    }

    #[test]
    fn locks_are_found_in_the_daemons() {
        let rule = state_has_one_owner;
        let text = "struct A(Arc<Mutex<u8>>);";
        let expected = ["1: Mutex: state has one owning task"];
        assert_eq!(verdict(rule, "crates/core/src/figures/view.rs", text), expected);
        assert_eq!(verdict(rule, "tests/src/harness.rs", text), NONE);
        assert_eq!(verdict(rule, "aggregator/src/query/recent_views.rs", text), NONE);
    }

    #[test]
    fn an_import_of_the_other_daemon_is_found() {
        let rule = daemons_do_not_import_each_other;
        assert_eq!(
            verdict(rule, "collector/src/spool.rs", "use phuxanh_aggregator::store;"),
            ["1: collector/ imports the aggregator"]
        );
        assert_eq!(
            verdict(rule, "aggregator/Cargo.toml", "[dependencies]\nphuxanh-collector = {}"),
            ["2: aggregator/ depends on the collector"]
        );
    }

    #[test]
    fn clap_and_anyhow_are_found_away_from_the_top() {
        let text = "use clap::Parser;";
        let expected = ["1: clap belongs in main.rs and args.rs"];
        assert_eq!(verdict(only_main_knows_clap, "collector/src/config.rs", text), expected);
        assert_eq!(verdict(only_main_knows_clap, "collector/src/args.rs", text), NONE);
        let text = "fn f() -> anyhow::Result<()> {}";
        let expected = ["1: anyhow belongs in main.rs, cli, tests and demo"];
        assert_eq!(verdict(anyhow_stays_at_the_top, "proto/src/convert.rs", text), expected);
        for path in ["aggregator/src/main.rs", "cli/src/table.rs", "tests/tidy.rs"] {
            assert_eq!(verdict(anyhow_stays_at_the_top, path, text), NONE, "{path}");
        }
    }
}
