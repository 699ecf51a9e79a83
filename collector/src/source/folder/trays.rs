//! Files that were read before: those that change afterwards, and those whose values only a spool
//! held that was lost.
//!
//! `.working/confirmed` holds the time of the newest report whose values, and all before them, the
//! centre had confirmed as durable. Files that were accepted later and are not known to the spool
//! are read again.

use std::{collections::BTreeMap, ffi::OsString, path::Path, time::Duration};

use phuxanh_core::{Timestamp, delivery::sender::LogState};
use tokio::fs;
use tracing::{info, warn};

use super::{Folder, Source, taking::stamp};
use crate::source::{
    Error,
    filing::{Filing, Place},
    opening::{self, time_of},
    report::Again,
    settling::{Inbox, Name, Stamp},
};

const CONFIRMED: &str = "confirmed";
/// Files that are watched for changes at once; the newest ones.
const WATCHED_MAX: usize = 10_000;

/// Names in the trays that are remembered.
pub(super) struct Trays {
    /// Files that were filed lately, as they were then.
    watched: BTreeMap<Source, Watched>,
    /// Those of them that are not as they were, until they have settled.
    changed: Inbox,
    watch: Duration,
    /// Time of the newest report, where not all before it is known to be confirmed.
    unconfirmed: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Watched {
    stamp: Stamp,
    since: tokio::time::Instant,
}

impl Trays {
    pub(super) fn new(settle_time: Duration, watch: Duration) -> Self {
        Self {
            watched: BTreeMap::new(),
            changed: Inbox::new(settle_time),
            watch,
            unconfirmed: None,
        }
    }

    /// Watches a file that was filed just now.
    pub(super) async fn watch(&mut self, filing: &Filing, tray: Place, name: &OsString) {
        let found = stamp(&filing.path(tray, name)).await;
        let Ok(Some(stamp)) = found else { return };
        if self.watched.len() >= WATCHED_MAX {
            let oldest = self.watched.iter().min_by_key(|(_, watched)| watched.since);
            let oldest = oldest.map(|(source, _)| source.clone());
            self.watched.remove(&oldest.expect("some are watched"));
        }
        let since = tokio::time::Instant::now();
        self.watched.insert((tray, name.clone()), Watched { stamp, since });
    }

    /// Notes that a report was written, whose values are not confirmed yet.
    pub(super) async fn note_report(&mut self, report: &Path) {
        if let Ok(metadata) = fs::metadata(report).await
            && let Ok(written) = time_of(&metadata)
        {
            self.unconfirmed = self.unconfirmed.max(Some(written));
        }
    }
}

impl Folder {
    /// Looks for files in the trays that have changed, and have settled since.
    pub(super) async fn look_at_trays(&mut self, now: Timestamp) -> Result<(), Error> {
        let watch = self.trays.watch;
        self.trays.watched.retain(|_, watched| watched.since.elapsed() < watch);
        let mut changed = BTreeMap::new();
        let mut gone = Vec::new();
        for (source, watched) in &self.trays.watched {
            match stamp(&self.filing.path(source.0, &source.1)).await? {
                Some(stamp) if stamp == watched.stamp => {}
                Some(stamp) => {
                    let name = Path::new(source.0.name()).join(&source.1).into_os_string();
                    changed.insert(name, stamp);
                }
                None => gone.push(source.clone()),
            }
        }
        for source in gone {
            self.trays.watched.remove(&source);
        }
        for settled in self.trays.changed.scan(changed, now) {
            let source = source_of(&settled.name);
            let path = self.filing.path(source.0, &source.1);
            let is_terminated = opening::is_terminated(&path).await.unwrap_or(true);
            if is_terminated || settled.quiet >= self.unterminated_wait {
                warn!(file = %path.display(), "a file changed after it was read, and is read again");
                self.trays.watched.remove(&source);
                self.again.push_back((source, Again::Changed));
            }
        }
        Ok(())
    }

