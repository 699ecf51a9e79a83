//! Logs on standard error: text on a terminal, JSON otherwise.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    process::ExitCode,
};

use serde::Deserialize;
use tracing::error;
use tracing_subscriber::EnvFilter;

/// Section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `auto` (text on a terminal, JSON otherwise), `text` or `json`.
    pub format: String,
    /// Filter directives, for example `info` or `phuxanh_collector=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: "auto".to_owned(), filter: "info".to_owned() }
    }
}

/// Error that keeps logging from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("log.format: \"{0}\" is unknown, expected auto, text or json")]
    Format(String),
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging was started twice")]
    Started,
}

/// Starts logging for the whole process.
pub fn start(settings: &LogSettings) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&settings.filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let as_text = match settings.format.as_str() {
        "auto" => io::stderr().is_terminal(),
        "text" => true,
        "json" => false,
        other => return Err(Error::Format(other.to_owned())),
    };
    // Escape codes are for terminals; `NO_COLOR` turns them off there, too.
    let builder = if io::stderr().is_terminal() { builder } else { builder.with_ansi(false) };
    if as_text { builder.try_init() } else { builder.json().try_init() }
        .map_err(|_| Error::Started)?;
    log_panics();
    Ok(())
}

/// Logs a panic like every other error, since logs are all that an operator of a daemon reads.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        error!(location, cause = panic.payload_as_str(), "panic: a fault of this program");
    }));
}

/// Writes a line to standard output.
pub fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Writes a line to standard error; ignores failure.
pub fn note(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// Writes the reason for a failed start to standard error, and returns the exit code of a failure.
#[must_use]
pub fn fail(reason: &str) -> ExitCode {
    // Where standard error is gone, the exit code is all that is left.
    note(&format!("error: {reason}"));
    ExitCode::FAILURE
}
