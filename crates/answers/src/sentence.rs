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
        let mut text = String::new();
        let mut rest = self.words.text(language);
        while let Some((before, behind)) = rest.split_once('{') {
            text += before;
            let (place, behind) = behind.split_once('}').unwrap_or((behind, ""));
            let (place, nouns) = place.split_once(':').unwrap_or((place, ""));
            let cell = place.parse().ok().and_then(|place: usize| self.cells.get(place));
            text += &cell.map_or_else(String::new, |cell| format::text(cell, language));
            if let Some((one, many)) = nouns.split_once(':') {
                let is_one = cell.is_some_and(|cell| cell.value == Value::Count(1));
                text.push(' ');
                text += if is_one { one } else { many };
            }
            rest = behind;
        }
        text + rest
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
