//! Failures of the link: what failed, in words that say what to do, and how often they are said.
//!
//! Pure: [`super::diagnosis`] reads them from the errors of the network.

use std::{collections::BTreeMap, fmt, time::Duration};

use phuxanh_core::delivery::sender::Cause;

/// Shortest time between two warnings about one address.
const WARNED_EVERY: Duration = Duration::from_mins(1);
/// Longest text of another program that is kept, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// Reason why no stream is open, or why one ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// The error itself, in the words of whoever found it.
    pub detail: String,
    pub cause: Cause,
}

/// Kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    ConnectionRefused,
    NameNotFound,
    TimedOut,
    Unreachable,
    /// This end does not trust the certificate of the aggregator.
    CertificateNotTrusted,
    /// The two ends do not come to speak TLS with each other.
    TlsFailed,
    NotGrpc,
    /// The aggregator does not take this collector for who it says it is.
    IdentityRefused,
    /// The aggregator knows this collector and will not have it.
    Refused,
    /// The file with the token cannot be used.
    TokenUnreadable,
    /// The aggregator cannot serve now.
    Unavailable,
    Broken,
    /// The aggregator closed the stream in order.
    Closed,
}

impl Failure {
    /// A failure after which to try again soon.
    pub(super) fn passing(kind: Kind, detail: impl fmt::Display) -> Self {
        Self::new(kind, detail, Cause::Unavailable { retry_delay: None })
    }

    pub(super) fn new(kind: Kind, detail: impl fmt::Display, cause: Cause) -> Self {
        // It may come from another program, and is shown on terminals.
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let detail = detail.to_string().chars().map(plain).take(DETAIL_CHARS_MAX).collect();
        Self { kind, detail, cause }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.words(), self.detail)
    }
}

impl Kind {
    /// True if the aggregator answered, and will not have this collector.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(self, Self::IdentityRefused | Self::Refused)
    }

    /// Word for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection_refused",
            Self::NameNotFound => "name_not_found",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::CertificateNotTrusted => "certificate_not_trusted",
            Self::TlsFailed => "tls_failed",
            Self::NotGrpc => "not_grpc",
            Self::IdentityRefused => "identity_refused",
            Self::Refused => "refused",
            Self::TokenUnreadable => "token_unreadable",
            Self::Unavailable => "unavailable",
            Self::Broken => "broken",
            Self::Closed => "closed",
        }
    }

    /// Name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection refused",
            Self::NameNotFound => "name not found",
            Self::TimedOut => "no answer in time",
            Self::Unreachable => "no route to the host",
            Self::CertificateNotTrusted => "certificate not trusted",
            Self::TlsFailed => "no TLS connection",
            Self::NotGrpc => "not a gRPC server",
            Self::IdentityRefused => "identity refused",
            Self::Refused => "refused",
            Self::TokenUnreadable => "token cannot be read",
            Self::Unavailable => "the aggregator cannot serve",
            Self::Broken => "the connection broke",
            Self::Closed => "closed in order",
        }
    }

    /// Next step of an operator.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ConnectionRefused => {
                "check that the aggregator runs, the port in aggregators, and the firewall"
            }
            Self::NameNotFound => "check the name in aggregators and this host's DNS",
            Self::TimedOut => {
                "check the address in aggregators, the firewall, and that the aggregator answers"
            }
            Self::Unreachable => "check this host's network and routes",
            Self::CertificateNotTrusted => "check tls.authorities_file and the name in aggregators",
            Self::TlsFailed => "check http or https, and the port, in aggregators",
            Self::NotGrpc => {
                "check host and port in aggregators: something else answers there, or a \
                 proxy in between"
            }
            Self::IdentityRefused => {
                "check reporter and tls.certificate_file, and ask the operators of the aggregator"
            }
            Self::Refused => "do what the cause says, and ask the operators of the aggregator",
            Self::TokenUnreadable => "write the token into the file: delivery waits for it",
            Self::Unavailable | Self::Broken => "look at the log of the aggregator if this goes on",
            Self::Closed => "nothing is to be done",
        }
    }
}

/// Says of each address at most once in [`WARNED_EVERY`] that it cannot be reached.
#[derive(Debug, Default)]
pub(super) struct Limiter(BTreeMap<usize, Said>);

#[derive(Debug)]
struct Said {
    at: Duration,
    unsaid_count: u64,
}

impl Limiter {
    /// Takes note of a failure. Returns the number of failures of this address that were not said
    /// since the last one, if this one may be said.
    pub(super) fn admit(&mut self, endpoint: usize, now: Duration) -> Option<u64> {
        let last = self.0.get_mut(&endpoint);
        if let Some(said) = last
            && now < said.at + WARNED_EVERY
        {
            said.unsaid_count += 1;
            return None;
        }
        let before = self.0.insert(endpoint, Said { at: now, unsaid_count: 0 });
        Some(before.map_or(0, |said| said.unsaid_count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_warned_of_once_a_minute_and_the_rest_is_counted() {
        let mut limiter = Limiter::default();
        let mut admit = |endpoint, seconds| limiter.admit(endpoint, Duration::from_secs(seconds));
        assert_eq!(admit(0, 5), Some(0));
        assert_eq!(admit(1, 6), Some(0), "another address has a minute of its own");
        assert_eq!((admit(0, 7), admit(0, 64)), (None, None));
        assert_eq!(admit(0, 65), Some(2));
        assert_eq!((admit(0, 66), admit(1, 66)), (None, Some(0)));
        assert_eq!(admit(0, 600), Some(1));
    }

    #[test]
    fn a_text_of_another_program_is_cut_and_controls_no_terminal() {
        let failure = Failure::passing(Kind::Broken, "a\u{1b}[2Jb\nc");
        assert_eq!(failure.detail, "a [2Jb c");
        let failure = Failure::passing(Kind::Broken, "ủ".repeat(2_000));
        assert_eq!(failure.detail.chars().count(), DETAIL_CHARS_MAX);
    }
}
