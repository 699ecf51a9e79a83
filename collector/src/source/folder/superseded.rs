//! Telling officers that the centre holds other values than those of their files.
//!
//! The spool knows cells, not files. So the accepted files are read again, newest first, until each
//! value is found. That takes time, and happens only where another host reported for the province.

use std::{collections::BTreeMap, ffi::OsString};

use phuxanh_core::{CellKey, Timestamp, figures::superseding::Superseded};
use tokio::fs;
use tracing::{info, warn};

use super::Folder;
use crate::{
    source::{
        Error,
        filing::Place,
        intake::cell_of,
        opening,
        report::{Entries, Finding, Report},
    },
    spool,
};

/// Values without a file that are named in the log.
const LOGGED_MAX: usize = 10;

/// Values of which nobody was told yet, by cell.
type Untold = BTreeMap<CellKey, Superseded>;

impl Folder {
    /// Writes a further report beside each file whose values gave way to those of another log.
    pub(super) async fn tell_superseded(&mut self) -> Result<(), Error> {
        let Ok(found) = self.superseded.try_recv() else { return Ok(()) };
        // Their cells may have changed since, and others may have been told.
        let values = found.into_iter().map(|found| found.by).collect();
        let found = self.intake.spool.superseded(values).await.map_err(Error::Spool)?;
        let told = found.iter().map(|found| found.by.clone()).collect();
        let mut untold: Untold =
            found.into_iter().map(|found| (found.own.key.clone(), found)).collect();
        for (_, name) in self.accepted_by_time().await? {
            if untold.is_empty() {
                break;
            }
            match self.tell_of_file(&name, &mut untold).await {
                Ok(()) => {}
                Err(error @ Error::Spool(spool::Error::Closed)) => return Err(error),
                Err(error) => warn!(%error, "a file is not searched for superseded values"),
            }
        }
        for Superseded { own, by } in untold.values().take(LOGGED_MAX) {
            let (key, host, observed) = (&own.key, &by.host, by.observation.observed);
            let (locality, metric, period) = (&key.locality, &key.metric, &key.period);
            warn!(%locality, %metric, %period, host, %observed, "the centre holds another value, and no accepted file has the one of this collector");
        }
        if untold.len() > LOGGED_MAX {
            warn!(count = untold.len(), "more values without a file are superseded");
        }
        self.intake.spool.note_told(told).await.map_err(Error::Spool)
    }

    /// Reports the values of one file, and takes them from those that are still to be told.
    async fn tell_of_file(&self, name: &OsString, untold: &mut Untold) -> Result<(), Error> {
        let path = self.filing.path(Place::Accepted, name);
        let (file, stamp) = opening::open(&path).await.map_err(Error::io("opening", &path))?;
        let contents = self.intake.read(&path, file, stamp.size_bytes).await?;
        let mut entries = Entries::new(self.intake.limits.report_entries_max);
        let mut keys = Vec::new();
        for line in &contents.lines {
            let stated = &line.good.observation;
            let Some(Superseded { own, by }) = untold.get(&stated.key) else { continue };
            if (stated.value, stated.observed) != (own.value, own.observed) {
                continue;
            }
            let finding = Finding::HeldByCentre {
                value: by.observation.value,
                observed: by.observation.observed,
                host: by.host.clone(),
            };
            entries.add(line.number, cell_of(line), finding);
            keys.push(stated.key.clone());
        }
        if keys.is_empty() {
            return Ok(());
        }
        let report = Report::superseded(&name.to_string_lossy(), (self.intake.clock)(), entries);
        let number = self.filing.next_report(Place::Accepted, name).await?;
        let report = self.filing.write_report(Place::Accepted, name, number, &report).await?;
        let count = keys.len();
        info!(file = %name.display(), count, report = %report.display(), "the centre holds other values than those of a file");
        for key in keys {
            untold.remove(&key);
        }
        Ok(())
    }

    /// The accepted files, newest first.
    async fn accepted_by_time(&self) -> Result<Vec<(Timestamp, OsString)>, Error> {
        let mut files = Vec::new();
        for name in self.accepted_files().await? {
            if let Ok(metadata) = fs::metadata(self.filing.report(Place::Accepted, &name, 1)).await
                && let Ok(filed) = opening::time_of(&metadata)
            {
                files.push((filed, name));
            }
        }
        files.sort();
        files.reverse();
        Ok(files)
    }
}
