//! `phuxanh`: asks an aggregator which localities are lowest, and why.
//!
//! Reads arguments, asks a question and chooses a renderer. It computes nothing and words nothing:
//! answers are documents of `phuxanh-answers`.

mod answer;
mod args;
mod ask;
mod error;
mod output;
mod pki;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Parser;
use phuxanh_answers::grid as table;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let (out, err) = (io::stdout(), io::stderr());
    let json = args.json || args.output.form == args::Form::Json;
    let language = output::language_of(args.output.language);
    let outcome = output::Output::new(&args, out.is_terminal()).and_then(|output| {
        let written = answer::answer(args, &output)?;
        for warning in &written.warnings {
            output::warn(&mut err.lock(), &format!("phuxanh: {warning}"));
        }
        written.put(&mut out.lock())?;
        written.verdict()
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&mut err.lock(), &error, language, json);
            ExitCode::from(error.exit_code())
        }
    }
}
