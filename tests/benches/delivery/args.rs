//! Arguments of the bench.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
pub struct Args {
    /// Observations to deliver, in batches of 10,000.
    #[arg(long, global = true, default_value_t = 1_000_000)]
    pub observations: usize,
    /// Rounds whose median is shown.
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Folder for spools and stores; a disk whose syncs are to be measured.
    #[arg(long, global = true, default_value = "target/bench", overrides_with = "directory")]
    pub directory: PathBuf,
    /// Given by cargo.
    #[arg(long, global = true, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand, PartialEq, Eq)]
pub enum Command {
    /// Only from spool to durable ack, beside a bare stream.
    Delivery,
    /// Only appends to a spool.
    Append,
    /// Only the parts of delivery, in this process.
    Parts,
    /// Only what all provinces deliver at once into either store, beside bare streams and Redis.
    Ingest,
    /// Only how long after its durable ack a change is shown by each of three aggregators over one
    /// Redis; not among all of it.
    Visibility {
        /// Changes to deliver, one after the other.
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(3..))]
        changes: u32,
    },
    /// Only light questions and acknowledgements, alone and while others ask heavy questions; not
    /// among all of it.
    Questions {
        /// Seconds that each phase lasts.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
    /// The other process; its store is the Redis of that address, if there is one.
    #[command(hide = true)]
    Peer { data_dir: PathBuf, redis: Option<String> },
}

impl Args {
    /// True if a figure is asked for, as all are where none is.
    pub fn wants(&self, command: &Command) -> bool {
        self.command.as_ref().is_none_or(|wanted| wanted == command)
    }

    pub fn read() -> Self {
        Self::parse()
    }
}
