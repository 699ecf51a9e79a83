//! Faults of files, of connections and of the operating system in both languages.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

use phuxanh_daemon::{
    settings::{Fault, FileCause},
    tls::{Advice, Advised},
};

use crate::language::{Language, Words};

/// A file of a certificate, a key or a token that cannot be used.
#[must_use]
pub fn file(fault: &Fault, language: Language) -> String {
    if language != Language::Vietnamese {
        return fault.to_string();
    }
    match &fault.file {
        Some(file) => format!("{}: {}: {}", fault.key, file.path.display(), cause(&file.cause)),
        // The only setting of a client that names no file.
        None => format!(
            "--tls-authorities: không dùng được chứng thư gốc của hệ điều hành, hãy nêu tệp chứng \
             thư gốc ({})",
            fault.message
        ),
    }
}

fn cause(cause: &FileCause) -> String {
    match cause {
        FileCause::Unreadable { kind, text } => {
            of_kind(*kind).map_or_else(|| text.clone(), str::to_owned)
        }
        FileCause::Open(open) => format!(
            "đang có quyền {:o}, người khác đọc được; cần 600: chmod 600 {}",
            open.mode,
            open.path.display()
        ),
        FileCause::KeyUnnamed => "cần nêu cả khóa của chứng thư".to_owned(),
        FileCause::CertificateUnnamed => "cần nêu cả chứng thư của khóa".to_owned(),
        FileCause::NotCertificates(text) => {
            format!("cần chứng thư dạng PEM (-----BEGIN CERTIFICATE-----): {text}")
        }
        FileCause::NoCertificate => {
            "không có chứng thư nào, cần chứng thư dạng PEM (-----BEGIN CERTIFICATE-----)"
                .to_owned()
        }
        FileCause::MalformedCertificate(text) => format!("chứng thư bị hỏng: {text}"),
        FileCause::NoKey => {
            "không có khóa riêng, cần khóa dạng PEM (-----BEGIN PRIVATE KEY-----)".to_owned()
        }
        FileCause::ForeignKey(text) => format!("khóa không khớp chứng thư: {text}"),
        FileCause::NoAuthority(text) => format!("không có chứng thư gốc dùng được: {text}"),
        FileCause::NotRevocations(text) => {
            format!("cần danh sách thu hồi dạng PEM (-----BEGIN X509 CRL-----): {text}")
        }
        FileCause::NoRevocations => {
            "không có danh sách thu hồi nào, cần dạng PEM (-----BEGIN X509 CRL-----)".to_owned()
        }
        FileCause::MalformedRevocations(text) => format!("danh sách thu hồi bị hỏng: {text}"),
        FileCause::TwoLists(issuer) => {
            format!("có hai danh sách thu hồi của \"{issuer}\", chỉ cần bản mới nhất")
        }
        FileCause::ForeignList(authority) => {
            format!("không có danh sách thu hồi của chứng thư gốc {}", authority.display())
        }
        FileCause::NoToken => "cần một dòng chứa mã truy cập, từ 32 ký tự trở lên".to_owned(),
    }
}

/// A failure of the operating system.
#[must_use]
pub fn io(error: &io::Error, language: Language) -> String {
    let known = of_kind(error.kind()).filter(|_| language == Language::Vietnamese);
    known.map_or_else(|| error.to_string(), |known| format!("{known} ({error})"))
}

const fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "không có tệp hoặc thư mục này",
        ErrorKind::PermissionDenied => "không có quyền truy cập",
        ErrorKind::AlreadyExists => "tệp đã có sẵn",
        ErrorKind::IsADirectory => "đây là thư mục, cần một tệp",
        ErrorKind::NotADirectory => "đường dẫn đi qua một tệp không phải thư mục",
        ErrorKind::ReadOnlyFilesystem => "đĩa chỉ cho phép đọc",
        ErrorKind::StorageFull => "đĩa đã đầy",
        ErrorKind::InvalidData => "nội dung không phải văn bản UTF-8",
        ErrorKind::ConnectionRefused => "kết nối bị từ chối",
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "kết nối bị ngắt",
        ErrorKind::TimedOut => "quá thời gian chờ",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "không có đường mạng tới đó",
        _ => return None,
    })
}

