//! TLS of both ends: what the files hold, who is at the other end, and how files are kept current.
//!
//! ```text
//! PEM files ── ServerFiles ─▶ Loaded ──────────────┐
//!           └─ ClientFiles ─▶ rustls::ClientConfig ─┴─ keep_current: polled, and on SIGHUP
//! ```
//!
//! Knows neither provinces nor gRPC. No key is ever part of a message.

mod client;
mod current;
mod explain;
mod pem;
mod revocation;
mod server;
mod validity;

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use phuxanh_core::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
pub use rustls::{ClientConfig, ServerConfig, pki_types::CertificateDer};
pub use tokio_rustls::{TlsAcceptor as Acceptor, server::TlsStream as ServerStream};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

pub use client::{ClientFiles, ClientStream, connect};
pub use current::keep_current;
pub use explain::{Failure, Side, explain};
pub use revocation::{RevocationList, Revoked};
pub use server::{Judge, Loaded, ServerFiles};
pub use validity::{Validity, warn_of_expiry};

use crate::settings::Fault;

/// Protocol of gRPC in the TLS handshake (RFC 9113, 3.2).
const ALPN: &[u8] = b"h2";

/// PEM file, with the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFile {
    /// Key of the setting, for example `tls.key_file`.
    pub setting: &'static str,
    pub path: PathBuf,
}

/// Names and validity of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// URI names of the subject, as written.
    pub uris: Vec<String>,
    /// Host names and addresses of the subject.
    pub hosts: Vec<String>,
    pub begin: Timestamp,
    pub expiry: Timestamp,
    /// Serial number without leading zeros.
    pub serial: Vec<u8>,
    /// Name of its authority in DER.
    issuer_name: Vec<u8>,
}

impl PemFile {
    /// The file of an optional setting.
    #[must_use]
    pub fn optional(setting: &'static str, path: Option<&PathBuf>) -> Option<Self> {
        path.map(|path| Self { setting, path: path.clone() })
    }
}

impl Certificate {
    /// Reads names and validity of the first certificate of a file.
    pub fn read_file(file: &PemFile) -> Result<Self, Fault> {
        let certificates = file.certificates()?;
        let first = certificates.first().map_or(&[][..], AsRef::as_ref);
        Self::read(first).map_err(|message| file.fault(&message))
    }

    /// Reads names and validity of a certificate in DER.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (_, found) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let names = found.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let uris = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        });
        let hosts = names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        });
        let validity = found.validity();
        Ok(Self {
            uris: uris.collect(),
            hosts: hosts.collect(),
            begin: time(validity.not_before.timestamp())?,
            expiry: time(validity.not_after.timestamp())?,
            serial: found.serial.to_bytes_be(),
            issuer_name: found.issuer().as_raw().to_vec(),
        })
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    Some(address.ok()?.to_string())
}

fn time(seconds: i64) -> Result<Timestamp, String> {
    let micros = seconds.saturating_mul(1_000_000);
    Timestamp::from_micros(micros).map_err(|error| error.to_string())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
