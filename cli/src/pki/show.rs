//! Table of certificates: names, validity, state.

use std::path::{Path, PathBuf};

use phuxanh_answers::{Words, words};
use phuxanh_core::Timestamp;
use phuxanh_daemon::tls::{Certificate, PemFile};
use serde::Serialize;

use super::{Error, list::List};
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
    state: State,
}

/// What a certificate is good for; tools read it in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum State {
    #[serde(rename = "valid")]
    Valid,
    #[serde(rename = "to be renewed")]
    ToBeRenewed,
    #[serde(rename = "not valid yet")]
    NotValidYet,
    #[serde(rename = "expired")]
    Expired,
    #[serde(rename = "revoked")]
    Revoked,
}

impl State {
    const fn words(self) -> Words {
        match self {
            Self::Valid => words("còn hiệu lực", "valid"),
            Self::ToBeRenewed => words("cần thay", "to be renewed"),
            Self::NotValidYet => words("chưa có hiệu lực", "not valid yet"),
            Self::Expired => words("đã hết hạn", "expired"),
            Self::Revoked => words("đã thu hồi", "revoked"),
        }
    }
}

/// Shows certificates.
pub(super) fn answer(
    files: &[PathBuf],
    now: Timestamp,
    format: Format,
) -> Result<Answer, error::Error> {
    let certificates = files.iter().map(|file| certificate(file, now));
    let certificates = certificates.collect::<Result<Vec<_>, Error>>()?;
    let Format::Table { colour, language } = format else {
        return Answer::json(&CertificatesJson { certificates });
    };
    let paint = |state| if state == State::Valid { Paint::Plain } else { Paint::Bad };
    let mut table = Table::new(colour);
    let heading = |words: Words| words.text(language).to_owned();
    table.left(heading(words("Tệp", "File")), certificates.iter().map(|it| &it.file));
    let names = certificates.iter().map(|it| it.names.join(", "));
    table.left(heading(words("Tên", "Names")), names);
    let expiry = certificates.iter().map(|it| &it.expiry_time);
    table.left(heading(words("Hết hạn", "Expires")), expiry);
    let shown = |it: &CertificateJson| Cell::new(it.state.words().text(language), paint(it.state));
    table.left(heading(words("Tình trạng", "State")), certificates.iter().map(shown));
    Ok(Answer::table(table.render()))
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
        state: if is_revoked { State::Revoked } else { state(begin, expiry, now) },
    })
}

fn state(begin: Timestamp, expiry: Timestamp, now: Timestamp) -> State {
    if now < begin {
        State::NotValidYet
    } else if expiry <= now {
        State::Expired
    } else if expiry.since(now).as_secs() < RENEWAL_DAYS * SECONDS_PER_DAY {
        State::ToBeRenewed
    } else {
        State::Valid
    }
}
