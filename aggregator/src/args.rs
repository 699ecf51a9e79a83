//! Command line of the aggregator.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use phuxanh_core::{LocalityCode, Timestamp};

/// Receives observations from collectors and ranks the localities.
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
    /// Run the aggregator (the default).
    Run,
    /// Ask the aggregator that runs with these settings whether it is ready; exit 1 and say why if it is not.
    Health,
    /// Check the settings, name every faulty key, and exit.
    CheckConfig {
        /// Also try what they point to: addresses, directories, certificates, Redis; exit 1 if any
        /// fails.
        #[arg(long)]
        probe: bool,
    },
    /// Write the whole store to a file, as a backup or for import into another store.
    /// Aggregators on Redis may keep running; the aggregator of an embedded store must be stopped.
    ExportStore {
        /// File to write, replaced only when the export is complete; - for standard output.
        file: PathBuf,
    },
    /// Load an export into an empty store on which no aggregator runs.
    ImportStore {
        /// File that export-store wrote; a truncated or altered file is refused.
        file: PathBuf,
        /// Latest receipt time that is right, for example "2026-11-26 14:05". Later ones, which a
        /// wrong clock has stamped, are set behind it in their order.
        #[arg(long, value_name = "TIME")]
        latest_receipt: Option<Timestamp>,
        /// Reporter whose log is left out, for example 04 after a wrong host has delivered for it:
        /// its collector begins a new log and restates its values. May be given again.
        #[arg(long, value_name = "CODE")]
        without: Vec<LocalityCode>,
    },
}
