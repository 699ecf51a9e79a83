//! Reads of the logs, and whether the last reads succeeded.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use phuxanh_core::{
    Cursor, LocalityCode, Record, Timestamp,
    delivery::{
        damage::Damaged,
        log::{Checkpoint, CheckpointHead, Mark},
    },
    frame::BatchResult,
};
use phuxanh_daemon::clock::Clock;
use redis::{FromRedisValue, streams::StreamRangeReply};
use tokio::sync::watch;

use super::{
    Error,
    entry::{self, Entry, Fields, Kept},
    link::{Link, Live},
};
use crate::store::Trouble;

/// Number of records per read of results.
const RESULT_PAGE_COUNT: usize = 64;

/// Record count, tip, receipt time and contents of a cached fold, as Redis returns them.
type Snapshot = (Option<u64>, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

/// Reader of the reporters' logs.
pub(super) struct Logs {
    pub(super) link: Arc<Link>,
    pub(super) clock: Clock,
    pub(super) trouble: watch::Sender<Option<Trouble>>,
    /// Time at which the follower last had everything, in microseconds since 1970 UTC.
    in_step: AtomicU64,
}

impl Logs {
    pub(super) fn new(link: Arc<Link>, clock: Clock) -> Self {
        let now = u64::try_from(clock().micros()).unwrap_or(0);
        Self { link, clock, trouble: watch::Sender::new(None), in_step: AtomicU64::new(now) }
    }

    /// Runs a command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        self.noted(command.query_async(&mut connection).await)
    }

    /// All reporters that ever said Hello, by code. Names that are no codes are left alone.
    pub(super) async fn reporters(&self) -> Result<Vec<LocalityCode>, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let members = redis::cmd("SMEMBERS").arg(self.link.keys.reporters()).to_owned();
        let codes: Vec<String> = self.noted(members.query_async(&mut connection).await)?;
        let mut codes: Vec<_> = codes.iter().filter_map(|code| code.parse().ok()).collect();
        codes.sort_unstable();
        Ok(codes)
    }

    pub(super) async fn kept(&self, reporter: LocalityCode) -> Result<Option<Kept>, Error> {
        Kept::read(&self.fields(reporter).await?)
    }

    /// Fields of a reporter's cursor.
    pub(super) async fn fields(&self, reporter: LocalityCode) -> Result<Fields, Error> {
        self.ask(redis::cmd("HGETALL").arg(self.link.keys.cursor(reporter))).await
    }

    /// At most `count_max` entries after record number `after`.
    pub(super) async fn entries(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Entry>, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let from = format!("({after}-0");
        let range = redis::cmd("XRANGE")
            .arg(self.link.keys.log(reporter))
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(count_max)
            .to_owned();
        let found: StreamRangeReply = self.noted(range.query_async(&mut connection).await)?;
        found.ids.iter().map(|entry| Entry::read(reporter, entry)).collect()
    }

    /// At most `count_max` records after record number `after`; a damaged record is an error.
    pub(super) async fn records(
        &self,
        reporter: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error> {
        let entries = self.entries(reporter, after, count_max).await?;
        let mut records = Vec::with_capacity(entries.len());
        for Entry { number, record, .. } in entries {
            match record {
                Ok(record) => records.push(record),
                Err(fault) => {
                    let kept = self.kept(reporter).await?;
                    let cursor = kept.ok_or_else(|| Error::corrupt("cursor"))?.cursor;
                    return Err(damaged(Damaged::new(reporter, &cursor, number..=number, fault)));
                }
            }
        }
        Ok(records)
    }

    /// Notes that a record of the log in force is damaged, so that a new log must begin.
    pub(super) async fn note_damage(
        &self,
        reporter: LocalityCode,
        cursor: &Cursor,
    ) -> Result<(), Error> {
        let key = self.link.keys.cursor(reporter);
        self.ask(redis::cmd("HSET").arg(key).arg("damaged").arg(&cursor.log.0[..])).await
    }

    /// Hash over a reporter's first `record_count` records; `None` if the log no longer has it.
    pub(super) async fn tip(
        &self,
        reporter: LocalityCode,
        record_count: u64,
        kept: Option<&Kept>,
    ) -> Result<Option<String>, Error> {
        if let Some(kept) = kept.filter(|kept| kept.cursor.record_count == record_count) {
            return Ok(Some(kept.tip.clone()));
        }
        // The record and the next one both hold it; either may be damaged, trimmed or missing.
        let both = self.entries(reporter, record_count.saturating_sub(1), 2).await?;
        let at = |number| both.iter().find(move |entry| entry.number == number);
        let own = at(record_count).filter(|own| own.record.is_ok()).map(|own| own.tip.clone());
        Ok(own.or_else(|| at(record_count + 1).map(|next| next.previous.clone())))
    }

    /// Checkpoints of a reporter, by rising record count. Leaves out what cannot be read.
    pub(super) async fn heads(&self, reporter: LocalityCode) -> Result<Vec<CheckpointHead>, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let all = redis::cmd("HGETALL").arg(self.link.keys.checkpoints(reporter)).to_owned();
        let found: HashMap<String, String> = self.noted(all.query_async(&mut connection).await)?;
        let head = |(count, head): (&String, &String)| {
            Some(CheckpointHead { record_count: count.parse().ok()?, receipt: head_of(head)?.0 })
        };
        let mut heads: Vec<_> = found.iter().filter_map(head).collect();
        heads.sort_unstable();
        Ok(heads)
    }

    pub(super) async fn checkpoint_of(
        &self,
        reporter: LocalityCode,
        record_count: u64,
    ) -> Result<Option<Checkpoint>, Error> {
        let Live { mut connection, .. } = self.link.live()?;
        let heads = self.link.keys.checkpoints(reporter);
        let head = redis::cmd("HGET").arg(heads).arg(record_count).to_owned();
        let head: Option<String> = self.noted(head.query_async(&mut connection).await)?;
        let get =
            redis::cmd("GET").arg(self.link.keys.checkpoint(reporter, record_count)).to_owned();
        let bytes: Option<Vec<u8>> = self.noted(get.query_async(&mut connection).await)?;
        let head = head.as_deref().and_then(head_of);
        let (Some((receipt, tip)), Some(bytes)) = (head, bytes) else { return Ok(None) };
        let mark = Mark { record_count, tip: tip.to_owned() };
        Ok(Some(Checkpoint { mark, receipt, bytes }))
    }

    /// Cached fold of a reporter's log.
    pub(super) async fn snapshot(
        &self,
        reporter: LocalityCode,
    ) -> Result<Option<Checkpoint>, Error> {
        let key = self.link.keys.snapshot(reporter);
        let fields = ["record_count", "tip", "receipt", "fold"];
        let command = redis::cmd("HMGET").arg(key).arg(&fields[..]).to_owned();
        let held: Snapshot = self.ask(&command).await?;
        let (Some(record_count), Some(tip), Some(receipt), Some(bytes)) = held else {
            return Ok(None);
        };
        let mark = Mark { record_count, tip };
        let receipt = entry::time(&receipt).ok();
        Ok(receipt.map(|receipt| Checkpoint { mark, receipt, bytes }))
    }

    /// Stored results of the log in force after sequence `released`, by rising sequence; `None` if
    /// they list more than so many refusals.
    pub(super) async fn results(
        &self,
        cursor: &Cursor,
        reporter: LocalityCode,
        released: u64,
        refusal_count_max: usize,
    ) -> Result<Option<Vec<BatchResult>>, Error> {
        let untold = cursor.position.sequence.saturating_sub(released);
        let mut after = cursor.record_count.saturating_sub(untold);
        let mut results = Vec::<BatchResult>::new();
        let mut refusal_count = 0;
        while after < cursor.record_count {
            let entries = self.entries(reporter, after, RESULT_PAGE_COUNT).await?;
            let Some(last) = entries.last() else { break };
            after = last.number;
            for Entry { number, record, .. } in entries {
                let record = record.map_err(|fault| {
                    damaged(Damaged::new(reporter, cursor, number..=number, fault))
                })?;
                let result = record.result.filter(|_| record.log == cursor.log);
                refusal_count += result.as_ref().map_or(0, BatchResult::refusal_count);
                if refusal_count > refusal_count_max {
                    return Ok(None);
                }
                results.extend(result);
            }
        }
        Ok(Some(results))
    }

    /// Passes on the result of a write, and notes if the server refuses writes.
    pub(super) fn written<T>(&self, result: Result<T, redis::RedisError>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.link.refused(error);
        }
        self.noted(result)
    }

    pub(super) fn noted<T>(&self, result: Result<T, redis::RedisError>) -> Result<T, Error> {
        self.link.noted(result.map_err(Error::from))
    }

    /// Notes that the follower has everything.
    pub(super) fn in_step(&self) {
        let now = u64::try_from((self.clock)().micros()).unwrap_or(0);
        self.in_step.store(now, Ordering::Relaxed);
        self.trouble.send_if_modified(|trouble| trouble.take().is_some());
    }

    pub(super) fn out_of_step(&self, error: &Error) {
        let micros = i64::try_from(self.in_step.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let Ok(since) = Timestamp::from_micros(micros) else { return };
        self.trouble.send_if_modified(|trouble| {
            let cause = error.to_string();
            let next = Some(Trouble { since, cause });
            let is_news = *trouble != next;
            *trouble = next;
            is_news
        });
    }
}

fn damaged(damaged: Damaged) -> Error {
    Error::Damaged(Box::new(damaged))
}

/// Splits a checkpoint's head into receipt time and tip; `None` if it is damaged.
fn head_of(head: &str) -> Option<(Timestamp, &str)> {
    let (receipt, tip) = head.split_once(' ')?;
    Some((entry::time(receipt.as_bytes()).ok()?, tip))
}
