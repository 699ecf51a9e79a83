//! The authority: who signs, what it signs, and for how long.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::identity::{SpiffeId, TrustDomain},
};
use phuxanh_daemon::{
    modes,
    tls::{Certificate, PemFile},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

use super::{Error, files::Pair, list::List};

pub(super) const DAY: Duration = Duration::from_hours(24);
const AUTHORITY_LIFETIME: Duration = DAY.saturating_mul(5 * 365);
const CERTIFICATE_LIFETIME: Duration = DAY.saturating_mul(90);
/// Certificates begin so long before they are made, for clocks that are behind.
pub(super) const BEGUN_BEFORE: Duration = Duration::from_mins(5);
const NAME: &str = "authority";
const SCHEME: &str = "spiffe://";

/// Authority with its key.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    trust_domain: TrustDomain,
    expiry: Timestamp,
    certificate: PathBuf,
}

/// Holder of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Collector(SpiffeId),
    /// Somebody who asks, by the URI that the access file names.
    Caller(String),
    /// An aggregator with its host names and addresses.
    Server(Vec<String>),
}

impl Authority {
    /// Makes an authority in a folder that has none.
    pub(super) fn create(
        folder: &Path,
        trust_domain: &TrustDomain,
        now: Timestamp,
    ) -> Result<Pair, Error> {
        let pair = Pair::named(folder, NAME)?;
        pair.is_new()?;
        let list = List::path(folder);
        if list.exists() {
            return Err(Error::Exists(list));
        }
        modes::make_directory(folder)
            .map_err(|source| Error::File { path: folder.to_owned(), source })?;
        let mut params = lasting(AUTHORITY_LIFETIME, now, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // Two authorities of one name would be taken for each other.
        let name = format!("Phu Xanh authority of {trust_domain}, {now}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![uri(&format!("{SCHEME}{trust_domain}"))?];
        let key = KeyPair::generate()?;
        pair.write(&params.self_signed(&key)?.pem(), &key.serialize_pem())?;
        let authority = Self::open(folder)?;
        List::open(folder, &authority)?.write(&authority, now)?;
        Ok(pair)
    }

    /// Opens the authority of a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let pair = Pair::named(folder, NAME)?;
        let found = read(&pair.certificate)?;
        let trust_domain = match &found.uris[..] {
            [uri] => uri.strip_prefix(SCHEME).and_then(|name| name.parse().ok()),
            _ => None,
        };
        let trust_domain =
            trust_domain.ok_or_else(|| Error::NoTrustDomain(pair.certificate.clone()))?;
        let text = |path: &Path| {
            std::fs::read_to_string(path)
                .map_err(|source| Error::File { path: path.to_owned(), source })
        };
        let key = KeyPair::from_pem(&text(&pair.key)?)?;
        let issuer = Issuer::from_ca_cert_pem(&text(&pair.certificate)?, key)?;
        Ok(Self { issuer, trust_domain, expiry: found.expiry, certificate: pair.certificate })
    }

    /// File of the authority's own certificate.
    pub(super) fn file(&self) -> PemFile {
        file(&self.certificate)
    }

    pub(super) const fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// Puts a certificate that the authority has issued on its revocation list. Returns the time until
    /// which the next list should be there.
    pub(super) fn revoke(
        &self,
        certificate: &Path,
        mut list: List,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let found = read(certificate)?;
        let file = file(certificate);
        if file.is_same(&self.file())? {
            return Err(Error::Itself(certificate.to_owned()));
        }
        if !file.is_signed_by(&self.file())? {
            let (certificate, authority) = (certificate.to_owned(), self.certificate.clone());
            return Err(Error::Foreign { certificate, authority });
        }
        list.add(&found, now);
        list.write(self, now)
    }

    /// Identity of a collector in the authority's trust domain.
    pub(super) fn identity(&self, province: LocalityCode, name: &str) -> Result<SpiffeId, Error> {
        let text = format!("{SCHEME}{}/province/{province}/collector/{name}", self.trust_domain);
        Ok(text.parse()?)
    }

    /// URI of a caller in the authority's trust domain.
    pub(super) fn caller(&self, name: &str) -> Result<String, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_allowed) {
            return Err(Error::Name(name.to_owned()));
        }
        Ok(format!("{SCHEME}{}/caller/{name}", self.trust_domain))
    }

    /// Issues a certificate into files that do not exist.
    pub(super) fn issue(
        &self,
        pair: &Pair,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<(), Error> {
        pair.is_new()?;
        self.write(pair, subject, now)
    }

    /// Replaces a certificate and its key, with the same names.
    pub(super) fn renew(&self, pair: &Pair, now: Timestamp) -> Result<(), Error> {
        let Certificate { uris, hosts, .. } = read(&pair.certificate)?;
        let subject = match &uris[..] {
            [] if !hosts.is_empty() => Subject::Server(hosts),
            [uri] => uri.parse().map_or_else(|_| Subject::Caller(uri.clone()), Subject::Collector),
            _ => return Err(Error::Nameless(pair.certificate.clone())),
        };
        self.write(pair, &subject, now)
    }

    fn write(&self, pair: &Pair, subject: &Subject, now: Timestamp) -> Result<(), Error> {
        let mut params = lasting(CERTIFICATE_LIFETIME, now, Some(self.expiry));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let (name, names, purpose) = match subject {
            Subject::Collector(identity) => {
                let name = format!("collector {} {}", identity.reporter, identity.name);
                let names = vec![uri(&identity.to_string())?];
                (name, names, ExtendedKeyUsagePurpose::ClientAuth)
            }
            Subject::Caller(uri) => {
                let name = format!("caller {}", uri.rsplit('/').next().unwrap_or_default());
                (name, vec![self::uri(uri)?], ExtendedKeyUsagePurpose::ClientAuth)
            }
            Subject::Server(hosts) => {
                let names: Result<_, _> = hosts.iter().map(|host| self::host(host)).collect();
                ("aggregator".to_owned(), names?, ExtendedKeyUsagePurpose::ServerAuth)
            }
        };
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = names;
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        pair.write(&params.signed_by(&key, &self.issuer)?.pem(), &key.serialize_pem())
    }
}

/// Names and validity of the first certificate of a file.
fn read(path: &Path) -> Result<Certificate, Error> {
    Ok(Certificate::read_file(&file(path))?)
}

fn file(path: &Path) -> PemFile {
    PemFile { setting: "certificate", path: path.to_owned() }
}

/// Time between the beginning of 1970 and a time.
pub(super) fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(at.micros()).unwrap_or_default())
}

fn uri(text: &str) -> Result<SanType, rcgen::Error> {
    Ok(SanType::URI(text.try_into()?))
}

fn host(text: &str) -> Result<SanType, rcgen::Error> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(text.try_into()?)),
    }
}

/// Parameters of a certificate that lasts so long, and no longer than its authority.
fn lasting(lifetime: Duration, now: Timestamp, end: Option<Timestamp>) -> CertificateParams {
    let epoch = date_time_ymd(1970, 1, 1);
    let expiry = now.plus(lifetime);
    let expiry = end.map_or(expiry, |end| end.min(expiry));
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = epoch + since_epoch(now).saturating_sub(BEGUN_BEFORE);
    params.not_after = epoch + since_epoch(expiry);
    params
}
