//! Certificates of a pilot: an authority, and what it issues.
//!
//! ```text
//! init ─▶ authority.pem, authority-key.pem ─ issue, renew ───▶ NAME.pem, NAME-key.pem
//!                                          └ revoke, refresh ─▶ revoked.pem, which every step signs anew
//! ```
//!
//! Works on files alone. A key is written for its owner alone and is never shown.

mod authority;
mod files;
mod list;
mod show;
mod token;

use std::{
    io,
    path::{Path, PathBuf},
};

use phuxanh_core::{Timestamp, delivery::identity};
use phuxanh_daemon::{clock, settings::Fault};

use crate::{
    answer::{Answer, Format},
    args::{Issue, IssueCollector, Pki},
    error,
};
use authority::{Authority, Subject};
use files::Pair;
use list::List;

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
    #[error(
        "{certificate} was not issued by {authority}, expected a certificate of this authority\n  \
         Name the folder of its own with --dir"
    )]
    Foreign { certificate: PathBuf, authority: PathBuf },
    #[error(
        "{0} is the authority itself, expected a certificate that it issued\n  To end an authority, \
         take it out of tls.client_authorities_file and tls.authorities_file on all machines"
    )]
    Itself(PathBuf),
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
            let (authority, list) = open(&ask.folder.dir)?;
            authority.renew(&pair, now)?;
            list.write(&authority, now)?;
            (pair, "Daemons that use these files read them within seconds, without a restart.")
        }
        Pki::Revoke(ask) => {
            let (authority, list) = open(&ask.folder.dir)?;
            let path = list.path.clone();
            let next = authority.revoke(&ask.certificate, list, now)?;
            return listed(ask.certificate.clone(), &path, next, now, format);
        }
        Pki::Refresh(ask) => {
            let (authority, list) = open(&ask.folder.dir)?;
            let next = list.write(&authority, now)?;
            return listed(authority.file().path, &list.path, next, now, format);
        }
    };
    let written = show::written(&pair, advice);
    show::answer(&[pair.certificate], now, format).map(|shown| match format {
        Format::Json => shown,
        Format::Table { .. } => Answer::table(format!("{}\n{written}", shown.text)),
    })
}

/// Opens the authority of a folder, with its revocation list.
fn open(folder: &Path) -> Result<(Authority, List), Error> {
    let authority = Authority::open(folder)?;
    let list = List::open(folder, &authority)?;
    Ok((authority, list))
}

/// Shows a certificate, and says what to do with the revocation list.
fn listed(
    certificate: PathBuf,
    list: &Path,
    next: Timestamp,
    now: Timestamp,
    format: Format,
) -> Result<Answer, error::Error> {
    let shown = show::answer(&[certificate], now, format)?;
    let list = list.display();
    Ok(match format {
        Format::Json => shown,
        Format::Table { .. } => Answer::table(format!(
            "{}\nWritten: {list}, to be replaced before {next} (phuxanh pki refresh)\nCopy it to \
             the aggregator, as tls.revocations_file. It is read within seconds, without a restart.\n",
            shown.text
        )),
    })
}

fn issue(ask: &Issue, now: Timestamp) -> Result<(Pair, &'static str), Error> {
    match ask {
        Issue::Collector(IssueCollector { province, name, folder }) => {
            let (authority, list) = open(&folder.dir)?;
            let identity = authority.identity(*province, name)?;
            let pair = Pair::named(&folder.dir, &format!("collector-{province}-{name}"))?;
            authority.issue(&pair, &Subject::Collector(identity), now)?;
            list.write(&authority, now)?;
            Ok((pair, "Set them as tls.certificate_file and tls.key_file of the collector."))
        }
        Issue::Caller(ask) => {
            let authority = Authority::open(&ask.folder.dir)?;
            let pair = Pair::named(&ask.folder.dir, &format!("caller-{}", ask.name))?;
            authority.issue(&pair, &Subject::Caller(authority.caller(&ask.name)?), now)?;
            Ok((
                pair,
                "Name its spiffe:// identity in access_file, and show the files by \
                 --tls-certificate and --tls-key.",
            ))
        }
        Issue::Server(ask) => {
            let (authority, list) = open(&ask.folder.dir)?;
            let pair = Pair::named(&ask.folder.dir, &ask.name)?;
            let hosts = ask.dns.iter().cloned().chain(ask.ip.iter().map(ToString::to_string));
            authority.issue(&pair, &Subject::Server(hosts.collect()), now)?;
            list.write(&authority, now)?;
            Ok((pair, "Set them as tls.certificate_file and tls.key_file of the aggregator."))
        }
    }
}

#[cfg(test)]
mod tests;
