//! Names that mean no single locality, with those they may have meant.

use std::fmt;

use phuxanh_proto::v1::{Locality, LocalityKind};

use crate::{
    grid::Table,
    language::{Language, words},
    vocabulary,
};

/// Candidates that an error lists.
const LISTED_MAX: usize = 20;

/// Localities that a name may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    All,
    /// Provinces and the nation.
    Scopes,
    /// The same ones, for what they report.
    Reporters,
}

impl Among {
    pub fn takes(self, kind: LocalityKind) -> bool {
        match self {
            Self::All => true,
            Self::Scopes | Self::Reporters => is_province(kind) || kind == LocalityKind::Nation,
        }
    }
}

/// A text that does not name one locality, with those it may have meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Unresolved {
    pub text: String,
    pub among: Among,
    /// Bearers of the very name; without any, those of a similar one.
    pub exact: bool,
    pub candidates: Vec<Locality>,
}

/// True for a province, whatever its kind.
pub fn is_province(kind: LocalityKind) -> bool {
    matches!(kind, LocalityKind::Province | LocalityKind::City)
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl Unresolved {
    /// What is unclear, and what to choose from.
    pub fn text(&self, language: Language) -> String {
        let Self { text, exact, candidates, .. } = self;
        let mut told = self.opening(language);
        if candidates.is_empty() {
            let advice = words(
                "\n  Hãy tìm bằng: phuxanh search TỪ-KHÓA",
                "\n  Look for it with: phuxanh search TEXT",
            );
            return told + advice.text(language);
        }
        let choice = if *exact {
            words("; hãy dùng mã:\n", "; use a code:\n")
        } else {
            words("; các tên gần giống, hãy dùng mã:\n", "; similar ones, use a code:\n")
        };
        told += choice.text(language);
        for line in listing(candidates, language).lines() {
            told += "\n  ";
            told += line;
        }
        if candidates.len() > LISTED_MAX {
            let more = words("… và còn nữa", "… and more");
            told += "\n  ";
            told += more.text(language);
            told = told + ": phuxanh search \"" + text + "\"";
        }
        told
    }

    fn opening(&self, language: Language) -> String {
        let Self { text, among, exact, candidates } = self;
        let count = candidates.len();
        match (language, among, exact) {
            (Language::Vietnamese, _, true) => format!("có {count} đơn vị tên \"{text}\""),
            (Language::Vietnamese, Among::All, false) => {
                format!("không có đơn vị nào tên \"{text}\"")
            }
            (Language::Vietnamese, Among::Scopes, false) => {
                format!("không có tỉnh nào tên \"{text}\" (chỉ tỉnh mới gồm các xã)")
            }
            (Language::Vietnamese, Among::Reporters, false) => {
                format!("không có tỉnh nào tên \"{text}\" (xã không có bộ thu thập)")
            }
            (_, _, true) => format!("{count} localities bear the name \"{text}\""),
            (_, Among::All, false) => format!("no locality is called \"{text}\""),
            (_, Among::Scopes, false) => {
                format!("no province is called \"{text}\" (and only provinces hold communes)")
            }
            (_, Among::Reporters, false) => {
                format!("no province is called \"{text}\" (and communes have no collector)")
            }
        }
    }
}

fn listing(candidates: &[Locality], language: Language) -> String {
    let listed = || candidates.iter().take(LISTED_MAX);
    let mut table = Table::new(false);
    table.left(words("Mã", "Code").text(language), listed().map(|found| &found.code));
    table.left(
        words("Tên", "Name").text(language),
        listed().map(|found| called([&found.name, &found.name_en], language)),
    );
    let kind = |found: &Locality| vocabulary::kind(found.kind()).words;
    let kinds = listed().map(|found| kind(found).text(language).to_owned());
    table.left(words("Loại", "Kind").text(language), kinds);
    if listed().any(|found| !found.province_code.is_empty()) {
        table.left(
            words("Tỉnh", "Province").text(language),
            listed().map(|found| province(found, language)),
        );
    }
    table.render()
}

/// A name in English where that is asked for and known, else in Vietnamese.
fn called([vi, en]: [&String; 2], language: Language) -> String {
    if language == Language::English && !en.is_empty() { en.clone() } else { vi.clone() }
}

/// Name and code of a commune's province; empty for others.
fn province(locality: &Locality, language: Language) -> String {
    if locality.province_code.is_empty() {
        return String::new();
    }
    let name = called([&locality.province_name, &locality.province_name_en], language);
    format!("{name} ({})", locality.province_code)
}
