//! Reading one file: its lines to the spool, chunk by chunk, and what is wrong to its report.
//!
//! While the spool makes one chunk durable the next ones are read and queue up, so that they share
//! a commit.

use std::{collections::VecDeque, path::Path, time::Duration};

use phuxanh_core::Observation;
use tokio::{fs::File, time::sleep};
use tracing::{info, warn};

use super::{
    Error, Facts, Limits,
    lines::{Hash, Line, Lines},
    refusal::{HeaderFault, LineFault, Reason, Refusal},
    report::{Counts, Details, Outcome},
    table::{Header, Reading, Table},
};
use crate::{
    clock::Clock,
    spool::{self, Appending, Fate, Series},
};

/// Reads files for a reporter.
#[derive(Debug, Clone)]
pub struct Intake {
    pub facts: Facts,
    pub limits: Limits,
    pub spool: spool::Handle,
    pub clock: Clock,
    /// How long to wait before a full spool is asked again.
    pub full_wait: Duration,
}

/// What reading a file came to.
pub struct Finished {
    pub outcome: Outcome,
    pub details: Details,
    /// SHA-256 of the bytes that were read.
    pub digest: Hash,
}

impl Intake {
    /// Reads a file to its end. Its observations are in the spool when this returns.
    pub async fn read(&self, path: &Path, entries: &Path) -> Result<Finished, Error> {
        let file = File::open(path).await.map_err(Error::io("opening", path))?;
        let mut pass = Pass {
            intake: self,
            path,
            lines: Lines::new(file, self.limits.line_bytes_max),
            details: Details::create(entries.to_owned(), self.limits.report_entries_max).await?,
            chunk: Vec::new(),
            asked: VecDeque::new(),
            series: Series::default(),
            counts: Counts::default(),
        };
        let outcome = if let Some(table) = pass.read_header().await? {
            pass.read_rows(&table).await?
        } else {
            pass.skip_rows().await?;
            Outcome::Rejected(pass.counts)
        };
        Ok(Finished { outcome, details: pass.details, digest: pass.lines.digest() })
    }

    /// Appends observations to a spool that was full, waiting while it is.
    async fn append_later(&self, observations: &[Observation]) -> Result<Vec<Fate>, Error> {
        loop {
            sleep(self.full_wait).await;
            match self.spool.append(observations.to_vec()).await {
                Ok(fates) => {
                    info!("the spool has room again");
                    return Ok(fates);
                }
                Err(spool::Error::Full { .. }) => {}
                Err(error) => return Err(Error::Spool(error)),
            }
        }
    }
}

/// What was read, by line.
type Chunk = Vec<(u64, Reading)>;

/// A chunk whose observations are on their way to the disk, if it has any.
struct Asked {
    chunk: Chunk,
    appending: Option<Appending>,
}

/// One reading of one file.
struct Pass<'a> {
    intake: &'a Intake,
    path: &'a Path,
    lines: Lines<File>,
    details: Details,
    /// What was read and the spool was not asked to take yet.
    chunk: Chunk,
    /// What it was asked to take, in order. None of it is in the report.
    asked: VecDeque<Asked>,
    series: Series,
    counts: Counts,
}

