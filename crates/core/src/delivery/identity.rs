//! Identity of a collector: for which reporter a connection may speak.
//!
//! ```text
//! certificate ─ spiffe://<trust domain>/province/<code>/collector/<name> ─▶ Caller
//! Hello names a reporter ──▶ Caller::check ──▶ it may speak, or a Refusal
//! ```
//!
//! Knows no TLS and no clock: others verify the certificate and tell the time.

pub mod access;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use crate::{Level, LocalityCode, Timestamp};
use access::{Denial, Grant, Role};

const SCHEME: &str = "spiffe://";
/// Longest trust domain and longest name, in bytes.
const TRUST_DOMAIN_BYTES_MAX: usize = 255;
const NAME_BYTES_MAX: usize = 64;

/// Trust domain: the name of those who issue the certificates, as in SPIFFE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustDomain(String);

/// Identity that a certificate gives to a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffeId {
    pub trust_domain: TrustDomain,
    pub reporter: LocalityCode,
    pub name: String,
}

/// A text that is neither a trust domain nor an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("\"{0}\" is no trust domain: expected lower case letters, digits, - _ and .")]
    TrustDomain(String),
    #[error(
        "\"{0}\" is no collector's identity: expected \
         spiffe://TRUST-DOMAIN/province/CODE/collector/NAME"
    )]
    Collector(String),
}

/// Other end of a connection, as far as the connection proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The listener asks for no certificate, so anybody may speak for any reporter.
    Unproven,
    /// The listener asks for a certificate, and this caller has none that names a collector.
    Nameless(Refusal),
    /// A collector with a certificate of an authority that the listener trusts.
    Collector { identity: SpiffeId, expiry: Timestamp },
    /// A caller whom the access file names.
    Granted(Arc<Grant>),
}

/// Reason why a caller may not speak for a reporter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "no client certificate: a collector needs one for \
         spiffe://{trust_domain}/province/CODE/collector/NAME (tls.certificate_file, tls.key_file)"
    )]
    NoCertificate { trust_domain: TrustDomain },
    #[error(
        "the certificate names no collector: expected one URI name \
         spiffe://{trust_domain}/province/CODE/collector/NAME, found {found}"
    )]
    NoCollector { trust_domain: TrustDomain, found: String },
    #[error("{identity} is of another trust domain: expected {expected} (tls.trust_domain)")]
    TrustDomain { identity: SpiffeId, expected: TrustDomain },
    #[error(
        "{identity} may speak for {}, not for {reporter}: \
         use the certificate of a collector of {reporter}",
        identity.reporter
    )]
    Reporter { identity: SpiffeId, reporter: LocalityCode },
    #[error("the certificate of {identity} expired at {expiry}: renew it")]
    Expired { identity: SpiffeId, expiry: Timestamp },
    #[error("the certificate of {name} is no longer accepted: {distrust}")]
    Distrusted { name: String, distrust: Distrust },
    #[error(
        "{name} has the role {role}, and may not speak for {reporter}: \
         use the token or certificate of a collector of {reporter}"
    )]
    Granted { name: String, role: Role, reporter: LocalityCode },
    #[error("{0}")]
    Access(Denial),
}

/// Reason why a certificate that was accepted no longer is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("it was revoked (tls.revocations_file), use another certificate (phuxanh pki renew)")]
    Revoked,
    #[error(
        "its authority is no longer trusted, use a certificate of an authority in \
         tls.client_authorities_file"
    )]
    Authority,
    #[error("{0}, renew it (phuxanh pki renew)")]
    Other(String),
}

impl Refusal {
    /// True if a valid certificate is missing; false if the certificate is somebody else's.
    #[must_use]
    pub const fn is_unauthenticated(&self) -> bool {
        match self {
            Self::NoCertificate { .. } | Self::Expired { .. } | Self::Distrusted { .. } => true,
            Self::Access(denial) => denial.is_unauthenticated(),
            Self::NoCollector { .. }
            | Self::TrustDomain { .. }
            | Self::Reporter { .. }
            | Self::Granted { .. } => false,
        }
    }
}

