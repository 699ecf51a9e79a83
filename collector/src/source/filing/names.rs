//! Names of files and reports in a tray, none longer than a file system takes.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use sha2::{Digest, Sha256};

/// Longest name of a file, in bytes, on the usual file systems.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// Bytes of a hash that tells shortened names apart, and the mark before it.
const HASH_BYTES: usize = 4;
const HASH_CHARS: usize = 2 * HASH_BYTES + 1;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The name itself for 1, else with the number before the extension.
pub(super) fn numbered(name: &OsStr, number: u64, bytes_max: usize) -> OsString {
    let bytes = name.as_bytes();
    if number == 1 {
        return name.to_owned();
    }
    let (stem, extension) = match bytes.iter().rposition(|byte| *byte == b'.') {
        Some(at) => bytes.split_at(at),
        None => (bytes, &[][..]),
    };
    let suffix = [format!("-{number}").as_bytes(), extension].concat();
    with_suffix(stem, &suffix, name, bytes_max)
}

/// The name of a report on a file. Where it would be too long, the file's name in it is shortened.
pub(super) fn report_name(name: &OsStr, number: u64, ending: &str, bytes_max: usize) -> OsString {
    let suffix = match number {
        1 => format!(".report.{ending}"),
        number => format!(".report-{number}.{ending}"),
    };
    with_suffix(name.as_bytes(), suffix.as_bytes(), name, bytes_max)
}

fn with_suffix(stem: &[u8], suffix: &[u8], name: &OsStr, bytes_max: usize) -> OsString {
    if stem.len() + suffix.len() <= bytes_max {
        return OsString::from_vec([stem, suffix].concat());
    }
    let hash = Sha256::digest(name.as_bytes());
    let hash = hex(&hash[..HASH_BYTES]);
    let mut end = bytes_max.saturating_sub(suffix.len() + HASH_CHARS).min(stem.len());
    // Not within a character.
    while end > 0 && stem[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    OsString::from_vec([&stem[..end], b"~", hash.as_bytes(), suffix].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: OsString) -> String {
        name.into_string().expect("UTF-8")
    }

    #[test]
    fn numbers_stand_before_the_extension() {
        let numbered = |name: &str, number| text(numbered(OsStr::new(name), number, 255));
        assert_eq!(numbered("a.b.csv", 1), "a.b.csv");
        assert_eq!(numbered("a.b.csv", 2), "a.b-2.csv");
        assert_eq!(numbered("a", 3), "a-3");
    }

    #[test]
    fn long_names_are_shortened_between_characters_and_stay_different() {
        for length in 120..=126 {
            let name = |last: &str| format!("{}{last}.csv", "ệ".repeat(length / 3));
            let shortened = |name: &str| text(report_name(OsStr::new(name), 1, "txt", 128));
            let (one, other) = (shortened(&name("a")), shortened(&name("b")));
            assert!(one.len() <= 128 && one.ends_with(".report.txt"), "{one}");
            assert_ne!(one, other);
        }
        let long = OsString::from(format!("{}.csv", "x".repeat(251)));
        let numbered = numbered(&long, 12, 255);
        assert_eq!(numbered.len(), 255);
        assert!(text(numbered).ends_with("-12.csv"));
        let bytes = OsStr::from_bytes(b"b\xe1o.csv");
        assert_eq!(report_name(bytes, 2, "csv", 255).as_bytes(), b"b\xe1o.csv.report-2.csv");
    }
}
