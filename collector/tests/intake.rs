//! Files put into the inbox, as an office sees them: where they go, and what the reports say.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use phuxanh_collector::{
    source::{Facts, Limits, Trouble, folder},
    spool::{self, Spool},
};
use phuxanh_core::{Batch, LogId, Timestamp, catalogue::Catalogue, gazetteer::Gazetteer};
use phuxanh_proto::convert::decode;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    time::{interval, timeout},
};

const DEADLINE: Duration = Duration::from_mins(1);
/// A quota under which a batch fits only while none waits.
const ONE_BATCH: u64 = 256 << 10;
const HEADER: &str = "locality,metric,period,value,observed_time\n";

fn clock() -> Timestamp {
    "2025-08-01 09:00".parse().expect("a time")
}

/// An inbox of Hà Nội's.
struct Office {
    folder: TempDir,
    /// Directory of the spool.
    _directory: TempDir,
    spool: Spool,
    limits: Limits,
}

impl Office {
    fn open() -> Self {
        Self::open_with_quota(1 << 20)
    }

    fn open_with_quota(quota_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = tempfile::tempdir().expect("a folder");
        let config = spool::Config {
            quota_bytes,
            batch_observation_count_max: 100,
            batch_payload_bytes_max: 10_000,
            queue_max: 8,
            ballast_bytes: 0,
            ..spool::Config::default()
        };
        let spool = spool::open(directory.path(), config, LogId([1; 16]), clock).expect("a spool");
        let limits = Limits { chunk_observations_max: 3, line_bytes_max: 500, ..Limits::default() };
        Self { folder, _directory: directory, spool, limits }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    /// The names in a folder, ordered.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name");
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }

