//! Gate of all calls: who calls, by certificate or token, and what the access file lets it do.
//!
//! ```text
//! access file ─ read again when it changes ─▶ Gate ◀─ each request: method, token, connection
//!                                              ├─▶ role, share ─▶ service
//!                                              └─▶ Denial ─▶ status, audit log
//! ```

mod methods;
mod share;

use std::{
    collections::HashMap, convert::Infallible, fs, future::pending, net::IpAddr, path::PathBuf,
    sync::Arc,
};

use http::{HeaderMap, Request, header::AUTHORIZATION};
use metrics::counter;
use phuxanh_core::{
    Timestamp,
    delivery::identity::{
        Caller, Distrust,
        access::{Access, Asker, Call, Denial, Grant, Need, Policy, TokenHash},
    },
    gazetteer::Gazetteer,
};
use phuxanh_daemon::{
    audit_log::Entry,
    clock::Clock,
    settings::Fault,
    tls::{CertificateDer, Judge, PemFile, keep_current},
};
use phuxanh_proto::refusal::Reason;
use tokio::sync::{mpsc, watch};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;
use tracing::warn;

use crate::{
    metrics::CALLS_REFUSED,
    refusal::{self, Parameters},
};

pub use methods::{need, paths};
pub use share::{Pace, Share, ShareRules};

/// Setting that names the file.
pub const SETTING: &str = "access_file";
/// Longest access file, in bytes.
const FILE_BYTES_MAX: usize = 4 << 20;

/// Access file, with what it held at the start.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    gazetteer: Arc<Gazetteer>,
    access: Arc<Access>,
}

/// Content of the access file that is in force; `None` without a file.
pub type Current = watch::Receiver<Option<Arc<Loaded>>>;

/// Access, and the share of each caller.
#[derive(Debug, Default)]
pub struct Loaded {
    access: Arc<Access>,
    shares: HashMap<String, Arc<Share>>,
}

/// Judges calls.
#[derive(Debug, Clone)]
pub struct Gate {
    current: Current,
    insecure_plaintext: bool,
    clock: Clock,
    audited: mpsc::Sender<Entry>,
}

/// Address of a caller, and what its connection proves.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: IpAddr,
    pub is_tls: bool,
    /// URI names of its certificate.
    pub uris: Vec<String>,
    /// Caller who delivers, as certificate and access file have it.
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
    /// Judges the certificate, if there is one, by what the files of TLS hold now.
    pub fn judge(&self, at: Timestamp) -> Result<(), Distrust> {
        let judge = |proof: &Proof| proof.judge.check_client(&proof.chain, at);
        self.proof.as_ref().map_or(Ok(()), judge)
    }
}

/// Caller who may ask, as services see it.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub asker: Asker,
    /// Share of the caller in what all need; `None` where nobody proves anything.
    pub share: Option<Arc<Share>>,
}

impl Source {
    /// Reads the access file for the first time.
    pub fn read(path: PathBuf, gazetteer: Arc<Gazetteer>) -> Result<Self, Fault> {
        let empty = Self { path, gazetteer, access: Arc::default() };
        let access = Arc::new(empty.load()?);
        Ok(Self { access, ..empty })
    }

    fn load(&self) -> Result<Access, Fault> {
        let fault =
            |message: String| Fault::new(SETTING, format!("{}: {message}", self.path.display()));
        let bytes = fs::read(&self.path).map_err(|error| fault(error.to_string()))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(fault(format!("expected at most {FILE_BYTES_MAX} bytes")));
        }
        Access::parse(&bytes, &self.gazetteer).map_err(|faults| fault(faults.to_string()))
    }
}

impl Loaded {
    /// Shares of callers who stay go on.
    fn new(access: Arc<Access>, former: Option<&Self>, rules: ShareRules) -> Self {
        let share = |grant: &Arc<Grant>| {
            let kept = former.and_then(|former| former.shares.get(&grant.name));
            let share = kept.cloned().unwrap_or_else(|| Arc::new(Share::new(rules)));
            (grant.name.clone(), share)
        };
        let shares = access.grants().map(share).collect();
        Self { access, shares }
    }
}

