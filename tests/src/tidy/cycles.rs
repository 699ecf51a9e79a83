//! Rule 7: dependencies go one way, between crates and between the modules of a crate.
//!
//! ```text
//! references ─▶ files that name each other ─▶ at each module: which of its children need which ─▶ cycles
//! ```
//!
//! A module and those below it may name each other. Two modules of one parent may not, neither
//! directly nor through others, whatever file below them does it. A name that a module only passes
//! on belongs to the file that it comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Source, Tree, Violation,
    imports::{Reference, references},
};

/// The folders of the crates that are looked at, each with a root of its own.
const CRATES: [&str; 8] = [
    "crates/answers/src",
    "crates/core/src",
    "crates/daemon/src",
    "proto/src",
    "collector/src",
    "aggregator/src",
    "demo/src",
    "cli/src",
];
/// `phuxanh pki` fails with the command's error, which names its errors in turn, until its tables are
/// documents too.
const EXEMPT: &str = "cli/src";
/// Most times that a name is passed on.
const PASSED_ON_MAX: usize = 8;

/// A module by the names that lead to it from its crate's root.
type Module = Vec<String>;

/// One file of a crate.
struct File<'a> {
    source: &'a Source,
    references: Vec<Reference>,
    /// Names in its `use` declarations, with their paths from the root.
    names: BTreeMap<String, Module>,
}

/// A crate's files by their modules.
struct Crate<'a>(BTreeMap<Module, File<'a>>);

/// Use of one module by another, with its place.
#[derive(Debug, Clone)]
struct Need {
    path: String,
    line: usize,
}

/// Needs of a module's children, by child.
type Needs = BTreeMap<String, BTreeMap<String, Need>>;

/// No module needs itself through its neighbours.
#[must_use]
pub fn modules_need_each_other_one_way(tree: &Tree) -> Vec<Violation> {
    let looked_at = CRATES.into_iter().filter(|folder| *folder != EXEMPT);
    looked_at.flat_map(|folder| Crate::read(tree, folder).violations()).collect()
}

/// No crate needs itself through others.
#[must_use]
pub fn crates_need_each_other_one_way(tree: &Tree) -> Vec<Violation> {
    let mut needs = Needs::new();
    for source in tree.sources.iter().filter(|source| !source.is_test()) {
        let Some(own) = crate_of(&source.path) else { continue };
        for reference in references(source) {
            let other = reference.path[0].strip_prefix("phuxanh_").unwrap_or(own);
            if other != own {
                let need = Need { path: source.path.clone(), line: reference.line };
                needs.entry(own.to_owned()).or_default().entry(other.to_owned()).or_insert(need);
            }
        }
    }
    cycles(&needs, "crate")
}

/// The name of the crate that a file belongs to: its folder's.
fn crate_of(path: &str) -> Option<&str> {
    let (folder, _) = path.split_once("/src/")?;
    folder.rsplit('/').next()
}

impl<'a> Crate<'a> {
    fn read(tree: &'a Tree, folder: &'static str) -> Self {
        let product = tree.sources_below(folder).filter(|source| !source.is_test());
        let modules: BTreeMap<_, _> =
            product.filter_map(|source| Some((module_of(&source.path, folder)?, source))).collect();
        let is_module = |module: &Module| modules.contains_key(module);
        let file = |(module, source): (&Module, &&'a Source)| {
            let references = references(source);
            let name = |one: &Reference| {
                Some((one.name.clone()?, absolute(module, &one.path, is_module)?))
            };
            let names = references.iter().filter_map(name).collect();
            (module.clone(), File { source, references, names })
        };
        Self(modules.iter().map(file).collect())
    }

    fn violations(&self) -> Vec<Violation> {
        let mut levels = BTreeMap::<Module, Needs>::new();
        for (module, file) in &self.0 {
            for reference in &file.references {
                let is_module = |module: &Module| self.0.contains_key(module);
                let Some(path) = absolute(module, &reference.path, is_module) else { continue };
                let other = self.file_of(&path, PASSED_ON_MAX);
                let common = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
                if let (Some(own), Some(other)) = (module.get(common), other.get(common)) {
                    let need = Need { path: file.source.path.clone(), line: reference.line };
                    let level = levels.entry(module[..common].to_vec()).or_default();
                    let needed = level.entry(own.clone()).or_default();
                    needed.entry(other.clone()).or_insert(need);
                }
            }
        }
        levels.values().flat_map(|needs| cycles(needs, "module")).collect()
    }

    /// The module whose file a path leads to.
    fn file_of(&self, path: &[String], passed_on_max: usize) -> Module {
        let known = |length: &usize| self.0.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(known).unwrap_or(0);
        let module = path[..length].to_vec();
        let passed_on = path.get(length).and_then(|name| self.0.get(&module)?.names.get(name));
        match passed_on {
            Some(origin) if passed_on_max > 0 => self.file_of(origin, passed_on_max - 1),
            Some(_) | None => module,
        }
    }
}

