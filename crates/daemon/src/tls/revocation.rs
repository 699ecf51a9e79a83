//! Revocation lists: which certificates an authority has taken back.

use phuxanh_core::Timestamp;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::{PemFile, time};
use crate::settings::{Fault, FileCause};

/// Revocation list of one authority, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// Name of the authority, for people.
    pub issuer: String,
    /// Counts the lists of the authority.
    pub number: u64,
    /// Time until which the next list should be there.
    pub next_update: Option<Timestamp>,
    pub revoked: Vec<Revoked>,
    /// Name of the authority in DER, by which its certificates are known.
    issuer_name: Vec<u8>,
    der: CertificateRevocationListDer<'static>,
}

/// Certificate on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Serial number without leading zeros.
    pub serial: Vec<u8>,
    pub since: Timestamp,
}

impl RevocationList {
    /// Reads a list in DER.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, found) =
            CertificateRevocationList::from_der(der).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("bytes follow the list".to_owned());
        }
        let number = found.crl_number().and_then(|number| u64::try_from(number).ok());
        let next_update = found.next_update().map(|at| time(at.timestamp())).transpose()?;
        let revoked = found.iter_revoked_certificates().map(|revoked| {
            let since = time(revoked.revocation_date.timestamp())?;
            Ok(Revoked { serial: revoked.serial().to_bytes_be(), since })
        });
        Ok(Self {
            issuer: found.issuer().to_string(),
            number: number.unwrap_or_default(),
            next_update,
            revoked: revoked.collect::<Result<_, String>>()?,
            issuer_name: found.issuer().as_raw().to_vec(),
            der: CertificateRevocationListDer::from(der.to_vec()),
        })
    }

    /// Time since which a certificate is revoked, if it is.
    #[must_use]
    pub fn revokes(&self, certificate: &super::Certificate) -> Option<Timestamp> {
        let is_issuer = certificate.issuer_name == self.issuer_name;
        let mut found =
            self.revoked.iter().filter(|it| is_issuer && it.serial == certificate.serial);
        found.next().map(|revoked| revoked.since)
    }

    /// True if an authority in DER signed the list, false if the list is of another one. A list in its
    /// name that it did not sign is an error.
    pub(super) fn is_signed_by(&self, authority: &[u8]) -> Result<bool, String> {
        let (_, authority) =
            X509Certificate::from_der(authority).map_err(|error| error.to_string())?;
        if authority.subject().as_raw() != self.issuer_name {
            return Ok(false);
        }
        let (_, list) =
            CertificateRevocationList::from_der(&self.der).map_err(|error| error.to_string())?;
        list.verify_signature(authority.public_key())
            .map_err(|_| format!("holds a list that \"{}\" did not sign", self.issuer))?;
        Ok(true)
    }

    pub(super) const fn der(&self) -> &CertificateRevocationListDer<'static> {
        &self.der
    }
}

impl PemFile {
    /// Revocation lists of the file, one for an authority: of two, the verifier would look at one.
    pub fn revocations(&self) -> Result<Vec<RevocationList>, Fault> {
        let bytes = self.bytes()?;
        let found: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        let found =
            found.map_err(|error| self.unusable(FileCause::NotRevocations(error.to_string())))?;
        if found.is_empty() {
            return Err(self.unusable(FileCause::NoRevocations));
        }
        let mut lists: Vec<RevocationList> = Vec::new();
        for der in found {
            let list = RevocationList::read(&der)
                .map_err(|error| self.unusable(FileCause::MalformedRevocations(error)))?;
            if lists.iter().any(|known| known.issuer_name == list.issuer_name) {
                return Err(self.unusable(FileCause::TwoLists(list.issuer)));
            }
            lists.push(list);
        }
        Ok(lists)
    }

    /// Revocation list of the authority of a file.
    pub fn revocations_of(&self, authority: &Self) -> Result<RevocationList, Fault> {
        let authorities = authority.certificates()?;
        for list in self.revocations()? {
            if is_of(&list, &authorities).map_err(|message| self.fault(&message))? {
                return Ok(list);
            }
        }
        Err(self.unusable(FileCause::ForeignList(authority.path.clone())))
    }

    /// True if both files begin with the same certificate.
    pub fn is_same(&self, other: &Self) -> Result<bool, Fault> {
        Ok(self.certificates()?.first() == other.certificates()?.first())
    }

    /// True if the authority of another file signed the first certificate of this one.
    pub fn is_signed_by(&self, authority: &Self) -> Result<bool, Fault> {
        let (own, authorities) = (self.certificates()?, authority.certificates()?);
        let parsed = |der: &'_ CertificateDer<'_>| -> Option<bool> {
            let (_, authority) = X509Certificate::from_der(der).ok()?;
            let (_, own) = X509Certificate::from_der(own.first()?).ok()?;
            let is_named = own.issuer() == authority.subject();
            Some(is_named && own.verify_signature(Some(authority.public_key())).is_ok())
        };
        Ok(authorities.iter().any(|authority| parsed(authority) == Some(true)))
    }
}

/// True if one of the authorities signed the list. Where several have its name, each must have signed it:
/// the verifier knows them by their names alone, and would refuse all certificates of the others.
pub(super) fn is_of(
    list: &RevocationList,
    authorities: &[CertificateDer<'_>],
) -> Result<bool, String> {
    let mut is_signed = false;
    for authority in authorities {
        is_signed |= list.is_signed_by(authority)?;
    }
    Ok(is_signed)
}
