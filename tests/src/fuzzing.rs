//! Properties that hold for any bytes: what fuzzers and the kept corpus try.
//!
//! Each target takes bytes as they would come from outside, and panics where a promise is broken.
//! `tests/fuzz` runs them with libFuzzer, and the test `corpus` with the inputs that are kept.

mod access;
mod certificates;
mod facts;
mod frames;
mod pages;
mod settings;
mod tables;

/// Target of a fuzzer.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the target and of its folders.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 8] = [
    Target { name: "frames", run: frames::run },
    Target { name: "tables", run: tables::run },
    Target { name: "pages", run: pages::run },
    Target { name: "settings", run: settings::run },
    Target { name: "gazetteer", run: facts::gazetteer },
    Target { name: "catalogue", run: facts::catalogue },
    Target { name: "access", run: access::run },
    Target { name: "certificates", run: certificates::run },
];

/// Runs the target of a name.
///
/// # Panics
///
/// There is no such target, or a promise is broken.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target").run)(bytes);
}