/// The module that a file is: none for a further program of the crate.
fn module_of(path: &str, folder: &str) -> Option<Module> {
    let path = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?;
    match path {
        "lib" => Some(Module::new()),
        "main" => None,
        _ if path.starts_with("bin/") => None,
        _ => Some(path.split('/').map(str::to_owned).collect()),
    }
}

/// A path from the root of the crate; none where it leads out of it.
fn absolute(
    module: &Module,
    path: &[String],
    is_module: impl Fn(&Module) -> bool,
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut from = match first.as_str() {
        "crate" => Module::new(),
        "self" => module.clone(),
        "super" => {
            let mut above = module.clone();
            above.pop()?;
            above
        }
        child => {
            let below = [module.clone(), vec![child.to_owned()]].concat();
            if !is_module(&below) {
                return None;
            }
            below
        }
    };
    for segment in rest {
        if segment == "super" {
            from.pop()?;
        } else {
            from.push(segment.clone());
        }
    }
    Some(from)
}

/// Each group of what needs one another, told with one place for each step around.
fn cycles(needs: &Needs, what: &str) -> Vec<Violation> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for start in needs.keys() {
        let Some(around) = way_back(needs, start) else { continue };
        let mut members = around.clone();
        members.sort_unstable();
        if !told.insert(members) {
            continue;
        }
        let next = around.iter().cycle().skip(1);
        let steps: Vec<_> =
            around.iter().zip(next).map(|(from, to)| (to, &needs[from][to])).collect();
        let way: Vec<_> =
            steps.iter().map(|(to, need)| format!("{to} ({}:{})", need.path, need.line)).collect();
        found.push(Violation {
            path: steps[0].1.path.clone(),
            line: steps[0].1.line,
            message: format!("the {what} {start} needs itself: {}", way.join(" → ")),
        });
    }
    found
}

/// The shortest way from a node back to it.
fn way_back(needs: &Needs, start: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().expect("a way has a beginning");
            for next in needs.get(last).into_iter().flat_map(BTreeMap::keys) {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(files: &[(&str, &str)]) -> Vec<String> {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let tree = Tree::new(texts.collect()).expect("they parse");
        let found = modules_need_each_other_one_way(&tree).into_iter();
        found.chain(crates_need_each_other_one_way(&tree)).map(|found| found.to_string()).collect()
    }

    #[test]
    fn two_modules_that_need_each_other_are_told_with_both_places() {
        let files = [
            ("collector/src/lib.rs", "mod a;\nmod b;"),
            ("collector/src/a.rs", "use crate::b::B;"),
            ("collector/src/b/c.rs", "\nfn f() -> crate::a::A {}"),
            ("collector/src/b.rs", "mod c;"),
        ];
        let expected = "collector/src/a.rs:1: the module a needs itself: \
                        b (collector/src/a.rs:1) → a (collector/src/b/c.rs:2)";
        assert_eq!(verdict(&files), [expected]);
    }

    #[test]
    fn a_longer_way_around_is_found_once() {
        let files = [
            ("proto/src/a/b.rs", "use super::c::C;"),
            ("proto/src/a/c.rs", "use super::d;"),
            ("proto/src/a/d.rs", "use crate::a::b::B;"),
        ];
        let expected = "proto/src/a/b.rs:1: the module b needs itself: c (proto/src/a/b.rs:1) → \
                        d (proto/src/a/c.rs:1) → b (proto/src/a/d.rs:1)";
        assert_eq!(verdict(&files), [expected]);
    }

    #[test]
    fn what_a_parent_passes_on_belongs_to_its_child() {
        let files = [
            ("aggregator/src/a.rs", "mod b;\nmod c;\npub use b::B;\nuse self::c::C;"),
            ("aggregator/src/a/b.rs", "use super::C;"),
            ("aggregator/src/a/c.rs", "use crate::a::B;"),
        ];
        let expected = "aggregator/src/a/b.rs:1: the module b needs itself: \
                        c (aggregator/src/a/b.rs:1) → b (aggregator/src/a/c.rs:1)";
        assert_eq!(verdict(&files), [expected]);
    }

    #[test]
    fn parents_and_tests_are_free() {
        let files = [
            ("aggregator/src/a.rs", "mod b;\nuse self::b::c::C;"),
            ("aggregator/src/a/b.rs", "pub mod c;\nuse super::A;"),
            ("aggregator/src/a/b/c.rs", "use crate::a::A;\nuse super::B;"),
            ("aggregator/src/d.rs", "use crate::a::A;"),
            ("aggregator/src/a/tests.rs", "use crate::d::D;"),
        ];
        assert_eq!(verdict(&files), [""; 0]);
    }

    #[test]
    fn crates_that_need_each_other_are_found() {
        let files = [
            ("proto/src/lib.rs", "use phuxanh_core::Batch;"),
            ("crates/core/src/lib.rs", "fn f() { phuxanh_proto::convert::encode(); }"),
        ];
        let expected = "crates/core/src/lib.rs:1: the crate core needs itself: \
                        proto (crates/core/src/lib.rs:1) → core (proto/src/lib.rs:1)";
        assert_eq!(verdict(&files), [expected]);
    }
}
