//! A log in memory that histories are read from.

use std::sync::Arc;

use phuxanh_core::{
    Batch, Chain, Cursor, LocalityCode, LogId, Observation, Record, Timestamp,
    delivery::log::{Checkpoint, Held, Mark, Reference, Trim},
    frame::{BatchResult, Refused},
    validation::Refusal,
};
use phuxanh_proto::convert::encode;

use super::Log;
use crate::store::{Archive, Error};

/// Records of one reporter, without the first ones.
#[derive(Debug, Default)]
pub(in crate::query) struct Kept {
    pub(in crate::query) records: Vec<Record>,
    pub(in crate::query) trimmed_count: usize,
    /// True if the store does not answer.
    pub(in crate::query) is_down: bool,
}

impl Kept {
    pub(in crate::query) fn log(self, bytes_max: usize) -> Log {
        Log { archive: Arc::new(self), bytes_max }
    }
}

/// The record of a batch, numbered and received as said, with some places refused.
pub(super) fn record(
    sequence: u64,
    receipt: Timestamp,
    all: &[Observation],
    refused: &[u32],
) -> Record {
    let refusals = refused.iter().map(|at| (*at, Refusal::ImpossibleValue)).collect();
    let refused = Refused::Observations(refusals);
    Record {
        receipt,
        log: LogId([1; 16]),
        log_epoch: 1,
        batch: Batch {
            sequence,
            previous_chain: Chain([0; 32]),
            observation_count: u32::try_from(all.len()).expect("few"),
            complete_through: None,
            payload: encode(all).into(),
        },
        result: Some(BatchResult { sequence, refused }),
        host: "máy một".to_owned(),
        catalogue_digest: [7; 32],
        gazetteer_digest: [8; 32],
    }
}

#[tonic::async_trait]
impl Archive for Kept {
    async fn held_of(&self, reporter: LocalityCode) -> Result<Option<Held>, Error> {
        if self.is_down {
            return Err(Error::Closed);
        }
        let cursor = Cursor::rebuilt(self.records.len() as u64, 1, None);
        let first_record = self.trimmed_count as u64 + 1;
        Ok(Some(Held { reporter, cursor, checkpoints: Vec::new(), first_record }))
    }

    async fn records(
        &self,
        _: LocalityCode,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<Record>, Error> {
        let after = usize::try_from(after).expect("few").max(self.trimmed_count);
        Ok(self.records.iter().skip(after).take(count_max).cloned().collect())
    }

    async fn reporters(&self) -> Result<Vec<LocalityCode>, Error> {
        unreachable!("histories do not ask for it")
    }

    async fn checkpoint(&self, _: LocalityCode, _: u64) -> Result<Option<Checkpoint>, Error> {
        unreachable!("histories do not ask for it")
    }

    async fn mark(&self, _: LocalityCode, _: u64) -> Result<Option<Mark>, Error> {
        unreachable!("histories do not ask for it")
    }

    async fn keep(&self, _: LocalityCode, _: Checkpoint) -> Result<(), Error> {
        unreachable!("histories change nothing")
    }

    async fn trim(&self, _: LocalityCode, _: Trim) -> Result<(), Error> {
        unreachable!("histories change nothing")
    }

    async fn references(&self) -> Result<Vec<Reference>, Error> {
        unreachable!("histories do not ask for it")
    }

    async fn keep_reference(&self, _: Reference) -> Result<(), Error> {
        unreachable!("histories change nothing")
    }

    async fn import(&self, _: LocalityCode, _: Cursor, _: Vec<(u64, Record)>) -> Result<(), Error> {
        unreachable!("histories change nothing")
    }
}
