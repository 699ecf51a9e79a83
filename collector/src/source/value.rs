//! The words in which a value may be written.

use phuxanh_core::catalogue::Metric;
use unicode_normalization::UnicodeNormalization;

use super::refusal::ValueFault;

/// Take an earlier value back. Only a word does: `-` stands for zero in spreadsheets and
/// statistical tables.
const WITHDRAWALS: [&str; 2] = ["withdraw", "rút"];
/// Hyphens, dashes and minus signs, as they stand for zero or for nothing.
const DASHES: [char; 7] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '–', '—', '−'];

/// Content of a cell of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing stands there.
    Nothing,
    /// `None` takes an earlier value back.
    Value(Option<i64>),
}

/// Reads the text of a cell. Whether the value is in the metric's range is for the rules to say.
pub fn read(text: &str, metric: Metric<'_>) -> Result<Written, ValueFault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Written::Nothing);
    }
    if text.chars().all(|c| DASHES.contains(&c)) {
        return Err(ValueFault::Dash);
    }
    let folded = fold(text);
    if WITHDRAWALS.contains(&folded.as_str()) {
        return Ok(Written::Value(None));
    }
    let value = match metric {
        Metric::Criterion(_) => answer(&folded).ok_or(ValueFault::Criterion),
        Metric::Measure(_) => count(text).ok_or(ValueFault::Count),
    };
    value.map(|value| Written::Value(Some(value)))
}

/// Lower case, with accents composed.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).nfc().collect()
}

fn answer(folded: &str) -> Option<i64> {
    match folded {
        "1" | "true" | "yes" | "có" => Some(1),
        "0" | "false" | "no" | "không" => Some(0),
        _ => None,
    }
}

/// A whole number without separators. A negative one is left for the rules to refuse.
fn count(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    // Digits beyond 64 bits are out of range, not unreadable.
    let value = is_plain.then(|| text.parse().unwrap_or(i64::MAX))?;
    (value != 0 || digits == text).then_some(value)
}

#[cfg(test)]
mod tests {
    use phuxanh_core::catalogue::Catalogue;

    use super::*;

    fn read_as(metric: &str, text: &str) -> Result<Written, ValueFault> {
        let catalogue = Catalogue::builtin();
        read(text, catalogue.metric(metric).expect("a metric"))
    }

    #[test]
    fn a_criterion_takes_the_words_for_yes_and_no() {
        let decomposed_yes = "co\u{301}";
        let decomposed_no = "KHO\u{302}NG";
        let cases = [
            (["1", "true", "TRUE", "có", "CÓ", decomposed_yes, "Yes", " 1\u{a0}"], 1),
            (["0", "false", "False", "không", "Không", decomposed_no, "NO", "0 "], 0),
        ];
        for (texts, value) in cases {
            for text in texts {
                let read = read_as("digital_signatures", text);
                assert_eq!(read, Ok(Written::Value(Some(value))), "{text}");
            }
        }
    }

    #[test]
    fn a_criterion_refuses_other_words() {
        for text in ["2", "01", "maybe", "co", "x", "1.0", "coÙ"] {
            assert_eq!(read_as("digital_signatures", text), Err(ValueFault::Criterion), "{text}");
        }
    }

    #[test]
    fn a_measure_takes_whole_numbers() {
        let cases = [
            ("0", 0),
            ("1250", 1_250),
            (" 007 ", 7),
            ("-5", -5),
            ("99999999999999999999", i64::MAX),
        ];
        for (text, value) in cases {
            assert_eq!(
                read_as("applications_received", text),
                Ok(Written::Value(Some(value))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_measure_refuses_separators_and_words() {
        let wrong = ["1.250", "1,250", "1 250", "12.0", "+5", "1e3", "--5", "có", "٣", "-0", "- 5"];
        for text in wrong {
            assert_eq!(read_as("applications_received", text), Err(ValueFault::Count), "{text}");
        }
    }

    #[test]
    fn a_word_withdraws_a_dash_is_refused_and_an_empty_cell_says_nothing() {
        for metric in ["digital_signatures", "applications_received"] {
            for word in ["withdraw", "Withdraw", "rút", "RÚT", " ru\u{301}t "] {
                assert_eq!(read_as(metric, word), Ok(Written::Value(None)), "{word}");
            }
            for dash in ["-", " - ", "–", "—", "--", "\u{2212}"] {
                assert_eq!(read_as(metric, dash), Err(ValueFault::Dash), "{dash}");
            }
            assert_eq!(read_as(metric, "  "), Ok(Written::Nothing));
        }
    }
}
