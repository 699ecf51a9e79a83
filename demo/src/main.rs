//! Runs every part of Phủ Xanh on the sample; see `--help`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use phuxanh_demo::demo::{self, Options, Outcome, Redis};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sample/provinces");

/// Starts an aggregator and 34 collectors on the sample, shows the lowest provinces, and holds the
/// published figures against those answered here
#[derive(Debug, Parser)]
#[command(name = "phuxanh-demo", bin_name = "deploy/demo", version)]
struct Args {
    /// End after the figures: exit code 0 only if all agree
    #[arg(long)]
    once: bool,

    /// Port of the aggregator on 127.0.0.1; a second one takes the next
    #[arg(long, default_value_t = demo::PORT, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,

    /// Two aggregators over a shared Redis: a running one, with appendonly yes and appendfsync
    /// always, or without a URL one that is started and goes with the demo
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = demo::OWN_REDIS)]
    redis: Option<Redis>,

    /// Directory for data and logs [default: a fresh one]
    #[arg(long)]
    dir: Option<PathBuf>,

    /// Directory with a file per province
    #[arg(long, default_value = SAMPLE, hide_default_value = true)]
    sample: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { once, port, redis, dir, sample } = Args::parse();
    match demo::run(Options { once, port, redis, directory: dir, sample }).await {
        Ok(Outcome::Agreed) => ExitCode::SUCCESS,
        Ok(Outcome::Differed | Outcome::Interrupted) => ExitCode::FAILURE,
        Err(error) => {
            // Where even stderr is gone, the exit code alone has to tell.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
