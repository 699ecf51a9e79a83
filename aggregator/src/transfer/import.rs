//! Writes the frames of a file into a store, page by page.
//!
//! Until a reporter's log is complete, its cursor names no log. If a store serves although its
//! import did not finish, it asks the collector to restate its cells.

use std::io::Read;

use phuxanh_core::{
    Cursor, LocalityCode, Record, Timestamp,
    delivery::{
        log::{Checkpoint, Mark},
        order::Frame,
        restamp::Restamp,
    },
};

use super::{Changes, Error, PAGE_COUNT, file::Reader};
use crate::{
    checkpoint,
    store::{self, Archive},
};

/// Writes a file into an empty store that does not serve. Calls `told` after each reporter, with the
/// number of its restamped records. Returns the reporters that were left out, with their record counts.
pub async fn import<R: Read>(
    store: &dyn Archive,
    reader: &mut Reader<R>,
    changes: &Changes,
    mut told: impl FnMut(LocalityCode, &Cursor, usize),
) -> Result<Vec<(LocalityCode, u64)>, Error> {
    if !store.held().await?.is_empty() {
        return Err(store::Error::NotEmpty.into());
    }
    let mut log: Option<Log<'_>> = None;
    let mut left_out = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        match (frame, &mut log) {
            (Frame::Reference(reference), _) => store.keep_reference(reference).await?,
            (Frame::Reporter { reporter, cursor, first_record }, _) => {
                if let Some(whole) = log.take() {
                    whole.finish(&mut told).await?;
                }
                if changes.without.contains(&reporter) {
                    left_out.push((reporter, cursor.record_count));
                    continue;
                }
                let (through, page) = (first_record - 1, Vec::with_capacity(PAGE_COUNT));
                let restamp = changes.latest_receipt.map(Restamp::new);
                let next = Log { store, reporter, cursor, restamp, through, page };
                next.set(next.unfinished(None), Vec::new()).await?;
                log = Some(next);
            }
            (Frame::Record(record), Some(log)) => log.append(record).await?,
            (Frame::Checkpoint { record_count, receipt, bytes }, Some(log)) => {
                log.flush().await?;
                let mark = store.mark(log.reporter, record_count).await?;
                // Before the oldest record there is nothing to compare a mark with.
                let mark = mark.unwrap_or(Mark { record_count, ..Mark::default() });
                let (receipt, bytes) = log.restamped(record_count, receipt, bytes)?;
                store.keep(log.reporter, Checkpoint { mark, receipt, bytes }).await?;
            }
            // Of a reporter that is left out.
            (Frame::Record(_) | Frame::Checkpoint { .. }, None) => {}
        }
    }
    if let Some(whole) = log {
        whole.finish(&mut told).await?;
    }
    Ok(left_out)
}

/// Reporter's log during its import.
struct Log<'a> {
    store: &'a dyn Archive,
    reporter: LocalityCode,
    /// Cursor that it ends with.
    cursor: Cursor,
    restamp: Option<Restamp>,
    /// Number of the last record before the page.
    through: u64,
    page: Vec<(u64, Record)>,
}

impl Log<'_> {
    async fn append(&mut self, mut record: Record) -> Result<(), store::Error> {
        if let Some(restamp) = &mut self.restamp {
            record.receipt = restamp.record(record.receipt);
        }
        self.page.push((self.through + self.page.len() as u64 + 1, record));
        if self.page.len() == PAGE_COUNT { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), store::Error> {
        let Some((number, last)) = self.page.last() else { return Ok(()) };
        self.through = *number;
        let cursor = self.unfinished(Some(last));
        let page = std::mem::replace(&mut self.page, Vec::with_capacity(PAGE_COUNT));
        self.set(cursor, page).await
    }

    async fn finish(
        mut self,
        told: &mut impl FnMut(LocalityCode, &Cursor, usize),
    ) -> Result<(), Error> {
        self.flush().await?;
        if let Some(restamp) = &self.restamp {
            self.cursor.receipt = self.cursor.receipt.map(|receipt| restamp.cursor(receipt));
        }
        self.set(self.cursor.clone(), Vec::new()).await?;
        told(self.reporter, &self.cursor, self.restamp.as_ref().map_or(0, Restamp::moved_count));
        Ok(())
    }

    /// Receipt and contents of a checkpoint, after all records were restamped.
    fn restamped(
        &self,
        record_count: u64,
        receipt: Timestamp,
        bytes: Vec<u8>,
    ) -> Result<(Timestamp, Vec<u8>), Error> {
        let Some(restamp) = &self.restamp else { return Ok((receipt, bytes)) };
        let reporter = self.reporter;
        checkpoint::restamped(&bytes, restamp).map_err(|source| Error::Checkpoint {
            reporter,
            record_count,
            source,
        })
    }

    async fn set(&self, cursor: Cursor, page: Vec<(u64, Record)>) -> Result<(), store::Error> {
        self.store.import(self.reporter, cursor, page).await
    }

    /// Cursor behind the records so far; it names no log.
    fn unfinished(&self, last: Option<&Record>) -> Cursor {
        let receipt = last.map_or(self.cursor.receipt, |last| Some(last.receipt));
        Cursor::rebuilt(self.through, self.cursor.log_epoch, receipt)
    }
}
