//! Figures that are asked for, and the order in which they are measured.

use std::{fs, path::Path};

use anyhow::Context;

use crate::{
    appending,
    args::{Args, Command},
    cores::Cores,
    delivering, ingesting, parts,
    report::Report,
    spooled::Spooled,
    workload::Workload,
};

pub fn run(args: &Args) -> anyhow::Result<()> {
    fs::create_dir_all(&args.directory).with_context(|| args.directory.display().to_string())?;
    let root = tempfile::tempdir_in(&args.directory)?;
    if args.wants(&Command::Ingest) {
        let mut report = Report::begin_ingest(args.observations, args.rounds)?;
        let ingesting =
            ingesting::measure(args.observations, args.rounds, root.path(), &mut report);
        tokio::runtime::Runtime::new()?.block_on(ingesting)?;
    }
    if args.command == Some(Command::Ingest) {
        return Ok(());
    }
    // This process is put on its core now, so what follows needs a runtime that is built there.
    let cores = Cores::take();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(args, &cores, root.path()))
}

async fn measure(args: &Args, cores: &Cores, root: &Path) -> anyhow::Result<()> {
    let workload = Workload::new(args.observations);
    let mut report = Report::begin(&workload, args.rounds, cores)?;
    if args.wants(&Command::Append) {
        appending::measure(&workload, args.rounds, root, &mut report).await?;
    }
    if !args.wants(&Command::Delivery) && !args.wants(&Command::Parts) {
        return Ok(());
    }
    let spooled = Spooled::fill(&workload, &root.join("spool")).await?;
    report.batches(&spooled)?;
    if args.wants(&Command::Delivery) {
        delivering::measure(&spooled, args.rounds, cores, root, &mut report).await?;
    }
    if args.wants(&Command::Parts) {
        parts::measure(&spooled, args.rounds, root, &mut report).await?;
    }
    Ok(())
}
