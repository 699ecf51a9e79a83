//! The two languages, and texts that are complete in both.

use std::borrow::Cow;

/// Language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    Vietnamese,
    English,
    /// English words around the Vietnamese names of what is measured.
    #[default]
    Both,
}

/// Text in both languages. There is none in one language only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub vi: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

/// Names the two texts: first Vietnamese, then English.
#[must_use]
pub const fn words(vi: &'static str, en: &'static str) -> Words {
    Words { vi: Cow::Borrowed(vi), en: Cow::Borrowed(en) }
}

impl Words {
    /// The text of a label or a sentence.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Vietnamese => &self.vi,
            Language::English | Language::Both => &self.en,
        }
    }

    /// The text of a name, which is Vietnamese unless English is asked for and there is one.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        match language {
            Language::English if !self.en.is_empty() => &self.en,
            Language::Vietnamese | Language::Both | Language::English => &self.vi,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_vietnamese_unless_english_is_asked_for() {
        let name = words("Tỷ lệ phủ xanh", "Green coverage");
        assert_eq!(name.name(Language::Both), "Tỷ lệ phủ xanh");
        assert_eq!(name.name(Language::English), "Green coverage");
        assert_eq!(name.text(Language::Both), "Green coverage");
        assert_eq!(words("Thục Phán", "").name(Language::English), "Thục Phán");
    }
}
