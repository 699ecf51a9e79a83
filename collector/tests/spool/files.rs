//! The spool's directory: made, damaged, copied and brought back, and kept within its bounds.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use phuxanh_collector::spool::{self, Config, Error, Held, OpenError, Spool, moved_aside_count};
use phuxanh_core::{
    LogId, Observation,
    frame::{BatchResult, Refused},
};
use tempfile::TempDir;

use super::{
    bench::{clock, close, config, open},
    disk::{Disk, Loss, Platter, Takes},
    step::{Said, log_id, resync},
};

fn open_in(directory: &Path, config: Config, fresh: u8) -> Result<Spool, OpenError> {
    spool::open(directory, config, log_id(fresh), clock)
}

fn said(place: u8, value: u8, minute: u8) -> Observation {
    Said { place, value, minute }.observation()
}

async fn append(spool: &Spool, observation: Observation) {
    spool.handle.append(vec![observation]).await.expect("room");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

#[tokio::test]
async fn a_copied_spool_opens_and_its_position_tells_it_apart_once_it_goes_its_own_way() {
    let folder = TempDir::new().expect("a folder");
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let spool = open_in(&one, config(), 1).expect("a new spool");
    append(&spool, said(0, 1, 0)).await;
    close(spool).await;
    copy(&one, &other);
    let spool = open_in(&one, config(), 2).expect("it opens");
    let clone = open_in(&other, config(), 3).expect("the copy opens");
    let (mine, theirs) = (*spool.log.borrow(), *clone.log.borrow());
    assert_eq!((mine.log, mine.produced), (log_id(1), theirs.produced));
    append(&spool, said(1, 1, 0)).await;
    append(&clone, said(1, 2, 0)).await;
    let (mine, theirs) = (spool.log.borrow().produced, clone.log.borrow().produced);
    assert_eq!((mine.sequence, theirs.sequence), (2, 2));
    assert_ne!(mine.chain, theirs.chain);
    close(spool).await;
    close(clone).await;
}

#[tokio::test]
async fn a_spool_that_was_brought_back_tells_the_position_of_then() {
    let folder = TempDir::new().expect("a folder");
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let spool = open_in(&data, config(), 1).expect("a new spool");
    append(&spool, said(0, 1, 0)).await;
    let then = *spool.log.borrow();
    close(spool).await;
    copy(&data, &backup);
    let spool = open_in(&data, config(), 2).expect("it opens");
    append(&spool, said(0, 2, 0)).await;
    spool.handle.settle(2, Vec::new()).await.expect("open");
    close(spool).await;
    copy(&backup, &data);
    let spool = open_in(&data, config(), 3).expect("it opens");
    let now = *spool.log.borrow();
    assert_eq!((now.log, now.produced, now.released), (then.log, then.produced, then.released));
    let batches = spool.handle.load(0, 9, 9_999).await.expect("open").batches;
    assert_eq!(batches.len(), 1);
    close(spool).await;
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_whole_and_counted() {
    let folder = TempDir::new().expect("a folder");
    let directory = folder.path();
    let path = directory.join("spool.redb");
    let spool = open_in(directory, config(), 1).expect("a new spool");
    append(&spool, said(0, 1, 0)).await;
    close(spool).await;
    let sound = fs::read(&path).expect("a file");
    let mut torn = sound.clone();
    torn[4_096..].fill(0xab);
    let damaged =
        [Vec::new(), b"not a database at all".to_vec(), sound[..sound.len() / 2].to_vec(), torn];
    for (count, bytes) in (1..).zip(&damaged) {
        fs::write(&path, bytes).expect("written");
        let existing = spool::open_existing(directory, config(), clock);
        assert!(matches!(existing, Err(OpenError::Unreadable { .. })), "{existing:?}");
        assert_eq!(&fs::read(&path).expect("a file"), bytes, "looking changes nothing");
        let fresh = u8::try_from(count).expect("few");
        let spool = open_in(directory, config(), fresh).expect("a new spool");
        assert_eq!(spool.log.borrow().log, log_id(fresh));
        let aside = spool.moved_aside.clone().expect("moved aside");
        assert_eq!(&fs::read(aside).expect("a file"), bytes);
        assert_eq!(moved_aside_count(directory), count);
        close(spool).await;
    }
    fs::write(&path, sound).expect("written");
    let spool = open_in(directory, config(), 9).expect("it opens");
    assert_eq!((spool.log.borrow().log, &spool.moved_aside), (log_id(1), &None));
    close(spool).await;
}

/// Returns the file of a version before format numbers: two observations wait, ten are released.
fn kept() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/earlier/spool.redb.zst");
    zstd::decode_all(fs::File::open(path).expect("kept")).expect("it is compressed")
}

const NUMBER: redb::TableDefinition<(), u32> = redb::TableDefinition::new("format");

fn number_of(path: &Path) -> Option<u32> {
    use redb::ReadableDatabase;
    let database = redb::Database::open(path).expect("nobody has it");
    let transaction = database.begin_read().expect("read");
    let table = transaction.open_table(NUMBER).ok()?;
    table.get(()).expect("read").map(|number| number.value())
}

#[tokio::test]
async fn a_spool_without_a_number_is_brought_up_to_date() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("spool.redb");
    fs::write(&path, kept()).expect("written");
    assert_eq!(number_of(&path), None);
    for _ in 0..2 {
        let spool = open_in(folder.path(), config(), 9).expect("it opens");
        let log = *spool.log.borrow();
        assert_eq!((log.produced.sequence, log.released.sequence), (7, 6));
        let verified = spool.handle.verify().await.expect("open");
        assert_eq!((verified.batch_count, verified.observation_count), (1, 2));
        assert_eq!((verified.cell_count, verified.faults), (12, Vec::new()));
        close(spool).await;
        assert_eq!((number_of(&path), moved_aside_count(folder.path())), (Some(1), 0));
    }
}

