//! Long runs of the simulation of delivery, and single histories with their steps.
//!
//! `cargo run --release -p phuxanh-tests --bin simulate -- --histories 1000000 --seed 1` for a long
//! run, which takes minutes; `… -- --replay SEED` prints the last steps of one history. With
//! `--without RULE` a rule of the protocol is left out, which finds the seeds of the table.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    thread,
};

use anyhow::{Context, bail};
use phuxanh_tests::simulation::{Campaign, Failure, Omitted, Rule, live};

/// Histories between two lines of progress.
const TOLD_EVERY: u64 = 10_000;
/// Steps that are printed of a failed history.
const STEPS_SHOWN: usize = 60;

fn main() -> anyhow::Result<ExitCode> {
    let (mut histories, mut seed, mut replay, mut steps) = (10_000, 1, None, STEPS_SHOWN);
    let mut omitted = Omitted::default();
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        if name == "--without" {
            omitted = Omitted::new(&[rule(&value)?]);
            continue;
        }
        let value: u64 = value.parse().with_context(|| format!("{name} {value}"))?;
        match name.as_str() {
            "--histories" => histories = value,
            "--seed" => seed = value,
            "--replay" => replay = Some(value),
            "--steps" => steps = usize::try_from(value)?,
            _ => bail!(
                "{name}: expected --histories N, --seed N, --replay SEED, --steps N or --without RULE"
            ),
        }
    }
    let mut out = io::stdout().lock();
    if let Some(seed) = replay {
        let is_kept = show(&mut out, seed, steps, &omitted)?;
        return Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let campaign = Campaign {
        first_seed: seed,
        history_count: histories,
        thread_count: thread::available_parallelism()?.get(),
        omitted: omitted.clone(),
    };
    let progress = campaign.run(|number| {
        if (number + 1) % TOLD_EVERY == 0 {
            drop(writeln!(io::stderr(), "{} histories", number + 1));
        }
    });
    write!(out, "{}", progress.reached)?;
    let (last, count) = (seed.wrapping_add(histories), progress.history_count);
    writeln!(out, "{count} histories of the seeds from {seed} to before {last}")?;
    for Failure { seed, violation } in &progress.failures {
        match violation {
            Some(violation) => writeln!(out, "seed {seed}: {violation}")?,
            None => writeln!(out, "seed {seed}: panicked")?,
        }
    }
    if let Some(failure) = progress.failures.first() {
        show(&mut out, failure.seed, steps, &omitted)?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Rule of a name.
fn rule(name: &str) -> anyhow::Result<Rule> {
    let found = Rule::ALL.iter().find(|rule| format!("{rule:?}") == name);
    found.copied().with_context(|| format!("--without {name}: expected one of {:?}", Rule::ALL))
}

/// Prints the last steps of a history; true where it kept every promise.
fn show(out: &mut impl Write, seed: u64, steps: usize, omitted: &Omitted) -> anyhow::Result<bool> {
    let outcome = live(seed, omitted, true);
    let skipped = outcome.trace.len().saturating_sub(steps);
    writeln!(out, "seed {seed}: {} steps, the last {steps}:", outcome.trace.len())?;
    for line in outcome.trace.iter().skip(skipped) {
        writeln!(out, "{line}")?;
    }
    match &outcome.broken {
        Some(violation) => writeln!(out, "{violation}")?,
        None => writeln!(out, "every promise was kept")?,
    }
    Ok(outcome.broken.is_none())
}
