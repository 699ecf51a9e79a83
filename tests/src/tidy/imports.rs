//! Imports: the paths of a Rust file's `use` declarations, and paths within its code.

use super::{Source, Token};

/// One path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Segments as written, for example `crate`, `store`, `Error`. A glob ends at its module.
    pub path: Vec<String>,
    /// Name that a `use` declaration gives to it in the file.
    pub name: Option<String>,
    pub line: usize,
}

/// First segments of paths within a crate.
const ROOTS: [&str; 3] = ["crate", "self", "super"];

/// Every reference outside of tests, in the order of the file.
#[must_use]
pub fn references(source: &Source) -> Vec<Reference> {
    let tokens: Vec<&Token> = source.tokens.iter().filter(|token| !token.is_test).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text.as_str();
        if text == "use" {
            at = Tree { tokens: &tokens, found: &mut found }.read(at + 1, &[]);
        } else if ROOTS.contains(&text) || text.starts_with("phuxanh_") {
            let (path, end) = path(&tokens, at);
            if path.len() > 1 {
                found.push(Reference { path, name: None, line: tokens[at].line });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The path that begins at a token, and the place behind it.
fn path(tokens: &[&Token], start: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[start].text.clone()];
    let mut at = start + 1;
    while is_separator(tokens, at) && tokens.get(at + 2).is_some_and(|token| is_word(token)) {
        path.push(tokens[at + 2].text.clone());
        at += 3;
    }
    (path, at)
}

fn is_separator(tokens: &[&Token], at: usize) -> bool {
    let is_colon = |at: usize| tokens.get(at).is_some_and(|token| token.text == ":");
    is_colon(at) && is_colon(at + 1)
}

fn is_word(token: &Token) -> bool {
    token.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// A `use` tree that is being read.
struct Tree<'a> {
    tokens: &'a [&'a Token],
    found: &'a mut Vec<Reference>,
}

impl Tree<'_> {
    /// Reads one branch; the place behind it.
    fn read(&mut self, start: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        let mut at = start;
        let mut name = None;
        let mut is_leaf = true;
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                ";" | "," | "}" => break,
                "{" => {
                    is_leaf = false;
                    at = self.branches(at + 1, &path);
                }
                "*" => {
                    is_leaf = false;
                    self.add(path.clone(), None, token.line);
                    at += 1;
                }
                "as" => {
                    name = self.tokens.get(at + 1).map(|token| token.text.clone());
                    at += 2;
                }
                ":" => at += 1,
                word => {
                    path.push(word.to_owned());
                    at += 1;
                }
            }
        }
        if is_leaf && path.len() > prefix.len() {
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = name.or_else(|| path.last().cloned());
            self.add(path, name, self.tokens[start].line);
        }
        at
    }

    fn branches(&mut self, start: usize, prefix: &[String]) -> usize {
        let mut at = start;
        loop {
            at = self.read(at, prefix);
            match self.tokens.get(at).map(|token| token.text.as_str()) {
                Some(",") => at += 1,
                Some("}") => return at + 1,
                Some(_) | None => return at,
            }
        }
    }

    fn add(&mut self, path: Vec<String>, name: Option<String>, line: usize) {
        self.found.push(Reference { path, name, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let source = Source::parse("cli/src/a.rs", text).expect("it parses");
        let told = |one: Reference| match one.name {
            Some(name) => format!("{} {} as {name}", one.line, one.path.join("::")),
            None => format!("{} {}", one.line, one.path.join("::")),
        };
        references(&source).into_iter().map(told).collect()
    }

    #[test]
    fn declarations_are_read_branch_by_branch() {
        let text = "use std::fmt;\npub use crate::{\n    a::{self, B as C, d::*},\n    e,\n};";
        assert_eq!(
            read(text),
            [
                "1 std::fmt as fmt",
                "3 crate::a as a",
                "3 crate::a::B as C",
                "3 crate::a::d",
                "4 crate::e as e",
            ]
        );
    }

    #[test]
    fn paths_within_code_are_read_and_tests_are_not() {
        let text = "fn a() -> crate::b::C { super::d(self.e, Self::f, phuxanh_core::g::H) }\n\
                    #[cfg(test)]\nmod tests { use crate::i; }";
        assert_eq!(read(text), ["1 crate::b::C", "1 super::d", "1 phuxanh_core::g::H"]);
    }
}
