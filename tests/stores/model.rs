//! The rule of admission as a model, beside a store that must decide alike.

use anyhow::ensure;
use fastrand::Rng;
use phuxanh_aggregator::store::Store;
use phuxanh_core::{
    Chain, Cursor, LogId, Position, Timestamp,
    delivery::admission::{self, Opened, Opening, Verdict},
    frame::SessionId,
};

use crate::fixture::{batch, batches, hello, offer, reporter};

/// Batches of a log that are talked of.
const LOG_LENGTH: u64 = 12;

/// Content that the store must have, if it keeps the rule.
pub struct Model {
    random: Rng,
    cursor: Option<Cursor>,
    receipt: Option<Timestamp>,
}

impl Model {
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), cursor: None, receipt: None }
    }

    /// Asks the store something, and compares.
    pub async fn step(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        match self.random.u8(0..8) {
            0 => self.open(store).await?,
            1 => self.confirm(store).await?,
            _ => self.admit(store).await?,
        }
        self.compare(store).await
    }

    async fn open(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let log = self.log();
        let released = self.random.u64(0..=LOG_LENGTH / 2);
        let produced = self.random.u64(released..=LOG_LENGTH);
        let released = if self.random.u8(0..3) == 0 { 0 } else { released };
        let mut hello = hello(log, self.position(log, produced), self.position(log, released));
        hello.log_epoch = match &self.cursor {
            Some(cursor) if self.random.bool() => {
                (cursor.log_epoch + self.random.u64(0..3)).saturating_sub(1)
            }
            Some(_) | None => 0,
        };
        hello.host = self.random.choice(["alpha", "beta"]).unwrap_or_default().to_owned();
        let session = self.session();
        let expected = admission::open(self.cursor.clone(), &hello, session);
        match (store.open(hello, session).await?, expected) {
            (Opened::Welcome { cursor, .. }, Opening::Welcome(expected)) => {
                let expected = Cursor { receipt: cursor.receipt, ..expected };
                ensure!(cursor == expected, "{cursor:?} instead of {expected:?}");
                self.cursor = Some(cursor);
            }
            (Opened::Resync(found), Opening::Resync(expected)) => {
                ensure!(found == expected, "{found:?} instead of {expected:?}");
            }
            (found, expected) => anyhow::bail!("{found:?} instead of {expected:?}"),
        }
        Ok(())
    }

    async fn confirm(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let session = self.session();
        let owned = self.cursor.as_ref().filter(|cursor| cursor.session == session);
        let expected = owned.map(|cursor| cursor.position.sequence);
        let found = store.confirm(reporter(), session).await?;
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        Ok(())
    }

    async fn admit(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let held = self.cursor.as_ref().map(|cursor| (cursor.log, cursor.position, cursor.session));
        let (log, at, session) = match held {
            // Mostly what continues the log.
            Some(held) if self.random.u8(0..4) > 0 => held,
            Some((log, _, session)) => (log, self.position_near(log), session),
            None => {
                let log = self.log();
                (log, self.position_near(log), self.session())
            }
        };
        let log = if self.random.u8(0..12) == 0 { self.log() } else { log };
        let session = if self.random.u8(0..12) == 0 { self.session() } else { session };
        let batch = batch(at, self.random.i64(0..3));
        let expected = match &self.cursor {
            None => Verdict::Fenced,
            Some(cursor) => admission::admit(cursor, session, log, &batch),
        };
        let found = store.admit(offer(log, session, batch)).await?.verdict;
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        if let (Verdict::Append(position), Some(cursor)) = (found, &mut self.cursor) {
            cursor.position = position;
            cursor.record_count += 1;
        }
        Ok(())
    }

    /// Holds the store's cursor against the model's, and sees receipt times rise.
    async fn compare(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let held = store.held().await?;
        let Some(expected) = &self.cursor else {
            ensure!(held.is_empty(), "{held:?}");
            return Ok(());
        };
        let found = &held[0].cursor;
        ensure!(*found == Cursor { receipt: found.receipt, ..expected.clone() }, "{found:?}");
        ensure!(found.receipt >= self.receipt, "{found:?} after {:?}", self.receipt);
        let records = store.records(reporter(), 0, 1_000).await?;
        ensure!(records.len() as u64 == found.record_count, "{} records", records.len());
        ensure!(records.last().map(|record| record.receipt) == found.receipt);
        self.receipt = found.receipt;
        Ok(())
    }

    fn log(&mut self) -> LogId {
        LogId([self.random.u8(1..=3); 16])
    }

    fn session(&mut self) -> SessionId {
        SessionId([self.random.u8(1..=3); 16])
    }

    /// A place in a log as it would be if all its batches were the first ones; or another one.
    fn position(&mut self, log: LogId, sequence: u64) -> Position {
        let held = self.cursor.as_ref().filter(|cursor| cursor.log == log);
        let at = match held.map(|cursor| cursor.position) {
            Some(position) if position.sequence == sequence => position,
            Some(_) | None => batches(log, sequence).1,
        };
        let chain = if self.random.u8(0..10) == 0 { Chain([9; 32]) } else { at.chain };
        Position { chain, ..at }
    }

    fn position_near(&mut self, log: LogId) -> Position {
        let sequence = self.cursor.as_ref().map_or(0, |cursor| cursor.position.sequence);
        let sequence = (sequence + self.random.u64(0..4)).saturating_sub(2);
        self.position(log, sequence)
    }
}
