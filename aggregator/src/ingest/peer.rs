//! Other end of a stream: who it is, and for which reporter it may speak.

use std::{net::IpAddr, time::Duration};

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::{
        board,
        identity::{Caller, Refusal},
    },
};
use phuxanh_daemon::{
    clock::Clock,
    tls::{CertificateDer, Judge},
};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Ingest, status};

/// Address of a caller, and what its connection proves.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: IpAddr,
    pub caller: Caller,
    /// `None` where it has shown no certificate.
    pub proof: Option<Proof>,
}

/// Certificate that a connection has shown, and what judges it as long as the connection lasts.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The certificate, followed by those between it and its authority.
    pub chain: Vec<CertificateDer<'static>>,
    pub judge: Judge,
}

impl Peer {
    /// Checks that the caller may speak for a reporter. A refusal is an alarm of that reporter, with the
    /// address that it came from.
    pub(super) async fn check(
        &self,
        reporter: LocalityCode,
        ingest: &Ingest,
    ) -> Result<(), status::Close> {
        let at = (ingest.clock)();
        // Anybody may name any code, so only reporters that there are have alarms.
        let is_known = ingest.terms.gazetteer.locality(reporter).is_some();
        let judged = self.caller.check(reporter, at).and_then(|()| self.judge(at));
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
        Err(status::Close::Identity(refusal))
    }

    /// Judges the certificate by what the files of TLS hold now.
    fn judge(&self, at: Timestamp) -> Result<(), Refusal> {
        let (Some(proof), Some(identity)) = (&self.proof, self.caller.identity()) else {
            return Ok(());
        };
        let judged = proof.judge.check_client(&proof.chain, at);
        judged.map_err(|distrust| Refusal::Distrusted { identity: identity.clone(), distrust })
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
