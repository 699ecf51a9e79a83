//! Errors of the command, each with its exit code.

use std::{io, path::PathBuf};

use phuxanh_answers::{Language, fault, render::NoTable};

use crate::{context, pki};

const FAILED: u8 = 1;
/// Exit code of a command line that cannot be read.
const USAGE: u8 = 2;
/// `EX_UNAVAILABLE` of sysexits.h.
const UNREACHABLE: u8 = 69;

/// Reason why the command fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    NoAnswer(#[from] phuxanh_answers::Error),
    #[error(transparent)]
    NoTable(#[from] NoTable),
    #[error("a workbook is not for a terminal\n  Name a file with --output-file FILE")]
    WorkbookOnTerminal,
    #[error(transparent)]
    Pki(#[from] pki::Error),
    #[error(transparent)]
    Context(#[from] context::Error),
    #[error("{0}")]
    BadNews(String),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the workbook: {0}")]
    Workbook(#[from] phuxanh_answers::render::XlsxError),
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
    #[error("cannot write the answer to {}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

impl Error {
    /// The reason in a language.
    pub fn text(&self, language: Language) -> String {
        if language != Language::Vietnamese {
            return self.to_string();
        }
        let io = |error| fault::io(error, language);
        match self {
            Self::NoAnswer(error) => error.text(language),
            Self::NoTable(error) => error.text(language),
            Self::WorkbookOnTerminal => "bảng tính không in ra màn hình được\n  \
                 Hãy nêu tệp bằng --output-file TỆP"
                .to_owned(),
            Self::Pki(error) => error.vietnamese(),
            Self::Context(error) => error.vietnamese(),
            Self::BadNews(reason) => reason.clone(),
            Self::Json(error) => format!("không ghi được JSON: {error}"),
            Self::Workbook(error) => format!("không ghi được bảng tính: {error}"),
            Self::Output(error) => format!("không ghi được câu trả lời: {}", io(error)),
            Self::File { path, error } => {
                format!("không ghi được câu trả lời vào {}: {}", path.display(), io(error))
            }
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoAnswer(error) if error.is_unreachable() => UNREACHABLE,
            Self::NoAnswer(error) if error.is_usage() => USAGE,
            Self::NoTable(_) | Self::Context(_) | Self::WorkbookOnTerminal => USAGE,
            Self::NoAnswer(_)
            | Self::Pki(_)
            | Self::BadNews(_)
            | Self::Json(_)
            | Self::Workbook(_)
            | Self::Output(_)
            | Self::File { .. } => FAILED,
        }
    }
}
