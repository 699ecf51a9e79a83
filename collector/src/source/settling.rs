//! Which files of an inbox are complete.
//!
//! A file counts as complete when its size and time are the same as at the scan before and it has
//! been quiet for the settle time. Knows names, sizes and times, and no folder.

use std::{collections::BTreeMap, time::Duration};

use phuxanh_core::Timestamp;

/// A file as a scan sees it. Two stamps are equal while nobody writes to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub size_bytes: u64,
    pub modified: Timestamp,
}

/// What a name in the inbox is to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// To be read.
    Table,
    /// Hidden, or still being delivered by its ending.
    Passing,
    /// Nothing that the source reads.
    Other,
}

impl Name {
    /// Tells by a file's name what it is.
    #[must_use]
    pub fn classify(name: &str) -> Self {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        match extension.as_deref() {
            _ if name.starts_with('.') => Self::Passing,
            Some("part" | "tmp") => Self::Passing,
            Some("csv") => Self::Table,
            Some(_) | None => Self::Other,
        }
    }
}

/// The files that earlier scans saw.
#[derive(Debug, Clone)]
pub struct Inbox {
    settle_time: Duration,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    stamp: Stamp,
    /// First scan that saw this stamp.
    since: Timestamp,
}

impl Inbox {
    /// An inbox in which nothing has been seen yet.
    #[must_use]
    pub fn new(settle_time: Duration) -> Self {
        Self { settle_time, seen: BTreeMap::new() }
    }

    /// Notes what a scan saw and names the complete files, the oldest first.
    pub fn scan(&mut self, listing: BTreeMap<String, Stamp>, now: Timestamp) -> Vec<String> {
        let mut complete = Vec::new();
        let mut seen = BTreeMap::new();
        for (name, stamp) in listing {
            let before = self.seen.get(&name).filter(|seen| seen.stamp == stamp);
            let since = before.map_or(now, |seen| seen.since);
            if before.is_some() && self.is_quiet(stamp, since, now) {
                complete.push((stamp.modified, name.clone()));
            }
            seen.insert(name, Seen { stamp, since });
        }
        self.seen = seen;
        complete.sort();
        complete.into_iter().map(|(_, name)| name).collect()
    }

    /// A file server's clock may run ahead: then what counts is how long the file was watched.
    fn is_quiet(&self, stamp: Stamp, since: Timestamp, now: Timestamp) -> bool {
        let quiet_since = if stamp.modified > now { since } else { stamp.modified };
        now.since(quiet_since) >= self.settle_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000).expect("in range")
    }

    fn listing(files: &[(&str, u64, i64)]) -> BTreeMap<String, Stamp> {
        let stamp = |size_bytes, modified| Stamp { size_bytes, modified: at(modified) };
        files
            .iter()
            .map(|(name, size, modified)| ((*name).into(), stamp(*size, *modified)))
            .collect()
    }

    fn inbox() -> Inbox {
        Inbox::new(Duration::from_secs(2))
    }

    #[test]
    fn a_file_is_complete_when_two_scans_agree_and_it_has_settled() {
        let mut inbox = inbox();
        assert!(inbox.scan(listing(&[("a", 1, 10)]), at(11)).is_empty());
        assert!(inbox.scan(listing(&[("a", 2, 11)]), at(12)).is_empty());
        assert!(inbox.scan(listing(&[("a", 2, 11)]), at(12)).is_empty());
        assert_eq!(inbox.scan(listing(&[("a", 2, 11)]), at(13)), ["a"]);
    }

    #[test]
    fn an_old_file_that_was_moved_in_waits_for_the_second_scan() {
        let mut inbox = inbox();
        assert!(inbox.scan(listing(&[("a", 1, 1)]), at(100)).is_empty());
        assert_eq!(inbox.scan(listing(&[("a", 1, 1)]), at(101)), ["a"]);
    }

    #[test]
    fn a_file_that_grows_within_a_second_is_not_complete() {
        let mut inbox = inbox();
        assert!(inbox.scan(listing(&[("a", 1, 1)]), at(100)).is_empty());
        assert!(inbox.scan(listing(&[("a", 2, 1)]), at(101)).is_empty());
    }

    #[test]
    fn a_time_ahead_of_the_clock_does_not_hold_a_file_back_for_ever() {
        let mut inbox = inbox();
        assert!(inbox.scan(listing(&[("a", 1, 900)]), at(10)).is_empty());
        assert!(inbox.scan(listing(&[("a", 1, 900)]), at(11)).is_empty());
        assert_eq!(inbox.scan(listing(&[("a", 1, 900)]), at(12)), ["a"]);
    }

    #[test]
    fn the_oldest_file_comes_first() {
        let mut inbox = inbox();
        let files = [("a", 1, 3), ("b", 1, 1), ("c", 1, 3)];
        assert!(inbox.scan(listing(&files), at(100)).is_empty());
        assert_eq!(inbox.scan(listing(&files), at(101)), ["b", "a", "c"]);
    }

    #[test]
    fn names_tell_what_is_read() {
        let cases = [
            ("04.csv", Name::Table),
            ("Báo cáo.CSV", Name::Table),
            (".04.csv", Name::Passing),
            ("04.csv.part", Name::Passing),
            ("04.TMP", Name::Passing),
            ("04.xlsx", Name::Other),
            ("csv", Name::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(Name::classify(name), expected, "{name}");
        }
    }
}
