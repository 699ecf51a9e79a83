//! Reasons why a certificate is not made, in both languages.

use std::{io, path::PathBuf};

use phuxanh_answers::{Language, fault};
use phuxanh_core::delivery::identity::Malformed;
use phuxanh_daemon::settings::Fault;

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
    Identity(#[from] Malformed),
    #[error("{0} is no name of a file: expected letters, digits, - and _")]
    Name(String),
    #[error("cannot read the system's random source")]
    Randomness,
    #[error("cannot make the certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

impl Error {
    /// The reason in Vietnamese. Words of libraries stay as they are.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::Exists(path) => format!(
                "{} đã có và không bị ghi đè\n  Hãy chọn --name hay --dir khác, hoặc dùng: phuxanh pki \
                 renew",
                path.display()
            ),
            Self::File { path, source } => {
                format!("{}: {}", path.display(), fault::io(source, Language::Vietnamese))
            }
            Self::Unreadable(found) => fault::file(found, Language::Vietnamese),
            Self::NoTrustDomain(path) => format!(
                "{} không nêu miền tin cậy: cần chứng thư gốc do phuxanh pki init tạo",
                path.display()
            ),
            Self::Nameless(path) => format!(
                "{} không nêu bộ thu thập hay máy chủ nào: chỉ thay được chứng thư do phuxanh pki \
                 issue cấp",
                path.display()
            ),
            Self::Foreign { certificate, authority } => format!(
                "{} không do {} cấp, cần chứng thư của chứng thư gốc này\n  \
                 Hãy nêu thư mục của chứng thư gốc đã cấp bằng --dir",
                certificate.display(),
                authority.display()
            ),
            Self::Itself(path) => format!(
                "{} chính là chứng thư gốc, cần một chứng thư do nó cấp\n  Để ngừng dùng một chứng \
                 thư gốc, hãy bỏ nó khỏi tls.client_authorities_file và tls.authorities_file trên \
                 mọi máy",
                path.display()
            ),
            Self::Identity(Malformed::TrustDomain(name)) => format!(
                "\"{name}\" không phải miền tin cậy: cần chữ thường không dấu, chữ số, - _ và ."
            ),
            Self::Identity(Malformed::Collector(name)) => format!(
                "\"{name}\" không phải danh tính bộ thu thập: cần \
                 spiffe://MIỀN-TIN-CẬY/province/MÃ/collector/TÊN"
            ),
            Self::Name(name) => {
                format!("{name} không dùng làm tên tệp được: cần chữ cái không dấu, chữ số, - và _")
            }
            Self::Randomness => "không đọc được nguồn số ngẫu nhiên của hệ thống".to_owned(),
            Self::Certificate(error) => format!("không tạo được chứng thư: {error}"),
        }
    }
}
