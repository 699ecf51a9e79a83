//! `phuxanh`: asks an aggregator which localities are lowest, and why.
//!
//! Prints tables for people and JSON for tools. It computes nothing: every number is the
//! aggregator's, and what happens here is asking, naming and formatting.

mod alarm;
mod answer;
mod args;
mod audit;
mod catalogue;
mod changes;
mod client;
mod collectors;
mod error;
mod insight;
mod lowest;
mod marks;
mod mesh;
mod number;
mod paging;
mod pki;
mod quality;
mod reply;
mod resolve;
mod row_json;
mod row_table;
mod scorecard;
mod search;
mod secure;
mod standing;
mod table;
mod terms;
mod words;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let (out, err) = (io::stdout(), io::stderr());
    let format = answer::Format::new(args.json, out.is_terminal());
    let outcome = answer::answer(&args, format).and_then(|answer| {
        for warning in &answer.warnings {
            answer::complain(&mut err.lock(), warning);
        }
        answer::print(&mut out.lock(), &answer.text)?;
        answer.verdict()
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            answer::complain(&mut err.lock(), &error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}
