//! Writes the sample: `phuxanh-sample [DIR]`, by default into `deploy/sample/provinces`.

use std::{env, fs, path::PathBuf};

use anyhow::Context;
use phuxanh_demo::sample;

const PROVINCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sample/provinces");

fn main() -> anyhow::Result<()> {
    let directory = env::args_os().nth(1).map_or_else(|| PathBuf::from(PROVINCES), PathBuf::from);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    for file in sample::files() {
        let path = directory.join(&file.name);
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
