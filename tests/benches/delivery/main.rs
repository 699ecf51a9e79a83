//! What delivery costs: a spool's way to a durable ack beside a bare stream of the same bytes, an
//! append to a spool, the parts that the time goes to, and what all provinces deliver at once. And how
//! soon all aggregators of a store show what one of them has acknowledged; and how soon light questions
//! are answered while others ask heavy ones.
//!
//! ```text
//! this process, one core            the peer, another core
//! spool → delivery ───────────────▶ aggregator
//! the same frames  ───────────────▶ bare: counts them, stores and decodes nothing
//! ```
//!
//! Every figure is a median over rounds of one run, and what is compared takes turns in each round.
//! `tests/bench` builds and starts it.

mod appending;
mod args;
mod cores;
mod delivering;
mod ingesting;
mod measuring;
mod parts;
mod peer;
mod questions;
mod report;
mod sender;
mod spooled;
mod visibility;
mod workload;

use std::process::ExitCode;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::read();
    let ended = match &args.command {
        Some(Command::Peer { data_dir, redis }) => peer::serve(data_dir, redis.as_deref()),
        Some(Command::Visibility { changes }) => visibility::run(*changes),
        Some(Command::Questions { seconds }) => questions::run(*seconds),
        Some(Command::Delivery | Command::Append | Command::Parts | Command::Ingest) | None => {
            measuring::run(&args)
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail(&error),
    }
}
