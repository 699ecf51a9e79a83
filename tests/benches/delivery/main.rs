//! What delivery costs: a spool's way to a durable ack beside a bare stream of the same bytes, an
//! append to a spool, and the parts that the time goes to.
//!
//! ```text
//! this process, one core            the peer, another core
//! spool → delivery ───────────────▶ aggregator
//! the same frames  ───────────────▶ bare: counts them, stores and decodes nothing
//! ```
//!
//! Every figure is a median over rounds of one run, and what is compared takes turns in each round.
//! `tests/bench` builds and starts it.

mod appending;
mod args;
mod cores;
mod delivering;
mod parts;
mod peer;
mod report;
mod spooled;
mod workload;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use args::{Args, Command};
use report::Report;
use workload::Workload;

fn main() -> ExitCode {
    let args = Args::read();
    let ended = match &args.command {
        Some(Command::Peer { data_dir }) => peer::serve(data_dir),
        Some(Command::Delivery | Command::Append | Command::Parts) | None => measure(&args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail(&error),
    }
}

/// Every runtime here is built after the process was put on its core.
fn measure(args: &Args) -> anyhow::Result<()> {
    let cores = cores::Cores::take();
    std::fs::create_dir_all(&args.directory)
        .with_context(|| args.directory.display().to_string())?;
    let root = tempfile::tempdir_in(&args.directory)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(args, &cores, root.path()))
}

async fn run(args: &Args, cores: &cores::Cores, root: &Path) -> anyhow::Result<()> {
    let workload = Workload::new(args.observations);
    let mut report = Report::begin(&workload, args.rounds, cores)?;
    let wants = |command| args.command.as_ref().is_none_or(|wanted| *wanted == command);
    if wants(Command::Append) {
        appending::measure(&workload, args.rounds, root, &mut report).await?;
    }
    if !wants(Command::Delivery) && !wants(Command::Parts) {
        return Ok(());
    }
    let spooled = spooled::Spooled::fill(&workload, &root.join("spool")).await?;
    report.batches(&spooled)?;
    if wants(Command::Delivery) {
        delivering::measure(&spooled, args.rounds, cores, root, &mut report).await?;
    }
    if wants(Command::Parts) {
        parts::measure(&spooled, args.rounds, root, &mut report).await?;
    }
    Ok(())
}
