//! Certificates of a pilot: an authority, and what it issues.
//!
//! ```text
//! init ─▶ authority.pem, authority-key.pem ─ issue, renew ───▶ NAME.pem, NAME-key.pem
//!                                          └ revoke, refresh ─▶ revoked.pem, which every step signs anew
//! ```
//!
//! Works on files alone. A key is written for its owner alone and is never shown.

mod authority;
mod error;
mod files;
mod list;
mod show;
mod token;

use std::path::{Path, PathBuf};

use phuxanh_answers::{Language, Words, words};
use phuxanh_core::Timestamp;
use phuxanh_daemon::clock;

use crate::{
    answer::{Answer, Format},
    args::{Issue, IssueCollector, Pki},
};
use authority::{Authority, Subject};
pub use error::Error;
use files::Pair;
use list::List;

const WRITTEN: Words = words("Đã ghi: {} và khóa {}", "Written: {} and the key {}");
const LISTED: Words = words(
    "Đã ghi: {}, cần thay trước {} (phuxanh pki refresh)\nHãy chép sang bộ tổng hợp, làm \
     tls.revocations_file. Tệp được đọc trong vài giây, không cần khởi động lại.",
    "Written: {}, to be replaced before {} (phuxanh pki refresh)\nCopy it to the aggregator, as \
     tls.revocations_file. It is read within seconds, without a restart.",
);
const GIVE_TO_ALL: Words = words(
    "Hãy phát chứng thư cho mọi bên; chỉ giữ khóa ở nơi cấp chứng thư.",
    "Give the certificate to all; keep the key where only issuing happens.",
);
const READ_AT_ONCE: Words = words(
    "Các chương trình dùng những tệp này đọc lại trong vài giây, không cần khởi động lại.",
    "Daemons that use these files read them within seconds, without a restart.",
);
const FOR_COLLECTOR: Words = words(
    "Hãy đặt làm tls.certificate_file và tls.key_file của bộ thu thập.",
    "Set them as tls.certificate_file and tls.key_file of the collector.",
);
const FOR_CALLER: Words = words(
    "Hãy nêu danh tính spiffe:// này trong access_file, và dùng các tệp bằng --tls-certificate và \
     --tls-key.",
    "Name its spiffe:// identity in access_file, and show the files by --tls-certificate and \
     --tls-key.",
);
const FOR_SERVER: Words = words(
    "Hãy đặt làm tls.certificate_file và tls.key_file của bộ tổng hợp.",
    "Set them as tls.certificate_file and tls.key_file of the aggregator.",
);

/// A text with values in its places `{}`, in their order.
fn filled(text: &Words, language: Language, values: &[&str]) -> String {
    let mut parts = text.text(language).split("{}");
    let opening = parts.next().unwrap_or_default().to_owned();
    parts.zip(values).fold(opening, |told, (part, value)| told + value + part)
}

/// Does what is asked for, and says what to do with the files.
pub fn answer(command: &Pki, format: Format) -> Result<Answer, crate::error::Error> {
    let now = clock::now();
    let (pair, advice) = match command {
        Pki::Token(ask) => return Ok(token::answer(ask, now, format)?),
        Pki::Show(ask) => return show::answer(&ask.certificates, now, format),
        Pki::Init(ask) => {
            let pair = Authority::create(&ask.folder.dir, &ask.trust_domain, now)?;
            (pair, GIVE_TO_ALL)
        }
        Pki::Issue(ask) => issue(ask, now)?,
        Pki::Renew(ask) => {
            let pair = Pair::of_certificate(&ask.certificate);
            let (authority, list) = open(&ask.folder.dir)?;
            authority.renew(&pair, now)?;
            list.write(&authority, now)?;
            (pair, READ_AT_ONCE)
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
    let (certificate, key) =
        (pair.certificate.display().to_string(), pair.key.display().to_string());
    show::answer(&[pair.certificate], now, format).map(|shown| match format {
        Format::Json => shown,
        Format::Table { language, .. } => {
            let written = filled(&WRITTEN, language, &[&certificate, &key]);
            Answer::table(format!("{}\n{written}\n{}\n", shown.text, advice.text(language)))
        }
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
) -> Result<Answer, crate::error::Error> {
    let shown = show::answer(&[certificate], now, format)?;
    let (list, next) = (list.display().to_string(), next.to_string());
    Ok(match format {
        Format::Json => shown,
        Format::Table { language, .. } => {
            let told = filled(&LISTED, language, &[&list, &next]);
            Answer::table(format!("{}\n{told}\n", shown.text))
        }
    })
}

fn issue(ask: &Issue, now: Timestamp) -> Result<(Pair, Words), Error> {
    match ask {
        Issue::Collector(IssueCollector { province, name, folder }) => {
            let (authority, list) = open(&folder.dir)?;
            let identity = authority.identity(*province, name)?;
            let pair = Pair::named(&folder.dir, &format!("collector-{province}-{name}"))?;
            authority.issue(&pair, &Subject::Collector(identity), now)?;
            list.write(&authority, now)?;
            Ok((pair, FOR_COLLECTOR))
        }
        Issue::Caller(ask) => {
            let authority = Authority::open(&ask.folder.dir)?;
            let pair = Pair::named(&ask.folder.dir, &format!("caller-{}", ask.name))?;
            authority.issue(&pair, &Subject::Caller(authority.caller(&ask.name)?), now)?;
            Ok((pair, FOR_CALLER))
        }
        Issue::Server(ask) => {
            let (authority, list) = open(&ask.folder.dir)?;
            let pair = Pair::named(&ask.folder.dir, &ask.name)?;
            let hosts = ask.dns.iter().cloned().chain(ask.ip.iter().map(ToString::to_string));
            authority.issue(&pair, &Subject::Server(hosts.collect()), now)?;
            list.write(&authority, now)?;
            Ok((pair, FOR_SERVER))
        }
    }
}

#[cfg(test)]
mod tests;