impl Caller {
    /// The caller that a verified certificate with these URI names proves.
    #[must_use]
    pub fn certified(uris: &[String], expiry: Timestamp, expected: &TrustDomain) -> Self {
        let named = match uris {
            [uri] => uri.parse::<SpiffeId>().ok(),
            _ => None,
        };
        match named {
            None => {
                let found = if uris.is_empty() { "none".to_owned() } else { uris.join(", ") };
                let trust_domain = expected.clone();
                Self::Nameless(Refusal::NoCollector { trust_domain, found })
            }
            Some(identity) if identity.trust_domain != *expected => {
                Self::Nameless(Refusal::TrustDomain { identity, expected: expected.clone() })
            }
            Some(identity) => Self::Collector { identity, expiry },
        }
    }

    /// The caller without a certificate, where one is asked for.
    #[must_use]
    pub const fn anonymous(trust_domain: TrustDomain) -> Self {
        Self::Nameless(Refusal::NoCertificate { trust_domain })
    }

    /// Checks that the caller may speak for a reporter now.
    pub fn check(&self, reporter: LocalityCode, now: Timestamp) -> Result<(), Refusal> {
        match self {
            Self::Nameless(refusal) => Err(refusal.clone()),
            Self::Collector { identity, .. } if identity.reporter != reporter => {
                Err(Refusal::Reporter { identity: identity.clone(), reporter })
            }
            Self::Collector { identity, expiry } if *expiry <= now => {
                Err(Refusal::Expired { identity: identity.clone(), expiry: *expiry })
            }
            Self::Granted(grant) => {
                grant.check(now).map_err(Refusal::Access)?;
                match grant.role {
                    Role::Collector(own) if own == reporter => Ok(()),
                    role => Err(Refusal::Granted { name: grant.name.clone(), role, reporter }),
                }
            }
            Self::Unproven | Self::Collector { .. } => Ok(()),
        }
    }

    /// Says when the certificate of a collector expires, from so long before on.
    #[must_use]
    pub fn expiry_warning(&self, now: Timestamp, before: Duration) -> Option<String> {
        let Self::Collector { identity, expiry } = self else { return None };
        let is_near = expiry.since(now) <= before;
        is_near.then(|| {
            format!(
                "the certificate of {identity} expires at {expiry}: renew it (phuxanh pki renew)"
            )
        })
    }

    /// Name that the caller has proven: its identity, or its name in the access file.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Unproven | Self::Nameless(_) => None,
            Self::Collector { identity, .. } => Some(identity.to_string()),
            Self::Granted(grant) => Some(grant.name.clone()),
        }
    }

    /// Time from which the caller may no longer speak; `None` where nothing ends it.
    #[must_use]
    pub fn expiry(&self) -> Option<Timestamp> {
        match self {
            Self::Unproven | Self::Nameless(_) => None,
            Self::Collector { expiry, .. } => Some(*expiry),
            Self::Granted(grant) => grant.expiry,
        }
    }
}

impl FromStr for TrustDomain {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let has_length = (1..=TRUST_DOMAIN_BYTES_MAX).contains(&text.len());
        if has_length && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::TrustDomain(text.to_owned()))
        }
    }
}

impl FromStr for SpiffeId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let faulty = || Malformed::Collector(text.to_owned());
        let parts = text.strip_prefix(SCHEME).ok_or_else(faulty)?.split('/').collect::<Vec<_>>();
        let [trust_domain, "province", code, "collector", name] = parts[..] else {
            return Err(faulty());
        };
        let reporter: LocalityCode = code.parse().map_err(|_| faulty())?;
        if reporter.level() == Level::Commune || !is_name(name) {
            return Err(faulty());
        }
        let trust_domain = trust_domain.parse().map_err(|_| faulty())?;
        Ok(Self { trust_domain, reporter, name: name.to_owned() })
    }
}

