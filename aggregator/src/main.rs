//! `phuxanh-aggregator`: the aggregator daemon.

mod args;

use std::process::ExitCode;

use anyhow::Context;
use args::{Args, Command};
use clap::Parser;
use phuxanh_aggregator::{
    config::{Config, Settings},
    probe, server, transfer,
};
use phuxanh_daemon::{clock, signal, telemetry};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => telemetry::fail(&format!("{error:#}")),
    }
}

#[tokio::main]
async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut settings =
        Settings::read(args.config.as_deref()).context("cannot read the settings")?;
    settings.listen = args.listen.unwrap_or(settings.listen);
    settings.data_dir = args.data_dir.unwrap_or(settings.data_dir);
    match args.command.unwrap_or(Command::Run) {
        Command::CheckConfig { probe } => {
            let (config, _) = prepare(&settings)?;
            telemetry::say("the settings are valid")?;
            if probe {
                return Ok(probe::run(&config, clock::now).await.tell()?);
            }
        }
        Command::Health => return Ok(settings.ops.listen.health().await?.tell()?),
        Command::Run => {
            let (config, filter) = prepare(&settings)?;
            let read = move || Settings::read(args.config.as_deref()).map(|it| it.log);
            let run = Box::pin(server::run(config, clock::now, signal::stop()?));
            filter.during(read, run).await??;
        }
        Command::ExportStore { file } => {
            transfer::export_store(&prepare(&settings)?.0, clock::now, &file).await?;
        }
        Command::ImportStore { file, latest_receipt, without } => {
            let without = without.into_iter().collect();
            let changes = transfer::Changes { latest_receipt, without };
            transfer::import_store(&prepare(&settings)?.0, clock::now, &file, &changes).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn prepare(settings: &Settings) -> anyhow::Result<(Config, telemetry::Filter)> {
    let config = Config::new(settings)?;
    server::install_cryptography()?;
    Ok((config, telemetry::start(&settings.log)?))
}
