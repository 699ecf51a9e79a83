//! Logs, checkpoints and references in Redis, read and written record by record.

use std::{collections::BTreeMap, sync::LazyLock};

use phuxanh_core::{
    Cursor, LocalityCode, Record,
    delivery::log::{Checkpoint, Held, Mark, Reference, Trim},
};
use redis::Script;

use super::{
    super::Archive,
    Error, Shared,
    entry::{self, Kept},
    link::Live,
};
use crate::store;

static IMPORT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("import.lua")));

#[tonic::async_trait]
impl Archive for Shared {
    async fn reporters(&self) -> Result<Vec<LocalityCode>, store::Error> {
        Ok(self.logs.reporters().await?)
    }

    async fn held_of(&self, reporter: LocalityCode) -> Result<Option<Held>, store::Error> {
        let Some(Kept { cursor, .. }) = self.logs.kept_unless_lost(reporter).await? else {
            return Ok(None);
        };
        let first = self.logs.entries(reporter, 0, 1).await?;
        let first_record = first.first().map_or(cursor.record_count + 1, |first| first.number);
        let checkpoints = self.logs.heads(reporter).await?;
        Ok(Some(Held { reporter, cursor, checkpoints, first_record }))
    }

    async fn records(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, store::Error> {
        Ok(self.logs.records(reporter, after, count_max).await?)
    }

    async fn checkpoint(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, store::Error> {
        Ok(self.logs.checkpoint_of(reporter, record_count).await?)
    }

    async fn mark(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Mark>, store::Error> {
        let kept = self.logs.kept(reporter).await?;
        let tip = self.logs.tip(reporter, record_count, kept.as_ref()).await?;
        Ok(tip.map(|tip| Mark { record_count, tip }))
    }

    async fn keep(
        &self,
        reporter: LocalityCode,
        checkpoint: Checkpoint,
    ) -> Result<(), store::Error> {
        let Checkpoint { mark, receipt, bytes } = checkpoint;
        let heads = self.link.keys.checkpoints(reporter);
        let head = format!("{} {}", receipt.micros(), mark.tip);
        let known = redis::cmd("HGET").arg(&heads).arg(mark.record_count).to_owned();
        if self.logs.ask::<Option<String>>(&known).await?.is_some_and(|known| known == head) {
            // Another aggregator has stored it already.
            return Ok(());
        }
        let contents = self.link.keys.checkpoint(reporter, mark.record_count);
        // Atomic: an aggregator that lost a tail may store another fold under the same count.
        let mut both = redis::pipe();
        both.atomic().set(contents, bytes).hset(heads, mark.record_count, head);
        let Live { mut connection, .. } = self.link.live()?;
        self.logs.written(both.exec_async(&mut connection).await)?;
        Ok(())
    }

    async fn trim(&self, reporter: LocalityCode, trim: Trim) -> Result<(), store::Error> {
        let oldest = format!("{}-0", trim.records_through + 1);
        let mut cut = redis::cmd("XTRIM");
        cut.arg(self.link.keys.log(reporter)).arg("MINID").arg("=").arg(oldest);
        self.logs.ask::<u64>(&cut).await?;
        for record_count in trim.checkpoints {
            let heads = self.link.keys.checkpoints(reporter);
            self.logs.ask::<u64>(redis::cmd("HDEL").arg(heads).arg(record_count)).await?;
            let contents = self.link.keys.checkpoint(reporter, record_count);
            self.logs.ask::<u64>(redis::cmd("UNLINK").arg(contents)).await?;
        }
        Ok(())
    }

    async fn references(&self) -> Result<Vec<Reference>, store::Error> {
        let all = redis::cmd("HGETALL").arg(self.link.keys.references()).to_owned();
        let found: BTreeMap<Vec<u8>, Vec<u8>> = self.logs.ask(&all).await?;
        let references = found.into_iter().map(|(digest, contents)| {
            let digest = digest.try_into().map_err(|_| Error::corrupt("reference"))?;
            Ok((digest, contents))
        });
        Ok(references.collect::<Result<_, Error>>()?)
    }

    async fn keep_reference(&self, (digest, contents): Reference) -> Result<(), store::Error> {
        let references = self.link.keys.references();
        let set = redis::cmd("HSET").arg(references).arg(&digest[..]).arg(contents).to_owned();
        let Live { mut connection, .. } = self.link.live()?;
        Ok(self.logs.written(set.query_async(&mut connection).await)?)
    }

    async fn import(
        &self,
        reporter: LocalityCode,
        cursor: Cursor,
        records: Vec<(u64, Record)>,
    ) -> Result<(), store::Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let add =
            redis::cmd("SADD").arg(self.link.keys.reporters()).arg(reporter.to_string()).to_owned();
        self.logs.ask::<u64>(&add).await?;
        let fields = Kept::fields(&cursor);
        let mut script = IMPORT.key(self.link.keys.cursor(reporter));
        script.key(self.link.keys.log(reporter)).arg(2 * fields.len());
        for (field, value) in fields {
            script.arg(field).arg(value);
        }
        for (number, record) in records {
            let chain = record.batch.before().after(&record.batch).chain;
            let receipt = record.receipt.micros();
            let bytes = entry::encode(reporter, record, chain);
            script.arg(number).arg(receipt).arg(&chain.0[..]).arg(bytes);
        }
        Ok(self.logs.written(script.invoke_async::<()>(&mut connection).await)?)
    }
}
