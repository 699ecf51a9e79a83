//! Access: what callers may do, by the URI name of their certificate or by their token.
//!
//! ```text
//! access file ─▶ Access: name, role, identity or SHA-256 of a token
//! call ── how it came, names, token ──▶ Policy::asker    ─▶ Asker: role, or a Denial
//!                                   └─▶ Policy::deliverer ─▶ Caller
//! ```
//!
//! Tokens are never kept, only their hashes. They are random, so a plain hash of one tells nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Caller, Distrust, Refusal, SpiffeId};
use crate::{Level, LocalityCode, Timestamp, gazetteer::Gazetteer};

/// Longest name of a caller, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Longest identity of a caller, in bytes, as in SPIFFE.
const IDENTITY_BYTES_MAX: usize = 2_048;

/// SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

/// Role of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// May deliver for this reporter, and ask nothing.
    Collector(LocalityCode),
    /// May ask; about communes only within the province, where one is named.
    Viewer(Option<LocalityCode>),
    /// May ask everything, also about collectors and replicas.
    Operator,
}

/// Role that a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody may call it.
    Nobody,
    /// Checked when a stream names its reporter.
    Collector,
    Viewer,
    Operator,
}

/// Sign by which a caller of the access file is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// URI name of a certificate.
    Identity(String),
    Token(TokenHash),
}

/// Caller of the access file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub name: String,
    pub sign: Sign,
    pub role: Role,
    /// Time from which the grant is void.
    pub expiry: Option<Timestamp>,
}

/// Content of an access file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    grants: BTreeMap<Sign, Arc<Grant>>,
}

/// Reasons why an access file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Faults(pub Vec<String>);

/// Rules by which calls are judged.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// `None` without an access file.
    pub access: Option<&'a Access>,
    /// True if plain text is served on other addresses than loopback.
    pub insecure_plaintext: bool,
}

/// Facts of a call that its connection and header fields tell.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub is_tls: bool,
    /// True if it came from a loopback address.
    pub is_local: bool,
    /// URI names of a verified certificate.
    pub uris: &'a [String],
    pub token: Option<TokenHash>,
}

/// Caller who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// `None` where nobody needs to prove anything.
    pub grant: Option<Arc<Grant>>,
    pub role: Role,
}

/// Reason why a caller may not do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error(
        "no identity: show a certificate or a token that access_file names \
         (for phuxanh: --token-file, or --tls-certificate and --tls-key)"
    )]
    NoProof,
    #[error("the token is unknown: ask an operator for one that access_file names")]
    UnknownToken,
    #[error("the token came over plain text from another machine: use https:// and a new token")]
    ExposedToken,
    #[error(
        "questions from other machines need an access file: an operator sets access_file, and the \
         role of each caller in it"
    )]
    NoAccessFile,
    #[error("{name} has no access since {expiry}: ask an operator to renew it")]
    Expired { name: String, expiry: Timestamp },
    #[error("access_file no longer gives {name} the role {role}")]
    Withdrawn { name: String, role: Role },
    #[error("the certificate of this connection is no longer accepted: {0}")]
    Distrusted(Distrust),
    #[error("{name} has the role {role}, and this needs {need}")]
    Role { name: String, role: Role, need: Need },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    #[serde(default)]
    callers: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    role: String,
    identity: Option<String>,
    token_sha256: Option<String>,
    expires: Option<String>,
}

