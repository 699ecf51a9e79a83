//! The inputs that fuzzers began with, and those that they found worth keeping, hold every promise.

use std::{fs, panic, path::Path};

use anyhow::{Context, ensure};
use phuxanh_tests::fuzzing::TARGETS;

/// Folders with a folder for each target.
const FOLDERS: [&str; 2] = ["fuzz/seeds", "fuzz/corpus"];

#[test]
fn kept_inputs_hold_every_promise() -> anyhow::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in TARGETS {
        let mut count = 0;
        for folder in FOLDERS.map(|folder| here.join(folder).join(target.name)) {
            let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
            for entry in entries {
                let path = entry?.path();
                let bytes = fs::read(&path)?;
                let held = panic::catch_unwind(|| (target.run)(&bytes));
                ensure!(held.is_ok(), "{}: see the panic above", path.display());
                count += 1;
            }
        }
        ensure!(count > 1, "{} has no inputs", target.name);
    }
    Ok(())
}
