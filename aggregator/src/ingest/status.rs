//! Statuses that tell a collector how its session ended.

use std::{collections::HashMap, time::Duration};

use phuxanh_core::delivery::receiver::Ending;
use phuxanh_proto::convert::FieldError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Domain of the reasons in ErrorInfo.
const DOMAIN: &str = "phuxanh.v1";
/// When a collector may try again where an operator here must act first.
const OPERATOR_DELAY: Duration = Duration::from_secs(30);
/// When it may try again at once, but for the time that a store needs to come back.
const STORE_DELAY: Duration = Duration::from_secs(1);

/// Why a stream is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Close {
    #[error("{0}")]
    Session(Ending),
    #[error("a malformed frame: {0}")]
    Malformed(FieldError),
    #[error("the store failed: its cause is in the log of the aggregator")]
    StoreDown,
    #[error("the store is not the one that the session was opened with")]
    StoreChanged,
}

impl Close {
    /// The status that the stream ends with; none for OK.
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
            Self::StoreDown => return Some(later(self.to_string(), STORE_DELAY)),
            Self::StoreChanged => return Some(Status::aborted(self.to_string())),
        };
        let message = ending.to_string();
        let precondition = |reason: &str| {
            let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
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
            // The next session is told of the hold with Throttle, and of its end.
            Ending::Held { .. } => Some(later(message, STORE_DELAY)),
            Ending::Gap { .. } | Ending::Regressed { .. } | Ending::Fenced => {
                Some(Status::aborted(message))
            }
        }
    }
}

fn later(message: String, delay: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(delay));
    Status::with_error_details(Code::Unavailable, message, details)
}
