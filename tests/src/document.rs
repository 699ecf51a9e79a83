//! Commands and their answers as a document shows them, and what of an answer no two runs share.
//!
//! An answer stands in a fence of its own, behind the command that it answers:
//!
//! ````text
//! ```console
//! $ phuxanh lowest --level commune --within "lai chau"
//! …
//! ```
//! ````

use std::fmt;

use anyhow::Context;

const OPENING: &str = "```console\n$ phuxanh ";
const CLOSING: &str = "```\n";

/// The sample and its deadlines lie before this day, and all that is known of a run behind it.
const RUN_BEGINS: &str = "2026-01-01";

/// Heads a column of a table, and is wider than what stands below it.
const SIZE: &str = "Spool bytes";

/// A document: equal to its text when displayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub shown: Vec<Shown>,
    /// Text behind the last of them.
    rest: String,
}

/// A command with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Text before it.
    prose: String,
    /// Behind `phuxanh`.
    pub command: String,
    /// Whole lines.
    pub answer: String,
}

impl Document {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let (mut shown, mut rest) = (Vec::new(), text);
        while let Some((prose, behind)) = rest.split_once(OPENING) {
            let (command, behind) = behind.split_once('\n').context("a command ends its line")?;
            let (answer, behind) = behind
                .split_once(CLOSING)
                .with_context(|| format!("the answer to {command} is open"))?;
            let [prose, command, answer] = [prose, command, answer].map(str::to_owned);
            shown.push(Shown { prose, command, answer });
            rest = behind;
        }
        Ok(Self { shown, rest: rest.to_owned() })
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Shown { prose, command, answer } in &self.shown {
            write!(f, "{prose}{OPENING}{command}\n{answer}{CLOSING}")?;
        }
        f.write_str(&self.rest)
    }
}

impl Shown {
    /// The arguments of the command; double quotes hold a name together.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        let parts = self.command.split('"').enumerate();
        parts.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect::<Vec<_>>(),
            _ => vec![part],
        })
    }
}

/// The text with all put out that differs from run to run: times of the run itself, ids of logs, of
/// replicas and of views, an address, clocks held against each other, and how large files are.
/// Everything else stays, to the space.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut size_begins = None;
    let lines = text.split('\n').map(|line| {
        if line.is_empty() {
            size_begins = None;
        } else if let Some((before, _)) = line.split_once(SIZE) {
            size_begins = Some(before.chars().count());
        }
        let sizes = size_begins.map_or(0..0, |begin| begin..begin + SIZE.len());
        let chars = masked_words(line);
        let chars = (0..).zip(chars.chars());
        chars.map(|(at, it)| if sizes.contains(&at) { 'x' } else { it }).collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn masked_words(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let masked = (0..words.len()).map(|at| {
        let before = at.checked_sub(1).map(word).unwrap_or_default();
        if varies(before, word(at), word(at + 1)) || at == 0 && is_id(word(at), 8) {
            word(at).replace(char::is_alphanumeric, "x")
        } else {
            word(at).to_owned()
        }
    });
    masked.collect::<Vec<_>>().join(" ")
}

fn varies(before: &str, word: &str, behind: &str) -> bool {
    is_of_run(word)
        || has_shape(word, "00:00") && (is_of_run(before) || is_vietnamese_of_run(behind))
        || is_vietnamese_of_run(word)
        || is_id(word, 16)
        || word.starts_with("127.0.0.1:")
        || behind == "s" && word.starts_with(['+', '-'])
}

fn is_id(word: &str, length: usize) -> bool {
    word.len() == length && word.bytes().all(|it| it.is_ascii_hexdigit())
}

fn is_of_run(word: &str) -> bool {
    has_shape(word, "0000-00-00") && word >= RUN_BEGINS
}

/// The same day as Vietnamese write it, behind the time of day.
fn is_vietnamese_of_run(word: &str) -> bool {
    let parts: Vec<_> = word.split('/').rev().collect();
    has_shape(word, "00/00/0000") && is_of_run(&parts.join("-"))
}

fn has_shape(word: &str, shape: &str) -> bool {
    word.replace(|it: char| it.is_ascii_digit(), "0") == shape
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n\n```console\n$ phuxanh standing \"Đà Nẵng\" --neighbours 1\n\
                        rank 5\n```\nand\n```console\n$ phuxanh mesh\n```\nthe end\n";

    #[test]
    fn a_document_is_displayed_as_it_was_parsed() {
        let document = Document::parse(TEXT).expect("it is whole");
        let shown: Vec<_> =
            document.shown.iter().map(|one| (&*one.command, &*one.answer)).collect();
        assert_eq!(shown, [("standing \"Đà Nẵng\" --neighbours 1", "rank 5\n"), ("mesh", "")]);
        let arguments: Vec<_> = document.shown[0].arguments().collect();
        assert_eq!(arguments, ["standing", "Đà Nẵng", "--neighbours", "1"]);
        assert_eq!(document.to_string(), TEXT);
    }

    #[test]
    fn an_answer_without_an_end_is_named() {
        let error = Document::parse("```console\n$ phuxanh gap\nHà Nội").expect_err("no end");
        assert_eq!(error.to_string(), "the answer to gap is open");
    }

    #[test]
    fn what_varies_is_masked_and_nothing_else() {
        for (text, expected) in [
            (
                "2025-07-31 16:00  2026-11-25 20:11  16:00",
                "2025-07-31 16:00  xxxx-xx-xx xx:xx  16:00",
            ),
            (
                "16:00 31/07/2025  20:11 25/11/2026  16:00",
                "16:00 31/07/2025  xx:xx xx/xx/xxxx  16:00",
            ),
            ("7ab9b4bb  yes  467d52ee", "xxxxxxxx  yes  467d52ee"),
            ("127.0.0.1:7431  f354258a72d84e22", "xxx.x.x.x:xxxx  xxxxxxxxxxxxxxxx"),
            ("+0.001 s\n+0,001 s\n+1.65 pp", "+x.xxx s\n+x,xxx s\n+1.65 pp"),
            (
                "Spool bytes  A\nHà  561,152  7\n\n12,345",
                "xxxxxxxxxxx  A\nxxxxxxxxxxx  7\n\n12,345",
            ),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