    /// Finds accepted files whose values the centre has not confirmed and the spool does not know,
    /// and files that changed while the collector did not run. The oldest come first.
    pub(super) async fn find_unconfirmed(&mut self) -> Result<(), Error> {
        let confirmed = self.confirmed().await?;
        let mut found = Vec::new();
        for name in self.accepted_files().await? {
            self.await_reports(&name, confirmed).await?;
            let source = (Place::Accepted, name);
            if let Some((filed, again)) = self.reason_to_read(&source, confirmed).await? {
                found.push((filed, source, again));
            }
        }
        found.sort_by(|(one, first, _), (other, second, _)| (one, first).cmp(&(other, second)));
        if !found.is_empty() {
            warn!(count = found.len(), "files in the trays are read again");
        }
        self.again.extend(found.into_iter().map(|(_, source, again)| (source, again)));
        Ok(())
    }

    /// Names of the accepted files, without their reports.
    pub(super) async fn accepted_files(&self) -> Result<Vec<OsString>, Error> {
        let mut names = Vec::new();
        let folder = self.filing.folder(Place::Accepted);
        let mut entries = fs::read_dir(&folder).await.map_err(Error::io("listing", &folder))?;
        while let Some(entry) = entries.next_entry().await.map_err(Error::io("listing", &folder))? {
            let name = entry.file_name();
            if !is_report(&name) && Name::classify(&name) == Name::Table {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Reason why a file of a tray must be read again, and the time at which it was filed.
    async fn reason_to_read(
        &mut self,
        source: &Source,
        confirmed: Option<Timestamp>,
    ) -> Result<Option<(Timestamp, Again)>, Error> {
        let path = self.filing.path(source.0, &source.1);
        let Ok(metadata) = fs::symlink_metadata(&path).await else { return Ok(None) };
        if !metadata.is_file() {
            return Ok(None);
        }
        let written = time_of(&metadata).map_err(Error::io("looking at", &path))?;
        let report = fs::metadata(self.filing.report(source.0, &source.1, 1)).await;
        // Without its report nothing tells when it was filed.
        let filed = report.ok().and_then(|report| time_of(&report).ok()).unwrap_or(written);
        let has_changed = written > filed;
        let is_confirmed = confirmed.is_some_and(|confirmed| filed <= confirmed);
        if is_confirmed && !has_changed {
            return Ok(None);
        }
        let Ok((file, opened)) = opening::open(&path).await else { return Ok(None) };
        let contents = self.intake.read(&path, file, opened.size_bytes).await?;
        if self.intake.spool.accepted_file(contents.digest).await.map_err(Error::Spool)?.is_some() {
            if !is_confirmed {
                self.trays.unconfirmed = self.trays.unconfirmed.max(Some(filed));
            }
            return Ok(None);
        }
        Ok(Some((filed, if has_changed { Again::Changed } else { Again::SpoolLost })))
    }

    async fn confirmed(&self) -> Result<Option<Timestamp>, Error> {
        let bytes = self.filing.read_own(CONFIRMED).await?;
        // What cannot be read confirms nothing, and files are read once more than they need be.
        Ok(bytes.and_then(|bytes| str::from_utf8(&bytes).ok()?.trim().parse().ok()))
    }

    /// Notes that the centre holds everything that was taken, once it does.
    pub(super) async fn note_confirmed(&mut self, log: &LogState) -> Result<(), Error> {
        let Some(newest) = self.trays.unconfirmed else { return Ok(()) };
        let is_drained = log.released == log.produced && !log.is_restating;
        if !is_drained || !self.again.is_empty() {
            return Ok(());
        }
        self.filing.write_own(CONFIRMED, newest.to_string().as_bytes()).await?;
        self.trays.unconfirmed = None;
        info!(through = %newest, "the centre holds every accepted file");
        Ok(())
    }
}

/// True if a name is that of a report for spreadsheets, which ends like a table.
fn is_report(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let Some((_, ending)) = name.rsplit_once(".report") else { return false };
    let number = ending.trim_end_matches(".csv").trim_start_matches('-');
    number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The file of a name below the inbox.
fn source_of(name: &OsString) -> Source {
    let path = Path::new(name);
    let is_accepted = path.starts_with(Place::Accepted.name());
    let tray = if is_accepted { Place::Accepted } else { Place::Rejected };
    (tray, path.file_name().unwrap_or_default().to_owned())
}
