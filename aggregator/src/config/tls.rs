//! Section `tls`, and which listeners serve what.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use phuxanh_core::delivery::identity::TrustDomain;
use phuxanh_daemon::{
    settings::Faults,
    tls::{Judge, Loaded, PemFile, ServerFiles},
};
use serde::Deserialize;
use tokio::sync::watch;

/// Longest time between two looks at the certificate of an open stream.
const RECHECK_INTERVAL_MAX: Duration = Duration::from_mins(1);
const PLAINTEXT_EXPECTED: &str = "plain text is served on loopback addresses only: set \
     tls.certificate_file and tls.key_file, or insecure_plaintext = true where another program \
     protects the network";

/// Section `tls`: certificate of the server, and who issues those of collectors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Certificate of the server in PEM, and those between it and the authority.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Authorities of the collectors' certificates in PEM. With them a collector needs one.
    pub client_authorities_file: Option<PathBuf>,
    /// Trust domain of the identities in these certificates.
    pub trust_domain: String,
    /// Revocation lists of these authorities in PEM.
    pub revocations_file: Option<PathBuf>,
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// Time between two looks at the certificate of an open stream.
    #[serde(with = "humantime_serde")]
    pub recheck_interval: Duration,
    /// Time before the expiry of a certificate from which it is an alarm.
    #[serde(with = "humantime_serde")]
    pub expiry_warning: Duration,
}

/// Settings of listeners, as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) listen: &'a str,
    pub(super) plaintext_listen: &'a str,
    pub(super) insecure_plaintext: bool,
    pub(super) tls: &'a TlsSettings,
}

/// Listeners of the gRPC services.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// Serves TLS where there is a certificate, else plain text.
    pub main: SocketAddr,
    /// Serves plain text beside TLS.
    pub plaintext: Option<SocketAddr>,
    pub tls: Option<Tls>,
    /// Addresses other than loopback at which plain text is served.
    pub exposed: Vec<SocketAddr>,
}

/// Valid section `tls`.
#[derive(Debug, Clone)]
pub struct Tls {
    pub files: ServerFiles,
    /// Content of the files, for all who look at it through `judge`.
    pub current: watch::Sender<Arc<Loaded>>,
    pub judge: Judge,
    /// Trust domain of collectors; `None` where they need no certificate.
    pub trust_domain: Option<TrustDomain>,
    pub handshake_timeout: Duration,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificate_file: None,
            key_file: None,
            client_authorities_file: None,
            trust_domain: String::new(),
            revocations_file: None,
            handshake_timeout: Duration::from_secs(10),
            recheck_interval: Duration::from_secs(5),
            expiry_warning: Duration::from_hours(14 * 24),
        }
    }
}

