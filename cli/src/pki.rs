//! Certificates of a pilot: an authority, and what it issues.
//!
//! ```text
//! init ─▶ authority.pem, authority-key.pem ─ issue, renew ─▶ NAME.pem, NAME-key.pem
//! ```
//!
//! Works on files alone. A key is written for its owner alone and is never shown.

mod authority;
mod files;
mod show;
mod token;

use std::{io, path::PathBuf};

use phuxanh_core::{Timestamp, delivery::identity};
use phuxanh_daemon::{clock, settings::Fault};

use crate::{
    answer::{Answer, Format},
    args::{Issue, IssueCollector, Pki},
    error,
};
use authority::{Authority, Subject};
use files::Pair;

/// Reason why a certificate is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{0} exists and is not overwritten\n  Choose another --name or --dir, or: phuxanh pki renew"
    )]
    Exists(PathBuf),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Unreadable(#[from] Fault),
    #[error("{0} names no trust domain: expected an authority that phuxanh pki init made")]
    NoTrustDomain(PathBuf),
    #[error("{0} names neither a collector nor a host: only what phuxanh pki issued is renewed")]
    Nameless(PathBuf),
    #[error(transparent)]
    Identity(#[from] identity::Malformed),
    #[error("{0} is no name of a file: expected letters, digits, - and _")]
    Name(String),
    #[error("cannot read the system's random source")]
    Randomness,
    #[error("cannot make the certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Does what is asked for, and says what to do with the files.
pub fn answer(command: &Pki, format: Format) -> Result<Answer, error::Error> {
    let now = clock::now();
    let (pair, advice) = match command {
        Pki::Token(ask) => return Ok(token::answer(ask, now, format)?),
        Pki::Show(ask) => return show::answer(&ask.certificates, now, format),
        Pki::Init(ask) => {
            let pair = Authority::create(&ask.folder.dir, &ask.trust_domain, now)?;
            (pair, "Give the certificate to all; keep the key where only issuing happens.")
        }
        Pki::Issue(ask) => issue(ask, now)?,
        Pki::Renew(ask) => {
            let pair = Pair::of_certificate(&ask.certificate);
            let authority = Authority::open(&ask.folder.dir)?;
            authority.renew(&pair, now)?;
            (pair, "Daemons that use these files read them within seconds, without a restart.")
        }
    };
    let written = show::written(&pair, advice);
    show::answer(&[pair.certificate], now, format).map(|shown| match format {
        Format::Json => shown,
        Format::Table { .. } => Answer::table(format!("{}\n{written}", shown.text)),
    })
}

fn issue(ask: &Issue, now: Timestamp) -> Result<(Pair, &'static str), Error> {
    match ask {
        Issue::Collector(IssueCollector { province, name, folder }) => {
            let authority = Authority::open(&folder.dir)?;
            let identity = authority.identity(*province, name)?;
            let pair = Pair::named(&folder.dir, &format!("collector-{province}-{name}"))?;
            authority.issue(&pair, &Subject::Collector(identity), now)?;
            Ok((pair, "Set them as tls.certificate_file and tls.key_file of the collector."))
        }
        Issue::Server(ask) => {
            let authority = Authority::open(&ask.folder.dir)?;
            let pair = Pair::named(&ask.folder.dir, &ask.name)?;
            let hosts = ask.dns.iter().cloned().chain(ask.ip.iter().map(ToString::to_string));
            authority.issue(&pair, &Subject::Server(hosts.collect()), now)?;
            Ok((pair, "Set them as tls.certificate_file and tls.key_file of the aggregator."))
        }
    }
}

#[cfg(test)]
mod tests;
