//! Reasons why there is no answer, in words that say what to do.

use std::fmt;

use phuxanh_daemon::settings::Fault;
use phuxanh_proto::refusal::Hint;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    fault,
    language::{Language, Words},
    refusal::{self, Asked},
    unresolved::Unresolved,
};

/// Reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot reach the aggregator at {server}: {}\n  \
         Is it running? Start phuxanh-aggregator, or name another one with --server URL or \
         PHUXANH_SERVER.", reason.en
    )]
    Unreachable { server: String, reason: Words },
    #[error("{}", Refusal(.status, *.asked))]
    Refused { status: Box<Status>, asked: Asked },
    #[error(
        "the server's answer does not make sense to this version of phuxanh: {0}\n  \
         Use the phuxanh that belongs to the aggregator's version."
    )]
    Contract(String),
    #[error(
        "the catalogue has no criterion \"{id}\"\n  Look for it with: phuxanh catalogue{}",
        meant(hint.as_ref(), Language::English)
    )]
    UnknownCriterion { id: String, hint: Option<(Hint, String)> },
    #[error("--token-file: a token goes over TLS only: use https:// in --server")]
    ExposedToken,
    #[error(transparent)]
    Tls(#[from] Fault),
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
}

impl Error {
    /// The reason in a language. What another version left unexplained stays in its words.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language != Language::Vietnamese {
            return self.to_string();
        }
        match self {
            Self::Unreachable { server, reason } => format!(
                "không kết nối được bộ tổng hợp tại {server}: {}\n  \
                 Bộ tổng hợp có đang chạy không? Hãy khởi động phuxanh-aggregator, hoặc chỉ máy \
                 chủ khác bằng --server URL hay PHUXANH_SERVER.",
                reason.vi
            ),
            Self::Refused { status, asked } => {
                let told = refusal::text(status, *asked, language);
                let told = told.unwrap_or_else(|| status.message().to_owned());
                format!("{}: {told}", opening(status.code()))
            }
            Self::Contract(what) => format!(
                "phiên bản phuxanh này không hiểu câu trả lời của máy chủ: {what}\n  \
                 Hãy dùng phuxanh cùng phiên bản với bộ tổng hợp."
            ),
            Self::UnknownCriterion { id, hint } => format!(
                "danh mục không có tiêu chí \"{id}\"\n  Hãy tìm bằng: phuxanh catalogue{}",
                meant(hint.as_ref(), language)
            ),
            Self::ExposedToken => {
                "--token-file: mã truy cập chỉ được gửi qua TLS: dùng https:// trong --server"
                    .into()
            }
            Self::Tls(fault) => fault::file(fault, language),
            Self::Unresolved(unresolved) => unresolved.text(language),
        }
    }

    /// The same error about the question that was asked.
    pub(crate) fn about(self, asked: Asked) -> Self {
        match self {
            Self::Refused { status, .. } => Self::Refused { status, asked },
            other => other,
        }
    }

    /// True if nobody answered, so that asking again later may help.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// True if the question itself is wrong.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.code() == Code::InvalidArgument,
            Self::UnknownCriterion { .. } | Self::Tls(_) | Self::ExposedToken => true,
            Self::Unreachable { .. } | Self::Contract(_) | Self::Unresolved(_) => false,
        }
    }
}

/// What may have been meant, in a line of its own.
fn meant(hint: Option<&(Hint, String)>, language: Language) -> String {
    hint.map_or_else(String::new, |(hint, value)| {
        format!("\n  {}", refusal::meant(*hint, value, language))
    })
}

/// Vietnamese opening of a refusal.
const fn opening(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "máy chủ không nhận câu hỏi",
        Code::NotFound => "không tìm thấy",
        Code::Unauthenticated | Code::PermissionDenied => "máy chủ từ chối người hỏi",
        Code::Unimplemented => "máy chủ không biết câu hỏi này (có cùng phiên bản không?)",
        _ => "máy chủ gặp lỗi",
    }
}

/// A status with the details that tell what to change.
struct Refusal<'a>(&'a Status, Asked);

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
        if let Some(told) = refusal::text(status, self.1, Language::English) {
            return write!(f, ": {told}");
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
    use crate::language::words;

    fn refused(status: Status) -> Error {
        Error::Refused { status: Box::new(status), asked: Asked::Other }
    }

    #[test]
    fn field_violations_are_listed() {
        let details = ErrorDetails::with_bad_request(vec![FieldViolation::new(
            "period",
            "\"2025-7\" is not a period",
        )]);
        let status =
            Status::with_error_details(Code::InvalidArgument, "1 field is malformed", details);
        assert_eq!(
            refused(status).to_string(),
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
            refused(status).to_string(),
            format!("the server refuses the question: {message}")
        );
    }

    #[test]
    fn wrong_usage_and_an_unreachable_server_are_told_apart() {
        let unreachable = Error::Unreachable { server: String::new(), reason: words("", "") };
        assert!(unreachable.is_unreachable() && !unreachable.is_usage());
        assert!(refused(Status::invalid_argument("")).is_usage());
        assert!(Error::UnknownCriterion { id: String::new(), hint: None }.is_usage());
        assert!(!refused(Status::internal("")).is_usage());
    }
}
