//! The steps of a history in words, kept only where somebody will read them.

use std::time::Duration;

/// A list of steps with their virtual times.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that is kept.
    #[must_use]
    pub const fn kept() -> Self {
        Self { lines: Some(Vec::new()) }
    }

    pub fn note(&mut self, now: Duration, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>11.6}  {}", now.as_secs_f64(), line()));
        }
    }

    /// The steps so far; none where they are not kept.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
