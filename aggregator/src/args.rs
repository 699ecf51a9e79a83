//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Takes observations from collectors and says which localities are lowest.
#[derive(Parser)]
#[command(version)]
pub struct Args {
    /// Settings as TOML; `PHUXANH__SECTION__KEY` in the environment and the flags below override it.
    #[arg(long, global = true)]
    pub config: Option<PathBuf>,
    /// Address and port to serve gRPC on [default: 127.0.0.1:7400].
    #[arg(long, global = true)]
    pub listen: Option<String>,
    /// Directory of the store [default: data/aggregator].
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve (the default).
    Run,
    /// Say what is wrong with the settings, and exit.
    CheckConfig,
    /// Write all that the store holds to a file: a backup, or to be imported into another store.
    /// Redis may go on serving meanwhile; of an embedded store, the aggregator must have ended.
    ExportStore {
        /// File to write, replaced only when the export is whole; - for standard output.
        file: PathBuf,
    },
    /// Put an export into an empty store on which no aggregator runs.
    ImportStore {
        /// File that export-store wrote; one that was cut or altered is refused.
        file: PathBuf,
    },
}
