//! `phuxanh`: asks an aggregator which localities are lowest, and why.
//!
//! Reads arguments, asks a question and chooses a renderer. It computes nothing and words nothing:
//! answers are documents of `phuxanh-answers`.

mod answer;
mod args;
mod ask;
mod context;
mod error;
mod output;
mod pki;

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal},
    process::ExitCode,
};

use phuxanh_answers::grid as table;

fn main() -> ExitCode {
    let (out, err) = (io::stdout(), io::stderr());
    let raw: Vec<OsString> = env::args_os().collect();
    let language = output::language_of(args::language(&raw));
    let mut args = match args::read(&raw, language, output::width(out.is_terminal())) {
        Ok(args) => args,
        Err(exit_code) => return exit_code,
    };
    let applied = context::apply(&mut args, output::variable).map_err(error::Error::from);
    let language = output::language_of(args.output.language);
    let json = args.json || args.output.form == args::Form::Json;
    let output = applied.and_then(|()| output::Output::new(&args, out.is_terminal()));
    let outcome = output.and_then(|output| {
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
