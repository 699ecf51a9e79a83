//! Errors of the command, in words that say what to do.

use std::{fmt, io};

use phuxanh_daemon::settings::Fault;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{audit::Disagreement, pki, resolve};

const FAILED: u8 = 1;
/// Exit code of a command line that cannot be read.
const USAGE: u8 = 2;
/// `EX_UNAVAILABLE` of sysexits.h.
const UNREACHABLE: u8 = 69;

/// Reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot reach the aggregator at {server}: {reason}\n  \
         Is it running? Start phuxanh-aggregator, or name another one with --server URL or \
         PHUXANH_SERVER."
    )]
    Unreachable { server: String, reason: String },
    #[error("{}", Refusal(.0))]
    Refused(Box<Status>),
    #[error(
        "the server's answer does not make sense to this version of phuxanh: {0}\n  \
         Use the phuxanh that belongs to the aggregator's version."
    )]
    Contract(String),
    #[error("the catalogue has no criterion \"{0}\"\n  Look for it with: phuxanh catalogue")]
    UnknownCriterion(String),
    #[error("--token-file: a token goes over TLS only: use https:// in --server")]
    ExposedToken,
    #[error(transparent)]
    Tls(#[from] Fault),
    #[error(transparent)]
    Pki(#[from] pki::Error),
    #[error(transparent)]
    Unresolved(#[from] resolve::Unresolved),
    #[error(transparent)]
    Disagrees(#[from] Disagreement),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => UNREACHABLE,
            Self::Refused(status) if status.code() == Code::InvalidArgument => USAGE,
            Self::UnknownCriterion(_) | Self::Tls(_) | Self::ExposedToken => USAGE,
            Self::Refused(_)
            | Self::Contract(_)
            | Self::Pki(_)
            | Self::Unresolved(_)
            | Self::Disagrees(_)
            | Self::Json(_)
            | Self::Output(_) => FAILED,
        }
    }
}

/// A status with the details that tell what to change.
struct Refusal<'a>(&'a Status);

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        let details = status.get_error_details();
        match status.code() {
            Code::InvalidArgument => write!(f, "the server refuses the question")?,
            Code::NotFound => write!(f, "not found")?,
            Code::Unauthenticated | Code::PermissionDenied => {
                write!(f, "the server refuses this caller")?;
            }
            Code::Unimplemented => write!(
                f,
                "the server does not know this question (is it an aggregator of this version?)"
            )?,
            code => write!(f, "the server failed ({code:?})")?,
        }
        if !status.message().is_empty() {
            write!(f, ": {}", status.message())?;
        }
        let violations = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
        // A message that is about a single field says the same.
        for violation in violations.filter(|found| found.description != status.message()) {
            write!(f, "\n  {}: {}", violation.field, violation.description)?;
        }
        if let Some(resource) = details.resource_info() {
            write!(f, "\n  {}: {}", resource.resource_type, resource.resource_name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn field_violations_are_listed() {
        let details = ErrorDetails::with_bad_request(vec![FieldViolation::new(
            "period",
            "\"2025-7\" is not a period",
        )]);
        let status =
            Status::with_error_details(Code::InvalidArgument, "1 field is malformed", details);
        assert_eq!(
            Error::Refused(Box::new(status)).to_string(),
            "the server refuses the question: 1 field is malformed\n  \
             period: \"2025-7\" is not a period"
        );
    }

    #[test]
    fn what_the_message_says_is_not_said_again() {
        let message = "kind: expected a kind of the level";
        let details = ErrorDetails::with_bad_request_violation("kind", message);
        let status = Status::with_error_details(Code::InvalidArgument, message, details);
        assert_eq!(
            Error::Refused(Box::new(status)).to_string(),
            format!("the server refuses the question: {message}")
        );
    }

    #[test]
    fn wrong_usage_and_an_unreachable_server_have_codes_of_their_own() {
        let unreachable = Error::Unreachable { server: String::new(), reason: String::new() };
        assert_eq!(unreachable.exit_code(), 69);
        assert_eq!(Error::Refused(Box::new(Status::invalid_argument(""))).exit_code(), 2);
        assert_eq!(Error::UnknownCriterion(String::new()).exit_code(), 2);
        assert_eq!(Error::Refused(Box::new(Status::internal(""))).exit_code(), 1);
    }
}
