//! Audit log: a file of JSON lines that tells who was refused, and what operators did.
//!
//! Lines are only added. A full file gets the number 1, those before it a higher one, and the oldest
//! is deleted, so that the log never fills a disk.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use phuxanh_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{modes, settings::Rule};

const NAME: &str = "audit-log";
const FILE_BYTES_MIN: u64 = 4 << 10;
const FILE_COUNT_LIMIT: usize = 1_000;

/// Section `audit_log`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// Bytes from which a file is full.
    pub file_bytes_max: u64,
    /// Files that are kept, the present one included.
    pub file_count_max: usize,
}

/// Line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Name of the action, in lower case with underscores.
    pub action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporter: Option<String>,
    /// Name of the host that acted, by its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Caller who was refused: its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Account of the action in plain words.
    pub detail: String,
    /// Number of equal actions since the last line, which have no line of their own.
    #[serde(skip_serializing_if = "is_zero")]
    pub repeated: u64,
}

/// Open log.
#[derive(Debug)]
pub struct AuditLog {
    directory: PathBuf,
    rotation: Rotation,
    file: File,
    bytes: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { file_bytes_max: 4 << 20, file_count_max: 8 }
    }
}

impl Rotation {
    /// The rules that the section must meet.
    #[must_use]
    pub fn rules(&self) -> [Rule; 2] {
        [
            (
                "audit_log.file_bytes_max",
                self.file_bytes_max >= FILE_BYTES_MIN,
                "expected 4,096 or more",
            ),
            (
                "audit_log.file_count_max",
                (2..=FILE_COUNT_LIMIT).contains(&self.file_count_max),
                "expected 2 to 1,000",
            ),
        ]
    }
}

impl Entry {
    /// An action of nobody in particular.
    #[must_use]
    pub const fn new(action: &'static str, detail: String) -> Self {
        Self { action, reporter: None, host: None, caller: None, detail, repeated: 0 }
    }

    /// The same about a caller.
    #[must_use]
    pub fn by(self, caller: String) -> Self {
        Self { caller: Some(caller), ..self }
    }
}

impl AuditLog {
    /// Opens the log of a directory, which is made if there is none.
    pub fn open(directory: &Path, rotation: Rotation) -> io::Result<Self> {
        modes::make_directory(directory)?;
        let file = open(directory)?;
        let bytes = file.metadata()?.len();
        Ok(Self { directory: directory.to_owned(), rotation, file, bytes })
    }

    /// Adds a line, and returns when it is on the disk.
    pub fn append(&mut self, time: Timestamp, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { time: time.to_string(), entry })?;
        line.push(b'\n');
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.rotation.file_bytes_max {
            self.begin_file()?;
        }
        // In one write, so that a crash leaves at most one broken line, the last.
        self.file.write_all(&line)?;
        self.bytes += line.len() as u64;
        self.file.sync_data()
    }

    fn begin_file(&mut self) -> io::Result<()> {
        for number in (0..self.rotation.file_count_max - 1).rev() {
            match fs::rename(
                numbered(&self.directory, number),
                numbered(&self.directory, number + 1),
            ) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open(&self.directory)?;
        self.bytes = 0;
        Ok(())
    }
}

fn open(directory: &Path) -> io::Result<File> {
    modes::private_file().append(true).open(numbered(directory, 0))
}

/// File of a number; 0 is the present one.
fn numbered(directory: &Path, number: usize) -> PathBuf {
    match number {
        0 => directory.join(format!("{NAME}.jsonl")),
        _ => directory.join(format!("{NAME}.{number}.jsonl")),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ROTATION: Rotation = Rotation { file_bytes_max: 300, file_count_max: 3 };

    fn entry(number: usize) -> Entry {
        let (reporter, host) = (Some("04".to_owned()), None);
        let detail = format!("{number}: \"quoted\"\nin two lines");
        Entry { reporter, host, ..Entry::new("collector_refused", detail) }
    }

    fn time() -> Timestamp {
        "2025-07-31 16:00".parse().expect("a time")
    }

    /// Numbers of the entries in a file, in order.
    fn numbers(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).expect("a file");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let details = lines.map(|line: serde_json::Value| line["detail"].to_string());
        details.filter_map(|detail| Some(detail.split(['"', ':']).nth(1)?.to_owned())).collect()
    }

    #[test]
    fn lines_are_added_and_the_oldest_file_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = folder.path().join("data");
        for number in 0..10 {
            // Opened anew each time: what is there stays.
            let mut log = AuditLog::open(&directory, ROTATION).expect("opened");
            log.append(time(), &entry(number)).expect("written");
        }
        let kept: Vec<_> = (0..4).map(|number| numbered(&directory, number)).collect();
        assert_eq!(numbers(&kept[0]), ["8", "9"]);
        assert_eq!(numbers(&kept[1]), ["6", "7"]);
        assert_eq!(numbers(&kept[2]), ["4", "5"]);
        assert!(!kept[3].exists());
        let mode = fs::metadata(&kept[0]).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_line_names_what_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = AuditLog::open(folder.path(), ROTATION).expect("opened");
        log.append(time(), &Entry { repeated: 3, ..entry(1) }).expect("written");
        let text = fs::read_to_string(numbered(folder.path(), 0)).expect("a file");
        let expected = r#"{"time":"2025-07-31T16:00:00+07:00","action":"collector_refused","reporter":"04","detail":"1: \"quoted\"\nin two lines","repeated":3}"#;
        assert_eq!(text, format!("{expected}\n"));
    }
}