/// A full disk while the number is written: what was there is there, and opens when there is room.
#[tokio::test]
async fn a_spool_that_has_no_room_for_the_next_format_is_left_as_it_is() {
    let whole = kept();
    let mut refused = 0;
    for writes in 0..12 {
        let (disk, _journal) = Disk::new(&whole, None);
        disk.fill_after(writes, Takes::Nothing);
        match spool::open_on(disk.medium(), config(), log_id(9), clock) {
            Ok(spool) => close(spool).await,
            Err(_) => refused += 1,
        }
        disk.empty();
        let spool = spool::open_on(disk.medium(), config(), log_id(9), clock).expect("room");
        assert_eq!(spool.log.borrow().produced.sequence, 7);
        assert_eq!(spool.handle.verify().await.expect("open").faults, Vec::<String>::new());
        close(spool).await;
    }
    assert!(refused > 0, "the disk was never full");
}

#[tokio::test]
async fn a_spool_of_a_later_format_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("spool.redb");
    close(open_in(folder.path(), config(), 1).expect("a new spool")).await;
    let database = redb::Database::open(&path).expect("nobody has it");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(NUMBER).expect("a table").insert((), 9).expect("a row");
    transaction.commit().expect("committed");
    drop(database);
    let numbered = fs::read(&path).expect("a file");
    let mut of_redb = numbered.clone();
    // The version that redb puts before each of its two transactions.
    (of_redb[64], of_redb[192]) = (4, 4);
    for (bytes, told) in [(numbered, "written by format 9"), (of_redb, "redb file format 4")] {
        fs::write(&path, &bytes).expect("written");
        let refused = open_in(folder.path(), config(), 2).expect_err("another format").to_string();
        assert!(refused.contains(told), "{refused}");
        assert_eq!(moved_aside_count(folder.path()), 0);
        if told.starts_with("redb") {
            assert_eq!(fs::read(&path).expect("a file"), bytes);
        } else {
            // redb may have cut free pages off; what it holds is the same.
            assert_eq!(number_of(&path), Some(9));
        }
    }
}

#[tokio::test]
async fn a_crash_while_the_file_is_made_leaves_a_directory_that_opens() {
    let (disk, journal) = Disk::new(&[], None);
    let none = Config { ballast_bytes: 0, ..config() };
    close(open(disk.medium(), none).expect("a new spool")).await;
    let mut platter = Platter::default();
    let mut random = fastrand::Rng::with_seed(7);
    for op in journal.try_iter() {
        platter.apply(&op);
        let folder = TempDir::new().expect("a folder");
        let unfinished = folder.path().join("spool.redb.new");
        fs::write(&unfinished, platter.lose(Loss::Torn(&mut random))).expect("written");
        let spool = open_in(folder.path(), none, 5).expect("a new spool");
        assert_eq!((spool.log.borrow().log, &spool.moved_aside), (log_id(5), &None));
        assert!(!unfinished.exists());
        close(spool).await;
    }
}

