//! What is wrong with a file that a setting names, typed so that it can be told in other languages.

use std::{io, path::PathBuf};

use crate::modes;

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    pub path: PathBuf,
    pub cause: FileCause,
}

/// Reason why a file with a certificate, a key, a token or a revocation list cannot be used. No reason
/// repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileCause {
    #[error("{text}")]
    Unreadable { kind: io::ErrorKind, text: String },
    #[error("{0}")]
    Open(modes::OpenToOthers),
    #[error("expected its key to be named, too")]
    KeyUnnamed,
    #[error("expected its certificate to be named, too")]
    CertificateUnnamed,
    #[error("expected certificates in PEM (-----BEGIN CERTIFICATE-----): {0}")]
    NotCertificates(String),
    #[error("holds no certificate, expected certificates in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("holds a malformed certificate: {0}")]
    MalformedCertificate(String),
    #[error("holds no private key, expected one in PEM (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    #[error("does not fit the certificate: {0}")]
    ForeignKey(String),
    #[error("holds no usable authority: {0}")]
    NoAuthority(String),
    #[error("expected revocation lists in PEM (-----BEGIN X509 CRL-----): {0}")]
    NotRevocations(String),
    #[error(
        "holds no revocation list, expected revocation lists in PEM (-----BEGIN X509 CRL-----)"
    )]
    NoRevocations,
    #[error("holds a malformed revocation list: {0}")]
    MalformedRevocations(String),
    #[error("holds two lists of \"{0}\", expected the newest alone")]
    TwoLists(String),
    #[error("holds no revocation list of the authority {}", .0.display())]
    ForeignList(PathBuf),
    #[error("expected one line with the token, of 32 letters or more")]
    NoToken,
}

impl From<io::Error> for FileCause {
    fn from(error: io::Error) -> Self {
        Self::Unreadable { kind: error.kind(), text: error.to_string() }
    }
}

impl From<modes::Refused> for FileCause {
    fn from(refused: modes::Refused) -> Self {
        match refused {
            modes::Refused::Unreadable(error) => error.into(),
            modes::Refused::Open(open) => Self::Open(open),
        }
    }
}