impl Pass<'_> {
    /// Reads the first line that is not blank; what is wrong with it goes to the report.
    async fn read_header(&mut self) -> Result<Option<Table>, Error> {
        let catalogue = &self.intake.facts.catalogue;
        let bytes_max = self.intake.limits.line_bytes_max;
        let mut last_line = 1;
        let (number, header) = loop {
            let next = self.lines.next().await.map_err(Error::io("reading", self.path))?;
            let Some((number, line)) = next else {
                let refusal = Refusal::of_line("", Reason::Header(HeaderFault::Absent));
                break (last_line, Err(refusal));
            };
            last_line = number;
            match line {
                Line::Text(text) if is_blank(text) => {}
                Line::Text(text) => break (number, Table::read_header(text, catalogue)),
                Line::NotText(_) | Line::TooLong(_) => {
                    break (number, Err(unreadable(&line, bytes_max)));
                }
            }
        };
        match header {
            Ok(Header { table, ignored }) => {
                self.chunk.extend(ignored.into_iter().map(|refusal| (number, Err(refusal))));
                Ok(Some(table))
            }
            Err(refusal) => {
                self.chunk.push((number, Err(refusal)));
                self.finish().await?;
                Ok(None)
            }
        }
    }

    async fn read_rows(&mut self, table: &Table) -> Result<Outcome, Error> {
        let (intake, path) = (self.intake, self.path);
        while let Some((number, line)) =
            self.lines.next().await.map_err(Error::io("reading", path))?
        {
            let rules = intake.facts.rules((intake.clock)());
            let row = match line {
                Line::Text(text) => table.read_row(text, &rules),
                Line::NotText(_) | Line::TooLong(_) => {
                    Some(vec![Err(unreadable(&line, intake.limits.line_bytes_max))])
                }
            };
            if let Some(row) = row {
                self.take(number, row).await?;
            }
        }
        self.finish().await?;
        Ok(Outcome::of(self.counts))
    }

    /// Reads on to the end, since the digest is of the whole file.
    async fn skip_rows(&mut self) -> Result<(), Error> {
        while self.lines.next().await.map_err(Error::io("reading", self.path))?.is_some() {}
        Ok(())
    }

    async fn take(&mut self, number: u64, row: Vec<Reading>) -> Result<(), Error> {
        self.counts.rows += 1;
        self.counts.refused_rows += u64::from(row.iter().any(Reading::is_err));
        for reading in row {
            self.chunk.push((number, reading));
            if self.chunk.len() >= self.intake.limits.chunk_observations_max {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Asks the spool to take the chunk, once few enough others are on their way.
    async fn flush(&mut self) -> Result<(), Error> {
        while self.asked.len() >= self.intake.limits.waiting_chunks_max {
            self.complete_oldest().await?;
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.ask(chunk).await
    }

    async fn finish(&mut self) -> Result<(), Error> {
        self.flush().await?;
        while !self.asked.is_empty() {
            self.complete_oldest().await?;
        }
        Ok(())
    }

    async fn ask(&mut self, chunk: Chunk) -> Result<(), Error> {
        let observations = observations(&chunk);
        let appending = if observations.is_empty() {
            None
        } else {
            let queued = self.intake.spool.queue_append(&self.series, observations).await;
            Some(queued.map_err(Error::Spool)?)
        };
        self.asked.push_back(Asked { chunk, appending });
        Ok(())
    }

    /// Waits until the chunk that was asked for first is durable, and tells the report of it.
    async fn complete_oldest(&mut self) -> Result<(), Error> {
        let Some(Asked { chunk, appending }) = self.asked.pop_front() else { return Ok(()) };
        let answer = match appending {
            Some(appending) => appending.fates().await,
            None => Ok(Vec::new()),
        };
        let fates = match answer {
            Ok(fates) => fates,
            Err(spool::Error::Full { quota_bytes }) => {
                warn!(quota_bytes, "the spool is full, the source is held back");
                let fates = self.intake.append_later(&observations(&chunk)).await?;
                self.ask_again().await?;
                fates
            }
            Err(error) => return Err(Error::Spool(error)),
        };
        self.report(chunk, fates).await
    }

    /// Asks again for what was refused together with a chunk before it.
    async fn ask_again(&mut self) -> Result<(), Error> {
        self.series = Series::default();
        for Asked { chunk, .. } in std::mem::take(&mut self.asked) {
            self.ask(chunk).await?;
        }
        Ok(())
    }

    /// Tells the report of what was refused, here or by the spool.
    async fn report(&mut self, chunk: Chunk, fates: Vec<Fate>) -> Result<(), Error> {
        let mut fates = fates.into_iter();
        for (number, reading) in chunk {
            match reading {
                Err(refusal) => {
                    self.counts.refused += 1;
                    self.details.refused(number, &refusal).await?;
                }
                Ok(good) => match fates.next().expect("the spool gives every observation a fate") {
                    Fate::Taken => self.counts.taken += 1,
                    Fate::Unchanged => self.counts.unchanged += 1,
                    Fate::Superseded { value, observed } => {
                        self.counts.superseded += 1;
                        self.details.superseded(number, &good.cell, value, observed).await?;
                    }
                },
            }
        }
        Ok(())
    }
}

fn observations(chunk: &Chunk) -> Vec<Observation> {
    let good = chunk.iter().filter_map(|(_, reading)| reading.as_ref().ok());
    good.map(|good| good.observation.clone()).collect()
}

fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim().is_empty()
}

/// Refuses a line that cannot be read as text.
fn unreadable(line: &Line<'_>, bytes_max: usize) -> Refusal {
    let (text, fault) = match line {
        Line::Text(text) => ((*text).to_owned(), LineFault::NotText),
        Line::NotText(text) => (text.clone(), LineFault::NotText),
        Line::TooLong(text) => (text.clone(), LineFault::TooLong { bytes_max }),
    };
    Refusal::of_line(text, Reason::Line(fault))
}
