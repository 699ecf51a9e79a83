//! Long runs over deformed CSV files, and single files with what was wrong with them.
//!
//! `cargo run --release -p phuxanh-tests --bin deform -- --files 1000000 --seed 1` for a long run,
//! which takes minutes; `… -- --show SEED` prints one file.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    thread,
};

use anyhow::{Context, bail};
use phuxanh_tests::deformation::campaign::{Campaign, show};

/// Files between two lines of progress.
const TOLD_EVERY: u64 = 100_000;

fn main() -> anyhow::Result<ExitCode> {
    let (mut files, mut seed, mut shown) = (100_000, 1, None);
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a number"))?;
        let value: u64 = value.parse().with_context(|| format!("{name} {value}"))?;
        match name.as_str() {
            "--files" => files = value,
            "--seed" => seed = value,
            "--show" => shown = Some(value),
            _ => bail!("{name}: expected --files N, --seed N or --show SEED"),
        }
    }
    let mut out = io::stdout().lock();
    if let Some(seed) = shown {
        write!(out, "{}", show(seed))?;
        return Ok(ExitCode::SUCCESS);
    }
    let campaign = Campaign {
        first_seed: seed,
        file_count: files,
        thread_count: thread::available_parallelism()?.get(),
    };
    let progress = campaign.run(|number| {
        if (number + 1) % TOLD_EVERY == 0 {
            drop(writeln!(io::stderr(), "{} files", number + 1));
        }
    });
    writeln!(out, "{:>9} {:>9} {:>9}  deformation", "files", "taken", "refused")?;
    for (name, (count, ends)) in &progress.deformations {
        writeln!(out, "{count:>9} {:>9} {:>9}  {name}", ends.taken_count, ends.refused_count)?;
    }
    let ends = progress.ends;
    writeln!(
        out,
        "{} files: {} values taken right, {} refused and named, {} of a last line that was cut",
        progress.file_count, ends.taken_count, ends.refused_count, ends.told_count
    )?;
    for failure in &progress.failures {
        writeln!(out, "\n{}", show(failure.seed))?;
    }
    Ok(if progress.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
