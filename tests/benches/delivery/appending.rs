//! Cost of an append to a spool, alone and in a group, and the disk's part of it.

use std::{fs, path::Path, time::Duration};

use phuxanh_collector::spool;
use redb::{Database, TableDefinition};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    report::Report,
    spooled::{append, open_with},
    workload::Workload,
};

/// Appends of a round.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub rows: usize,
    /// Callers that append beside each other, each the next when the one before is on disk.
    pub callers: usize,
    /// Appends of each.
    count: usize,
    pub commits: Commits,
}

/// Commits of appends that wait beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// Each has its own.
    Own,
    Shared,
}

/// Cases that are compared, side by side.
pub const CASES: [Case; 7] = [
    Case { rows: 1, callers: 1, count: 40, commits: Commits::Own },
    Case { rows: 1_000, callers: 1, count: 40, commits: Commits::Own },
    Case { rows: 10_000, callers: 1, count: 10, commits: Commits::Own },
    Case { rows: 1, callers: 8, count: 20, commits: Commits::Own },
    Case { rows: 1, callers: 8, count: 20, commits: Commits::Shared },
    Case { rows: 1_000, callers: 8, count: 20, commits: Commits::Own },
    Case { rows: 1_000, callers: 8, count: 20, commits: Commits::Shared },
];
/// From one caller's first day to the next one's, so that they report different months.
const DAYS_APART: i64 = 31;
const COMMITS: u32 = 40;
const TABLE: TableDefinition<u64, u64> = TableDefinition::new("rows");

/// Lets the cases and the bare commit take turns.
pub async fn measure(
    workload: &Workload,
    rounds: u32,
    root: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut commits = Vec::new();
    let mut cases = vec![Vec::new(); CASES.len()];
    for _ in 0..rounds {
        commits.push(commit(&root.join("commits"))?);
        for (case, times) in CASES.iter().zip(&mut cases) {
            times.push(appends(workload, case, &root.join("appends")).await?);
        }
    }
    report.appends(&cases, &commits)
}

/// Time of one two-phase commit of one small row.
fn commit(directory: &Path) -> anyhow::Result<Duration> {
    fs::create_dir(directory)?;
    let database = Database::create(directory.join("commits.redb"))?;
    let began = Instant::now();
    for number in 0..COMMITS {
        let mut transaction = database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction.open_table(TABLE)?.insert(0, u64::from(number))?;
        transaction.commit()?;
    }
    let took = began.elapsed();
    drop(database);
    fs::remove_dir_all(directory)?;
    Ok(took / COMMITS)
}

/// Time of one append on a spool that begins empty.
async fn appends(
    workload: &Workload,
    &Case { rows, callers, count, commits }: &Case,
    directory: &Path,
) -> anyhow::Result<Duration> {
    let queue_max = match commits {
        Commits::Own => 1,
        Commits::Shared => spool::Config::default().queue_max,
    };
    let spool = open_with(workload.reporter, directory, queue_max)?;
    let mut calls = JoinSet::new();
    for (_, caller) in (0..callers).zip(0..) {
        let mut reports = workload.reports(caller * DAYS_APART);
        let chunks: Vec<Vec<_>> =
            (0..count).map(|_| reports.by_ref().take(rows).collect()).collect();
        let handle = spool.handle.clone();
        calls.spawn(async move {
            for chunk in chunks {
                append(&handle, chunk).await?;
            }
            anyhow::Ok(())
        });
    }
    let began = Instant::now();
    while let Some(done) = calls.join_next().await {
        done??;
    }
    let took = began.elapsed();
    drop(spool.handle);
    spool.end.await??;
    fs::remove_dir_all(directory)?;
    Ok(took / u32::try_from(callers * count)?)
}