#[tokio::test]
async fn a_directory_has_one_collector_and_a_tool_makes_none() {
    let folder = TempDir::new().expect("a folder");
    let absent = spool::open_existing(folder.path(), config(), clock);
    assert!(matches!(absent, Err(OpenError::Absent { .. })), "{absent:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let spool = open_in(folder.path(), config(), 1).expect("a new spool");
    let second = open_in(folder.path(), config(), 2);
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    assert_eq!(moved_aside_count(folder.path()), 0);
    close(spool).await;
}

/// Observations of cells that were not observed before.
fn many(from: u32, count: u32) -> Vec<Observation> {
    let one = |number: u32| {
        let mut observation = said(0, 1, 0);
        observation.key.locality = format!("{:05}", number % 90_000).parse().expect("a code");
        observation.value = Some(number.into());
        observation
    };
    (from..from + count).map(one).collect()
}

const QUOTA: u64 = 4 << 20;

/// A spool that has taken as much as it takes, and how many observations that was.
async fn filled(directory: &Path) -> (Spool, u32) {
    let config = Config { quota_bytes: QUOTA, batch_observation_count_max: 10_000, ..config() };
    let spool = open_in(directory, config, 1).expect("a new spool");
    let mut count = 0;
    loop {
        match spool.handle.append(many(count, 500)).await {
            Ok(_) => count += 500,
            Err(error) => {
                assert_eq!(error, Error::Full { quota_bytes: QUOTA });
                break;
            }
        }
    }
    assert_eq!(spool.handle.stat().await.expect("open").held, Some(Held::Quota));
    assert!(count >= 2_000, "{count}");
    (spool, count)
}

async fn assert_bounded(spool: &Spool) {
    let stat = spool.handle.stat().await.expect("open");
    assert!(stat.log.spool_bytes <= QUOTA, "{} bytes", stat.log.spool_bytes);
    assert_eq!(spool.handle.verify().await.expect("open").faults, Vec::<String>::new());
}

#[tokio::test]
async fn the_file_stays_under_its_quota_even_when_everything_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let (spool, count) = filled(folder.path()).await;
    assert_bounded(&spool).await;
    let through = spool.log.borrow().produced.sequence;
    let everything = |sequence| BatchResult { sequence, refused: Refused::Everything };
    let results = (1..=through).map(everything).collect();
    let log = spool.handle.settle(through, results).await.expect("open");
    assert_eq!(log.dead_letter_count, u64::from(count));
    assert_bounded(&spool).await;
    assert_eq!(
        spool.handle.drop_dead_letters((1..=u64::from(count)).collect()).await,
        Ok(count.into())
    );
    spool.handle.append(many(0, 500)).await.expect("room again");
    assert_bounded(&spool).await;
    close(spool).await;
}

#[tokio::test]
async fn the_file_stays_under_its_quota_even_when_a_full_log_begins_anew() {
    let folder = TempDir::new().expect("a folder");
    let (spool, _) = filled(folder.path()).await;
    for number in 2..5 {
        let log = spool.handle.begin_log(LogId([number; 16]), resync()).await.expect("open");
        assert_eq!(log.produced.sequence, log.batch_count);
        assert_bounded(&spool).await;
    }
    while spool.handle.restate(500, 1 << 18).await.expect("open").is_restating {}
    assert_bounded(&spool).await;
    close(spool).await;
}

#[tokio::test]
async fn a_spool_is_for_its_own_user_alone() {
    let folder = TempDir::new().expect("a folder");
    let directory = folder.path().join("made/here");
    close(open_in(&directory, config(), 1).expect("a new spool")).await;
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in ["spool.redb", "spool.ballast"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn why_the_log_replaced_another_one_is_told_after_a_restart() {
    let folder = TempDir::new().expect("a folder");
    let spool = open_in(folder.path(), config(), 1).expect("a new spool");
    assert_eq!(spool.handle.stat().await.expect("open").resynced, None);
    spool.handle.begin_log(log_id(2), resync()).await.expect("open");
    close(spool).await;
    let spool = open_in(folder.path(), config(), 3).expect("the same spool");
    let resynced = spool.handle.stat().await.expect("open").resynced.expect("a new log began");
    assert_eq!((resynced.at, resynced.reason.as_str()), (clock(), "store lost"));
    assert_eq!(resynced.detail, "the store was wiped");
    close(spool).await;
}

#[tokio::test]
async fn a_long_file_is_cut_when_it_has_drained_and_not_at_every_drain() {
    let folder = TempDir::new().expect("a folder");
    let config = Config { quota_bytes: 64 << 20, batch_observation_count_max: 500, ..config() };
    let spool = open_in(folder.path(), config, 1).expect("a new spool");
    for minute in 0..60 {
        let mut observations = many(0, 500);
        for one in &mut observations {
            one.observed = said(0, 1, minute).observed;
        }
        spool.handle.append(observations).await.expect("room");
    }
    let stat = || async { spool.handle.stat().await.expect("open") };
    let long = stat().await.log.spool_bytes;
    assert!(long > 1 << 20, "{long} bytes");
    spool.handle.settle(60, Vec::new()).await.expect("open");
    let short = stat().await;
    assert!(short.log.spool_bytes < long / 2, "from {long} to {short:?}");
    // What is left is not worth cutting again.
    spool.handle.append(many(1_000, 1)).await.expect("room");
    let grown = stat().await.log.spool_bytes;
    spool.handle.settle(61, Vec::new()).await.expect("open");
    assert!(grown > short.log.spool_bytes && stat().await.log.spool_bytes == grown);
    close(spool).await;
}