/// The innermost cause of a failed connection. It says "connection refused"; the outer ones only
/// "transport error". Words of libraries that are not known here stay as they are.
pub(crate) fn connection(error: &(dyn Error + 'static)) -> Words {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let en = cause.to_string();
    let io = cause.downcast_ref::<io::Error>();
    let advised = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<Advised>());
    let vi = match (advised, io) {
        (Some(advised), _) => format!("{} ({})", advice(advised.advice), advised.cause),
        (None, Some(io)) if of_kind(io.kind()).is_some() => self::io(io, Language::Vietnamese),
        _ if en.starts_with("failed to lookup address") => format!("không tìm thấy tên máy ({en})"),
        _ => en.clone(),
    };
    Words { vi: vi.into(), en: en.into() }
}

const fn advice(advice: Advice) -> &'static str {
    match advice {
        Advice::PlainText => {
            "đầu kia không dùng TLS ở cổng này: dùng http:// hoặc cổng dành cho TLS"
        }
        Advice::NoCommonVersion => "hai đầu không có phiên bản TLS chung: 1.2 hoặc 1.3",
        Advice::UnknownAuthority => {
            "chứng thư của đầu kia do một nơi cấp không rõ: nêu tệp chứng thư gốc bằng --tls-authorities"
        }
        Advice::Expired => "chứng thư của đầu kia đã hết hạn: cần thay ở đó",
        Advice::NotValidYet => "chứng thư của đầu kia chưa có hiệu lực: kiểm tra đồng hồ hai bên",
        Advice::OtherName => "chứng thư của đầu kia mang tên khác: dùng một tên có trong chứng thư",
        Advice::Revoked => "chứng thư của đầu kia đã bị thu hồi: cần cấp chứng thư khác",
        Advice::Refused => "chứng thư của đầu kia không được chấp nhận",
        Advice::OwnExpired => "đầu kia từ chối chứng thư này: đã hết hạn hoặc chưa có hiệu lực",
        Advice::OwnUnknownAuthority => "đầu kia từ chối chứng thư này: không biết nơi cấp",
        Advice::OwnRevoked => "đầu kia từ chối chứng thư này: đã bị thu hồi, dùng chứng thư khác",
        Advice::OwnRefused => "đầu kia từ chối chứng thư này",
        Advice::CertificateRequired => {
            "đầu kia đòi chứng thư: nêu bằng --tls-certificate và --tls-key"
        }
        Advice::OtherVersion => "đầu kia không có phiên bản TLS mà đầu này dùng",
        Advice::OtherProtocol => "đầu kia không phục vụ gRPC qua TLS ở cổng này",
        Advice::Ended => "đầu kia kết thúc bắt tay TLS",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_fault_of_a_file_names_the_option_and_the_file() {
        let fault = |cause| Fault::of_file("--token-file", Path::new("/t"), cause);
        let told = |cause| file(&fault(cause), Language::Vietnamese);
        assert_eq!(
            told(FileCause::NoToken),
            "--token-file: /t: cần một dòng chứa mã truy cập, từ 32 ký tự trở lên"
        );
        let missing = io::Error::from(ErrorKind::NotFound);
        assert_eq!(told(missing.into()), "--token-file: /t: không có tệp hoặc thư mục này");
        assert_eq!(
            file(&fault(FileCause::KeyUnnamed), Language::Both),
            "--token-file: /t: expected its key to be named, too"
        );
    }

    #[test]
    fn a_failed_connection_tells_its_innermost_cause() {
        let told = |error: &io::Error| connection(error).vi.into_owned();
        let advised = Advised { advice: Advice::Expired, cause: "Expired".to_owned() };
        assert_eq!(
            told(&io::Error::other(advised)),
            "chứng thư của đầu kia đã hết hạn: cần thay ở đó (Expired)"
        );
        let refused = io::Error::from(ErrorKind::ConnectionRefused);
        assert_eq!(told(&refused), "kết nối bị từ chối (connection refused)");
        let unknown = io::Error::other("failed to lookup address information: unknown");
        assert!(told(&unknown).starts_with("không tìm thấy tên máy ("), "{unknown}");
    }
}
