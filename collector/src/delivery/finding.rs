//! The question which values of other logs stand in the place of this collector's own.

use std::{pin::Pin, time::Duration};

use phuxanh_core::{
    LocalityCode,
    figures::superseding::{OtherLog, Superseded, Superseding},
};
use phuxanh_proto::{convert, v1::ListOtherValuesRequest};
use tokio::{sync::mpsc, time::timeout};
use tracing::{info, warn};

use super::link::Asker;
use crate::spool;

/// Values that are found by one question; the others are found by the next one.
const FOUND_MAX: usize = 10_000;
/// Longest time for the whole list.
const LISTED_WITHIN: Duration = Duration::from_mins(1);

/// A question on its way.
pub(super) type Finding = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The log for whose values the question is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) reporter: LocalityCode,
    pub(super) log_epoch: u64,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Status(#[from] tonic::Status),
    #[error(transparent)]
    Malformed(#[from] convert::FieldError),
    #[error("the list of superseded values goes back behind a locality that it has passed")]
    Order,
    #[error(transparent)]
    Spool(#[from] spool::Error),
}

/// Asks, and tells whoever informs the officers. What fails is asked again with the next stream.
pub(super) async fn find(
    mut asker: Asker,
    question: Question,
    spool: spool::Handle,
    superseded: mpsc::Sender<Vec<Superseded>>,
) {
    let found = match timeout(LISTED_WITHIN, list(&mut asker, question, &spool)).await {
        Ok(Ok(found)) => found,
        Ok(Err(Error::Status(status))) if status.code() == tonic::Code::Unimplemented => {
            info!("the aggregator cannot tell yet which values are superseded");
            return;
        }
        Ok(Err(error)) => return warn!(%error, "cannot find out which values are superseded"),
        Err(_) => return warn!("cannot find out in time which values are superseded"),
    };
    if !found.is_empty() && superseded.send(found).await.is_err() {
        warn!("nobody is told of superseded values: the source has ended");
    }
}

async fn list(
    asker: &mut Asker,
    Question { reporter, log_epoch }: Question,
    spool: &spool::Handle,
) -> Result<Vec<Superseded>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let after_locality = after.map_or(String::new(), |code: LocalityCode| code.to_string());
        let request =
            ListOtherValuesRequest { reporter: reporter.to_string(), log_epoch, after_locality };
        let answer = asker.other_values(request).await?;
        let logs = answer.logs.iter().map(convert::from_other_log);
        let logs = logs.collect::<Result<Vec<_>, _>>()?;
        let values: Vec<Superseding> = logs.into_iter().flat_map(OtherLog::into_values).collect();
        found.extend(spool.superseded(values).await?);
        if found.len() >= FOUND_MAX || answer.next_after_locality.is_empty() {
            found.truncate(FOUND_MAX);
            return Ok(found);
        }
        let next = answer.next_after_locality.parse().ok();
        if next <= after {
            return Err(Error::Order);
        }
        after = next;
    }
}
