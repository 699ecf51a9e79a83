//! Runs the real `phuxanh` against an aggregator that gives fixed replies over loopback.

mod answers;
mod audits;
mod contexts;
mod failures;
mod fake;
mod forms;
mod help;
mod insights;
mod languages;
mod manual;
mod naming;
mod quality;
mod rankings;
mod tables;
mod trends;
mod vietnamese;

use std::{
    collections::BTreeSet,
    process::{Command, Output, Stdio},
};

use fake::Fake;
use serde_json::Value;

/// Output of one run.
struct Run {
    exit_code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            exit_code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            err: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Run {
    /// The output of a run that succeeded without complaint.
    fn output(self) -> String {
        assert_eq!((self.exit_code, self.err.as_str()), (Some(0), ""));
        self.out
    }

    /// The complaint of a run that failed with the code and said nothing on stdout.
    fn failure(self, exit_code: i32) -> String {
        assert_eq!((self.exit_code, self.out.as_str()), (Some(exit_code), ""), "{}", self.err);
        self.err
    }
}

fn command(server: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phuxanh"));
    for name in ["NO_COLOR", "LC_ALL", "LANG", "COLUMNS", "PHUXANH_CONTEXT", "PHUXANH_CONFIG"] {
        command.env_remove(name);
    }
    command.env("PHUXANH_SERVER", server).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(server: &str, args: &[&str]) -> Run {
    command(server, args).output().expect("phuxanh runs").into()
}

fn ask(fake: &Fake, args: &[&str]) -> Run {
    run(&fake.server(), args)
}

fn ask_json(fake: &Fake, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    serde_json::from_str(&ask(fake, &args).output()).expect("one JSON object")
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}
