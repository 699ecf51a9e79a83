//! Statuses that tell a collector how its session ended.

use std::{collections::HashMap, time::Duration};

use phuxanh_core::delivery::{identity::Refusal, receiver::Ending};
use phuxanh_proto::{ERROR_DOMAIN, convert::FieldError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Wait before a collector may try again if an operator must act here first.
const OPERATOR_DELAY: Duration = Duration::from_secs(30);
/// Wait before it may try again if the store comes back by itself.
const STORE_DELAY: Duration = Duration::from_secs(1);

/// Reason why a stream is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Close {
    #[error("{0}")]
    Session(Ending),
    #[error("malformed frame: {0}")]
    Malformed(FieldError),
    #[error("{0}")]
    Identity(Refusal),
    #[error("the store failed: see the aggregator's log for the cause")]
    StoreDown,
    #[error("the aggregator's store was replaced: open a new session")]
    StoreChanged,
}

impl Close {
    /// Status that the stream ends with; `None` for OK.
    pub(super) fn status(&self) -> Option<Status> {
        let ending = match self {
            Self::Session(ending) => ending,
            Self::Malformed(error) => {
                let details =
                    ErrorDetails::with_bad_request_violation(error.field, &error.expected);
                return Some(Status::with_error_details(
                    Code::InvalidArgument,
                    error.to_string(),
                    details,
                ));
            }
            Self::Identity(refusal) => return Some(refused(refusal)),
            Self::StoreDown => return Some(later(self.to_string(), STORE_DELAY)),
            Self::StoreChanged => return Some(Status::aborted(self.to_string())),
        };
        let message = ending.to_string();
        let precondition = |reason: &str| {
            let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, HashMap::new());
            Status::with_error_details(Code::FailedPrecondition, message.clone(), details)
        };
        match ending {
            Ending::Done => None,
            Ending::OutOfOrder | Ending::TooLarge { .. } | Ending::Reporter(_) => {
                Some(Status::invalid_argument(message))
            }
            Ending::NoHello | Ending::Silent(_) => Some(Status::deadline_exceeded(message)),
            Ending::Protocol(_) => Some(precondition("PROTOCOL")),
            Ending::Durability { .. } => Some(precondition("DURABILITY")),
            Ending::Owned { .. } => Some(precondition("OWNER")),
            Ending::CatalogueTooOld { .. } => Some(later(message, OPERATOR_DELAY)),
            // The next session learns of the hold and of its end from Throttle.
            Ending::Held { .. } => Some(later(message, STORE_DELAY)),
            Ending::Gap { .. } | Ending::Regressed { .. } | Ending::Fenced => {
                Some(Status::aborted(message))
            }
        }
    }
}

/// Status of a caller who may not speak for a reporter.
pub(super) fn refused(refusal: &Refusal) -> Status {
    let code =
        if refusal.is_unauthenticated() { Code::Unauthenticated } else { Code::PermissionDenied };
    let details = ErrorDetails::with_error_info("IDENTITY", ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(code, refusal.to_string(), details)
}

fn later(message: String, delay: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(delay));
    Status::with_error_details(Code::Unavailable, message, details)
}
