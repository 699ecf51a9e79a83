//! Choice of the character that separates the cells of a file, by its first lines.

use super::table::{SEPARATORS, separator_of_names};

/// Lines above the header that are looked through for it.
pub const HEADER_LINE_MAX: usize = 20;

/// The separator of a text: the one that a line `sep=` names, else the one that cuts a line into
/// names of columns, else the one that the first line holds most of outside of quotation marks.
#[must_use]
pub fn separator(start: &str) -> char {
    let mut lines = start.lines().filter(|line| !line.trim().is_empty()).take(HEADER_LINE_MAX);
    let first = lines.clone().next().unwrap_or_default();
    if let Some(named) = named(first) {
        return named;
    }
    if let Some(separator) = lines.find_map(separator_of_names) {
        return separator;
    }
    let mut is_quoted = false;
    let mut counts = [0_usize; SEPARATORS.len()];
    for c in first.chars() {
        is_quoted ^= c == '"';
        for (separator, count) in SEPARATORS.iter().zip(&mut counts) {
            *count += usize::from(!is_quoted && c == *separator);
        }
    }
    // The first of those that are equal.
    let most = counts.iter().max().copied().unwrap_or(0);
    let at = counts.iter().position(|count| *count == most).unwrap_or(0);
    SEPARATORS[at]
}

/// True if a line only names the separator. Spreadsheets hide it.
#[must_use]
pub fn is_sep_line(line: &str) -> bool {
    line.trim().trim_matches('"').to_lowercase().starts_with("sep=")
}

fn named(line: &str) -> Option<char> {
    if !is_sep_line(line) {
        return None;
    }
    let (_, named) = line.split_once('=')?;
    SEPARATORS.into_iter().find(|separator| named.starts_with(*separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_the_separator() {
        let cases = [
            ("locality,period,observed_time\n1;2;3;4;5", ','),
            ("locality;period;observed_time", ';'),
            ("locality\tperiod", '\t'),
            (r#"locality;"a,b,c";period"#, ';'),
            ("Locality: 01, Hà Nội\n\"locality\";\"period\"", ';'),
            (r#"x;"a,b,c";y"#, ';'),
            ("BÁO CÁO, THÁNG 7, 2025\n\nLocality;period;value", ';'),
            ("sep=;\nlocality,period", ';'),
            ("SEP=,\nlocality;period", ','),
            ("sep=|\nlocality;period", ';'),
            ("", ','),
        ];
        for (text, expected) in cases {
            assert_eq!(separator(text), expected, "{text}");
        }
    }
}
