//! Repair of lost and unreadable cursors.

use phuxanh_core::{Cursor, LocalityCode};
use redis::streams::StreamRangeReply;

use super::{
    Error, REBUILD,
    entry::{Entry, Fields, Kept},
    link::Live,
    logs::Logs,
};
use crate::store::CheckpointEpoch;

/// Last records of a log among which a readable one is looked for.
const LAST_COUNT: usize = 64;

impl Logs {
    /// Cursor of a reporter; an error if it has none but records or checkpoints.
    pub(super) async fn kept_unless_lost(
        &self,
        reporter: LocalityCode,
    ) -> Result<Option<Kept>, Error> {
        if let Some(kept) = self.kept(reporter).await? {
            return Ok(Some(kept));
        }
        let keys = &self.link.keys;
        let mut exists = redis::cmd("EXISTS");
        exists.arg(keys.log(reporter)).arg(keys.checkpoints(reporter));
        if self.ask::<u64>(&exists).await? == 0 {
            return Ok(None);
        }
        // The first session may have begun in between.
        self.kept(reporter).await?.map(Some).ok_or(Error::NoCursor)
    }

    /// Rebuilds the cursor of a reporter behind all records; returns false if the cursor is readable,
    /// if something changed meanwhile, or if the log cannot be read either.
    pub(super) async fn rebuild(
        &self,
        reporter: LocalityCode,
        checkpoint_epoch: CheckpointEpoch,
    ) -> Result<bool, Error> {
        let fields = match self.fields(reporter).await {
            Err(error) if error.is_of_data() => Fields::new(),
            read => read?,
        };
        if matches!(Kept::read(&fields), Ok(Some(_))) {
            return Ok(false);
        }
        let latest = match self.latest(reporter).await {
            Err(error) if error.is_of_data() => return Ok(false),
            read => read?,
        };
        let kept = self.anew(reporter, &latest, checkpoint_epoch).await?;
        let Live { mut connection, .. } = self.link.live()?;
        let mut script = REBUILD.key(self.link.keys.cursor(reporter));
        script.key(self.link.keys.log(reporter));
        script.arg(latest.first().map_or_else(String::new, |last| format!("{}-0", last.number)));
        script.arg(&kept.tip).arg(2 * fields.len());
        for (field, value) in &fields {
            script.arg(field).arg(value);
        }
        for (field, value) in Kept::fields(&kept.cursor) {
            script.arg(field).arg(value);
        }
        self.written(script.invoke_async(&mut connection).await)
    }

    /// Last entries of a log, the last one first.
    async fn latest(&self, reporter: LocalityCode) -> Result<Vec<Entry>, Error> {
        let mut range = redis::cmd("XREVRANGE");
        range.arg(self.link.keys.log(reporter)).arg("+").arg("-").arg("COUNT").arg(LAST_COUNT);
        let found: StreamRangeReply = self.ask(&range).await?;
        found.ids.iter().map(|entry| Entry::read(reporter, entry)).collect()
    }

    /// New cursor behind all records of a reporter, of which a checkpoint may hold the last ones.
    async fn anew(
        &self,
        reporter: LocalityCode,
        latest: &[Entry],
        checkpoint_epoch: CheckpointEpoch,
    ) -> Result<Kept, Error> {
        let mut end = latest.first().map(|last| (last.number, last.tip.clone()));
        let read = latest.iter().find_map(|entry| entry.record.as_ref().ok());
        let mut log_epoch = read.map_or(0, |record| record.log_epoch);
        let mut receipt = read.map(|record| record.receipt);
        for head in self.heads(reporter).await?.into_iter().rev() {
            let Some(kept) = self.checkpoint_of(reporter, head.record_count).await? else {
                continue;
            };
            end = end.max(Some((kept.mark.record_count, kept.mark.tip.clone())));
            if let Some(epoch) = checkpoint_epoch(reporter, &kept) {
                (log_epoch, receipt) = (log_epoch.max(epoch), receipt.max(Some(kept.receipt)));
                break;
            }
        }
        let (record_count, tip) = end.unwrap_or_default();
        Ok(Kept { cursor: Cursor::rebuilt(record_count, log_epoch, receipt), tip })
    }
}
