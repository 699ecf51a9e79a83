//! Diagnosis of a failed connection: reads from the errors of the network what is wrong.

use std::{error::Error, io};

use phuxanh_core::delivery::sender::Cause;
use phuxanh_daemon::tls::{Advice, Advised};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::failure::{Failure, Kind};

/// Type of the frame that every server of HTTP/2 sends first, and its place (RFC 9113, 3.4 and 4.1).
const SETTINGS: (usize, u8) = (3, 4);
/// First bytes of a record of TLS: an alert or a handshake (RFC 8446, 5.1).
const TLS_RECORDS: [[u8; 2]; 2] = [[21, 3], [22, 3]];
/// Bytes of another protocol that are shown.
const SHOWN_BYTES: usize = 40;
/// Part of the message of a status that tonic makes up where the server sent none.
const NO_STATUS: &str = "grpc-status header missing";

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {source}")]
pub(super) struct Unresolved {
    pub(super) host: String,
    pub(super) source: io::Error,
}

/// Failure of a connection that was not made.
pub(super) fn of_error(error: &(dyn Error + 'static)) -> Failure {
    let causes = chain(error);
    let of = |kind, detail: &dyn Error| Failure::passing(kind, detail);
    for cause in &causes {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return of(Kind::NameNotFound, unresolved);
        }
        if let Some(broken) = cause.downcast_ref::<Advised>() {
            return of_tls(broken);
        }
    }
    let io = causes.iter().find_map(|cause| cause.downcast_ref::<io::Error>());
    let kind = io.map_or(Kind::Broken, |io| match io.kind() {
        io::ErrorKind::ConnectionRefused => Kind::ConnectionRefused,
        io::ErrorKind::TimedOut => Kind::TimedOut,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Kind::Unreachable,
        _ => Kind::Broken,
    });
    let last = causes.last().copied().unwrap_or(error);
    of(kind, last)
}

/// Failure of TLS, by the side on which it must be mended.
pub(super) fn of_tls(failure: &Advised) -> Failure {
    let kind = match failure.advice {
        Advice::UnknownAuthority
        | Advice::Expired
        | Advice::NotValidYet
        | Advice::OtherName
        | Advice::Revoked
        | Advice::Refused => Kind::CertificateNotTrusted,
        Advice::OwnExpired
        | Advice::OwnUnknownAuthority
        | Advice::OwnRevoked
        | Advice::OwnRefused
        | Advice::CertificateRequired => Kind::IdentityRefused,
        Advice::OtherProtocol => Kind::NotGrpc,
        Advice::PlainText | Advice::NoCommonVersion | Advice::OtherVersion | Advice::Ended => {
            Kind::TlsFailed
        }
    };
    Failure::passing(kind, failure)
}

/// Failure that the first bytes of a server show; `None` where they may be of gRPC.
pub(super) fn of_first_bytes(bytes: &[u8]) -> Option<Failure> {
    if TLS_RECORDS.iter().any(|record| bytes.starts_with(record)) {
        let told = "the server speaks TLS there: use https:// in the address";
        return Some(Failure::passing(Kind::TlsFailed, told));
    }
    let (at, settings) = SETTINGS;
    if bytes.get(at).is_none_or(|found| *found == settings) {
        return None;
    }
    let shown = bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii();
    Some(Failure::passing(Kind::NotGrpc, format!("the server answered \"{shown}\"")))
}

/// Failure of a stream that ended by a status. Tells whether to try again soon, or to wait for an
/// operator. Nothing is ever deleted for a status.
pub(super) fn of_status(status: &Status) -> Failure {
    let retry_delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let (kind, cause) = match status.code() {
        Code::Ok => (Kind::Closed, Cause::Closed),
        Code::PermissionDenied | Code::Unauthenticated => (Kind::IdentityRefused, Cause::Refused),
        Code::FailedPrecondition | Code::InvalidArgument | Code::Unimplemented => {
            (Kind::Refused, Cause::Refused)
        }
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => (Kind::Unavailable, Cause::Unavailable { retry_delay }),
    };
    // A status that came from the other end has no source, one that was made up here has.
    let source = status.source().map(of_error);
    let kind = match (&source, kind) {
        _ if status.message().contains(NO_STATUS) => Kind::NotGrpc,
        (Some(source), Kind::Unavailable) => source.kind,
        (_, kind) => kind,
    };
    let detail = match source {
        Some(source) if kind == source.kind => source.detail,
        Some(_) | None => status.message().to_owned(),
    };
    Failure::new(kind, detail, cause)
}

/// An error with its causes, the outermost first. An `io::Error` hides the error that it was made of
/// from `source`.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found = vec![error];
    while let Some(last) = found.last().copied() {
        let hidden = last.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let hidden = hidden.map(|inner| inner as &'a (dyn Error + 'static));
        let Some(next) = hidden.or_else(|| last.source()) else { break };
        found.push(next);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_another_protocol() {
        let kind = |bytes: &[u8]| of_first_bytes(bytes).map(|failure| failure.kind);
        assert_eq!(kind(&[0, 0, 0, 4, 0, 0, 0, 0, 0]), None, "empty settings");
        assert_eq!(kind(b"HT"), None, "too short to tell");
        assert_eq!(kind(&[21, 3, 1, 0, 2, 2, 70]), Some(Kind::TlsFailed));
        let failure = of_first_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("no gRPC");
        assert_eq!(failure.kind, Kind::NotGrpc);
        assert_eq!(failure.detail, r#"the server answered "HTTP/1.1 400 Bad Request\r\n\r\n""#);
    }

    #[test]
    fn a_cause_is_found_below_what_hides_it() {
        let unresolved = || Unresolved { host: "x.invalid".into(), source: io::Error::other("no") };
        let error = io::Error::other(io::Error::new(io::ErrorKind::NotFound, unresolved()));
        let found = of_error(&error);
        assert_eq!((found.kind, found.detail.as_str()), (Kind::NameNotFound, "x.invalid: no"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(of_error(&refused).kind, Kind::ConnectionRefused);
    }

    #[test]
    fn a_status_tells_whether_to_wait_for_an_operator() {
        let of = |status: &Status| {
            let Failure { kind, detail, cause } = of_status(status);
            (kind, detail, cause)
        };
        let denied = Status::permission_denied("no certificate");
        let expected = (Kind::IdentityRefused, "no certificate".to_owned(), Cause::Refused);
        assert_eq!(of(&denied), expected);
        let proxy = Status::unavailable(format!("{NO_STATUS}, mapped from HTTP status code 503"));
        assert_eq!(of(&proxy).0, Kind::NotGrpc);
        let mut broken = Status::unknown("transport error");
        broken.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::TimedOut)));
        let again = Cause::Unavailable { retry_delay: None };
        assert_eq!(of(&broken), (Kind::TimedOut, "timed out".to_owned(), again));
    }
}