impl TokenHash {
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl Access {
    /// Reads an access file. Every fault is named with its row.
    pub fn parse(bytes: &[u8], gazetteer: &Gazetteer) -> Result<Self, Faults> {
        let one = |fault: &str| Faults(vec![fault.to_owned()]);
        let text = std::str::from_utf8(bytes).map_err(|_| one("expected UTF-8"))?;
        let file: File = toml::from_str(text).map_err(|error| one(&placed(&error, text)))?;
        if file.format != 1 {
            return Err(one("format: expected 1, which this version knows"));
        }
        let mut faults = Vec::new();
        let (mut access, mut names) = (Self::default(), BTreeSet::new());
        for (at, row) in file.callers.iter().enumerate() {
            let mut tell = |fault: String| {
                faults.push(format!("callers, number {}: {fault}", at + 1));
            };
            let grant = match row.grant(gazetteer) {
                Ok(grant) => grant,
                Err(fault) => {
                    tell(fault);
                    continue;
                }
            };
            if !names.insert(grant.name.clone()) {
                tell(format!("name: \"{}\" stands twice", grant.name));
            }
            if let Some(former) = access.grants.insert(grant.sign.clone(), Arc::new(grant)) {
                tell(format!("identity or token_sha256 is that of \"{}\", too", former.name));
            }
        }
        if faults.is_empty() { Ok(access) } else { Err(Faults(faults)) }
    }

    /// True if the grant still stands as it was.
    #[must_use]
    pub fn holds(&self, grant: &Grant) -> bool {
        self.grants.get(&grant.sign).is_some_and(|found| **found == *grant)
    }

    /// Every grant, in the order of their signs.
    pub fn grants(&self) -> impl Iterator<Item = &Arc<Grant>> {
        self.grants.values()
    }

    /// Differences from a former content, one for each caller, in words.
    #[must_use]
    pub fn changes(&self, former: &Self) -> Vec<String> {
        let by_name = |access: &Self| -> BTreeMap<String, Arc<Grant>> {
            access.grants().map(|grant| (grant.name.clone(), Arc::clone(grant))).collect()
        };
        let (now, before) = (by_name(self), by_name(former));
        let names: BTreeSet<_> = now.keys().chain(before.keys()).collect();
        let word = |name: &String| match (before.get(name), now.get(name)) {
            (None, Some(new)) => Some(format!("{name} gets {}", new.role)),
            (Some(old), None) => Some(format!("{name} loses {}", old.role)),
            (Some(old), Some(new)) if old.role != new.role => {
                Some(format!("{name} gets {} instead of {}", new.role, old.role))
            }
            (Some(old), Some(new)) if old != new => {
                Some(format!("{name} keeps {} with another identity, token or end", new.role))
            }
            _ => None,
        };
        names.into_iter().filter_map(word).collect()
    }

    fn by_uri(&self, uris: &[String]) -> Option<&Arc<Grant>> {
        uris.iter().find_map(|uri| self.grants.get(&Sign::Identity(uri.clone())))
    }
}

impl Row {
    fn grant(&self, gazetteer: &Gazetteer) -> Result<Grant, String> {
        let Self { name, role, identity, token_sha256, expires } = self;
        let is_name =
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        if !is_name {
            return Err("name: expected 1 to 64 bytes without control characters".to_owned());
        }
        let role: Role = role.parse().map_err(|expected| format!("role: {expected}"))?;
        if let Role::Collector(code) | Role::Viewer(Some(code)) = role
            && code.level() == Level::Province
            && gazetteer.locality(code).is_none()
        {
            return Err(format!("role: the gazetteer has no province {code}"));
        }
        let sign = match (identity, token_sha256) {
            (Some(identity), None) => Sign::Identity(checked_identity(identity, role)?),
            (None, Some(hash)) => Sign::Token(hash.parse()?),
            _ => return Err("expected either identity or token_sha256".to_owned()),
        };
        let expiry = expires.as_deref().map(str::parse::<Timestamp>).transpose();
        let expiry = expiry
            .map_err(|_| "expires: expected a time as 2026-12-31T00:00:00+07:00".to_owned())?;
        Ok(Grant { name: name.clone(), sign, role, expiry })
    }
}

/// The name of a collector's certificate decides for which reporter it speaks, so no row may say
/// otherwise.
fn checked_identity(identity: &str, role: Role) -> Result<String, String> {
    let is_uri = identity.len() <= IDENTITY_BYTES_MAX
        && identity
            .split_once("://")
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && identity.chars().all(|letter| letter.is_ascii_graphic());
    if !is_uri {
        return Err("identity: expected the URI name of a certificate".to_owned());
    }
    match (identity.parse::<SpiffeId>(), role) {
        (Ok(named), Role::Collector(code)) if named.reporter != code => {
            Err(format!("role: the identity is that of a collector of {}", named.reporter))
        }
        _ => Ok(identity.to_owned()),
    }
}

/// Words of the parser with the line, without values of the file: one may be a token.
fn placed(error: &toml::de::Error, text: &str) -> String {
    let words = error.message().lines().next().unwrap_or_default();
    let words = match words.split_once("string \"") {
        Some((before, _)) => format!("{before}a string of another kind"),
        None => words.to_owned(),
    };
    let begin = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(begin).filter(|byte| *byte == b'\n').count();
    format!("line {line}: {words}")
}

impl Policy<'_> {
    /// Caller who asks, with its role.
    pub fn asker(&self, call: &Call<'_>, now: Timestamp) -> Result<Asker, Denial> {
        let Some(access) = self.access else {
            let is_served = call.is_local || (!call.is_tls && self.insecure_plaintext);
            return if is_served {
                Ok(Asker { grant: None, role: Role::Operator })
            } else {
                Err(Denial::NoAccessFile)
            };
        };
        if let Some(grant) = granted(access, call)? {
            grant.check(now)?;
            return Ok(Asker { grant: Some(Arc::clone(grant)), role: grant.role });
        }
        match call.uris {
            [uri] => {
                let named: SpiffeId = uri.parse().map_err(|_| Denial::NoProof)?;
                Ok(Asker { grant: None, role: Role::Collector(named.reporter) })
            }
            _ => Err(Denial::NoProof),
        }
    }

