//! Other end of a stream: who it is, and for which reporter it may speak.

use std::time::Duration;

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::{
        board,
        identity::{Caller, Refusal},
    },
};
use phuxanh_daemon::clock::Clock;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Ingest;
use crate::access::Peer;

impl Peer {
    /// Checks that the caller may speak for a reporter. A refusal is an alarm of that reporter, with the
    /// address that it came from.
    pub(super) async fn check(
        &self,
        reporter: LocalityCode,
        ingest: &Ingest,
    ) -> Result<(), Refusal> {
        let at = (ingest.clock)();
        // Anybody may name any code, so only reporters that there are have alarms.
        let is_known = ingest.terms.gazetteer.locality(reporter).is_some();
        let judged = self.caller.check(reporter, at).and_then(|()| self.check_certificate(at));
        let judged = judged.and_then(|()| match &self.caller {
            Caller::Granted(grant) => ingest.gate.holds(grant).map_err(Refusal::Access),
            _ => Ok(()),
        });
        let Err(refusal) = judged else {
            if let Some(proof) = self.proof.as_ref().filter(|_| is_known) {
                let warning = self.caller.expiry_warning(at, proof.judge.expiry_warning);
                ingest.tell(board::Event::Certified { reporter, warning, at }).await;
            }
            return Ok(());
        };
        let address = self.address;
        warn!(%reporter, %address, reason = %refusal, "identity refused");
        if is_known {
            let detail = format!("{address}: {refusal}");
            ingest.tell(board::Event::IdentityRefused { reporter, detail, at }).await;
        }
        Err(refusal)
    }

    /// Judges the certificate of a caller who is known by it.
    fn check_certificate(&self, at: Timestamp) -> Result<(), Refusal> {
        let Some(name) = self.caller.name() else { return Ok(()) };
        self.judge(at).map_err(|distrust| Refusal::Distrusted { name, distrust })
    }

    /// Time between two looks at the certificate, if there is one.
    pub(super) fn recheck_interval(&self) -> Option<Duration> {
        self.proof.as_ref().map(|proof| proof.judge.recheck_interval)
    }
}

/// Waits until the certificate of a stream is to be looked at: when it expires, and before that at
/// intervals, since it may be revoked.
pub(super) async fn doubtful(expiry: Option<Timestamp>, recheck: Option<Instant>, clock: Clock) {
    tokio::select! {
        () = expired(expiry, clock) => {}
        () = super::due(recheck) => {}
    }
}

/// Waits until a time of day.
async fn expired(expiry: Option<Timestamp>, clock: Clock) {
    match expiry {
        Some(expiry) => sleep(expiry.since(clock())).await,
        None => std::future::pending().await,
    }
}
