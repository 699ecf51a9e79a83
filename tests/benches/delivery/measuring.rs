//! Which figures are asked for, and the order in which they are measured.

use std::{fs, path::Path};

use anyhow::Context;

use crate::{
    appending,
    args::{Args, Command},
    cores::Cores,
    delivering, parts,
    report::Report,
    spooled::Spooled,
    workload::Workload,
};

/// Every runtime here is built after the process was put on its core.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let cores = Cores::take();
    fs::create_dir_all(&args.directory).with_context(|| args.directory.display().to_string())?;
    let root = tempfile::tempdir_in(&args.directory)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(args, &cores, root.path()))
}

async fn measure(args: &Args, cores: &Cores, root: &Path) -> anyhow::Result<()> {
    let workload = Workload::new(args.observations);
    let mut report = Report::begin(&workload, args.rounds, cores)?;
    let wants = |command| args.command.as_ref().is_none_or(|wanted| *wanted == command);
    if wants(Command::Append) {
        appending::measure(&workload, args.rounds, root, &mut report).await?;
    }
    if !wants(Command::Delivery) && !wants(Command::Parts) {
        return Ok(());
    }
    let spooled = Spooled::fill(&workload, &root.join("spool")).await?;
    report.batches(&spooled)?;
    if wants(Command::Delivery) {
        delivering::measure(&spooled, args.rounds, cores, root, &mut report).await?;
    }
    if wants(Command::Parts) {
        parts::measure(&spooled, args.rounds, root, &mut report).await?;
    }
    Ok(())
}
