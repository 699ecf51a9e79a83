//! Entries of the audit log: collectors that were refused or held, logs that were replaced, records
//! that cannot be used, stores that were reset, and what operators did.
//!
//! ```text
//! sessions ─ events ─▶ mesh board ─▶ entry ─▶ Repeats ─▶ file
//! commands ────────────────────────▶ entry ────────────▶ file
//! ```

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use phuxanh_core::{LocalityCode, Timestamp, delivery::board::Event};
use phuxanh_daemon::{
    audit_log::{AuditLog, Entry, Rotation},
    clock::Clock,
};
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::Instant,
};
use tracing::error;

/// Time in which equal actions share a line: a refused collector comes again and again.
const REPEATED_WITHIN: Duration = Duration::from_mins(10);
/// Actions that are remembered for that.
const REMEMBERED_MAX: usize = 1_024;

/// Place and bounds of the log.
#[derive(Debug, Clone)]
pub struct Config {
    pub directory: PathBuf,
    pub rotation: Rotation,
}

/// Writes what is told until the last sender is gone. An entry that cannot be written is an error in
/// the daemon's own log, and nothing else waits for it.
pub async fn keep(
    config: Config,
    clock: Clock,
    mut entries: mpsc::Receiver<Entry>,
    mut replaced: watch::Receiver<Option<Timestamp>>,
) {
    let origin = Instant::now();
    let mut repeats = Repeats::default();
    let mut log = None;
    loop {
        let entry = tokio::select! {
            entry = entries.recv() => match entry {
                Some(entry) => entry,
                None => return,
            },
            Ok(()) = replaced.changed() => store_replaced(),
        };
        let Some(entry) = repeats.next(entry, origin.elapsed()) else { continue };
        let (config, time) = (config.clone(), clock());
        let written = spawn_blocking(move || {
            let mut open = match log {
                Some(open) => open,
                None => AuditLog::open(&config.directory, config.rotation)?,
            };
            open.append(time, &entry)?;
            Ok::<_, io::Error>(open)
        });
        log = match written.await.map_err(io::Error::other) {
            Ok(Ok(open)) => Some(open),
            Ok(Err(error)) | Err(error) => {
                error!(%error, "cannot write the audit log: check data_dir");
                None
            }
        };
    }
}

/// Writes what an operator's command did.
pub fn record(
    config: &Config,
    clock: Clock,
    action: &'static str,
    detail: String,
) -> io::Result<()> {
    let entry = Entry::new(action, detail);
    AuditLog::open(&config.directory, config.rotation)?.append(clock(), &entry)
}

/// Entry of an event, if it belongs into the log.
#[must_use]
pub fn entry(event: &Event) -> Option<Entry> {
    let of = |action, reporter: &LocalityCode, host: Option<&String>, detail| {
        let (reporter, host) = (Some(reporter.to_string()), host.cloned());
        Some(Entry { reporter, host, ..Entry::new(action, detail) })
    };
    match event {
        Event::Refused { reporter, host, owner, .. } => {
            let detail = format!("{owner} delivers for this reporter and is alive");
            of("collector_refused", reporter, Some(host), detail)
        }
        Event::Resynced { reporter, reason, host, .. } => {
            of("log_replaced", reporter, Some(host), format!("asked to restate: {reason}"))
        }
        Event::Damaged { reporter, detail, .. } => {
            of("records_damaged", reporter, None, detail.clone())
        }
        Event::QuotaUsedUp { reporter, detail, .. } => {
            of("quota_used_up", reporter, None, detail.clone())
        }
        Event::IdentityRefused { reporter, detail, .. } => {
            of("identity_refused", reporter, None, detail.clone())
        }
        Event::Connected { .. }
        | Event::Certified { .. }
        | Event::Produced { .. }
        | Event::Beat { .. }
        | Event::Disconnected { .. } => None,
    }
}

fn store_replaced() -> Entry {
    let detail = "the store was wiped or replaced while the aggregator ran".to_owned();
    Entry::new("store_replaced", detail)
}

/// Actions that were written lately.
#[derive(Debug, Default)]
struct Repeats(BTreeMap<Key, Seen>);

type Key = (&'static str, Option<String>, Option<String>, Option<String>, String);

#[derive(Debug)]
struct Seen {
    written: Duration,
    repeated: u64,
}

impl Repeats {
    /// Returns the entry where it gets a line, with the number of those since the last that got none.
    fn next(&mut self, entry: Entry, now: Duration) -> Option<Entry> {
        // What callers were refused, and what changed, is told apart by its words.
        let is_told_apart =
            matches!(entry.action, "access_changed" | "call_refused" | "connection_refused");
        let words = if is_told_apart { entry.detail.clone() } else { String::new() };
        let Entry { action, reporter, host, caller, .. } = &entry;
        let key = (*action, reporter.clone(), host.clone(), caller.clone(), words);
        if let Some(seen) = self.0.get_mut(&key)
            && now.saturating_sub(seen.written) < REPEATED_WITHIN
        {
            seen.repeated += 1 + entry.repeated;
            return None;
        }
        let repeated = entry.repeated + self.0.remove(&key).map_or(0, |seen| seen.repeated);
        if self.0.len() >= REMEMBERED_MAX {
            let oldest = self.0.iter().min_by_key(|(_, seen)| seen.written);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| self.0.remove(&key));
        }
        self.0.insert(key, Seen { written: now, repeated: 0 });
        Some(Entry { repeated, ..entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: String) -> Entry {
        let detail = "another delivers".to_owned();
        let (reporter, host) = (Some("04".to_owned()), Some(host));
        Entry { reporter, host, ..Entry::new("collector_refused", detail) }
    }

    #[test]
    fn equal_actions_share_a_line_and_are_counted() {
        let mut repeats = Repeats::default();
        let mut next = |minute, host: &str| {
            let entry = repeats.next(refused(host.to_owned()), Duration::from_mins(minute));
            entry.map(|entry| entry.repeated)
        };
        assert_eq!(next(0, "alpha"), Some(0));
        assert_eq!([next(1, "alpha"), next(9, "alpha")], [None, None]);
        assert_eq!(next(9, "beta"), Some(0));
        assert_eq!(next(10, "alpha"), Some(2));
        assert_eq!(next(30, "alpha"), Some(0));
    }

    #[test]
    fn what_was_counted_before_is_not_lost_and_causes_are_told_apart() {
        let mut repeats = Repeats::default();
        let mut next = |minute, cause: &str, repeated| {
            let entry =
                Entry::new("connection_refused", cause.to_owned()).by("10.0.0.1".to_owned());
            let entry = repeats.next(Entry { repeated, ..entry }, Duration::from_mins(minute));
            entry.map(|entry| entry.repeated)
        };
        assert_eq!(next(0, "expired", 4), Some(4));
        assert_eq!(next(1, "revoked", 0), Some(0));
        assert_eq!(next(2, "expired", 2), None);
        assert_eq!(next(11, "expired", 1), Some(4));
    }

    #[test]
    fn ever_new_hosts_fill_no_memory() {
        let mut repeats = Repeats::default();
        for number in 0..5_000 {
            let entry = refused(number.to_string());
            assert!(repeats.next(entry, Duration::from_secs(number)).is_some());
            assert!(repeats.0.len() <= REMEMBERED_MAX);
        }
    }
}
