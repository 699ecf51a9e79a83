//! Taking a file: reading it, taking its values into the spool, reporting, and moving it.

use phuxanh_core::{Level, Period};
use tokio::{fs, time::Instant};
use tracing::info;

use super::{Folder, Source};
use crate::{
    source::{
        Error,
        contents::Contents,
        filing::{Move, Place},
        opening::{self, stamp_of},
        report::{Again, Counts, Outcome, Report, Silent, Summary},
        settling::Stamp,
    },
    spool::{AcceptedFile, Series},
};

impl Folder {
    /// Reads a file, takes its values and files it away.
    pub(super) async fn take(
        &mut self,
        source: &Source,
        again: Option<Again>,
        is_unterminated: bool,
    ) -> Result<(), Error> {
        let path = self.filing.path(source.0, &source.1);
        let (file, stamp) = opening::open(&path).await.map_err(Error::io("opening", &path))?;
        let mut contents = self.intake.read(&path, file, stamp.size_bytes).await?;
        // It was read through one descriptor. What the name stands for now is another question.
        self.check_unchanged(source, stamp).await?;
        let repeated = self.accepted_file(&contents).await?;
        let series = if repeated.is_some() { Series::repeated() } else { Series::default() };
        let counts = self.intake.take(&mut contents, series).await?;
        self.check_unchanged(source, stamp).await?;
        let is_new = repeated.is_none();
        let again: Vec<_> = again.into_iter().chain(repeated.map(Again::Repeated)).collect();
        let read = Read { counts, again, is_new, is_unterminated, stamp };
        self.file_away(source, contents, read).await
    }

    /// Writes the report and moves the file. What was accepted is remembered in between, so that
    /// a crash at any point leads to the same end.
    async fn file_away(
        &mut self,
        source: &Source,
        contents: Contents,
        read: Read,
    ) -> Result<(), Error> {
        let (place, name) = source;
        let outcome = Outcome::of(&read.counts);
        let tray = if outcome.is_accepted() { Place::Accepted } else { Place::Rejected };
        let now = (self.intake.clock)();
        let (to, number) = if *place == tray {
            (name.clone(), self.filing.next_report(tray, name).await?)
        } else {
            (self.filing.free_name(tray, name).await?, 1)
        };
        let step = Move { place: *place, from: name.clone(), tray, to, stamp: read.stamp };
        let digest = contents.digest;
        let summary = Summary {
            file: step.to.to_string_lossy().into_owned(),
            read: now,
            counts: read.counts,
            again: read.again,
            silent: self.silent(&contents, outcome),
            notes: contents.notes,
            is_unterminated: read.is_unterminated,
        };
        let report = Report::new(&summary, contents.entries);
        if *place != tray {
            self.filing.note(&step).await?;
        }
        let report = self.filing.write_report(tray, &step.to, number, &report).await?;
        if outcome.is_accepted() && read.is_new {
            let file = AcceptedFile { digest, name: summary.file, accepted: now };
            self.intake.spool.accept_file(file).await.map_err(Error::Spool)?;
        }
        let counts = read.counts;
        info!(
            file = %name.display(),
            outcome = outcome.name(),
            report = %report.display(),
            row_count = counts.row_count,
            taken_count = counts.taken_count,
            unchanged_count = counts.unchanged_count,
            superseded_count = counts.superseded_count,
            refused_count = counts.refused_count,
            "file read"
        );
        self.trays.note_report(&report).await;
        if tray == Place::Accepted {
            self.confirming.wait(report, &self.log.borrow());
        }
        if *place == tray {
            self.trays.watch(&self.filing, tray, &step.to).await;
            return Ok(());
        }
        self.pending.insert(source.clone(), step);
        self.complete(source).await
    }

    /// Moves the files that could not be moved before.
    pub(super) async fn move_pending(&mut self) -> Result<(), Error> {
        let sources: Vec<_> = self.pending.keys().cloned().collect();
        for source in sources {
            if !self.setbacks.is_due(&source, Instant::now()) {
                continue;
            }
            if let Err(error) = self.complete(&source).await {
                self.fail(source, error)?;
            }
        }
        Ok(())
    }

    /// Moves a file that was read and reported. One that has changed since is read as a new one.
    async fn complete(&mut self, source: &Source) -> Result<(), Error> {
        let Some(step) = self.pending.get(source).cloned() else { return Ok(()) };
        let found = self.stamp(source).await;
        if matches!(&found, Ok(Some(stamp)) if *stamp == step.stamp) {
            self.filing.move_file(&step).await?;
            self.trays.watch(&self.filing, step.tray, &step.to).await;
        } else {
            found?;
        }
        self.pending.remove(source);
        self.setbacks.clear(Some(source));
        self.filing.clear_note(&step).await
    }

    /// True if a noted move has its report, so that only the move itself is missing.
    pub(super) async fn is_reported(&self, step: &Move) -> Result<bool, Error> {
        let report = self.filing.report(step.tray, &step.to, 1);
        let is_there = fs::try_exists(&report).await.map_err(Error::io("looking for", report))?;
        if !is_there || step.tray != Place::Accepted {
            return Ok(is_there);
        }
        // A report may have been written just before its file was remembered as accepted.
        let path = self.filing.path(step.place, &step.from);
        let Ok((file, stamp)) = opening::open(&path).await else { return Ok(false) };
        let contents = self.intake.read(&path, file, stamp.size_bytes).await?;
        Ok(stamp == step.stamp && self.accepted_file(&contents).await?.is_some())
    }

    async fn check_unchanged(&self, source: &Source, stamp: Stamp) -> Result<(), Error> {
        if self.stamp(source).await? == Some(stamp) {
            Ok(())
        } else {
            Err(Error::Changed { path: self.filing.path(source.0, &source.1) })
        }
    }

    /// The stamp of a file now; `None` where there is none.
    async fn stamp(&self, source: &Source) -> Result<Option<Stamp>, Error> {
        stamp(&self.filing.path(source.0, &source.1)).await
    }

    async fn accepted_file(&self, contents: &Contents) -> Result<Option<AcceptedFile>, Error> {
        self.intake.spool.accepted_file(contents.digest).await.map_err(Error::Spool)
    }

    /// The communes of the province of which a file says nothing, where it speaks of communes.
    fn silent(&self, contents: &Contents, outcome: Outcome) -> Option<Silent> {
        let has_commune = contents.localities.iter().any(|code| code.level() == Level::Commune);
        let period: Period = *contents.periods.last()?;
        if !has_commune || outcome == Outcome::Rejected {
            return None;
        }
        let gazetteer = &self.intake.facts.gazetteer;
        let communes = gazetteer.communes(self.intake.facts.reporter);
        let in_force: Vec<_> = communes.filter(|one| gazetteer.in_force(one, period)).collect();
        let commune_count = in_force.len();
        let communes: Vec<_> = in_force
            .into_iter()
            .filter(|commune| !contents.localities.contains(&commune.code))
            .map(|commune| (commune.code, commune.name.clone()))
            .collect();
        (!communes.is_empty()).then_some(Silent { communes, commune_count })
    }
}

/// Result of reading a file.
struct Read {
    counts: Counts,
    again: Vec<Again>,
    /// Its bytes were not accepted before.
    is_new: bool,
    is_unterminated: bool,
    stamp: Stamp,
}

pub(super) async fn stamp(path: &std::path::Path) -> Result<Option<Stamp>, Error> {
    match fs::symlink_metadata(path).await {
        Ok(metadata) => stamp_of(&metadata).map(Some).map_err(Error::io("looking at", path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("looking at", path)(error)),
    }
}
