//! Setbacks: files that cannot be read or filed are logged once, tried again ever more rarely, and
//! told to the centre.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as StdError,
    ffi::OsString,
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tracing::{info, warn};

use super::{Source, listing::Stranger};
use crate::source::{Error, Trouble, filing::Place, settling::Stamp};

const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_mins(1);
/// Files of which a setback is kept; the centre is told of so many at most.
const KEPT_MAX: usize = 100_000;

/// Failures by file; those of the folder as a whole under no file.
pub(super) struct Setbacks {
    kept: BTreeMap<Option<Source>, Setback>,
    strangers: BTreeSet<(OsString, Stranger)>,
    trouble: watch::Sender<Trouble>,
}

struct Setback {
    text: String,
    wait: Duration,
    retry_at: Instant,
}

impl Setbacks {
    pub(super) const fn new(trouble: watch::Sender<Trouble>) -> Self {
        Self { kept: BTreeMap::new(), strangers: BTreeSet::new(), trouble }
    }

    /// Notes a failure, and logs it where it is not the one logged last.
    pub(super) fn note(&mut self, source: Option<Source>, error: &Error, now: Instant) {
        let cause = error.source().map_or(String::new(), |source| format!(": {source}"));
        let text = format!("{error}{cause}");
        let before = self.kept.get(&source);
        if before.is_none_or(|before| before.text != text) {
            let file = source.as_ref().map(|(_, name)| name.display().to_string());
            warn!(file, error = text, "reading the inbox failed and is tried again");
        }
        let wait = before.map_or(WAIT_MIN, |before| (before.wait * 2).min(WAIT_MAX));
        if before.is_some() || self.kept.len() < KEPT_MAX {
            self.kept.insert(source, Setback { text, wait, retry_at: now + wait });
        }
    }

    /// Forgets a failure.
    pub(super) fn clear(&mut self, source: Option<&Source>) {
        self.kept.remove(&source.cloned());
    }

    /// True if a file failed and is not tried again yet.
    pub(super) fn waits(&self, source: &Source, now: Instant) -> bool {
        let setback = self.kept.get(&Some(source.clone()));
        setback.is_some_and(|setback| now < setback.retry_at)
    }

    /// True if a file may be tried.
    pub(super) fn is_due(&self, source: &Source, now: Instant) -> bool {
        !self.waits(source, now)
    }

    /// Takes note of what a scan found in the inbox.
    pub(super) fn see(
        &mut self,
        files: &BTreeMap<OsString, Stamp>,
        strangers: BTreeSet<(OsString, Stranger)>,
    ) {
        let now = Instant::now();
        self.kept.retain(|source, setback| match source {
            Some((Place::Inbox, name)) => now < setback.retry_at || files.contains_key(name),
            Some((Place::Accepted | Place::Rejected, _)) | None => true,
        });
        for (file, kind) in strangers.difference(&self.strangers) {
            info!(file = %file.display(), kind = kind.name(), "file left alone");
        }
        self.strangers = strangers;
    }

    /// True if nothing hinders the source.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.strange_files().next().is_none()
    }

    fn strange_files(&self) -> impl Iterator<Item = (&OsString, &'static str)> {
        self.strangers.iter().filter_map(|(name, kind)| match kind {
            Stranger::OtherFormat => {
                Some((name, "not a CSV file: save it as CSV UTF-8, or take it out of the inbox"))
            }
            Stranger::NotRegular => {
                Some((name, "not a regular file: links, pipes and devices are not read"))
            }
            Stranger::Other => None,
        })
    }

    /// Tells the centre, where it is something new.
    pub(super) fn tell(&self) {
        let failed = self.kept.iter().map(|(source, setback)| match source {
            Some((_, name)) => format!("{}: {}", name.display(), setback.text),
            None => setback.text.clone(),
        });
        let strange =
            self.strange_files().map(|(name, cause)| format!("{}: {cause}", name.display()));
        let count = self.kept.len() + self.strange_files().count();
        let trouble = Trouble {
            file_count: u64::try_from(count).expect("64 bits fit"),
            first: failed.chain(strange).next().unwrap_or_default(),
        };
        self.trouble.send_if_modified(|told| {
            let is_new = *told != trouble;
            *told = trouble;
            is_new
        });
    }
}
