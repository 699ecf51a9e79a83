//! Other end of a stream: who it is, and for which reporter it may speak.

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::{
        board,
        identity::{Caller, Refusal},
    },
};
use phuxanh_daemon::clock::Clock;
use tokio::time::sleep;
use tracing::warn;

use super::{Ingest, status};
use crate::access::Peer;

impl Peer {
    /// Checks that the caller may speak for a reporter. A refusal is an alarm of that reporter, with the
    /// address that it came from.
    pub(super) async fn check(
        &self,
        reporter: LocalityCode,
        ingest: &Ingest,
    ) -> Result<(), status::Close> {
        let at = (ingest.clock)();
        let standing = self.caller.check(reporter, at).and_then(|()| match &self.caller {
            Caller::Granted(grant) => ingest.gate.holds(grant).map_err(Refusal::Access),
            _ => Ok(()),
        });
        let Err(refusal) = standing else { return Ok(()) };
        let address = self.address;
        warn!(%reporter, %address, reason = %refusal, "identity refused");
        // Anybody may name any code, so only reporters that there are have alarms.
        if ingest.terms.gazetteer.locality(reporter).is_some() {
            let detail = format!("{address}: {refusal}");
            ingest.tell(board::Event::IdentityRefused { reporter, detail, at }).await;
        }
        Err(status::Close::Identity(refusal))
    }
}

/// Waits until a time of day.
pub(super) async fn expired(expiry: Option<Timestamp>, clock: Clock) {
    match expiry {
        Some(expiry) => sleep(expiry.since(clock())).await,
        None => std::future::pending().await,
    }
}
