//! Words for failures of TLS that say what to do.

use std::{error, io};

use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage};

/// What to do about a failure of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Advice {
    #[error(
        "the other end does not speak TLS there: use http:// for plain text, or its port for TLS"
    )]
    PlainText,
    #[error("the two ends have no version of TLS in common: 1.2 or 1.3")]
    NoCommonVersion,
    #[error("the other end's certificate is of an unknown authority: name its authority's file")]
    UnknownAuthority,
    #[error("the other end's certificate has expired: renew it there")]
    Expired,
    #[error("the other end's certificate is not valid yet: look at the clocks of both")]
    NotValidYet,
    #[error("the other end's certificate is for another name: use a name that it holds")]
    OtherName,
    #[error("the other end's certificate was revoked: issue another one")]
    Revoked,
    #[error("the other end's certificate is refused")]
    Refused,
    #[error("the other end refuses this end's certificate: it has expired or is not valid yet")]
    OwnExpired,
    #[error("the other end refuses this end's certificate: it does not know its authority")]
    OwnUnknownAuthority,
    #[error("the other end refuses this end's certificate: it was revoked, use another one")]
    OwnRevoked,
    #[error("the other end refuses this end's certificate")]
    OwnRefused,
    #[error("the other end demands a certificate")]
    CertificateRequired,
    #[error("the other end serves no version of TLS that this end speaks")]
    OtherVersion,
    #[error("the other end serves no gRPC over TLS there")]
    OtherProtocol,
    #[error("the other end ended the handshake")]
    Ended,
}

/// A failure of TLS with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{advice} ({cause})")]
pub struct Advised {
    pub advice: Advice,
    /// Words of the library, in English.
    pub cause: String,
}

/// Explains a failure, where TLS is its cause or the cause of its cause; else repeats it.
#[must_use]
pub fn explain(failure: &(dyn error::Error + 'static)) -> String {
    search(failure).map_or_else(|last| last, |advised| advised.to_string())
}

/// The failure anew, for a caller that looks for [`Advised`] within it.
pub(super) fn explained(failure: &io::Error) -> io::Error {
    match search(failure) {
        Ok(advised) => io::Error::new(failure.kind(), advised),
        Err(last) => io::Error::new(failure.kind(), last),
    }
}

/// The advice for a failure of TLS within another one; else the words of the innermost cause.
fn search(failure: &(dyn error::Error + 'static)) -> Result<Advised, String> {
    let mut cause = Some(failure);
    let mut last = failure.to_string();
    while let Some(error) = cause {
        // An io::Error hides the error that it was made of from `source`.
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let hidden = hidden.map(|inner| inner as &(dyn error::Error + 'static));
        for candidate in [Some(error), hidden].into_iter().flatten() {
            if let Some(found) = candidate.downcast_ref::<Error>() {
                let cause = found.to_string();
                return match of_tls(found) {
                    Some(advice) => Ok(Advised { advice, cause }),
                    None => Err(cause),
                };
            }
        }
        last = error.to_string();
        cause = hidden.or_else(|| error.source());
    }
    Err(last)
}

const fn of_tls(error: &Error) -> Option<Advice> {
    Some(match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Advice::PlainText,
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(_) => Advice::NoCommonVersion,
        _ => return None,
    })
}

const fn of_certificate(error: &CertificateError) -> Advice {
    match error {
        // An authority of the same name and another key gives a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Advice::UnknownAuthority
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Advice::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Advice::NotValidYet
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Advice::OtherName
        }
        CertificateError::Revoked => Advice::Revoked,
        _ => Advice::Refused,
    }
}

const fn of_alert(alert: Alert) -> Advice {
    match alert {
        Alert::CertificateExpired => Advice::OwnExpired,
        Alert::UnknownCA => Advice::OwnUnknownAuthority,
        Alert::CertificateRevoked => Advice::OwnRevoked,
        Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::UnsupportedCertificate
        | Alert::AccessDenied
        | Alert::DecryptError => Advice::OwnRefused,
        Alert::NoApplicationProtocol => Advice::OtherProtocol,
        Alert::CertificateRequired => Advice::CertificateRequired,
        Alert::ProtocolVersion => Advice::OtherVersion,
        _ => Advice::Ended,
    }
}