/// Makes the gate, and the future that keeps its file current while it is polled.
pub fn open(
    source: Option<Source>,
    insecure_plaintext: bool,
    rules: ShareRules,
    clock: Clock,
    audited: mpsc::Sender<Entry>,
) -> (Gate, impl Future<Output = Infallible> + use<>) {
    let first = source.as_ref().map(|source| Arc::clone(&source.access));
    let first = first.map(|access| Arc::new(Loaded::new(access, None, rules)));
    let (sender, current) = watch::channel(first);
    let gate = Gate { current, insecure_plaintext, clock, audited: audited.clone() };
    let keeping = async move {
        let Some(source) = source else { return pending().await };
        keep(source, rules, sender, audited).await
    };
    (gate, keeping)
}

/// Takes what the file holds when it changes, and tells the audit log of each change.
async fn keep(
    source: Source,
    rules: ShareRules,
    current: watch::Sender<Option<Arc<Loaded>>>,
    audited: mpsc::Sender<Entry>,
) -> Infallible {
    let files = vec![PemFile { setting: SETTING, path: source.path.clone() }];
    let (read, mut changed) = watch::channel(Arc::clone(&source.access));
    let loading = keep_current("access file", files, move || source.load().map(Arc::new), read);
    let taking = async {
        while changed.changed().await.is_ok() {
            let access = Arc::clone(&changed.borrow_and_update());
            let former = current.borrow().clone().unwrap_or_default();
            for change in access.changes(&former.access) {
                // A change by hand: the log may make it wait.
                let entry = Entry::new("access_changed", change);
                drop(audited.send(entry).await);
            }
            let loaded = Loaded::new(access, Some(&former), rules);
            current.send_replace(Some(Arc::new(loaded)));
        }
        pending::<Infallible>().await
    };
    tokio::select! {
        never = loading => match never {},
        never = taking => match never {},
    }
}

impl Gate {
    /// Judges a request, and lets the services behind know who calls. `peer` is the other end of the
    /// connection; none stands for this process.
    pub fn admit(
        &self,
        request: &mut Request<Body>,
        peer: Option<&Arc<Peer>>,
    ) -> Result<Option<Arc<Share>>, Status> {
        let path = request.uri().path().to_owned();
        let Some(need) = need(&path) else {
            return Err(Status::unimplemented(format!("{path} is no method of this server")));
        };
        let token = token(request.headers());
        let call = call(peer.map(AsRef::as_ref), token);
        let loaded = self.current.borrow().clone();
        let policy = self.policy(loaded.as_deref());
        match need {
            Need::Nobody => Ok(None),
            Need::Collector => {
                let Some(peer) = peer else { return Ok(None) };
                let caller = policy.deliverer(&call, peer.caller.clone());
                let share = match &caller {
                    Caller::Granted(grant) => share(loaded.as_deref(), Some(grant)),
                    _ => None,
                };
                request.extensions_mut().insert(Arc::new(Peer { caller, ..(**peer).clone() }));
                Ok(share)
            }
            Need::Viewer | Need::Operator => {
                let now = (self.clock)();
                let asker = policy.asker(&call, now).and_then(|asker| {
                    asker.check(need)?;
                    // A certificate counts even where a token gives the role: it opened the connection.
                    peer.map_or(Ok(()), |peer| peer.judge(now)).map_err(Denial::Distrusted)?;
                    Ok(asker)
                });
                let asker = asker.map_err(|denial| self.refuse(&denial, &path, peer))?;
                let share = share(loaded.as_deref(), asker.grant.as_ref());
                request.extensions_mut().insert(Admitted { asker, share: share.clone() });
                Ok(share)
            }
        }
    }

    /// Waits until the access file changed.
    pub async fn changed(&mut self) {
        if self.current.changed().await.is_err() {
            pending::<()>().await;
        }
    }

