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
use phuxanh_daemon::{
    clock, signal,
    telemetry::{self, Filter},
};

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
        Command::Health => {
            let health = settings.ops.listen.health().await?;
            telemetry::say(&health.told)?;
            return Ok(health.exit_code());
        }
        Command::Run => {
            let (config, filter) = prepare(&settings)?;
            let filtering = filter
                .keep_current(move || Settings::read(args.config.as_deref()).map(|it| it.log))?;
            tokio::select! {
                ended = server::run(config, clock::now, signal::stop()?) => ended?,
                never = filtering => match never {},
            }
        }
        Command::ExportStore { file } => {
            transfer::export_store(&prepare(&settings)?.0, clock::now, &file).await?;
        }
        Command::ImportStore { file, latest_receipt, without } => {
            let changes =
                transfer::Changes { latest_receipt, without: without.into_iter().collect() };
            transfer::import_store(&prepare(&settings)?.0, clock::now, &file, &changes).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn prepare(settings: &Settings) -> anyhow::Result<(Config, Filter)> {
    let config = Config::new(settings)?;
    server::install_cryptography()?;
    let filter = telemetry::start(&settings.log)?;
    Ok((config, filter))
}
