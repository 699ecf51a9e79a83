//! Side of the server: its certificate, whose certificates it accepts, and which of them were taken back.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{Timestamp, delivery::identity::Distrust};
use rustls::{
    CertificateError, Error, ServerConfig,
    pki_types::{CertificateDer, UnixTime},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::sync::watch;
use tracing::warn;

use super::{ALPN, Certificate, PemFile, Validity, provider, revocation};
use crate::settings::{Fault, FileCause};

/// Files of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, and those between it and the authority.
    pub certificate: PemFile,
    pub key: PemFile,
    /// Authorities of client certificates. With them a client may show a certificate, which must be of
    /// one of them; without them none is asked for.
    pub client_authorities: Option<PemFile>,
    /// Revocation lists of these authorities.
    pub revocations: Option<PemFile>,
}

/// Content of a server's files.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Arc<ServerConfig>,
    /// Judges the certificates of clients, where any is asked for.
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// Ends of its own certificate and of the revocation lists.
    validities: Vec<Validity>,
}

/// Judges certificates by what the files of a server hold now.
#[derive(Debug, Clone)]
pub struct Judge {
    pub current: watch::Receiver<Arc<Loaded>>,
    /// Time between two looks at the certificate of an open stream.
    pub recheck_interval: Duration,
    /// Time before an expiry from which it is told of.
    pub expiry_warning: Duration,
}

impl ServerFiles {
    /// Every file.
    #[must_use]
    pub fn all(&self) -> Vec<PemFile> {
        let Self { certificate, key, client_authorities, revocations } = self;
        let optional = client_authorities.iter().chain(revocations);
        [certificate, key].into_iter().chain(optional).cloned().collect()
    }

    /// Reads the files. TLS 1.2 and 1.3 are served.
    pub fn load(&self) -> Result<Arc<Loaded>, Fault> {
        let (chain, key) = (self.certificate.certificates()?, self.key.key()?);
        let (clients, mut validities) = match &self.client_authorities {
            None => (None, Vec::new()),
            Some(authorities) => {
                let (clients, lists) = self.clients(authorities)?;
                (Some(clients), lists)
            }
        };
        validities.insert(0, self.own_validity()?);
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| self.certificate.fault(&error.to_string()))?;
        let builder = match &clients {
            None => versions.with_no_client_auth(),
            Some(clients) => versions.with_client_cert_verifier(Arc::clone(clients)),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| self.key.unusable(FileCause::ForeignKey(error.to_string())))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session would skip the check of the client's certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(Loaded { config: Arc::new(config), clients, validities }))
    }

    fn own_validity(&self) -> Result<Validity, Fault> {
        Ok(Validity {
            subject: "this server's certificate (tls.certificate_file)".to_owned(),
            expiry: Certificate::read_file(&self.certificate)?.expiry,
            advice: "renew it (phuxanh pki renew)",
        })
    }

    /// Verifier of client certificates, with the ends of the revocation lists that it uses. A list that
    /// has expired stays in use, and a certificate of an authority without a list is not revoked: else a
    /// forgotten file would cut all clients off at once.
    fn clients(
        &self,
        authorities: &PemFile,
    ) -> Result<(Arc<dyn ClientCertVerifier>, Vec<Validity>), Fault> {
        let mut builder = WebPkiClientVerifier::builder_with_provider(
            Arc::new(authorities.authorities()?),
            provider(),
        );
        let mut validities = Vec::new();
        let mut faulty = authorities;
        if let Some(file) = &self.revocations {
            faulty = file;
            let known = authorities.certificates()?;
            let lists = file.revocations()?;
            for list in &lists {
                let issuer = &list.issuer;
                let is_known = revocation::is_of(list, &known);
                if !is_known.map_err(|message| file.fault(&message))? {
                    let path = file.path.display();
                    warn!(%path, %issuer, "revocation list of none of tls.client_authorities_file");
                    continue;
                }
                let subject = format!("the revocation list of \"{issuer}\" (tls.revocations_file)");
                let advice = "it stays in use; put a new one in its place (phuxanh pki refresh)";
                let expiry = list.next_update;
                validities.extend(expiry.map(|expiry| Validity { subject, expiry, advice }));
            }
            builder = builder.with_crls(lists.iter().map(|list| list.der().clone()));
        }
        let clients = builder
            .allow_unauthenticated()
            .allow_unknown_revocation_status()
            .build()
            .map_err(|error| faulty.fault(&error.to_string()))?;
        Ok((clients, validities))
    }
}

impl Loaded {
    /// Ends of what is in use.
    #[must_use]
    pub fn validities(&self) -> &[Validity] {
        &self.validities
    }

    /// Checks a client's certificate, followed by those between it and its authority, as a handshake
    /// would at a time.
    pub fn check_client(
        &self,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Distrust> {
        let Some(clients) = &self.clients else { return Ok(()) };
        let Some((own, between)) = chain.split_first() else {
            return Err(Distrust::Other("there is none".to_owned()));
        };
        let micros = u64::try_from(now.micros()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_micros(micros));
        let judged = clients.verify_client_cert(own, between, now);
        judged.map(drop).map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::Revoked) => Distrust::Revoked,
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => Distrust::Authority,
            other => Distrust::Other(other.to_string()),
        })
    }
}

impl Judge {
    /// Checks a client's certificate by what the files hold now.
    pub fn check_client(
        &self,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Distrust> {
        let current = Arc::clone(&self.current.borrow());
        current.check_client(chain, now)
    }

    /// What is in use and expires soon, or has expired, with its warning.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<(Validity, String)> {
        let current = Arc::clone(&self.current.borrow());
        let warned = current.validities.iter().filter_map(|validity| {
            Some((validity.clone(), validity.warning(now, self.expiry_warning)?))
        });
        warned.collect()
    }

    /// Time from which an expiry is told of.
    #[must_use]
    pub fn warned_since(&self, validity: &Validity) -> Option<Timestamp> {
        let before = i64::try_from(self.expiry_warning.as_micros()).ok()?;
        Timestamp::from_micros(validity.expiry.micros().checked_sub(before)?).ok()
    }
}
