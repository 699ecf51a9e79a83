//! Places of files: names, trays, disks, and what is no file.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown, symlink},
    },
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};
use phuxanh_core::Timestamp;
use phuxanh_daemon::clock;
use phuxanh_tests::harness::{CollectorSetup, Deployment, Facts, eventually};

use crate::trial::{
    PROVINCE, Report, SOON,
    Tray::{Accepted, Rejected},
    Trial, entries, exists, input, setup,
};

const RECEIVED: &str = "applications_received";
const ONLINE: &str = "applications_online";
const POST: &str = "applications_post";
const THREE: [(&str, &str, i64); 3] =
    [("01273", RECEIVED, 412), ("01273", ONLINE, 133), ("01273", POST, 7)];
/// The values of the two rows of which one has a bad cell.
const FIVE: [(&str, &str, i64); 5] =
    [THREE[0], THREE[1], THREE[2], ("01279", ONLINE, 100), ("01279", POST, 9)];
const BAD_CELL: [(&str, &str, &str, &str); 1] = [("3", RECEIVED, "x", "is not a whole number")];
const HEADER: &str = "locality,period,observed_time,applications_received\n";
/// A file system in memory, on any Linux.
const OTHER_DISK: &str = "/dev/shm";
/// The user who owns nothing.
const NOBODY: u32 = 65_534;

#[expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Never stuck, and never a report that calls the file accepted before.
#[tokio::test]
async fn a_tray_may_lie_on_another_disk() -> anyhow::Result<()> {
    let mut trial = Trial::begin().await?;
    if fs::metadata(OTHER_DISK)?.dev() == fs::metadata(trial.inbox())?.dev() {
        skip("no other disk at /dev/shm");
        return Ok(());
    }
    let disk = tempfile::tempdir_in(OTHER_DISK)?;
    trial.deployment.kill(&trial.collector)?;
    let tray = trial.inbox().join("accepted");
    drop(fs::remove_dir(&tray));
    symlink(disk.path(), &tray)?;
    trial.deployment.restart(&trial.collector)?;
    trial.put("09-accepted-on-other-disk", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 5, 0, 0, 1]);
    report.lists(&BAD_CELL);
    trial.holds(&FIVE).await?;
    let copy = fs::read(disk.path().join("in.csv"))?;
    assert_eq!(copy, fs::read(input("09-accepted-on-other-disk", "in.csv"))?);
    assert_eq!(entries(disk.path())?, ["in.csv", "in.csv.report.csv", "in.csv.report.txt"]);
    Ok(())
}

/// Never stuck until a restart.
#[tokio::test]
async fn folders_that_are_removed_are_made_again() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let folders = ["accepted", "rejected", ".working"].map(|name| trial.inbox().join(name));
    let are_made = async || {
        eventually("the folders are made", SOON, async || {
            ensure!(folders.iter().all(|folder| folder.is_dir()));
            Ok(())
        })
        .await
    };
    are_made().await?;
    for folder in &folders {
        fs::remove_dir_all(folder)?;
    }
    trial.put("10-accepted-folder-removed", "in.csv")?;
    trial.filed("in.csv", Accepted).await?.is("ACCEPTED", [1, 3, 0, 0, 0]);
    trial.holds(&THREE).await?;

    // It may make one of the folders while the inbox is removed.
    eventually("the inbox is removed", SOON, async || Ok(fs::remove_dir_all(trial.inbox())?))
        .await?;
    are_made().await?;
    trial.put("28-back-to-the-first-file", "b.csv")?;
    trial.filed("b.csv", Accepted).await?.is("ACCEPTED", [1, 1, 2, 0, 0]);
    let july = [(RECEIVED, 142), (ONLINE, 133), (POST, 7)];
    let july = july.map(|(metric, value)| ("01273", metric, "2025-07", value));
    trial.cells_are(&["2025-07"], &july).await
}

/// Never read again and again, and never left alone as no CSV file.
#[tokio::test]
async fn names_may_be_long_and_in_any_encoding() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let text = fs::read_to_string(input("11-long-name", "NAME"))?;
    let name = text.lines().next().context("a name")?;
    ensure!(name.len() == 253, "{} bytes", name.len());
    trial.put_as("11-long-name", "in.csv", name)?;
    trial.is_filed(name, Accepted, name).await?;
    let names = entries(&trial.inbox().join("accepted"))?;
    let report = names.iter().find_map(|name| name.strip_suffix(".txt")).context("no report")?;
    let start = report.split_once('~').map(|(start, _)| start).context("not shortened")?;
    ensure!(report.ends_with(".report") && name.starts_with(start), "{report}");
    assert_eq!(names.len(), 2, "{names:?}");
    let report = trial.report(Accepted, report)?;
    report.is("ACCEPTED", [1, 3, 0, 0, 0]);
    report.says(&[name]);
    trial.holds(&THREE).await?;

    // "báo cáo.csv" in Windows-1258.
    let name = OsStr::from_bytes(b"b\xe1o c\xe1o.csv");
    trial.put_as("28-back-to-the-first-file", "b.csv", name)?;
    trial.is_filed(name, Accepted, name).await?;
    let report = OsStr::from_bytes(b"b\xe1o c\xe1o.csv.report");
    let report = Report::read(&trial.filed_path(Accepted, report))?;
    report.is("ACCEPTED", [1, 1, 2, 0, 0]);
    let july = [(RECEIVED, 142), (ONLINE, 133), (POST, 7)];
    trial.holds(&july.map(|(metric, value)| ("01273", metric, value))).await
}

