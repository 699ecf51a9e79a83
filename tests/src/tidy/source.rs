//! A Rust file as a list of tokens with lines, without comments and with strings as one token.

use anyhow::anyhow;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// An identifier, a literal as written, one character of punctuation, or a bracket.
    pub text: String,
    /// Line from 1.
    pub line: usize,
    /// Number of open brackets around it; a bracket itself lies outside.
    pub depth: usize,
    /// True if only a test build holds it.
    pub is_test: bool,
}

/// A Rust file.
#[derive(Debug)]
pub struct Source {
    /// Path from the root of the tree.
    pub path: String,
    pub line_count: usize,
    pub tokens: Vec<Token>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Line of its `fn`.
    pub line: usize,
    /// Lines from its `fn` to its closing bracket, both counted.
    pub line_count: usize,
}

impl Source {
    /// Reads a file's text.
    pub fn parse(path: &str, text: &str) -> anyhow::Result<Self> {
        let line_count = text.lines().count();
        let mut source = Self { path: path.to_owned(), line_count, tokens: tokenise(text)? };
        if source.is_test() {
            source.tokens.iter_mut().for_each(|token| token.is_test = true);
        } else {
            mark_tests(&mut source);
        }
        Ok(source)
    }

    /// True if the whole file is only there for tests.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// The file's name without its folders.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The first token of every place that reads like `pattern`, which is Rust text.
    #[must_use]
    pub fn find(&self, pattern: &str) -> Vec<&Token> {
        self.places(pattern).into_iter().map(|at| &self.tokens[at]).collect()
    }

    /// Every place of the path `std::module`, also within `use std::{…}`.
    #[must_use]
    pub fn find_std(&self, module: &str) -> Vec<&Token> {
        let mut found = self.find(&format!("std::{module}"));
        for at in self.places("std::") {
            let group = &self.tokens[at + 3..];
            if group.first().is_some_and(|token| token.text == "{") {
                let depth = self.tokens[at].depth + 1;
                let inside = group[1..].iter().take_while(|token| token.depth >= depth);
                found.extend(inside.filter(|token| token.depth == depth && token.text == module));
            }
        }
        found
    }

    /// Index of the first token of every place that reads like `pattern`.
    pub(super) fn places(&self, pattern: &str) -> Vec<usize> {
        let pattern = tokenise(pattern).expect("patterns are Rust text");
        let reads_alike = |at: &usize| {
            let mut pairs = self.tokens[*at..].iter().zip(&pattern);
            pairs.all(|(token, wanted)| token.text == wanted.text)
        };
        let last = (self.tokens.len() + 1).saturating_sub(pattern.len());
        (0..last).filter(reads_alike).collect()
    }

    /// Every function with a body.
    #[must_use]
    pub fn functions(&self) -> Vec<Function> {
        let starts = self.tokens.iter().enumerate().filter(|(_, token)| token.text == "fn");
        starts.filter_map(|(at, token)| self.function(at, token)).collect()
    }

    fn function(&self, at: usize, start: &Token) -> Option<Function> {
        let name = self.tokens.get(at + 1).filter(|token| token.text != "(")?;
        let end = item_end(&self.tokens, at)?;
        (self.tokens[end].text == "}").then(|| Function {
            name: name.text.clone(),
            line: start.line,
            line_count: self.tokens[end].line - start.line + 1,
        })
    }
}

fn tokenise(text: &str) -> anyhow::Result<Vec<Token>> {
    let stream: TokenStream =
        text.parse().map_err(|error| anyhow!("these are no Rust tokens: {error}"))?;
    let mut tokens = Vec::new();
    flatten(stream, 0, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, depth: usize, tokens: &mut Vec<Token>) {
    let token = |text: String, line| Token { text, line, depth, is_test: false };
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                tokens.push(token(open.to_owned(), line));
                flatten(group.stream(), depth + 1, tokens);
                tokens.push(token(close.to_owned(), group.span_close().end().line));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                tokens.push(token(tree.to_string(), line));
            }
        }
    }
}

const fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Place of the `}` or `;` that ends the item that begins at `start`.
fn item_end(tokens: &[Token], start: usize) -> Option<usize> {
    let depth = tokens[start].depth;
    let ends = |token: &Token| token.depth == depth && matches!(token.text.as_str(), "}" | ";");
    tokens[start..].iter().position(ends).map(|length| start + length)
}

/// Marks every item under `#[cfg(test)]` or `#[test]`.
fn mark_tests(source: &mut Source) {
    for attribute in ["#[cfg(test)]", "#[test]", "#[tokio::test]"] {
        for start in source.places(attribute) {
            let end = item_end(&source.tokens, start).unwrap_or(source.tokens.len() - 1);
            source.tokens[start..=end].iter_mut().for_each(|token| token.is_test = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"//! Speaks of tokio.
use std::{fmt, fs::File, io::{self, net}};

/// Speaks of tonic.
fn first(width: [u8; 2]) -> &'static str {
    // prost
    let text = r#"redis } "#;
    text
}

trait Shape {
    fn open(&self);
}

#[cfg(test)]
mod tests {
    #[test]
    fn second() { first([0; 2]).parse::<u8>().unwrap(); }
}

fn third(call: fn(u8) -> u8) {}
"##;

    fn source() -> Source {
        Source::parse("proto/src/x.rs", TEXT).expect("it parses")
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        for word in ["tokio", "tonic", "prost", "redis"] {
            assert_eq!(source().find(word), Vec::<&Token>::new(), "{word}");
        }
    }

    #[test]
    fn modules_of_std_are_found_in_groups() {
        let lines = |module: &str| -> Vec<usize> {
            source().find_std(module).iter().map(|token| token.line).collect()
        };
        assert_eq!(lines("fs"), [2]);
        assert_eq!(lines("net"), Vec::<usize>::new());
    }

    #[test]
    fn functions_are_measured_from_fn_to_bracket() {
        let found: Vec<_> = source()
            .functions()
            .into_iter()
            .map(|function| (function.name, function.line, function.line_count))
            .collect();
        let expected = [("first", 5, 5), ("second", 18, 1), ("third", 21, 1)];
        assert_eq!(found, expected.map(|(name, line, count)| (name.to_owned(), line, count)));
    }

    #[test]
    fn only_what_a_test_build_holds_is_test() {
        let source = source();
        let test_lines: Vec<_> =
            source.tokens.iter().filter(|token| token.is_test).map(|token| token.line).collect();
        assert_eq!((test_lines.first(), test_lines.last()), (Some(&15), Some(&19)));
        for path in ["cli/src/table/tests.rs", "cli/tests/main.rs", "tests/src/lib.rs"] {
            let beside = Source::parse(path, "fn a() {}").expect("it parses");
            assert!(beside.tokens.iter().all(|token| token.is_test), "{path}");
        }
    }
}
