//! Files that are read more than once, or that change: what stands afterwards, and what is said.

use std::{
    fs::{self, File},
    io::Write,
};

use anyhow::ensure;
use phuxanh_tests::harness::{Facts, Process, eventually};

use crate::trial::{
    SOON,
    Tray::{Accepted, Rejected},
    Trial, entries, exists, input,
};

const JULY: [&str; 1] = ["2025-07"];
const RECEIVED: &str = "applications_received";
const ONLINE: &str = "applications_online";
const POST: &str = "applications_post";
const HEADER: &str = "locality,period,observed_time,applications_received\n";

fn of_july(
    code: &'static str,
    values: [(&'static str, i64); 3],
) -> Vec<(&'static str, &'static str, i64)> {
    values.into_iter().map(|(metric, value)| (code, metric, value)).collect()
}

/// Never "nothing was done" while 142 stands.
#[tokio::test]
async fn the_first_file_again_says_which_values_stand() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let case = "28-back-to-the-first-file";
    for name in ["a.csv", "b.csv"] {
        trial.put(case, name)?;
        trial.filed(name, Accepted).await?;
    }
    trial.put_as(case, "a.csv", "a again.csv")?;
    let report = trial.filed("a again.csv", Rejected).await?;
    report.is("NOTHING TAKEN", [1, 0, 2, 1, 0]);
    report.lists(&[("2", RECEIVED, "412", "another value stands: 142")]);
    report.says(&[
        "The file is identical to a.csv",
        "1 values were replaced since: the values named below stand.",
        "deliver them with a later observed time",
    ]);
    assert!(!report.text.contains("Nothing was done"), "{}", report.text);
    trial.holds(&of_july("01273", [(RECEIVED, 142), (ONLINE, 133), (POST, 7)])).await
}

/// Never 4 of a line that goes on with 12.
#[tokio::test]
async fn a_file_that_stops_in_the_middle_of_a_line_is_waited_for() -> anyhow::Result<()> {
    let trial =
        Trial::begin_with(Facts::default(), &[("FOLDER__UNTERMINATED_WAIT", "30s")]).await?;
    let mut file = File::create(trial.path("slow.csv"))?;
    file.write_all(format!("{HEADER}01273,2025-07,2025-07-31 16:00,4").as_bytes())?;
    file.sync_all()?;
    // Each is read when it has been quiet for as long as the first one has been by then.
    for (name, code) in [("first.csv", "01279"), ("second.csv", "01288")] {
        trial.write(name, &format!("{HEADER}{code},2025-07,2025-07-31 16:00,1\n"))?;
        trial.filed(name, Accepted).await?;
    }
    ensure!(exists(&trial.path("slow.csv"))?, "the first half was read");
    file.write_all(b"12\n")?;
    file.sync_all()?;
    let report = trial.filed("slow.csv", Accepted).await?;
    report.is("ACCEPTED", [1, 1, 0, 0, 0]);
    assert!(!report.text.contains("no line end"), "{}", report.text);
    let held = [("01273", RECEIVED, 412), ("01279", RECEIVED, 1), ("01288", RECEIVED, 1)];
    trial.holds(&held).await
}

/// Never left for ever, and never without a word that its end may be missing.
#[tokio::test]
async fn a_last_line_without_an_end_is_read_after_a_while_and_told() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.write("cut.csv", &format!("{HEADER}01273,2025-07,2025-07-31 16:00,412"))?;
    let report = trial.filed("cut.csv", Accepted).await?;
    report.is("ACCEPTED", [1, 1, 0, 0, 0]);
    report.says(&["The last line of the file has no line end."]);
    trial.holds(&[("01273", RECEIVED, 412)]).await
}

/// Never rows that nobody reads, since the program that writes the file holds it open.
#[tokio::test]
async fn rows_that_come_after_a_file_was_accepted_are_read() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let mut file = File::create(trial.path("open.csv"))?;
    file.write_all(format!("{HEADER}01273,2025-07,2025-07-31 16:00,412\n").as_bytes())?;
    file.sync_all()?;
    trial.filed("open.csv", Accepted).await?.is("ACCEPTED", [1, 1, 0, 0, 0]);
    file.write_all(b"01279,2025-07,2025-07-31 16:00,300\n01288,2025-07,2025-07-31 16:00,x\n")?;
    file.sync_all()?;
    let report = trial.next_report(Accepted, "open.csv.report-2").await?;
    report.is("ACCEPTED IN PART", [3, 1, 1, 0, 1]);
    report.says(&["The file changed after it had been read, so it was read again."]);
    report.lists(&[("4", RECEIVED, "x", "is not a whole number")]);
    trial.holds(&[("01273", RECEIVED, 412), ("01279", RECEIVED, 300)]).await
}

