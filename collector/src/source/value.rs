//! The words in which a value may be written.

use phuxanh_core::catalogue::Metric;
use unicode_normalization::UnicodeNormalization;

use super::refusal::ValueFault;

/// Stands where an earlier value is taken back.
const WITHDRAWAL: &str = "-";

/// What a cell of a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing stands there.
    Nothing,
    /// `None` takes an earlier value back.
    Value(Option<i64>),
}

/// Reads the text of a cell. Whether the value is in the metric's range is for the rules to say.
pub fn read(text: &str, metric: Metric<'_>) -> Result<Written, ValueFault> {
    match text.trim() {
        "" => Ok(Written::Nothing),
        WITHDRAWAL => Ok(Written::Value(None)),
        text => match metric {
            Metric::Criterion(_) => answer(text).ok_or(ValueFault::Criterion),
            Metric::Measure(_) => count(text).ok_or(ValueFault::Count),
        }
        .map(|value| Written::Value(Some(value))),
    }
}

/// Yes or no, in any case and with accents composed or not.
fn answer(text: &str) -> Option<i64> {
    let folded: String = text.chars().flat_map(char::to_lowercase).nfc().collect();
    match folded.as_str() {
        "1" | "true" | "yes" | "có" => Some(1),
        "0" | "false" | "no" | "không" => Some(0),
        _ => None,
    }
}

/// A whole number without separators. A negative one is left for the rules to refuse.
fn count(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    // Digits beyond 64 bits are out of range, not unreadable.
    plain.then(|| text.parse().unwrap_or(i64::MAX))
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
        for text in ["2", "01", "maybe", "co", "x", "--", "1.0"] {
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
        for text in ["1.250", "1,250", "1 250", "12.0", "+5", "1e3", "--5", "có", "٣", "–"] {
            assert_eq!(read_as("applications_received", text), Err(ValueFault::Count), "{text}");
        }
    }

    #[test]
    fn a_dash_withdraws_and_an_empty_cell_says_nothing() {
        for metric in ["digital_signatures", "applications_received"] {
            assert_eq!(read_as(metric, " - "), Ok(Written::Value(None)));
            assert_eq!(read_as(metric, "  "), Ok(Written::Nothing));
        }
    }
}
