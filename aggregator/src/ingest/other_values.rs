//! Answers collectors that ask which values of other logs are in force.

use std::sync::Arc;

use phuxanh_core::LocalityCode;
use phuxanh_proto::{
    convert,
    v1::{ListOtherValuesRequest, ListOtherValuesResponse},
};
use tonic::Status;

use super::{Ingest, status};
use crate::access::Peer;

/// Values after which a part of the list ends with the locality that it has come to.
const PART_VALUES: usize = 2_000;

impl Ingest {
    pub(super) async fn other_values(
        &self,
        peer: Option<Arc<Peer>>,
        request: ListOtherValuesRequest,
    ) -> Result<ListOtherValuesResponse, Status> {
        let ListOtherValuesRequest { reporter, log_epoch, after_locality } = request;
        let reporter = code("reporter", &reporter)?;
        let after = match after_locality.as_str() {
            "" => None,
            after => Some(code("after_locality", after)?),
        };
        if let Some(peer) = peer {
            peer.check(reporter, self).await.map_err(|refusal| status::refused(&refusal))?;
        }
        let Some(rollup) = self.view.borrow().reporter(reporter).cloned() else {
            return Ok(ListOtherValuesResponse::default());
        };
        let (logs, next) = rollup.fold().of_other_logs(log_epoch, after, PART_VALUES);
        Ok(ListOtherValuesResponse {
            logs: logs.iter().map(convert::to_other_log).collect(),
            next_after_locality: next.map_or(String::new(), |next| next.to_string()),
        })
    }
}

fn code(field: &str, text: &str) -> Result<LocalityCode, Status> {
    let expected = |error| Status::invalid_argument(format!("{field} \"{text}\": {error}"));
    text.parse().map_err(expected)
}