/// Never "accepted before, nothing was done" of a file that was refused in part.
#[tokio::test]
async fn a_file_refused_in_part_is_read_again_when_the_gazetteer_is_corrected() -> anyhow::Result<()>
{
    let complete = fs::read_to_string(input("16-unit-ended", "gazetteer.csv"))?;
    let lines = complete.lines().filter(|line| !line.starts_with("01288"));
    let lacking: String = lines.flat_map(|line| [line, "\n"]).collect();
    let facts = Facts { gazetteer: Some(lacking), ..Facts::default() };
    let mut trial = Trial::begin_with(facts, &[]).await?;
    let row = |code, value| format!("{code},2025-10,2025-10-31 16:00,{value}\n");
    let text = HEADER.to_owned() + &row("01273", 412) + &row("01288", 200);
    trial.write("october.csv", &text)?;
    let report = trial.filed("october.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 1, 0, 0, 1]);
    report.lists(&[("3", "locality", "01288", "is not in the gazetteer")]);
    let held = |code, value| (code, RECEIVED, "2025-10", value);
    trial.holds_of(&["2025-10"], &[held("01273", 412)]).await?;

    let processes = [trial.collector.clone(), Process::Aggregator];
    for process in &processes {
        ensure!(trial.deployment.terminate(process).await? == Some(0), "{process:?}");
    }
    fs::write(trial.deployment.root().join("gazetteer.csv"), complete)?;
    for process in processes.iter().rev() {
        trial.deployment.restart(process)?;
    }
    trial.deployment.serving().await?;
    trial.write("october.csv", &text)?;
    let report = trial.filed_as("october.csv", Accepted, "october-2.csv").await?;
    report.is("ACCEPTED", [2, 1, 1, 0, 0]);
    report.says(&["The file is identical to october.csv", "It was read again."]);
    trial.holds_of(&["2025-10"], &[held("01273", 412), held("01288", 200)]).await
}

/// Never values that only a lost spool held, in files that are called accepted.
#[tokio::test]
async fn files_whose_values_a_lost_spool_held_are_read_again() -> anyhow::Result<()> {
    let mut trial = Trial::begin().await?;
    let spool = trial.deployment.data_dir(&trial.collector).join("spool.redb");
    let told = [
        "The collector's spool was lost and the centre had not confirmed the values of this file, \
         so it was read again.",
    ];
    let mut held = Vec::new();
    for (name, code, is_deleted) in [("one.csv", "01273", true), ("two.csv", "01279", false)] {
        trial.deployment.kill(&Process::Aggregator)?;
        trial.write(name, &format!("{HEADER}{code},2025-07,2025-07-31 16:00,412\n"))?;
        trial.filed(name, Accepted).await?.is("ACCEPTED", [1, 1, 0, 0, 0]);
        trial.deployment.kill(&trial.collector)?;
        if is_deleted {
            fs::remove_file(&spool)?;
        } else {
            fs::write(&spool, "garbage".repeat(9_999))?;
        }
        trial.deployment.restart(&Process::Aggregator)?;
        trial.deployment.serving().await?;
        trial.deployment.restart(&trial.collector)?;
        let report = trial.next_report(Accepted, &format!("{name}.report-2")).await?;
        report.is("ACCEPTED", [1, 1, 0, 0, 0]);
        report.says(&told);
        held.push((code, RECEIVED, JULY[0], 412));
        trial.cells_are(&JULY, &held).await?;
        // What the centre has is not read again when a spool is lost later.
        trial.deployment.says(&trial.collector, "the centre holds every accepted file").await?;
        let confirmed = trial.inbox().join(".working/confirmed");
        eventually("it is noted", SOON, async || {
            ensure!(exists(&confirmed)?);
            Ok(())
        })
        .await?;
    }
    let names = entries(&trial.inbox().join("accepted"))?;
    let expected = ["one.csv", "two.csv"].map(|name| {
        [name.to_owned(), format!("{name}.report-2.txt"), format!("{name}.report.txt")]
    });
    assert_eq!(names, expected.concat());
    Ok(())
}
