//! Logs are read by programs: their fields are numbers and strings, and so is what errors put there.

use super::{Source, Token, Tree, Violation, form::is_attribute};

const MACROS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "event"];

/// Forms of Rust's `Debug` in a text.
const DEBUG_FORMS: [&str; 2] = [":?}", ":#?}"];

/// No debug form reaches a log: neither as a field, nor in a message, nor in an error's text.
#[must_use]
pub fn no_debug_form_is_logged(tree: &Tree) -> Vec<Violation> {
    let found_in = |source: &Source| -> Vec<Violation> {
        let lines = MACROS.iter().flat_map(|name| source.places(&format!("{name}!")));
        let texts = source.places("error").into_iter().filter(|at| is_attribute(source, *at));
        let starts = lines.map(|at| at + 2).chain(texts.map(|at| at + 1));
        let inside = starts.flat_map(|open| group(source, open));
        inside.filter_map(|pair| violation(source, pair)).collect()
    };
    tree.sources.iter().flat_map(found_in).collect()
}

/// Neighbours within the brackets that open at `open`.
fn group(source: &Source, open: usize) -> impl Iterator<Item = [&Token; 2]> {
    let is_open = source.tokens.get(open).is_some_and(|token| token.text == "(");
    let depth = source.tokens.get(open).map_or(0, |token| token.depth);
    let pairs = source.tokens[open.min(source.tokens.len())..].windows(2);
    pairs
        .map(|pair| [&pair[0], &pair[1]])
        .take_while(move |[_, token]| is_open && token.depth > depth)
}

fn violation(source: &Source, [before, token]: [&Token; 2]) -> Option<Violation> {
    // `?field` stands where a value begins; the `?` of an early return stands behind one.
    let is_field = token.text == "?" && matches!(before.text.as_str(), "(" | "," | "=");
    let is_text = token.text.starts_with('"') || token.text.starts_with("r#");
    let has_form = is_text && DEBUG_FORMS.iter().any(|form| token.text.contains(form));
    ((is_field || has_form) && !token.is_test).then(|| Violation {
        path: source.path.clone(),
        line: token.line,
        message: "a debug form in a log: use a number, a string or Display".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::planted::verdict, *};

    #[test]
    fn debug_forms_in_logs_are_found() {
        let rule = no_debug_form_is_logged;
        let expected = ["1: a debug form in a log: use a number, a string or Display"];
        for text in [
            "fn f() { warn!(?cause, \"link closed\"); }",
            "fn f() { tracing::info!(%file, code = ?status.code(), \"refused\"); }",
            "fn f() { debug!(\"cause {cause:?}\"); }",
            "fn f() { error!(text = format!(\"{:#?}\", cause), \"failed\"); }",
            "#[error(\"no frame came for {0:?}\")] struct E;",
        ] {
            assert_eq!(verdict(rule, "cli/src/a.rs", text), expected, "{text}");
        }
        for text in [
            "fn f() { warn!(%cause, count = list()?, \"link closed\"); }",
            "fn f() { let text = format!(\"{cause:?}\"); }",
            "#[cfg(test)]\nmod tests { fn f() { warn!(?cause, \"link closed\"); } }",
        ] {
            assert_eq!(verdict(rule, "cli/src/a.rs", text), [""; 0], "{text}");
        }
    }
}
