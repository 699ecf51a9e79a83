//! Probes of what settings point to: each is tried, told in a line, and leaves nothing behind.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    process::{self, ExitCode},
};

use phuxanh_core::Timestamp;

use crate::{telemetry, tls::Validity};

/// Reason why a trial failed, and the next step of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub cause: String,
    pub advice: String,
}

/// What was tried, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report(Vec<(String, Result<(), Failed>)>);

impl Report {
    /// Adds a trial by what was tried.
    pub fn add(&mut self, what: impl Into<String>, outcome: Result<(), Failed>) {
        self.0.push((what.into(), outcome));
    }

    /// Writes the report to standard output, and returns the exit code: a failure if a trial failed.
    pub fn tell(&self) -> io::Result<ExitCode> {
        telemetry::say(&self.to_string())?;
        let has_failed = self.0.iter().any(|(_, outcome)| outcome.is_err());
        Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed_count = self.0.iter().filter(|(_, outcome)| outcome.is_err()).count();
        for (what, outcome) in &self.0 {
            match outcome {
                Ok(()) => writeln!(f, "ok      {what}")?,
                Err(Failed { cause, advice }) => writeln!(f, "FAILED  {what}: {cause}: {advice}")?,
            }
        }
        write!(f, "{} tried, {failed_count} failed", self.0.len())
    }
}

/// Tries to write a file into a directory, or where it would be made.
pub fn directory(path: &Path) -> Result<(), Failed> {
    let here = |path| if path == Path::new("") { Path::new(".") } else { path };
    let present = path.ancestors().map(here).find(|path| path.exists());
    let file = present.unwrap_or(path).join(format!(".phuxanh-probe-{}", process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&file);
    let written = written.and_then(|mut open| open.write_all(b"probe"));
    let removed = if file.exists() { fs::remove_file(&file) } else { Ok(()) };
    written.and(removed).map_err(|error| Failed {
        cause: format!("{}: {error}", file.display()),
        advice: "let the user of this program write there, make room, or name another directory"
            .to_owned(),
    })
}

/// Tells whether something is valid at a time.
pub fn validity(validity: &Validity, now: Timestamp) -> Result<(), Failed> {
    if now < validity.expiry {
        return Ok(());
    }
    let cause = format!("it expired at {}", validity.expiry);
    Err(Failed { cause, advice: validity.advice.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_tried_where_it_would_be_made_and_nothing_stays() {
        let root = tempfile::tempdir().expect("a directory");
        assert_eq!(directory(&root.path().join("not/yet/there")), Ok(()));
        assert_eq!(directory(root.path()), Ok(()));
        assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 0);
        let file = root.path().join("file");
        fs::write(&file, "").expect("written");
        let failed = directory(&file.join("below")).expect_err("a file is no directory");
        assert!(failed.cause.contains("/file/.phuxanh-probe-"), "{failed:?}");
    }

    #[test]
    fn a_report_says_what_was_tried_and_what_to_do() {
        let mut report = Report::default();
        report.add("listen 127.0.0.1:1", Ok(()));
        let failed = Failed { cause: "in use".into(), advice: "choose another".into() };
        report.add("data_dir x", Err(failed));
        let expected = "ok      listen 127.0.0.1:1\n\
                        FAILED  data_dir x: in use: choose another\n\
                        2 tried, 1 failed";
        assert_eq!(report.to_string(), expected);
    }
}
