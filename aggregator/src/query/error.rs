//! Errors of a request, and how a caller learns of them.

use std::{collections::HashMap, time::Duration};

use phuxanh_core::{LocalityCode, figures::insight::cause};
use phuxanh_proto::ERROR_DOMAIN;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Longest message of an error, in bytes.
const MESSAGE_BYTES_MAX: usize = 2_048;
/// Time after which a refused heavy question may be asked again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reason why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{field}: expected {expected}")]
    Malformed { field: &'static str, expected: String },
    #[error("the catalogue has no indicator \"{id}\": expected one of {known}")]
    UnknownIndicator { id: String, known: String },
    #[error("the catalogue has no criterion or measure \"{0}\"")]
    UnknownMetric(String),
    #[error("no commune reports a measure \"{id}\": expected one of {known}")]
    UnknownMeasure { id: String, known: String },
    #[error("{id} has no legend, so that it has no bands: expected one of {known}")]
    NoLegend { id: String, known: String },
    #[error("{id} cannot be ranked by confidence: {why}")]
    NoInterval { id: String, why: &'static str },
    #[error("the nation is not ranked: expected a province or a commune")]
    NationUnranked { field: &'static str },
    #[error("a scope is a province or the nation, and {0} is a commune")]
    CommuneAsScope(LocalityCode),
    #[error(
        "{within} holds no localities of this level: ask for level COMMUNE to see its communes"
    )]
    LevelOutsideScope { within: LocalityCode },
    #[error("{code} is not in {within}")]
    LocalityOutsideScope { code: LocalityCode, within: LocalityCode },
    #[error("the gazetteer does not hold {0}")]
    UnknownLocality(LocalityCode),
    #[error("not a page_token of this query: expected the next_page_token of its previous page")]
    ForeignPageToken,
    #[error(
        "too many heavy questions wait (limits.heavy_waiting_max): ask again in {} s",
        RETRY_DELAY.as_secs()
    )]
    Busy,
    #[error(
        "too many heavy questions of this caller wait, of which limits.heavy_per_caller_max allows \
         {allowed}: ask again in {} s",
        RETRY_DELAY.as_secs()
    )]
    ShareUsedUp { allowed: usize },
    #[error(
        "{field}: the role viewer:{own} sees communes, flags and receipts of {own} only: {expected}"
    )]
    OutsideRole { field: &'static str, own: LocalityCode, expected: String },
    #[error("the answer could not be computed: see the aggregator's log")]
    Uncomputed,
    #[error("{0}: ask for a smaller locality or another indicator")]
    TooLarge(#[from] cause::TooLarge),
}

impl Error {
    pub(crate) fn malformed(field: &'static str, expected: impl Into<String>) -> Self {
        Self::Malformed { field, expected: expected.into() }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = cut(error.to_string());
        let (reason, field) = match &error {
            Error::Malformed { field, .. } => ("MALFORMED_FIELD", *field),
            Error::UnknownIndicator { .. } => ("UNKNOWN_INDICATOR", "indicator"),
            Error::UnknownMetric(_) => ("UNKNOWN_METRIC", "metric"),
            Error::UnknownMeasure { .. } => ("UNKNOWN_MEASURE", "measure"),
            Error::NoLegend { .. } => ("NO_LEGEND", "indicator"),
            Error::NoInterval { .. } => ("NO_INTERVAL", "by"),
            Error::NationUnranked { field } => ("NATION_UNRANKED", *field),
            Error::CommuneAsScope(_) => ("COMMUNE_AS_SCOPE", "within"),
            Error::LevelOutsideScope { .. } => ("LEVEL_OUTSIDE_SCOPE", "within"),
            Error::LocalityOutsideScope { .. } => ("LOCALITY_OUTSIDE_SCOPE", "within"),
            Error::ForeignPageToken => ("FOREIGN_PAGE_TOKEN", "page_token"),
            Error::UnknownLocality(code) => return unknown_locality(*code, message),
            Error::OutsideRole { field, .. } => {
                let mut details = ErrorDetails::with_bad_request_violation(*field, message.clone());
                details.set_error_info("ACCESS", ERROR_DOMAIN, HashMap::new());
                return Self::with_error_details(Code::PermissionDenied, message, details);
            }
            Error::Busy | Error::ShareUsedUp { .. } => {
                let mut details = ErrorDetails::with_retry_info(Some(RETRY_DELAY));
                details.set_error_info("HEAVY_QUESTIONS_WAIT", ERROR_DOMAIN, HashMap::new());
                return Self::with_error_details(Code::ResourceExhausted, message, details);
            }
            Error::Uncomputed => return Self::internal(message),
            Error::TooLarge(_) => {
                let details =
                    ErrorDetails::with_error_info("TOO_LARGE", ERROR_DOMAIN, HashMap::new());
                return Self::with_error_details(Code::OutOfRange, message, details);
            }
        };
        let mut details = ErrorDetails::with_bad_request_violation(field, message.clone());
        details.set_error_info(reason, ERROR_DOMAIN, HashMap::new());
        Self::with_error_details(Code::InvalidArgument, message, details)
    }
}

/// Cuts a message that repeats a long text of the caller: it travels in a header.
fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

fn unknown_locality(code: LocalityCode, message: String) -> Status {
    let name = code.to_string();
    let mut details = ErrorDetails::with_resource_info("locality", name, "", message.clone());
    details.set_error_info("UNKNOWN_LOCALITY", ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(Code::NotFound, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_no_long_text_of_the_caller() {
        let status = Status::from(Error::UnknownMetric("ệ".repeat(50_000)));
        assert!(status.message().len() <= MESSAGE_BYTES_MAX + '…'.len_utf8());
        assert!(status.message().starts_with("the catalogue has no criterion or measure \"ệệ"));
        let short = Status::from(Error::UnknownMetric("x".to_owned()));
        assert!(short.message().ends_with("\"x\""));
    }
}
