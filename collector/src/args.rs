//! The command line.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};
use phuxanh_collector::control::{self, Selection};

/// Reads what a province observes and delivers it to an aggregator.
#[derive(Parser)]
#[command(version)]
pub struct Args {
    /// Settings as TOML; `PHUXANH__SECTION__KEY` in the environment and the flags below override it.
    #[arg(long, global = true)]
    pub config: Option<PathBuf>,
    /// Code of the province that reports, 2 digits; 00 for the central office.
    #[arg(long, global = true)]
    pub reporter: Option<String>,
    /// Folder that is watched for CSV files [default: inbox].
    #[arg(long, global = true)]
    pub inbox: Option<PathBuf>,
    /// Directory of the spool [default: data/collector].
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,
    /// URL of an aggregator; may be given again for others to be tried in order
    /// [default: http://127.0.0.1:7400].
    #[arg(long, global = true)]
    pub aggregator: Vec<String>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Watch the inbox and deliver (the default).
    Run,
    /// Ask the collector that runs with these settings whether it is ready; exit 1 and say why if it is not.
    Health,
    /// Say what is wrong with the settings, and exit.
    CheckConfig {
        /// Also try what they point to: directories, certificates, aggregators; exit 1 if any fails.
        #[arg(long)]
        probe: bool,
    },
    /// Look at what waits to be delivered, also while the collector runs.
    Spool {
        /// One JSON object on one line instead of text.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: SpoolCommand,
    },
}

#[derive(Subcommand)]
pub enum SpoolCommand {
    /// Say how the spool stands.
    Stat,
    /// Read all of the spool; exit 1 and say what is wrong if anything is.
    Verify,
    /// Look after what the aggregator refused.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

#[derive(Subcommand)]
pub enum DeadLetters {
    /// List them with what was refused and why.
    List,
    /// Observe them again, as when the cause is gone; exit 1 if some could not be.
    Replay(Chosen),
    /// Drop them for good.
    Drop(Chosen),
}

#[derive(Flags)]
pub struct Chosen {
    /// Numbers of dead letters.
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<u64>,
    /// All of them.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl From<SpoolCommand> for control::Command {
    fn from(command: SpoolCommand) -> Self {
        match command {
            SpoolCommand::Stat => Self::Stat,
            SpoolCommand::Verify => Self::Verify,
            SpoolCommand::DeadLetters(DeadLetters::List) => Self::ListDeadLetters,
            SpoolCommand::DeadLetters(DeadLetters::Replay(chosen)) => {
                Self::ReplayDeadLetters(chosen.selection())
            }
            SpoolCommand::DeadLetters(DeadLetters::Drop(chosen)) => {
                Self::DropDeadLetters(chosen.selection())
            }
        }
    }
}

impl Chosen {
    fn selection(self) -> Selection {
        if self.all { Selection::All } else { Selection::Ids(self.ids) }
    }
}
