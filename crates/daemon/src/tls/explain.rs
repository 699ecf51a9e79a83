//! Words for failures of TLS that say what to do.

use std::{error, io};

use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage};

/// Side on which a failure of TLS must be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The certificate of the other end is not trusted.
    PeerUntrusted,
    /// The other end does not trust the certificate of this one.
    OwnRefused,
    /// The other end serves another protocol over TLS.
    OtherProtocol,
    Other,
}

/// Failure of TLS, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    pub side: Side,
    text: String,
}

impl Failure {
    /// Explains a failure whose cause may be TLS.
    pub(super) fn of(failure: &(dyn error::Error + 'static)) -> Self {
        match cause(failure) {
            Ok(found) => Self { side: side(found), text: of_tls(found) },
            Err(text) => Self { side: Side::Other, text },
        }
    }
}

/// Explains a failure, where TLS is its cause or the cause of its cause; else repeats it.
#[must_use]
pub fn explain(failure: &(dyn error::Error + 'static)) -> String {
    cause(failure).map_or_else(|text| text, of_tls)
}

/// The error of TLS among the causes, else the text of the last one.
fn cause<'a>(failure: &'a (dyn error::Error + 'static)) -> Result<&'a Error, String> {
    let mut cause = Some(failure);
    let mut last = failure.to_string();
    while let Some(error) = cause {
        // An io::Error hides the error that it was made of from `source`.
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let hidden = hidden.map(|inner| inner as &(dyn error::Error + 'static));
        for candidate in [Some(error), hidden].into_iter().flatten() {
            if let Some(found) = candidate.downcast_ref::<Error>() {
                return Ok(found);
            }
        }
        last = error.to_string();
        cause = hidden.or_else(|| error.source());
    }
    Err(last)
}

const fn side(error: &Error) -> Side {
    match error {
        Error::InvalidCertificate(_) => Side::PeerUntrusted,
        Error::AlertReceived(
            Alert::CertificateExpired
            | Alert::UnknownCA
            | Alert::CertificateRevoked
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::DecryptError
            | Alert::CertificateRequired
            | Alert::AccessDenied,
        ) => Side::OwnRefused,
        Error::AlertReceived(Alert::NoApplicationProtocol) => Side::OtherProtocol,
        _ => Side::Other,
    }
}

fn of_tls(error: &Error) -> String {
    let advice = match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the other end does not speak TLS there: use http:// for plain text, or its port for TLS"
        }
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(_) => "the two ends have no version of TLS in common: 1.2 or 1.3",
        _ => return error.to_string(),
    };
    format!("{advice} ({error})")
}

const fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        // An authority of the same name and another key gives a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the other end's certificate is of an unknown authority: name its authority's file"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the other end's certificate has expired: renew it there"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the other end's certificate is not valid yet: look at the clocks of both"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the other end's certificate is for another name: use a name that it holds"
        }
        CertificateError::Revoked => "the other end's certificate was revoked: issue another one",
        _ => "the other end's certificate is refused",
    }
}

const fn of_alert(alert: Alert) -> &'static str {
    match alert {
        Alert::CertificateExpired => {
            "the other end refuses this end's certificate: it has expired or is not valid yet"
        }
        Alert::UnknownCA => {
            "the other end refuses this end's certificate: it does not know its authority"
        }
        Alert::CertificateRevoked => {
            "the other end refuses this end's certificate: it was revoked, use another one"
        }
        Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::UnsupportedCertificate
        | Alert::DecryptError => "the other end refuses this end's certificate",
        Alert::CertificateRequired => "the other end demands a certificate",
        Alert::NoApplicationProtocol => "the other end serves no gRPC over TLS there",
        Alert::ProtocolVersion => "the other end serves no version of TLS that this end speaks",
        _ => "the other end ended the handshake",
    }
}
