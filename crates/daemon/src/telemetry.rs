//! Logs on standard error: text on a terminal, JSON otherwise.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, IsTerminal, Write},
    panic,
    process::ExitCode,
};

use serde::Deserialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::settings::ReadError;

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
    #[error("cannot listen for SIGHUP")]
    Hangup(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("log.filter cannot be replaced")]
    Replace(#[from] reload::Error),
}

/// Filter of the logs that are written, which can be replaced while the daemon runs.
pub struct Filter {
    handle: reload::Handle<EnvFilter, Registry>,
}

/// Starts logging for the whole process.
pub fn start(settings: &LogSettings) -> Result<Filter, Error> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&settings.filter)?);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(io::stderr);
    let as_text = match settings.format.as_str() {
        "auto" => io::stderr().is_terminal(),
        "text" => true,
        "json" => false,
        other => return Err(Error::Format(other.to_owned())),
    };
    // Escape codes are for terminals; `NO_COLOR` turns them off there, too.
    let layer = if io::stderr().is_terminal() { layer } else { layer.with_ansi(false) };
    if as_text { registry.with(layer).try_init() } else { registry.with(layer.json()).try_init() }
        .map_err(|_| Error::Started)?;
    log_panics();
    Ok(Filter { handle })
}

impl Filter {
    /// Does the work. SIGHUP ends the process no longer meanwhile: at each one, the filter of `read`
    /// is taken.
    pub async fn during<T>(
        self,
        read: impl Fn() -> Result<LogSettings, ReadError> + Send,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let hangups = signal(SignalKind::hangup())?;
        tokio::select! {
            done = work => Ok(done),
            never = self.follow(hangups, read) => match never {},
        }
    }

    async fn follow(
        self,
        mut hangups: Signal,
        read: impl Fn() -> Result<LogSettings, ReadError> + Send,
    ) -> Infallible {
        loop {
            if hangups.recv().await.is_none() {
                return pending().await;
            }
            match read().map_err(Error::from).and_then(|settings| self.replace(&settings.filter)) {
                Ok(()) => info!("log filter read again"),
                Err(error) => {
                    error!(%error, "log filter refused: the former stays in use");
                }
            }
        }
    }

    fn replace(&self, directives: &str) -> Result<(), Error> {
        Ok(self.handle.reload(EnvFilter::try_new(directives)?)?)
    }
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