/// Names are of the letters that a SPIFFE path may hold.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !matches!(name, "." | "..")
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trust_domain, reporter, name } = self;
        write!(f, "{SCHEME}{trust_domain}/province/{reporter}/collector/{name}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URI: &str = "spiffe://egov.example/province/04/collector/main";

    fn domain() -> TrustDomain {
        "egov.example".parse().expect("a trust domain")
    }

    fn code(text: &str) -> LocalityCode {
        text.parse().expect("a code")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("a time")
    }

    fn certified(uris: &[&str]) -> Caller {
        let uris: Vec<_> = uris.iter().map(|uri| (*uri).to_owned()).collect();
        Caller::certified(&uris, at(100), &domain())
    }

    #[test]
    fn a_collector_speaks_for_its_own_reporter_until_its_certificate_expires() {
        let caller = certified(&[URI]);
        assert_eq!(caller.check(code("04"), at(99)), Ok(()));
        assert_eq!(caller.expiry(), Some(at(100)));
        let told = |reporter, now| {
            let refusal = caller.check(code(reporter), at(now)).expect_err("refused");
            (refusal.is_unauthenticated(), refusal.to_string())
        };
        let expected =
            format!("{URI} may speak for 04, not for 96: use the certificate of a collector of 96");
        assert_eq!(told("96", 99), (false, expected));
        let expected = format!("the certificate of {URI} expired at {}: renew it", at(100));
        assert_eq!(told("04", 100), (true, expected));
    }

    #[test]
    fn an_expiry_is_told_from_some_time_before_it_on() {
        let told = |caller: &Caller, now| caller.expiry_warning(at(now), Duration::from_secs(10));
        let caller = certified(&[URI]);
        assert_eq!(told(&caller, 89), None);
        let expected = format!("the certificate of {URI} expires at {}: renew it", at(100));
        assert!(told(&caller, 90).expect("it is near").starts_with(&expected));
        assert_eq!(told(&Caller::Unproven, 90), None);
    }

    #[test]
    fn a_caller_whom_no_certificate_names_speaks_for_nobody() {
        let other = "spiffe://elsewhere.example/province/04/collector/main";
        for (uris, expected) in [
            (&[][..], "found none"),
            (&["spiffe://egov.example/viewer/an"][..], "found spiffe://egov.example/viewer/an"),
            (&[URI, other][..], "found spiffe://egov.example/province/04/collector/main, spiffe"),
            (&[other][..], "is of another trust domain: expected egov.example"),
        ] {
            let refusal = certified(uris).check(code("04"), at(0)).expect_err("refused");
            assert!(refusal.to_string().contains(expected), "{refusal}");
            assert!(!refusal.is_unauthenticated(), "{refusal}");
        }
        let refusal = Caller::anonymous(domain()).check(code("04"), at(0)).expect_err("refused");
        assert!(refusal.is_unauthenticated(), "{refusal}");
        assert_eq!(Caller::Unproven.check(code("04"), at(0)), Ok(()));
    }

    #[test]
    fn other_texts_are_no_identities() {
        for text in [
            "",
            "https://egov.example/province/04/collector/main",
            "spiffe://egov.example/province/04/collector",
            "spiffe://egov.example/province/04/collector/",
            "spiffe://egov.example/province/04/collector/..",
            "spiffe://egov.example/province/04/collector/main/more",
            "spiffe://egov.example/province/01273/collector/main",
            "spiffe://egov.example/province/4/collector/main",
            "spiffe://Egov.example/province/04/collector/main",
            "spiffe:///province/04/collector/main",
            "spiffe://egov.example/province/04/collector/a b",
        ] {
            let expected = Err(Malformed::Collector(text.to_owned()));
            assert_eq!(text.parse::<SpiffeId>(), expected);
        }
    }

    proptest! {
        #[test]
        fn an_identity_is_read_as_it_is_written(
            domain in "[a-z0-9._-]{1,20}", code in "[0-9]{2}", name in "[A-Za-z0-9_-]{1,20}",
        ) {
            let text = format!("spiffe://{domain}/province/{code}/collector/{name}");
            let identity: SpiffeId = text.parse().expect("an identity");
            prop_assert_eq!(identity.to_string(), text);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}") {
            drop(text.parse::<SpiffeId>());
            drop(text.parse::<TrustDomain>());
        }
    }
}