    /// Checks that a grant still stands, for a stream that is open.
    pub fn holds(&self, grant: &Grant) -> Result<(), Denial> {
        let holds = self.current.borrow().as_ref().is_some_and(|it| it.access.holds(grant));
        let withdrawn = || Denial::Withdrawn { name: grant.name.clone(), role: grant.role };
        if holds { Ok(()) } else { Err(withdrawn()) }
    }

    fn policy<'a>(&self, loaded: Option<&'a Loaded>) -> Policy<'a> {
        let access = loaded.map(|loaded| &*loaded.access);
        Policy { access, insecure_plaintext: self.insecure_plaintext }
    }

    /// Status of a refused call, which the audit log is told of.
    fn refuse(&self, denial: &Denial, path: &str, peer: Option<&Arc<Peer>>) -> Status {
        self.note_refused(path, peer.map(AsRef::as_ref), &denial.to_string());
        let code = if denial.is_unauthenticated() {
            Code::Unauthenticated
        } else {
            Code::PermissionDenied
        };
        let (reason, parameters) = reason(denial);
        let details = refusal::details(reason, parameters);
        Status::with_error_details(code, denial.to_string(), details)
    }

    /// Tells the audit log of a refused call.
    pub fn note_refused(&self, path: &str, peer: Option<&Peer>, reason: &str) {
        let address = peer.map_or_else(|| "this process".to_owned(), |it| it.address.to_string());
        counter!(CALLS_REFUSED.name).increment(1);
        // The caller wrote the path, so only one that there is may stand in the log.
        let known = need(path).and_then(|_| path.rsplit_once('/'));
        let method = known.map_or("an unknown method", |(_, method)| method);
        let entry = Entry::new("call_refused", format!("{method}: {reason}")).by(address);
        // Calls do not wait for a disk.
        if self.audited.try_send(entry).is_err() {
            warn!("the audit log is behind: an entry is dropped");
        }
    }
}

/// Reason and parameters of a denial, as the contract lists them.
fn reason(denial: &Denial) -> (Reason, Parameters) {
    let named = |name: &String| ("name", name.clone());
    match denial {
        Denial::NoProof => (Reason::NoProof, Vec::new()),
        Denial::UnknownToken => (Reason::UnknownToken, Vec::new()),
        Denial::ExposedToken => (Reason::ExposedToken, Vec::new()),
        Denial::NoAccessFile => (Reason::NoAccessFile, Vec::new()),
        Denial::Expired { name, expiry } => {
            (Reason::AccessExpired, vec![named(name), ("expiry", expiry.to_string())])
        }
        Denial::Withdrawn { name, role } => {
            (Reason::AccessWithdrawn, vec![named(name), ("role", role.to_string())])
        }
        Denial::Distrusted(Distrust::Revoked) => (Reason::CertificateRevoked, Vec::new()),
        Denial::Distrusted(Distrust::Authority) => (Reason::CertificateAuthority, Vec::new()),
        Denial::Distrusted(Distrust::Other(cause)) => {
            (Reason::CertificateInvalid, vec![("cause", cause.clone())])
        }
        Denial::Role { name, role, need } => (
            Reason::RoleTooLow,
            vec![named(name), ("role", role.to_string()), ("need", need.to_string())],
        ),
    }
}

fn share(loaded: Option<&Loaded>, grant: Option<&Arc<Grant>>) -> Option<Arc<Share>> {
    loaded?.shares.get(&grant?.name).cloned()
}

fn call(peer: Option<&Peer>, token: Option<TokenHash>) -> Call<'_> {
    match peer {
        Some(peer) => Call {
            is_tls: peer.is_tls,
            is_local: peer.address.to_canonical().is_loopback(),
            uris: &peer.uris,
            token,
        },
        None => Call { is_tls: false, is_local: true, uris: &[], token },
    }
}

/// Token of the header field; one of another form is a token that nobody has.
fn token(headers: &HeaderMap) -> Option<TokenHash> {
    let text = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    let is_bearer = |scheme: &str| scheme.eq_ignore_ascii_case("bearer");
    let token = text.split_once(' ').filter(|(scheme, _)| is_bearer(scheme));
    Some(TokenHash::of(token.map_or("", |(_, token)| token.trim())))
}
