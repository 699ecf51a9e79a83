//! Contents of a batch, and its refused observations.

use std::collections::BTreeSet;

use crate::{
    Batch, Decode,
    figures::fold::Contents,
    frame::{BatchResult, Refused},
    validation::{Refusal, Rules},
};

/// Decodes a batch and holds each observation against the rules.
pub(super) fn validate(
    rules: &Rules<'_>,
    batch: &Batch,
    decode: Decode,
) -> (Contents, Option<BatchResult>) {
    let result = |refused| Some(BatchResult { sequence: batch.sequence, refused });
    let Some(all) = decode(batch) else {
        let observation_count = batch.observation_count;
        return (Contents::Undecodable { observation_count }, result(Refused::Everything));
    };
    let refusals = rules.refusals(&all);
    let refused: BTreeSet<_> = refusals.iter().map(|(index, _)| *index).collect();
    let result = if refusals.is_empty() { None } else { result(Refused::Observations(refusals)) };
    (Contents::Observations { all, refused }, result)
}

/// True if something was refused that a newer catalogue may know.
pub(super) fn names_unknown_metrics(result: &BatchResult) -> bool {
    match &result.refused {
        Refused::Everything => false,
        Refused::Observations(refused) => {
            refused.iter().any(|(_, refusal)| *refusal == Refusal::UnknownMetric)
        }
    }
}
