//! Choice of the files of a folder that are complete.
//!
//! A file counts as complete when it is the same as at the scan before and has been quiet for the
//! settle time. Knows names, sizes and times, and no folder.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    time::Duration,
};

use phuxanh_core::Timestamp;

/// A file as a scan sees it. Two stamps are equal while nobody writes to the file or puts another
/// in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub size_bytes: u64,
    pub modified: Timestamp,
    pub device: u64,
    pub inode: u64,
}

/// Kind of a name in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The file is to be read.
    Table,
    /// Hidden, or still being delivered by its ending.
    Passing,
    /// Something that may hold data, in a format that is not read.
    OtherFormat,
    /// Nothing that the source reads.
    Other,
}

/// Endings of files that another program has not completed.
const UNFINISHED: [&str; 6] = ["part", "tmp", "filepart", "crdownload", "download", "partial"];
/// Endings of files in which people keep tables.
const TABLE_FORMATS: [&str; 14] = [
    "xlsx", "xlsm", "xlsb", "xls", "ods", "tsv", "txt", "zip", "gz", "rar", "7z", "pdf", "docx",
    "doc",
];

impl Name {
    /// Tells by a file's name what it is.
    #[must_use]
    pub fn classify(name: &OsStr) -> Self {
        let name = name.to_string_lossy();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        match extension.as_deref() {
            // `~$` begins the name of the file by which Excel marks another as open.
            _ if name.starts_with('.') || name.starts_with("~$") => Self::Passing,
            Some(ending) if UNFINISHED.contains(&ending) => Self::Passing,
            Some("csv") => Self::Table,
            Some(ending) if TABLE_FORMATS.contains(&ending) => Self::OtherFormat,
            Some(_) | None => Self::Other,
        }
    }
}

/// A complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub name: OsString,
    /// Time for which nothing has changed.
    pub quiet: Duration,
}

/// The files that earlier scans saw.
#[derive(Debug, Clone)]
pub struct Inbox {
    settle_time: Duration,
    seen: BTreeMap<OsString, Seen>,
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
    pub const fn new(settle_time: Duration) -> Self {
        Self { settle_time, seen: BTreeMap::new() }
    }

    /// Notes what a scan saw and names the complete files, the oldest first.
    pub fn scan(&mut self, listing: BTreeMap<OsString, Stamp>, now: Timestamp) -> Vec<Settled> {
        let mut complete = Vec::new();
        let mut seen = BTreeMap::new();
        for (name, stamp) in listing {
            let before = self.seen.get(&name).filter(|seen| seen.stamp == stamp);
            let since = before.map_or(now, |seen| seen.since);
            let quiet = quiet_for(stamp, since, now);
            if before.is_some() && quiet >= self.settle_time {
                complete.push((stamp.modified, Settled { name: name.clone(), quiet }));
            }
            seen.insert(name, Seen { stamp, since });
        }
        self.seen = seen;
        complete.sort_by(|(one, first), (other, second)| {
            (one, &first.name).cmp(&(other, &second.name))
        });
        complete.into_iter().map(|(_, settled)| settled).collect()
    }
}

/// A file server's clock may run ahead: then what counts is how long the file was watched.
fn quiet_for(stamp: Stamp, since: Timestamp, now: Timestamp) -> Duration {
    now.since(if stamp.modified > now { since } else { stamp.modified })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000).expect("in range")
    }

    fn scan(inbox: &mut Inbox, files: &[(&str, u64, i64)], now: i64) -> Vec<String> {
        let stamp = |size_bytes, modified| Stamp {
            size_bytes,
            modified: at(modified),
            device: 1,
            inode: 1,
        };
        let listing = files
            .iter()
            .map(|(name, size, modified)| ((*name).into(), stamp(*size, *modified)))
            .collect();
        let settled = inbox.scan(listing, at(now)).into_iter();
        settled.map(|settled| settled.name.into_string().expect("a name")).collect()
    }

    fn inbox() -> Inbox {
        Inbox::new(Duration::from_secs(2))
    }

    #[test]
    fn a_file_is_complete_when_two_scans_agree_and_it_has_settled() {
        let mut inbox = inbox();
        assert!(scan(&mut inbox, &[("a", 1, 10)], 11).is_empty());
        assert!(scan(&mut inbox, &[("a", 2, 11)], 12).is_empty());
        assert!(scan(&mut inbox, &[("a", 2, 11)], 12).is_empty());
        assert_eq!(scan(&mut inbox, &[("a", 2, 11)], 13), ["a"]);
    }

    #[test]
    fn an_old_file_that_was_moved_in_waits_for_the_second_scan() {
        let mut inbox = inbox();
        assert!(scan(&mut inbox, &[("a", 1, 1)], 100).is_empty());
        assert_eq!(scan(&mut inbox, &[("a", 1, 1)], 101), ["a"]);
    }

    #[test]
    fn a_file_that_grows_within_a_second_is_not_complete() {
        let mut inbox = inbox();
        assert!(scan(&mut inbox, &[("a", 1, 1)], 100).is_empty());
        assert!(scan(&mut inbox, &[("a", 2, 1)], 101).is_empty());
    }

    #[test]
    fn a_time_ahead_of_the_clock_does_not_hold_a_file_back_for_ever() {
        let mut inbox = inbox();
        assert!(scan(&mut inbox, &[("a", 1, 900)], 10).is_empty());
        assert!(scan(&mut inbox, &[("a", 1, 900)], 11).is_empty());
        assert_eq!(scan(&mut inbox, &[("a", 1, 900)], 12), ["a"]);
    }

    #[test]
    fn the_oldest_file_comes_first() {
        let mut inbox = inbox();
        let files = [("a", 1, 3), ("b", 1, 1), ("c", 1, 3)];
        assert!(scan(&mut inbox, &files, 100).is_empty());
        assert_eq!(scan(&mut inbox, &files, 101), ["b", "a", "c"]);
    }

    #[test]
    fn names_tell_what_is_read() {
        let cases = [
            ("04.csv", Name::Table),
            ("Báo cáo.CSV", Name::Table),
            (".04.csv", Name::Passing),
            ("~$04.csv", Name::Passing),
            (".~lock.04.csv#", Name::Passing),
            ("04.csv.part", Name::Passing),
            ("04.csv.crdownload", Name::Passing),
            ("04.TMP", Name::Passing),
            ("04.xlsx", Name::OtherFormat),
            ("04.csv.gz", Name::OtherFormat),
            ("README.md", Name::Other),
            ("csv", Name::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(Name::classify(OsStr::new(name)), expected, "{name}");
        }
    }
}
