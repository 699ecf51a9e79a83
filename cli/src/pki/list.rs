//! The authority's revocation list: which of its certificates it has taken back.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use phuxanh_core::Timestamp;
use phuxanh_daemon::tls::{Certificate, PemFile, RevocationList, Revoked};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::{
    Error,
    authority::{Authority, BEGUN_BEFORE, DAY, since_epoch},
    files,
};

/// File of the list, beside the authority's.
const NAME: &str = "revoked.pem";
/// A list lasts as long as a certificate does, so that who renews those renews it, too.
const LIFETIME: Duration = DAY.saturating_mul(90);

/// Revocation list of an authority, and its file.
pub(super) struct List {
    pub(super) path: PathBuf,
    number: u64,
    revoked: Vec<Revoked>,
}

impl List {
    /// File of the list of a folder.
    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Opens the list of a folder: an empty one where there is none. One that cannot be read, or is of
    /// another authority, is an error, so that no revocation is ever forgotten.
    pub(super) fn open(folder: &Path, authority: &Authority) -> Result<Self, Error> {
        let path = Self::path(folder);
        if !path.exists() {
            return Ok(Self { path, number: 0, revoked: Vec::new() });
        }
        let file = PemFile { setting: "revocations", path: path.clone() };
        let RevocationList { number, revoked, .. } = file.revocations_of(&authority.file())?;
        Ok(Self { path, number, revoked })
    }

    /// Puts a certificate on the list, if it is not there yet.
    pub(super) fn add(&mut self, certificate: &Certificate, now: Timestamp) {
        let serial = &certificate.serial;
        if !self.revoked.iter().any(|revoked| revoked.serial == *serial) {
            self.revoked.push(Revoked { serial: serial.clone(), since: now });
        }
    }

    /// Signs the list anew and writes it. Returns the time until which the next should be there.
    pub(super) fn write(&self, authority: &Authority, now: Timestamp) -> Result<Timestamp, Error> {
        let epoch = date_time_ymd(1970, 1, 1);
        let next_update = now.plus(LIFETIME);
        let revoked_certs = self.revoked.iter().map(|revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&revoked.serial),
            revocation_time: epoch + since_epoch(revoked.since),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: epoch + since_epoch(now).saturating_sub(BEGUN_BEFORE),
            next_update: epoch + since_epoch(next_update),
            crl_number: SerialNumber::from(self.number.saturating_add(1)),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = params.signed_by(authority.issuer())?.pem()?;
        files::replace(&[(&self.path, &pem, 0o644)])?;
        Ok(next_update)
    }

    /// True if the list beside a certificate names it.
    pub(super) fn names(path: &Path, certificate: &Certificate) -> bool {
        let file = PemFile { setting: "revocations", path: path.with_file_name(NAME) };
        let lists = file.revocations().unwrap_or_default();
        lists.iter().any(|list| list.revokes(certificate).is_some())
    }
}
