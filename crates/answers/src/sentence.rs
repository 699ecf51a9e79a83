//! Sentences with values, complete in both languages.

use std::borrow::Cow;

use crate::{
    cell::{Cell, Value},
    format,
    language::{Language, Words},
};

/// Sentence with values, which each language puts where it wants them: `{0}`, and with a noun for one
/// and one for many `{0:commune:communes}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    pub words: Words,
    pub cells: Vec<Cell>,
}

impl Sentence {
    #[must_use]
    pub fn new(
        vi: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
        cells: impl IntoIterator<Item = Cell>,
    ) -> Self {
        let words = Words { vi: vi.into(), en: en.into() };
        Self { words, cells: cells.into_iter().collect() }
    }

    /// The sentence as people read it.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        format::filled(&self.words, &self.cells, language)
    }
}

impl From<Sentence> for Cell {
    fn from(Sentence { words, cells }: Sentence) -> Self {
        Value::Filled { words, cells }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_orders_the_values_of_a_sentence() {
        let sentence = Sentence::new(
            "{1} trong {0} xã",
            "{1} of {0} communes",
            [Cell::count(3_321), Cell::share(1, 2, 0.5)],
        );
        assert_eq!(sentence.text(Language::Vietnamese), "50,00 % trong 3.321 xã");
        assert_eq!(sentence.text(Language::English), "50.00 % of 3,321 communes");
    }

    #[test]
    fn one_is_not_many() {
        let told = |count: i32| {
            let cells = [Cell::count(count)];
            Sentence::new("{0} xã", "{0:commune:communes}", cells).text(Language::English)
        };
        assert_eq!([0, 1, 3_321].map(told), ["0 communes", "1 commune", "3,321 communes"]);
    }
}
