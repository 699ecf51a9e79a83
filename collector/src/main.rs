//! `phuxanh-collector`: the collector daemon.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use phuxanh_collector::{
    clock,
    config::{Config, Settings},
    daemon, signal, telemetry,
};

/// Reads what a province observes and delivers it to an aggregator.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Settings as TOML; `PHUXANH__SECTION__KEY` in the environment and the flags below override it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Code of the province that reports, 2 digits; 00 for the central office.
    #[arg(long, global = true)]
    reporter: Option<String>,
    /// Folder that is watched for CSV files [default: inbox].
    #[arg(long, global = true)]
    inbox: Option<PathBuf>,
    /// Directory of the spool [default: data/collector].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// URL of an aggregator; may be given again for others to be tried in order
    /// [default: http://127.0.0.1:7400].
    #[arg(long, global = true)]
    aggregator: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the inbox and deliver (the default).
    Run,
    /// Say what is wrong with the settings, and exit.
    CheckConfig,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => telemetry::fail(&format!("{error:#}")),
    }
}

#[tokio::main]
async fn run(args: Args) -> anyhow::Result<()> {
    let mut settings = Settings::read(args.config.as_deref()).context("the settings")?;
    settings.reporter = args.reporter.unwrap_or(settings.reporter);
    settings.folder.path = args.inbox.unwrap_or(settings.folder.path);
    settings.data_dir = args.data_dir.unwrap_or(settings.data_dir);
    if !args.aggregator.is_empty() {
        settings.aggregators = args.aggregator;
    }
    let config = Config::new(&settings)?;
    match args.command.unwrap_or(Command::Run) {
        Command::CheckConfig => Ok(telemetry::say("the settings are valid")?),
        Command::Run => {
            telemetry::start(&settings.log)?;
            Ok(daemon::run(config, clock::now, signal::stop()?).await?)
        }
    }
}
