//! Showing text so that nothing in it stays unseen.

/// Longest text that is shown of a cell, in characters.
const SHOWN_CHARS_MAX: usize = 60;
/// Characters that are named in one explanation.
const NAMED_MAX: usize = 5;

/// A cell's text between quotes: short, and with the code points of characters that cannot be
/// seen, or that look like others.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let start = chars.by_ref().take(SHOWN_CHARS_MAX);
    let start: String = start.map(|c| if is_odd(c) { code_point(c) } else { c.into() }).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("\"{start}{rest}\"")
}

/// The odd characters of a text, each once; empty where there are none.
#[must_use]
pub fn odd(text: &str) -> String {
    let mut named = Vec::new();
    for c in text.chars().filter(|c| is_odd(*c)) {
        if !named.contains(&c) {
            named.push(c);
        }
    }
    let more = if named.len() > NAMED_MAX { ", …" } else { "" };
    let listed: Vec<_> = named.into_iter().take(NAMED_MAX).map(name).collect();
    listed.join(", ") + more
}

fn code_point(c: char) -> String {
    format!("[U+{:04X}]", u32::from(c))
}

fn name(c: char) -> String {
    let known = match c {
        '\0' => " (NUL)",
        '\t' => " (TAB)",
        '\n' => " (LINE FEED)",
        '\u{a0}' => " (NO-BREAK SPACE)",
        '\u{202f}' => " (NARROW NO-BREAK SPACE)",
        '\u{200b}' => " (ZERO WIDTH SPACE)",
        '\u{feff}' => " (BYTE ORDER MARK)",
        '\u{fffd}' => " (REPLACEMENT CHARACTER)",
        '\u{ff01}'..='\u{ff5e}' => " (FULLWIDTH)",
        _ => "",
    };
    format!("U+{:04X}{known}", u32::from(c))
}

/// True if a character cannot be seen, or looks like one that is expected.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{a0}'
                | '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{2000}'..='\u{2012}'
                | '\u{2018}'..='\u{201f}'
                | '\u{2028}'..='\u{202f}'
                | '\u{205f}'..='\u{206f}'
                | '\u{2212}'
                | '\u{3000}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ff01}'..='\u{ffee}'
                | '\u{fffc}'..='\u{fffd}'
                | '\u{e000}'..='\u{f8ff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_can_be_seen() {
        assert_eq!(shown("a\tb\u{1b}[1m"), "\"a[U+0009]b[U+001B][1m\"");
        assert_eq!(shown("41\u{200b}2"), "\"41[U+200B]2\"");
        assert_eq!(shown(&"ệ".repeat(60)), format!("\"{}\"", "ệ".repeat(60)));
        assert_eq!(shown(&"ệ".repeat(61)), format!("\"{}…\"", "ệ".repeat(60)));
        assert_eq!(shown("Nùng Trí Cao – 412"), "\"Nùng Trí Cao – 412\"");
    }

    #[test]
    fn odd_characters_are_named_once_each() {
        assert_eq!(odd("412"), "");
        assert_eq!(odd("\u{200b}4\u{200b}１"), "U+200B (ZERO WIDTH SPACE), U+FF11 (FULLWIDTH)");
        assert_eq!(odd("“01304”"), "U+201C, U+201D");
        assert!(odd("\0\u{1}\u{2}\u{3}\u{4}\u{5}").ends_with("U+0004, …"));
    }
}
