//! Table of certificates: names, validity, state.

use std::path::{Path, PathBuf};

use phuxanh_core::Timestamp;
use phuxanh_daemon::tls::{Certificate, PemFile};
use serde::Serialize;

use super::{Error, files::Pair, list::List};
use crate::{
    answer::{Answer, Format},
    error,
    table::{Cell, Paint, Table},
};

/// Days before the expiry from which a certificate should be renewed.
const RENEWAL_DAYS: u64 = 30;
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// All certificates for tools.
#[derive(Debug, Serialize)]
struct CertificatesJson {
    certificates: Vec<CertificateJson>,
}

#[derive(Debug, Serialize)]
struct CertificateJson {
    file: String,
    names: Vec<String>,
    begin_time: String,
    expiry_time: String,
    state: &'static str,
}

/// Shows certificates.
pub(super) fn answer(
    files: &[PathBuf],
    now: Timestamp,
    format: Format,
) -> Result<Answer, error::Error> {
    let certificates = files.iter().map(|file| certificate(file, now));
    let certificates = certificates.collect::<Result<Vec<_>, Error>>()?;
    let Format::Table { colour } = format else {
        return Answer::json(&CertificatesJson { certificates });
    };
    let paint = |state| if state == "valid" { Paint::Plain } else { Paint::Bad };
    let mut table = Table::new(colour);
    table.left("File", certificates.iter().map(|it| &it.file));
    table.left("Names", certificates.iter().map(|it| it.names.join(", ")));
    table.left("Expires", certificates.iter().map(|it| &it.expiry_time));
    table.left("State", certificates.iter().map(|it| Cell::new(it.state, paint(it.state))));
    Ok(Answer::table(table.render()))
}

/// Says which files were written, and what they are for.
pub(super) fn written(pair: &Pair, advice: &str) -> String {
    let (certificate, key) = (pair.certificate.display(), pair.key.display());
    format!("Written: {certificate} and the key {key}\n{advice}\n")
}

fn certificate(path: &Path, now: Timestamp) -> Result<CertificateJson, Error> {
    let file = PemFile { setting: "certificate", path: path.to_owned() };
    let found = Certificate::read_file(&file)?;
    let is_revoked = List::names(path, &found);
    let Certificate { uris, hosts, begin, expiry, .. } = found;
    Ok(CertificateJson {
        file: path.display().to_string(),
        names: uris.into_iter().chain(hosts).collect(),
        begin_time: begin.to_string(),
        expiry_time: expiry.to_string(),
        state: if is_revoked { "revoked" } else { state(begin, expiry, now) },
    })
}

fn state(begin: Timestamp, expiry: Timestamp, now: Timestamp) -> &'static str {
    if now < begin {
        "not valid yet"
    } else if expiry <= now {
        "expired"
    } else if expiry.since(now).as_secs() < RENEWAL_DAYS * SECONDS_PER_DAY {
        "to be renewed"
    } else {
        "valid"
    }
}