/// Never a lock file or half a download as a table.
#[tokio::test]
async fn names_tell_what_is_a_table() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let others =
        [".~lock.baocao.csv#", "a.csv.filepart", "b.csv.crdownload", "c.xlsx", "~$baocao.csv"];
    for name in others {
        trial.put("27-names", name)?;
    }
    for (name, count) in [("BAOCAO.CSV", 3), ("báo cáo tháng 7.csv", 3)] {
        trial.put("27-names", name)?;
        trial.filed(name, Accepted).await?.is("ACCEPTED", [1, count, 0, 0, 0]);
    }
    let held = [THREE[0], THREE[1], THREE[2], ("01279", RECEIVED, 300), FIVE[3], FIVE[4]];
    trial.holds(&held).await?;
    let left = entries(&trial.inbox())?;
    let trays = [".working", "accepted", "rejected"];
    assert_eq!(
        left.iter().filter(|name| !trays.contains(&name.as_str())).collect::<Vec<_>>(),
        others
    );
    Ok(())
}

/// Never a report overwritten by one that names no refusal, and never a line of the log a second.
#[tokio::test]
async fn a_file_that_cannot_be_moved_keeps_its_report_and_is_logged_once() -> anyhow::Result<()> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        skip("only root may start a collector as another user");
        return Ok(());
    }
    let mut deployment = Deployment::start_with(&[], &setup(Facts::default(), &[])).await?;
    let collector = deployment
        .add_collector(&CollectorSetup { user: Some(NOBODY), ..CollectorSetup::of(PROVINCE) })?;
    let inbox = deployment.inbox(PROVINCE);
    fs::set_permissions(&inbox, fs::Permissions::from_mode(0o1777))?;
    let own = ["accepted", "rejected", ".working"].map(|name| inbox.join(name));
    for folder in own.iter().chain([&deployment.data_dir(&collector)]) {
        fs::create_dir_all(folder)?;
        chown(folder, Some(NOBODY), Some(NOBODY))?;
    }
    deployment.restart(&collector)?;
    let trial = Trial { deployment, collector };
    trial.put("30-sticky-drop-folder", "in.csv")?;
    let report = trial.next_report(Accepted, "in.csv.report").await?;
    report.is("ACCEPTED IN PART", [2, 5, 0, 0, 1]);
    report.lists(&BAD_CELL);
    trial.holds(&FIVE).await?;
    // In this time it is tried at least twice more.
    let path = trial.filed_path(Accepted, "in.csv.report.txt");
    eventually("the report stands for four seconds", SOON, async || {
        let age = fs::metadata(&path)?.modified()?.elapsed()?;
        ensure!(age > Duration::from_secs(4), "written {age:?} ago");
        Ok(())
    })
    .await?;
    // Only the line about the centre is added.
    let told = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("Held durably by the centre"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(told(&trial.report(Accepted, "in.csv.report")?.text), told(&report.text));
    let names = entries(&trial.inbox().join("accepted"))?;
    assert_eq!(names, ["in.csv.report.csv", "in.csv.report.txt"]);
    let log = trial.deployment.log(&trial.collector)?;
    assert_eq!(
        log.lines().filter(|line| line.contains("in.csv") && line.contains("WARN")).count(),
        1,
        "{log}"
    );

    stuck(&trial, Some("in.csv: ")).await?;

    // Once it may, it goes where its report is.
    chown(trial.path("in.csv"), Some(NOBODY), Some(NOBODY))?;
    trial.filed("in.csv", Accepted).await?.lists(&BAD_CELL);
    assert_eq!(entries(&trial.inbox().join("accepted"))?.len(), 3);
    stuck(&trial, None).await
}