impl Listeners {
    /// Checks the settings of listeners and of TLS, and reads the files that they name.
    pub(super) fn new(settings: Written<'_>, faults: &mut Faults) -> Option<Self> {
        let main = faults.check("listen", address(settings.listen));
        let plaintext = match settings.plaintext_listen {
            "" => None,
            text => faults.check("plaintext_listen", address(text)),
        };
        let is_tls = settings.tls.certificate_file.is_some() || settings.tls.key_file.is_some();
        let tls = tls(settings.tls, faults);
        let mut plain = vec![("plaintext_listen", plaintext)];
        if !is_tls {
            plain.push(("listen", main));
            faults.require([(
                "plaintext_listen",
                plaintext.is_none(),
                "expected tls.certificate_file and tls.key_file, since listen serves plain text \
                 without them",
            )]);
        }
        let mut exposed = Vec::new();
        for (key, address) in plain {
            let reachable = address.filter(|address| !address.ip().to_canonical().is_loopback());
            exposed.extend(reachable);
            let is_served = reachable.is_none() || settings.insecure_plaintext;
            faults.require([(key, is_served, PLAINTEXT_EXPECTED)]);
        }
        Some(Self { main: main?, plaintext, tls, exposed })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is not an address, expected for example 127.0.0.1:7400"))
}

fn tls(settings: &TlsSettings, faults: &mut Faults) -> Option<Tls> {
    let optional = PemFile::optional;
    let certificate = optional("tls.certificate_file", settings.certificate_file.as_ref());
    let key = optional("tls.key_file", settings.key_file.as_ref());
    let authorities =
        optional("tls.client_authorities_file", settings.client_authorities_file.as_ref());
    let revocations = optional("tls.revocations_file", settings.revocations_file.as_ref());
    let trust_domain = match settings.trust_domain.as_str() {
        "" => None,
        text => faults.check(
            "tls.trust_domain",
            text.parse::<TrustDomain>().map_err(|error| error.to_string()),
        ),
    };
    let is_named = !settings.trust_domain.is_empty();
    faults.require([
        (
            "tls.certificate_file",
            certificate.is_some() || key.is_none(),
            "expected the certificate of tls.key_file",
        ),
        (
            "tls.key_file",
            key.is_some() || certificate.is_none(),
            "expected the key of tls.certificate_file",
        ),
        (
            "tls.client_authorities_file",
            authorities.is_none() || certificate.is_some(),
            "expected tls.certificate_file and tls.key_file, too",
        ),
        (
            "tls.trust_domain",
            is_named == authorities.is_some(),
            "expected together with tls.client_authorities_file",
        ),
        (
            "tls.revocations_file",
            revocations.is_none() || authorities.is_some(),
            "expected tls.client_authorities_file, too",
        ),
        (
            "tls.recheck_interval",
            !settings.recheck_interval.is_zero()
                && settings.recheck_interval <= RECHECK_INTERVAL_MAX,
            "expected more than 0 and 1 minute at most",
        ),
        ("tls.handshake_timeout", !settings.handshake_timeout.is_zero(), "expected more than 0"),
    ]);
    let files = ServerFiles {
        certificate: certificate?,
        key: key?,
        client_authorities: authorities,
        revocations,
    };
    let loaded = files.load().map_err(|fault| faults.0.push(fault)).ok()?;
    let (current, receiver) = watch::channel(loaded);
    let judge = Judge {
        current: receiver,
        recheck_interval: settings.recheck_interval,
        expiry_warning: settings.expiry_warning,
    };
    let handshake_timeout = settings.handshake_timeout;
    Some(Tls { files, current, judge, trust_domain, handshake_timeout })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1:7400";

    fn faults(settings: Written<'_>) -> Vec<&'static str> {
        let mut faults = Faults::default();
        drop(Listeners::new(settings, &mut faults));
        faults.0.iter().map(|fault| fault.key).collect()
    }

    const fn listening<'a>(listen: &'a str, tls: &'a TlsSettings) -> Written<'a> {
        Written { listen, plaintext_listen: "", insecure_plaintext: false, tls }
    }

    #[test]
    fn plain_text_is_served_on_loopback_unless_told_otherwise() {
        let tls = TlsSettings::default();
        for loopback in ["127.0.0.1:7400", "127.9.9.9:7400", "[::1]:7400", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(faults(listening(loopback, &tls)), [""; 0], "{loopback}");
        }
        for reachable in ["0.0.0.0:7400", "[::]:7400", "10.0.0.1:7400"] {
            let mut settings = listening(reachable, &tls);
            assert_eq!(faults(settings), ["listen"], "{reachable}");
            settings.insecure_plaintext = true;
            assert_eq!(faults(settings), [""; 0], "{reachable}");
            let listeners = Listeners::new(settings, &mut Faults::default());
            let exposed = listeners.expect("valid").exposed;
            assert_eq!(exposed, [reachable.parse().expect("an address")]);
        }
    }

    #[test]
    fn settings_that_need_each_other_are_named() {
        let mut tls = TlsSettings::default();
        let both = |tls| Written { plaintext_listen: "10.0.0.1:7401", ..listening(LOOPBACK, tls) };
        assert_eq!(faults(both(&tls)), ["plaintext_listen", "plaintext_listen"]);
        let faults = |tls: &TlsSettings| faults(listening(LOOPBACK, tls));
        tls.client_authorities_file = Some(PathBuf::from("authorities.pem"));
        assert_eq!(faults(&tls), ["tls.client_authorities_file", "tls.trust_domain"]);
        tls.trust_domain = "egov.example".to_owned();
        tls.key_file = Some(PathBuf::from("key.pem"));
        assert_eq!(faults(&tls), ["tls.certificate_file", "tls.client_authorities_file"]);
        tls.client_authorities_file = None;
        tls.revocations_file = Some(PathBuf::from("revoked.pem"));
        tls.trust_domain = String::new();
        assert_eq!(faults(&tls), ["tls.certificate_file", "tls.revocations_file"]);
        tls.client_authorities_file = Some(PathBuf::from("authorities.pem"));
        for interval in [Duration::ZERO, Duration::from_secs(61)] {
            tls.recheck_interval = interval;
            assert!(faults(&tls).contains(&"tls.recheck_interval"), "{interval:?}");
        }
        tls.recheck_interval = Duration::from_mins(1);
        tls.certificate_file = Some(PathBuf::from("/nonexistent/certificate.pem"));
        tls.handshake_timeout = Duration::ZERO;
        tls.trust_domain = "EGOV".to_owned();
        let expected = ["tls.trust_domain", "tls.handshake_timeout", "tls.certificate_file"];
        assert_eq!(faults(&tls), expected);
    }
}
