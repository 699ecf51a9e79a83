//! `phuxanh-aggregator`: the aggregator daemon.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use phuxanh_aggregator::{
    clock,
    config::{Config, Settings},
    server, signal, telemetry,
};

/// Takes observations from collectors and says which localities are lowest.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Settings as TOML; `PHUXANH__SECTION__KEY` in the environment and the flags below override it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Address and port to serve gRPC on [default: 127.0.0.1:7400].
    #[arg(long, global = true)]
    listen: Option<String>,
    /// Directory of the store [default: data/aggregator].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default).
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
    settings.listen = args.listen.unwrap_or(settings.listen);
    settings.data_dir = args.data_dir.unwrap_or(settings.data_dir);
    let config = Config::new(&settings)?;
    match args.command.unwrap_or(Command::Run) {
        Command::CheckConfig => Ok(telemetry::say("the settings are valid")?),
        Command::Run => {
            if rustls::crypto::ring::default_provider().install_default().is_err() {
                anyhow::bail!("another provider of cryptography is installed");
            }
            telemetry::start(&settings.log)?;
            Ok(server::run(config, clock::now, signal::stop()?).await?)
        }
    }
}
