//! Reading one file, and taking what it says into the spool, chunk by chunk.
//!
//! While the spool makes one chunk durable the next ones queue up behind it, so that they share a
//! commit.

use std::{
    collections::VecDeque,
    fs::File,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use phuxanh_core::Observation;
use phuxanh_daemon::clock::Clock;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    Error, Facts, Limits,
    contents::{self, Contents, Line, ReadError},
    refusal::{Cell, FileFault},
    report::{Counts, Finding},
};
use crate::spool::{self, Appending, Fate, Series};

/// Reads files for a reporter.
#[derive(Debug, Clone)]
pub struct Intake {
    pub facts: Facts,
    pub limits: Limits,
    pub spool: spool::Handle,
    pub clock: Clock,
    /// Wait before a full spool is asked again.
    pub full_wait: Duration,
}

/// Tells a thread that reads a file to stop when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Intake {
    /// Reads and checks a file as a whole, on a thread of its own. Nothing of it is taken yet.
    pub async fn read(&self, path: &Path, file: File, size_bytes: u64) -> Result<Contents, Error> {
        let bytes_max = self.limits.file_bytes_max;
        if size_bytes > bytes_max {
            return Ok(Contents::refused(FileFault::TooLarge { bytes_max }, &self.limits));
        }
        let (facts, limits, now) = (self.facts.clone(), self.limits, (self.clock)());
        let stop = StopOnDrop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        let reading = tokio::task::spawn_blocking(move || {
            // A file that grows is read again.
            let file = std::io::Read::take(file, size_bytes.saturating_add(1));
            contents::read(file, &facts, &limits, now, &stopped)
        });
        match reading.await {
            Ok(Ok(contents)) => Ok(contents),
            Ok(Err(ReadError::Io(error))) => Err(Error::io("reading", path)(error)),
            Ok(Err(ReadError::Stopped)) => Err(Error::Spool(spool::Error::Closed)),
            Err(failed) => Err(Error::io("reading", path)(failed.into())),
        }
    }

    /// Takes what a file says into the spool. What became of it is counted, and told in the entries.
    pub async fn take(&self, contents: &mut Contents, series: Series) -> Result<Counts, Error> {
        let mut taking = Taking {
            intake: self,
            lines: &contents.lines,
            asked: VecDeque::new(),
            series,
            fates: Vec::with_capacity(contents.lines.len()),
        };
        taking.run().await?;
        let fates = taking.fates;
        let mut counts = Counts { row_count: contents.row_count, ..Counts::default() };
        for (line, fate) in contents.lines.iter().zip(fates) {
            let finding = match fate {
                Fate::Taken => {
                    counts.taken_count += 1;
                    continue;
                }
                Fate::Unchanged => {
                    counts.unchanged_count += 1;
                    continue;
                }
                Fate::Withdrawn { value } => {
                    counts.taken_count += 1;
                    Finding::Withdrawn { value }
                }
                Fate::Superseded { value, observed } => {
                    counts.superseded_count += 1;
                    Finding::Superseded { value, observed }
                }
            };
            contents.entries.add(line.number, cell_of(line), finding);
        }
        counts.refused_count = contents.entries.refused_count();
        Ok(counts)
    }
}

/// The cell of a line, as reports show it.
pub fn cell_of(line: &Line) -> Cell {
    let column = Some(line.good.column.clone());
    let value = line.good.observation.value;
    Cell { column, text: value.map_or("withdraw".to_owned(), |value| value.to_string()) }
}

/// Lines that are on their way to the disk.
struct Asked {
    lines: Range<usize>,
    appending: Appending,
}

/// The taking of one file.
struct Taking<'a> {
    intake: &'a Intake,
    lines: &'a [Line],
    /// Appends that the spool was asked for, in order.
    asked: VecDeque<Asked>,
    series: Series,
    fates: Vec<Fate>,
}

impl Taking<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let chunk_max = self.intake.limits.chunk_observations_max;
        let count = self.lines.len();
        for start in (0..count).step_by(chunk_max) {
            while self.asked.len() >= self.intake.limits.waiting_chunks_max {
                self.complete_oldest().await?;
            }
            self.ask(start..count.min(start + chunk_max)).await?;
        }
        while !self.asked.is_empty() {
            self.complete_oldest().await?;
        }
        Ok(())
    }

    fn observations(&self, lines: &Range<usize>) -> Vec<Observation> {
        self.lines[lines.clone()].iter().map(|line| line.good.observation.clone()).collect()
    }

    async fn ask(&mut self, lines: Range<usize>) -> Result<(), Error> {
        let observations = self.observations(&lines);
        let queued = self.intake.spool.queue_append(&self.series, observations).await;
        let appending = queued.map_err(Error::Spool)?;
        self.asked.push_back(Asked { lines, appending });
        Ok(())
    }

    /// Waits until the lines that were asked for first are durable.
    async fn complete_oldest(&mut self) -> Result<(), Error> {
        let Some(Asked { lines, appending }) = self.asked.pop_front() else { return Ok(()) };
        let fates = match appending.fates().await {
            Ok(fates) => fates,
            Err(spool::Error::Full { quota_bytes }) => {
                warn!(quota_bytes, "the spool is full, the source is held back");
                let fates = self.ask_until_taken(&lines).await?;
                info!("the spool has room again");
                // What was asked for behind them was refused with them.
                for Asked { lines, .. } in std::mem::take(&mut self.asked) {
                    self.ask(lines).await?;
                }
                fates
            }
            Err(error) => return Err(Error::Spool(error)),
        };
        self.fates.extend(fates);
        Ok(())
    }

    async fn ask_until_taken(&mut self, lines: &Range<usize>) -> Result<Vec<Fate>, Error> {
        loop {
            sleep(self.intake.full_wait).await;
            self.series = self.series.anew();
            let observations = self.observations(lines);
            let queued = self.intake.spool.queue_append(&self.series, observations).await;
            match queued.map_err(Error::Spool)?.fates().await {
                Ok(fates) => return Ok(fates),
                Err(spool::Error::Full { .. }) => {}
                Err(error) => return Err(Error::Spool(error)),
            }
        }
    }
}
