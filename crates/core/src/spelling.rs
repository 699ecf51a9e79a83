//! What a mistyped word or month may have meant.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::Period;

/// Letters of a text of which one may be mistyped.
const LETTERS_A_MISTAKE: usize = 4;
/// Longest text that is held against others letter by letter, which costs time.
const MISTYPED_LETTERS_MAX: usize = 60;
/// Shortest text that is looked for within others.
const PART_LETTERS_MIN: usize = 3;
/// Similar words that are told.
const SIMILAR_MAX: usize = 5;
/// Longest text that may be a month.
const MONTH_BYTES_MAX: usize = 32;

/// Lower case without accents; đ is d; what is neither letter nor digit separates words.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            'đ' => 'd',
            letter if letter.is_alphanumeric() => letter,
            _ => ' ',
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters that are missing in a folded text, too many, other ones or exchanged; `None` for too many
/// of them. A number that is wrong in one digit is another number.
#[must_use]
pub fn mistakes(name: &str, wanted: &str) -> Option<usize> {
    let letters = wanted.chars().count();
    if letters > MISTYPED_LETTERS_MAX || wanted.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mistakes_max = letters / LETTERS_A_MISTAKE;
    if name.chars().count().abs_diff(letters) > mistakes_max {
        return None;
    }
    let mistakes = strsim::osa_distance(name, wanted);
    (mistakes <= mistakes_max).then_some(mistakes)
}

/// Keys whose names a text may have meant, the most similar first: those that hold it, else those
/// that are mistyped by it.
#[must_use]
pub fn similar<'a>(text: &str, known: &[(&'a str, Vec<&str>)]) -> Vec<&'a str> {
    let wanted = fold(text);
    let found = |distance: &dyn Fn(&str) -> Option<usize>| {
        let best = |(key, names): &(&'a str, Vec<&str>)| {
            let names = names.iter().map(|name| fold(name));
            Some((names.filter_map(|name| distance(&name)).min()?, *key))
        };
        let mut found: Vec<_> = known.iter().filter_map(best).collect();
        found.sort_unstable();
        found
    };
    let is_part = wanted.chars().count() >= PART_LETTERS_MIN;
    let mut keys = found(&|name| (is_part && name.contains(&wanted)).then_some(0));
    if keys.is_empty() {
        keys = found(&|name| mistakes(name, &wanted));
    }
    keys.into_iter().map(|(_, key)| key).take(SIMILAR_MAX).collect()
}

/// The month that a text in another form means: `2025-7`, `7/2025`, `202507`, `31/7/2025`.
#[must_use]
pub fn month(text: &str) -> Option<Period> {
    if text.len() > MONTH_BYTES_MAX {
        return None;
    }
    let numbers = text.split(|letter: char| !letter.is_ascii_digit());
    let numbers: Vec<_> = numbers.filter(|number| !number.is_empty()).collect();
    let (year, month) = match numbers[..] {
        [year, month] | [year, month, _] if year.len() == 4 => (year, month),
        [month, year] | [_, month, year] if year.len() == 4 => (year, month),
        [both] if both.len() == 6 => both.split_at(4),
        _ => return None,
    };
    format!("{year}-{month:0>2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_in_another_form_is_understood() {
        for text in [
            "2025-7",
            "7/2025",
            "07/2025",
            "2025/07",
            "202507",
            "2025.7",
            "tháng 7/2025",
            "31/7/2025",
            "2025-07-31",
        ] {
            assert_eq!(
                month(text).map(|found| found.to_string()).as_deref(),
                Some("2025-07"),
                "{text}"
            );
        }
        for text in ["2025-13", "13/2025", "2025-0", "25-7", "7", "july", "2025-7-1-1", "1999-7"] {
            assert_eq!(month(text), None, "{text}");
        }
    }

    #[test]
    fn similar_names_are_found_by_part_and_by_mistake() {
        let known = [
            ("green_coverage", vec!["green_coverage", "Tỷ lệ phủ xanh"]),
            ("online_rate", vec!["online_rate", "Tỷ lệ trực tuyến"]),
            ("on_time_rate", vec!["on_time_rate", "Tỷ lệ đúng hạn"]),
        ];
        for (text, expected) in [
            ("green_coverge", &["green_coverage"][..]),
            ("ontime_rate", &["on_time_rate", "online_rate"]),
            ("ty le phu xanh", &["green_coverage"]),
            ("rate", &["on_time_rate", "online_rate"]),
            ("happiness", &[]),
            ("on", &[]),
        ] {
            assert_eq!(similar(text, &known), expected, "{text}");
        }
    }
}
