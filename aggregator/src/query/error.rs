//! Errors of a request, and how a caller learns of them.

use std::time::Duration;

use phuxanh_core::{LocalityCode, figures::insight::cause};
use phuxanh_proto::refusal::{Expected, Reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::hint::Hint;
use crate::refusal::{self, Parameters};

/// Longest message of an error, in bytes.
const MESSAGE_BYTES_MAX: usize = 2_048;
/// Time after which a refused heavy question may be asked again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reason why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{field}: expected {expected}")]
    Malformed { field: &'static str, form: Expected, expected: String, parameters: Parameters },
    #[error("the catalogue has no indicator \"{id}\": expected one of {known}")]
    UnknownIndicator { id: String, known: String },
    #[error("the catalogue has no criterion or measure \"{0}\"")]
    UnknownMetric(String),
    #[error("no commune reports a measure \"{id}\": expected one of {known}")]
    UnknownMeasure { id: String, known: String },
    #[error("{id} has no legend, so that it has no bands: expected one of {known}")]
    NoLegend { id: String, known: String },
    #[error("{id} cannot be ranked by confidence: {why}")]
    NoInterval { id: String, reason: Reason, why: &'static str },
    #[error("{refused}; {hint}")]
    Hinted { refused: Box<Self>, hint: Hint },
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
    #[error("the store is out of reach, and this answer reads its log: {0}")]
    StoreOutOfReach(String),
    #[error("the answer could not be computed: see the aggregator's log")]
    Uncomputed,
    #[error("{0}: ask for a smaller locality or another indicator")]
    TooLarge(#[from] cause::TooLarge),
}

impl Error {
    pub(crate) fn malformed(
        field: &'static str,
        form: Expected,
        expected: impl Into<String>,
    ) -> Self {
        Self::Malformed { field, form, expected: expected.into(), parameters: Vec::new() }
    }

    /// Refuses a number that is neither 0 nor in a range from 1 on.
    pub(crate) fn out_of_range(field: &'static str, most: usize) -> Self {
        let expected = format!("0 for the default, or 1 to {most}");
        Self::malformed(field, Expected::Range, expected).with("least", &1).with("most", &most)
    }

    /// Adds a parameter of what was expected.
    pub(crate) fn with(mut self, key: &'static str, value: &impl ToString) -> Self {
        if let Self::Malformed { form, parameters, .. } = &mut self {
            debug_assert!(form.keys().contains(&key), "{key} of {form:?} is not in the contract");
            parameters.push((key, value.to_string()));
        }
        self
    }

    /// Adds what may have been meant, if anything.
    pub(super) fn hinted(self, hint: Option<Hint>) -> Self {
        match hint {
            Some(hint) => Self::Hinted { refused: Box::new(self), hint },
            None => self,
        }
    }

    /// The field that has to change, where there is one.
    fn field(&self) -> Option<&'static str> {
        Some(match self {
            Self::Hinted { refused, .. } => return refused.field(),
            Self::Malformed { field, .. }
            | Self::NationUnranked { field }
            | Self::OutsideRole { field, .. } => field,
            Self::UnknownIndicator { .. } | Self::NoLegend { .. } => "indicator",
            Self::UnknownMetric(_) => "metric",
            Self::UnknownMeasure { .. } => "measure",
            Self::NoInterval { .. } => "by",
            Self::CommuneAsScope(_)
            | Self::LevelOutsideScope { .. }
            | Self::LocalityOutsideScope { .. } => "within",
            Self::ForeignPageToken => "page_token",
            Self::UnknownLocality(_)
            | Self::Busy
            | Self::ShareUsedUp { .. }
            | Self::StoreOutOfReach(_)
            | Self::Uncomputed
            | Self::TooLarge(_) => return None,
        })
    }

    fn code(&self) -> Code {
        match self {
            Self::Hinted { refused, .. } => refused.code(),
            Self::UnknownLocality(_) => Code::NotFound,
            Self::OutsideRole { .. } => Code::PermissionDenied,
            Self::Busy | Self::ShareUsedUp { .. } => Code::ResourceExhausted,
            Self::StoreOutOfReach(_) => Code::Unavailable,
            Self::Uncomputed => Code::Internal,
            Self::TooLarge(_) => Code::OutOfRange,
            Self::Malformed { .. }
            | Self::UnknownIndicator { .. }
            | Self::UnknownMetric(_)
            | Self::UnknownMeasure { .. }
            | Self::NoLegend { .. }
            | Self::NoInterval { .. }
            | Self::NationUnranked { .. }
            | Self::CommuneAsScope(_)
            | Self::LevelOutsideScope { .. }
            | Self::LocalityOutsideScope { .. }
            | Self::ForeignPageToken => Code::InvalidArgument,
        }
    }

    /// Reason and parameters, as the contract lists them.
    fn reason(&self) -> (Reason, Parameters) {
        let id = |id: &String| vec![("id", id.clone())];
        let listed =
            |id: &String, known: &String| vec![("id", id.clone()), ("known", known.clone())];
        let seconds = ("seconds", RETRY_DELAY.as_secs().to_string());
        match self {
            Self::Malformed { field, form, parameters, .. } => {
                let mut all = parameters.clone();
                all.extend([
                    ("field", (*field).to_owned()),
                    ("expected", form.as_str().to_owned()),
                ]);
                (Reason::MalformedField, all)
            }
            Self::Hinted { refused, hint } => {
                let (reason, mut parameters) = refused.reason();
                parameters.extend(hint.parameters());
                (reason, parameters)
            }
            Self::UnknownIndicator { id, known } => (Reason::UnknownIndicator, listed(id, known)),
            Self::UnknownMetric(metric) => (Reason::UnknownMetric, id(metric)),
            Self::UnknownMeasure { id, known } => (Reason::UnknownMeasure, listed(id, known)),
            Self::NoLegend { id, known } => (Reason::NoLegend, listed(id, known)),
            Self::NoInterval { id: indicator, reason, .. } => (*reason, id(indicator)),
            Self::NationUnranked { field } => {
                (Reason::NationUnranked, vec![("field", (*field).to_owned())])
            }
            Self::CommuneAsScope(code) => {
                (Reason::CommuneAsScope, vec![("code", code.to_string())])
            }
            Self::LevelOutsideScope { within } => {
                (Reason::LevelOutsideScope, vec![("within", within.to_string())])
            }
            Self::LocalityOutsideScope { code, within } => (
                Reason::LocalityOutsideScope,
                vec![("code", code.to_string()), ("within", within.to_string())],
            ),
            Self::UnknownLocality(code) => {
                (Reason::UnknownLocality, vec![("code", code.to_string())])
            }
            Self::ForeignPageToken => (Reason::ForeignPageToken, Vec::new()),
            Self::Busy => (Reason::HeavyQuestionsWait, vec![seconds]),
            Self::ShareUsedUp { allowed } => {
                (Reason::ShareUsedUp, vec![("allowed", allowed.to_string()), seconds])
            }
            Self::OutsideRole { field, own, .. } => (
                Reason::OutsideRole,
                vec![("field", (*field).to_owned()), ("own", own.to_string())],
            ),
            Self::StoreOutOfReach(cause) => {
                (Reason::StoreOutOfReach, vec![("cause", cause.clone())])
            }
            Self::Uncomputed => (Reason::Uncomputed, Vec::new()),
            Self::TooLarge(_) => (Reason::TooLarge, Vec::new()),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = refusal::cut(error.to_string(), MESSAGE_BYTES_MAX);
        let (reason, parameters) = error.reason();
        let mut details = refusal::details(reason, parameters);
        if let Some(field) = error.field() {
            details.add_bad_request_violation(field, message.clone());
        }
        match &error {
            Error::UnknownLocality(code) => {
                details.set_resource_info("locality", code.to_string(), "", message.clone());
            }
            Error::Busy | Error::ShareUsedUp { .. } => {
                details.set_retry_info(Some(RETRY_DELAY));
            }
            _ => {}
        }
        Self::with_error_details(error.code(), message, details)
    }
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