    /// True if a move is under way.
    fn has_notes(&self) -> bool {
        let entries = fs::read_dir(self.path(".working")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.into_iter().any(|name| name.starts_with("move-"))
    }

    /// Leaves the note of a move to `accepted/` that was interrupted.
    fn interrupt_move(&self, name: &str) {
        let metadata = fs::metadata(self.path(name)).expect("a file");
        let written = metadata.modified().expect("a time").duration_since(UNIX_EPOCH);
        let stamp = format!(
            "{} {} {} {}",
            metadata.len(),
            written.expect("since 1970").as_micros(),
            metadata.dev(),
            metadata.ino()
        );
        let hash = Sha256::digest(name);
        let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
        let hash = hash[..8].iter().fold(String::new(), hex);
        let note = ["", name, "accepted", name, &stamp].join("\0");
        self.put(&format!(".working/move-{hash}"), note);
    }

    /// Runs the source until files have left the inbox.
    async fn read(&self, names: &[&str]) {
        let is_read = || {
            let mut waiting = names.iter().map(|name| self.path(name));
            waiting.all(|path| !path.exists()) && !self.has_notes()
        };
        self.watch(async {
            let mut poll = interval(Duration::from_millis(1));
            while !is_read() {
                poll.tick().await;
            }
        })
        .await;
    }

    /// Runs the source until something has happened.
    async fn watch(&self, end: impl Future<Output = ()>) {
        let config = folder::Config {
            path: self.folder.path().to_owned(),
            settle_time: Duration::ZERO,
            unterminated_wait: Duration::ZERO,
            changed_watch: DEADLINE,
            poll_interval: Duration::from_millis(1),
            limits: self.limits,
        };
        let facts = Facts {
            reporter: "01".parse().expect("a code"),
            catalogue: Arc::new(Catalogue::builtin()),
            gazetteer: Arc::new(Gazetteer::builtin()),
            ahead_max: Duration::from_mins(5),
            restated_months_max: 1,
        };
        let ports = folder::Ports {
            spool: self.spool.handle.clone(),
            log: self.spool.log.clone(),
            trouble: watch::channel(Trouble::default()).0,
            superseded: mpsc::channel(1).1,
            clock,
        };
        let run = folder::run(config, facts, ports, end);
        timeout(DEADLINE, run).await.expect("read in time").expect("a folder");
    }
}

fn long(rows: &[&str]) -> String {
    HEADER.to_owned() + &rows.join("\n")
}

fn assert_same_lines(report: &str, expected: &str) {
    for (number, (line, expected)) in report.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
    assert_eq!(report.lines().count(), expected.lines().count());
}

#[tokio::test]
async fn every_bad_row_is_explained_and_no_good_one_lost() {
    let office = Office::open();
    office.put("every_bad_row.csv", include_bytes!("data/every_bad_row.csv"));
    office.read(&["every_bad_row.csv"]).await;
    let name = "accepted/every_bad_row.csv";
    assert!(office.path(name).exists());
    for (ending, expected) in [
        ("txt", include_str!("data/every_bad_row.csv.report.txt")),
        ("csv", include_str!("data/every_bad_row.csv.report.csv")),
    ] {
        assert_same_lines(&office.text(&format!("{name}.report.{ending}")), expected);
    }
}

#[tokio::test]
async fn every_bad_cell_is_explained_and_the_others_of_its_row_kept() {
    let office = Office::open();
    office.put("every_bad_cell.csv", include_bytes!("data/every_bad_cell.csv"));
    office.read(&["every_bad_cell.csv"]).await;
    assert_same_lines(
        &office.text("accepted/every_bad_cell.csv.report.txt"),
        include_str!("data/every_bad_cell.csv.report.txt"),
    );
}

#[tokio::test]
async fn an_identical_file_does_nothing_and_says_so() {
    let office = Office::open();
    let text = long(&["00004,digital_signatures,2025-07,1,2025-07-31 16:00"]);
    office.put("04.csv", &text);
    office.read(&["04.csv"]).await;
    let first = office.text("accepted/04.csv.report.txt");
    assert!(first.contains("\nGiá trị nhận mới / Observations taken: 1\n"), "{first}");
    office.put("04.csv", &text);
    office.put("other.csv", &text);
    office.read(&["04.csv", "other.csv"]).await;
    assert_eq!(office.text("accepted/04.csv.report.txt"), first);
    for report in ["accepted/04-2.csv.report.txt", "accepted/other.csv.report.txt"] {
        let told = "The file is identical to 04.csv, accepted at 2025-08-01T09:00:00+07:00. \
                    Nothing was done.";
        assert!(office.text(report).contains(told), "{report}");
    }
    assert_eq!(office.names("accepted").len(), 6);
}

#[tokio::test]
async fn a_value_already_known_is_unchanged_and_a_newer_confirmation_is_taken() {
    let office = Office::open();
    let row = "00004,digital_signatures,2025-07,1,2025-07-31";
    office.put("a.csv", long(&[&format!("{row} 16:00")]));
    office.read(&["a.csv"]).await;
    office.put("b.csv", long(&[&format!("{row} 16:00"), &format!("{row} 17:00")]));
    office.read(&["b.csv"]).await;
    let report = office.text("accepted/b.csv.report.txt");
    assert!(report.contains("\nGiá trị nhận mới / Observations taken: 1\n"), "{report}");
    assert!(report.contains("\nGiá trị không thay đổi / Unchanged: 1\n"), "{report}");
    assert!(report.contains("ĐÃ NHẬN / ACCEPTED\n"), "{report}");
    assert!(!report.contains("CHI TIẾT"), "{report}");
}

#[tokio::test]
async fn files_of_which_nothing_can_be_used_are_rejected() {
    let office = Office::open();
    let bad_row = long(&["00004,digital_signatures,2025-07,maybe,2025-07-31 16:00"]);
    let cases: [(&str, &[u8], &str); 6] = [
        ("bad_rows.csv", bad_row.as_bytes(), "\"maybe\" is neither yes nor no."),
        ("empty.csv", b"", "The file is empty."),
        ("blank.csv", b"\xef\xbb\xbf\r\n\n", "The file is empty."),
        ("gzip.csv", b"\x1f\x8b\x08\0", "The file is a compressed file (gzip)"),
        ("missing.csv", b"\nlocality,metric,value\n", "lacks the columns: period, observed_time."),
        ("twice.csv", b"locality,period,Period,observed_time,working_days\n", "Keep one of them."),
    ];
    for (name, bytes, _) in cases {
        office.put(name, bytes);
    }
    office.read(&cases.map(|(name, ..)| name)).await;
    for (name, bytes, told) in cases {
        assert_eq!(fs::read(office.path("rejected").join(name)).expect(name), bytes);
        let report = office.text(&format!("rejected/{name}.report.txt"));
        assert!(report.contains("KHÔNG NHẬN / REJECTED\n"), "{report}");
        assert!(report.contains(told), "{report}");
    }
    assert!(office.names("accepted").is_empty());
}

#[tokio::test]
async fn a_rejected_file_is_read_again_when_it_comes_again() {
    let office = Office::open();
    for _ in 0..2 {
        office.put("a.csv", "locality\n");
        office.read(&["a.csv"]).await;
    }
    assert_eq!(
        office.names("rejected"),
        [
            "a-2.csv",
            "a-2.csv.report.csv",
            "a-2.csv.report.txt",
            "a.csv",
            "a.csv.report.csv",
            "a.csv.report.txt"
        ]
    );
    let second = office.text("rejected/a-2.csv.report.txt");
    assert!(second.starts_with(
        "BÁO CÁO NHẬN TỆP / FILE REPORT\n\nTệp / File: a-2.csv\nThời điểm đọc / Read at: 2025-08-01"
    ));
}

#[tokio::test]
async fn a_header_without_rows_is_not_accepted() {
    let office = Office::open();
    office.put("a.csv", HEADER);
    office.read(&["a.csv"]).await;
    let report = office.text("rejected/a.csv.report.txt");
    assert!(report.contains("The file has a header and no row."), "{report}");
}

#[tokio::test]
async fn what_is_no_complete_table_is_left_alone() {
    let office = Office::open();
    let text = long(&["00004,digital_signatures,2025-07,1,2025-07-31 16:00"]);
    let left = [".hidden.csv", "a.csv.part", "b.csv.tmp", "c.xlsx"];
    for name in left {
        office.put(name, &text);
    }
    office.put("sub.csv/d.csv", &text);
    office.put("e.CSV", &text);
    office.read(&["e.CSV"]).await;
    assert!(left.iter().all(|name| office.path(name).exists()));
    assert!(office.path("sub.csv/d.csv").exists());
    assert_eq!(office.names("accepted"), ["e.CSV", "e.CSV.report.txt"]);
}

#[tokio::test]
async fn a_report_lists_no_more_than_its_bound() {
    let mut office = Office::open();
    office.limits.report_entries_max = 2;
    let rows = ["00004,digital_signatures,2025-07,maybe,2025-07-31 16:00"; 5];
    office.put("a.csv", long(&rows));
    office.read(&["a.csv"]).await;
    let report = office.text("rejected/a.csv.report.txt");
    assert_eq!(report.matches("Dòng / Line: ").count(), 2);
    assert!(report.contains("\nMục bị từ chối / Refused: 5\n"), "{report}");
    assert!(report.contains("Not listed, since too many: 3\n"), "{report}");
}

#[tokio::test]
async fn a_move_that_was_interrupted_is_completed_with_the_report_that_stands() {
    let office = Office::open();
    office.put("a.csv", long(&["00004,digital_signatures,2025-07,1,2025-07-31 16:00"]));
    office.read(&["a.csv"]).await;
    let report = office.text("accepted/a.csv.report.txt");
    fs::rename(office.path("accepted/a.csv"), office.path("a.csv")).expect("moved");
    office.interrupt_move("a.csv");
    office.read(&["a.csv"]).await;
    assert_eq!(office.text("accepted/a.csv.report.txt"), report);
    assert_eq!(office.names("accepted"), ["a.csv", "a.csv.report.txt"]);
}

#[tokio::test]
async fn a_file_interrupted_before_it_was_accepted_is_read_again() {
    let office = Office::open();
    office.put("a.csv", long(&["00004,digital_signatures,2025-07,1,2025-07-31 16:00"]));
    office.put("accepted/a.csv.report.txt", "from before the crash");
    office.interrupt_move("a.csv");
    office.read(&["a.csv"]).await;
    assert_eq!(office.text("accepted/a.csv.report.txt"), "from before the crash");
    let report = office.text("accepted/a-2.csv.report.txt");
    assert!(report.contains("\nGiá trị nhận mới / Observations taken: 1\n"), "{report}");
}

#[tokio::test]
async fn a_full_spool_holds_the_file_back_until_it_has_room() {
    let office = Office::open_with_quota(ONE_BATCH);
    let row = |minute| format!("00004,working_days,2025-07,{minute},2025-07-31 16:{minute:02}");
    let rows: Vec<_> = (10..18).map(row).collect();
    office.put("a.csv", HEADER.to_owned() + &rows.join("\n"));
    // Makes room whenever the spool is at its quota, and says what it then held.
    let release = async {
        let mut log = office.spool.log.clone();
        let (mut counts, mut values) = (Vec::new(), Vec::new());
        while counts.len() < 3 {
            let state = *log.wait_for(|log| log.batch_count > 0).await.expect("open");
            if counts.len() < 2 {
                assert!(office.path("a.csv").exists());
                assert_eq!(state.complete_through, None);
            }
            let loaded = office.spool.handle.load(state.released.sequence, 9, 9_999).await;
            let mut batches = loaded.expect("open").batches;
            // What came meanwhile is not settled below, and counts the next time.
            batches.retain(|batch| batch.sequence <= state.produced.sequence);
            let decode = |batch: &Batch| decode(&batch.payload, batch.observation_count);
            for observation in batches.iter().flat_map(|batch| decode(batch).expect("readable")) {
                values.extend(observation.value);
            }
            counts.push(batches.iter().map(|batch| batch.observation_count).sum::<u32>());
            let settled = office.spool.handle.settle(state.produced.sequence, vec![]).await;
            log.wait_for(|log| Ok(log) == settled.as_ref()).await.expect("open");
        }
        (counts, values)
    };
    let both = async { tokio::join!(release, office.read(&["a.csv"])) };
    let ((counts, values), ()) = timeout(DEADLINE, both).await.expect("released in time");
    assert_eq!(counts, [3, 3, 2]);
    assert_eq!(values, (10..18).collect::<Vec<_>>());
    let report = office.text("accepted/a.csv.report.txt");
    assert!(report.contains("\nGiá trị nhận mới / Observations taken: 8\n"), "{report}");
}

#[tokio::test]
async fn an_inbox_without_unread_files_is_complete() {
    let office = Office::open();
    office.put("a.csv", long(&["00004,digital_signatures,2025-07,1,2025-07-31 16:00"]));
    let mut log = office.spool.log.clone();
    let complete = async {
        log.wait_for(|log| log.complete_through.is_some()).await.expect("open").complete_through
    };
    let is_complete = async {
        assert_eq!(complete.await, Some(clock()));
        assert!(!office.path("a.csv").exists());
    };
    office.watch(is_complete).await;
}

#[tokio::test]
async fn a_file_that_was_replaced_while_it_was_read_is_read_again() {
    let office = Office::open_with_quota(ONE_BATCH);
    let row = |minute| format!("00004,working_days,2025-07,{minute},2025-07-31 16:{minute:02}");
    let rows: Vec<_> = (10..14).map(row).collect();
    office.put("a.csv", HEADER.to_owned() + &rows.join("\n"));
    let mut log = office.spool.log.clone();
    let replace = async {
        let state = *log.wait_for(|log| log.batch_count > 0).await.expect("open");
        office.put("new.tmp", long(&["00070,working_days,2025-07,21,2025-07-31 16:00"]));
        fs::rename(office.path("new.tmp"), office.path("a.csv")).expect("renamed");
        let mut through = state.produced.sequence;
        while through < 3 {
            office.spool.handle.settle(through, vec![]).await.expect("open");
            let next = log.wait_for(|log| log.produced.sequence > through).await.expect("open");
            through = next.produced.sequence;
        }
    };
    let both = async { tokio::join!(replace, office.read(&["a.csv"])) };
    timeout(DEADLINE, both).await.expect("read again in time");
    assert!(office.text("accepted/a.csv").contains("00070"));
    let report = office.text("accepted/a.csv.report.txt");
    assert!(report.contains("\nSố dòng đã đọc / Rows read: 1\n"), "{report}");
    assert!(report.contains("\nGiá trị nhận mới / Observations taken: 1\n"), "{report}");
    assert_eq!(office.names("accepted").len(), 2);
}
