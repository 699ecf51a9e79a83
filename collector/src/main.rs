//! `phuxanh-collector`: the collector daemon.

mod args;

use std::process::ExitCode;

use anyhow::Context;
use args::{Args, Command, SpoolCommand};
use clap::Parser;
use phuxanh_collector::{
    config::{Config, Settings},
    control, daemon, probe,
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
    settings.reporter = args.reporter.unwrap_or(settings.reporter);
    settings.folder.path = args.inbox.unwrap_or(settings.folder.path);
    settings.data_dir = args.data_dir.unwrap_or(settings.data_dir);
    if !args.aggregator.is_empty() {
        settings.aggregators = args.aggregator;
    }
    match args.command.unwrap_or(Command::Run) {
        Command::CheckConfig { probe } => {
            let config = Config::new(&settings)?;
            telemetry::say("the settings are valid")?;
            if probe {
                return Ok(probe::run(&config, clock::now).await.tell()?);
            }
        }
        Command::Health => return Ok(settings.ops.listen.health().await?.tell()?),
        Command::Run => {
            let config = Config::new(&settings)?;
            let filter = telemetry::start(&settings.log)?;
            let read = move || Settings::read(args.config.as_deref()).map(|it| it.log);
            filter.during(read, daemon::run(config, clock::now, signal::stop()?)).await??;
        }
        Command::Spool { json, command } => return spool(&settings, json, command).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn spool(settings: &Settings, json: bool, command: SpoolCommand) -> anyhow::Result<ExitCode> {
    let (config, directory) = (settings.spool_alone()?, &settings.data_dir);
    let outcome = control::run(&command.into(), directory, config, clock::now).await?;
    telemetry::say(&if json { outcome.json() } else { outcome.text() })?;
    Ok(if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