/// Never a line of another file in a report, and never a source that waits for a pipe.
#[tokio::test]
async fn links_and_pipes_are_not_read_and_hold_completeness_back() -> anyhow::Result<()> {
    let mut trial = Trial::begin().await?;
    complete_through(&trial, |through| through.is_some()).await?;
    let secret = trial.deployment.root().join("secret.csv");
    fs::write(&secret, format!("{HEADER}01304,2025-07,2025-07-31 16:00,999\n"))?;
    let before = clock::now();
    symlink(&secret, trial.path("link.csv"))?;
    pipe(&trial.path("pipe.csv"))?;
    let mut held = Vec::new();
    // The second one carries what the source said after it had read the first.
    for (name, code) in [("first.csv", "01273"), ("second.csv", "01279"), ("third.csv", "01288")] {
        trial.write(name, &format!("{HEADER}{code},2025-07,2025-07-31 16:00,1\n"))?;
        trial.filed(name, Accepted).await?;
        held.push((code, RECEIVED, 1));
        trial.holds(&held).await?;
    }
    let through = complete_through(&trial, |through| through.is_some()).await?;
    ensure!(through <= Some(before), "complete through {through:?}, but not since {before}");

    for name in ["link.csv", "pipe.csv"] {
        ensure!(exists(&trial.path(name))?, "{name} was taken away");
        fs::remove_file(trial.path(name))?;
    }
    let removed = clock::now();
    complete_through(&trial, |through| through > Some(removed)).await?;
    pipe(&trial.path("pipe.csv"))?;
    trial.write("last.csv", &format!("{HEADER}01290,2025-07,2025-07-31 16:00,1\n"))?;
    trial.filed("last.csv", Accepted).await?;
    assert_eq!(trial.deployment.terminate(&trial.collector).await?, Some(0));
    Ok(())
}

/// Never complete through a time at which a file lay there that nobody reads.
#[tokio::test]
async fn a_workbook_in_the_inbox_holds_completeness_back() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let before = clock::now();
    trial.put("27-names", "c.xlsx")?;
    trial.put("06-double-bom", "in.csv")?;
    trial.filed("in.csv", Accepted).await?;
    trial.holds(&THREE).await?;
    trial.write("next.csv", &format!("{HEADER}01279,2025-07,2025-07-31 16:00,1\n"))?;
    trial.filed("next.csv", Accepted).await?;
    trial.holds(&[THREE[0], THREE[1], THREE[2], ("01279", RECEIVED, 1)]).await?;
    let through = complete_through(&trial, |_| true).await?;
    ensure!(through <= Some(before), "complete through {through:?}, but not since {before}");
    stuck(&trial, Some("c.xlsx: not a CSV file")).await?;
    fs::remove_file(trial.path("c.xlsx"))?;
    let removed = clock::now();
    complete_through(&trial, |through| through > Some(removed)).await?;
    stuck(&trial, None).await
}

/// Never half of a file that is too large to be checked as a whole.
#[tokio::test]
async fn a_file_above_the_bound_is_refused_as_a_whole() -> anyhow::Result<()> {
    let bound = [("FOLDER__FILE_BYTES_MAX", "131")];
    let trial = Trial::begin_with(Facts::default(), &bound).await?;
    trial.put("09-accepted-on-other-disk", "in.csv")?;
    let report = trial.filed("in.csv", Rejected).await?;
    report.is("REJECTED", [0, 0, 0, 0, 1]);
    let words = "The file is larger than 131 bytes (folder.file_bytes_max).";
    report.lists(&[("", "", "", words)]);
    trial.put("28-back-to-the-first-file", "a.csv")?;
    trial.filed("a.csv", Accepted).await?.is("ACCEPTED", [1, 3, 0, 0, 0]);
    trial.holds(&THREE).await
}

/// Waits until `phuxanh collectors` has the alarm of a stuck file in these words, or none.
async fn stuck(trial: &Trial, words: Option<&str>) -> anyhow::Result<()> {
    eventually("the alarm of a stuck file is as expected", SOON, async || {
        let collectors = trial.deployment.ask(&["collectors"])?.to_string();
        let is_as_expected = match words {
            Some(words) => collectors.contains("file_stuck") && collectors.contains(words),
            None => !collectors.contains("file_stuck"),
        };
        ensure!(is_as_expected, "{collectors}");
        Ok(())
    })
    .await
}

/// Waits for what the aggregator says of how far the collector's files are complete.
async fn complete_through(
    trial: &Trial,
    is_expected: impl Fn(Option<Timestamp>) -> bool,
) -> anyhow::Result<Option<Timestamp>> {
    eventually("complete through the expected time", SOON, async || {
        let found = trial.delivery().await?;
        let through = found.complete_through_time.as_ref();
        let through = through.map(micros).transpose()?;
        ensure!(is_expected(through), "complete through {through:?}");
        Ok(through)
    })
    .await
}

fn micros(time: &prost_types::Timestamp) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_micros(time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000)?)
}

fn pipe(path: &Path) -> anyhow::Result<()> {
    let made = Command::new("mkfifo").arg(path).status()?;
    ensure!(made.success(), "mkfifo: {made}");
    Ok(())
}
