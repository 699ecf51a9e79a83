//! Cutting a line into fields.

use std::{iter::Peekable, str::Chars};

const SEPARATORS: [char; 2] = [',', ';'];

/// A field that opens with a quotation mark and does not end with one on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenQuotes;

/// The separator that a header uses: the one it holds more of outside of quotation marks.
pub(super) fn separator(header: &str) -> char {
    let mut quoted = false;
    let mut counts = [0_usize; 2];
    for c in header.chars() {
        quoted ^= c == '"';
        for (separator, count) in SEPARATORS.iter().zip(&mut counts) {
            *count += usize::from(!quoted && c == *separator);
        }
    }
    if counts[1] > counts[0] { SEPARATORS[1] } else { SEPARATORS[0] }
}

/// The trimmed fields of a line. A field may stand between quotation marks, and a doubled one in
/// it stands for one; no field spans lines, so that a stray mark costs its line and no other.
pub(super) fn split(line: &str, separator: char) -> Result<Vec<String>, BrokenQuotes> {
    let mut fields = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let field = if chars.next_if_eq(&'"').is_some() {
            quoted(&mut chars, separator)?
        } else {
            until(&mut chars, separator)
        };
        fields.push(field.trim().to_owned());
        if chars.next().is_none() {
            return Ok(fields);
        }
    }
}

fn until(chars: &mut Peekable<Chars<'_>>, separator: char) -> String {
    std::iter::from_fn(|| chars.next_if(|c| *c != separator)).collect()
}

fn quoted(chars: &mut Peekable<Chars<'_>>, separator: char) -> Result<String, BrokenQuotes> {
    let mut field = String::new();
    loop {
        match chars.next().ok_or(BrokenQuotes)? {
            '"' if chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if until(chars, separator).trim().is_empty() => return Ok(field),
            '"' => return Err(BrokenQuotes),
            c => field.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_and_trimmed() {
        let cases: [(&str, &[&str]); 7] = [
            ("a,b,c", &["a", "b", "c"]),
            ("a, b ,", &["a", "b", ""]),
            ("", &[""]),
            (",,", &["", "", ""]),
            (r#""a,b", "c""d" ,e"#, &["a,b", "c\"d", "e"]),
            (r#""",x"#, &["", "x"]),
            (r#"a"b,c"#, &["a\"b", "c"]),
        ];
        for (line, fields) in cases {
            assert_eq!(split(line, ',').expect(line), fields, "{line}");
        }
    }

    #[test]
    fn quotation_marks_must_close_at_the_end_of_the_field() {
        for line in ["\"a", "a,\"b", "\"a\"b,c", "\"\"\""] {
            assert_eq!(split(line, ','), Err(BrokenQuotes), "{line}");
        }
    }

    #[test]
    fn the_header_tells_the_separator() {
        assert_eq!(separator("locality,period,observed_time"), ',');
        assert_eq!(separator("locality;period;observed_time"), ';');
        assert_eq!(separator(r#"locality;"a,b,c";period"#), ';');
        assert_eq!(separator("locality"), ',');
    }
}