    /// Caller who delivers. `certified` is what its certificate alone proves, which no token changes.
    #[must_use]
    pub fn deliverer(&self, call: &Call<'_>, certified: Caller) -> Caller {
        if matches!(certified, Caller::Collector { .. }) {
            return certified;
        }
        let Some(access) = self.access else {
            let is_open = call.is_local || !call.is_tls;
            return match certified {
                Caller::Unproven if !is_open => denied(Denial::NoProof),
                certified => certified,
            };
        };
        match granted(access, call) {
            Ok(Some(grant)) => Caller::Granted(Arc::clone(grant)),
            Err(denial) => denied(denial),
            Ok(None) if matches!(certified, Caller::Unproven) => {
                // Provinces move to TLS one after the other.
                let is_moving = !call.is_tls && self.insecure_plaintext;
                if is_moving { certified } else { denied(Denial::NoProof) }
            }
            Ok(None) => certified,
        }
    }
}

const fn denied(denial: Denial) -> Caller {
    Caller::Nameless(Refusal::Access(denial))
}

/// Grant of a call's token, else of its certificate.
fn granted<'a>(access: &'a Access, call: &Call<'_>) -> Result<Option<&'a Arc<Grant>>, Denial> {
    let Some(token) = call.token else { return Ok(access.by_uri(call.uris)) };
    if !call.is_tls && !call.is_local {
        return Err(Denial::ExposedToken);
    }
    access.grants.get(&Sign::Token(token)).map(Some).ok_or(Denial::UnknownToken)
}

impl Grant {
    /// Checks that the grant has not ended.
    pub fn check(&self, now: Timestamp) -> Result<(), Denial> {
        match self.expiry {
            Some(expiry) if expiry <= now => {
                Err(Denial::Expired { name: self.name.clone(), expiry })
            }
            _ => Ok(()),
        }
    }
}

impl Asker {
    /// Checks that the role is enough for a method.
    pub fn check(&self, need: Need) -> Result<(), Denial> {
        let is_enough = match (need, self.role) {
            (Need::Nobody, _)
            | (_, Role::Operator)
            | (Need::Viewer, Role::Viewer(_))
            | (Need::Collector, Role::Collector(_)) => true,
            (Need::Collector | Need::Viewer | Need::Operator, _) => false,
        };
        if is_enough {
            return Ok(());
        }
        let name = match &self.grant {
            Some(grant) => grant.name.clone(),
            None => "this caller".to_owned(),
        };
        Err(Denial::Role { name, role: self.role, need })
    }
}

impl Denial {
    /// True if the caller did not prove who it is; false if it is known and may not.
    #[must_use]
    pub const fn is_unauthenticated(&self) -> bool {
        match self {
            Self::NoProof
            | Self::UnknownToken
            | Self::ExposedToken
            | Self::Expired { .. }
            | Self::Distrusted(_) => true,
            Self::NoAccessFile | Self::Withdrawn { .. } | Self::Role { .. } => false,
        }
    }
}

impl FromStr for TokenHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut hash = [0; 32];
        let digits = text.as_bytes();
        let is_hex =
            digits.len() == 64 && digits.iter().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex {
            return Err("token_sha256: expected 64 digits of 0-9 and a-f".to_owned());
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => digit - b'0',
            _ => digit - b'a' + 10,
        };
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |sum, digit| sum << 4 | value(*digit));
        }
        Ok(Self(hash))
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected viewer, viewer:CODE of a province, operator, or \
             collector:CODE of a province or 00";
        let code = |text: &str| text.parse::<LocalityCode>().map_err(|_| EXPECTED);
        let is = |level: Level| move |code: &LocalityCode| code.level() == level;
        match text.split_once(':') {
            None if text == "viewer" => Ok(Self::Viewer(None)),
            None if text == "operator" => Ok(Self::Operator),
            Some(("viewer", own)) => Some(code(own)?)
                .filter(is(Level::Province))
                .map(Some)
                .map(Self::Viewer)
                .ok_or(EXPECTED),
            Some(("collector", own)) => {
                let own = code(own)?;
                if own.level() == Level::Commune { Err(EXPECTED) } else { Ok(Self::Collector(own)) }
            }
            _ => Err(EXPECTED),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collector(code) => write!(f, "collector:{code}"),
            Self::Viewer(None) => f.write_str("viewer"),
            Self::Viewer(Some(code)) => write!(f, "viewer:{code}"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "no role",
            Self::Collector => "collector",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        })
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash belongs into no log: whoever has the file may look it up there.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

#[cfg(test)]
mod tests;
