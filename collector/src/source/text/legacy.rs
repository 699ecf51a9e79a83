//! Recognises older Vietnamese encodings by the words for yes and no, to name them in a refusal.
//! Nothing is decoded: the same bytes are other letters in each of them.

/// An encoding that a row seems to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legacy {
    Windows1258,
    Tcvn3,
    Vni,
}

impl Legacy {
    /// Its name, as editors list it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Windows1258 => "Windows-1258",
            Self::Tcvn3 => "TCVN3 (ABC)",
            Self::Vni => "VNI",
        }
    }

    /// The encoding in which bytes that are not UTF-8 have the word for yes or no.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let lower: Vec<_> = bytes.iter().map(|byte| fold(*byte)).collect();
        let has = |words: &[&[u8]]| {
            words.iter().any(|word| lower.windows(word.len()).any(|window| window == *word))
        };
        let found = [
            (Self::Windows1258, has(&[b"co\xec", b"c\xf3", b"kh\xf4ng"])),
            (Self::Tcvn3, has(&[b"c\xe3", b"kh\xabng"])),
            (Self::Vni, has(&[b"co\xf9", b"kho\xe2ng"])),
        ];
        found.into_iter().find(|(_, is_there)| *is_there).map(|(encoding, _)| encoding)
    }

    /// The encoding whose bytes somebody has turned into UTF-8 as if they were Western European.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let bytes: Option<Vec<_>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let bytes = bytes.filter(|bytes| !bytes.is_ascii())?;
        Self::of_bytes(&bytes).filter(|encoding| match encoding {
            // There the words for yes and no look as they should, or are near enough to be told.
            Self::Windows1258 => false,
            Self::Tcvn3 | Self::Vni => true,
        })
    }
}

/// Lower case where upper case letters are 32 below: ASCII and the accented letters.
const fn fold(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | 0xc0..=0xde => byte + 32,
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_the_words_for_yes_and_no() {
        let cases: [(&[u8], _); 6] = [
            (b"01273,co\xec", Some(Legacy::Windows1258)),
            (b"KH\xd4NG", Some(Legacy::Windows1258)),
            (b"c\xe3;1", Some(Legacy::Tcvn3)),
            (b"kho\xe2ng", Some(Legacy::Vni)),
            (b"Co\xd9", Some(Legacy::Vni)),
            (b"\xff\xfe", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Legacy::of_bytes(bytes), expected, "{bytes:?}");
        }
        assert_eq!(Legacy::of_text("coÙ"), Some(Legacy::Vni));
        assert_eq!(Legacy::of_text("khoÂng"), Some(Legacy::Vni));
        assert_eq!(Legacy::of_text("kh«ng"), Some(Legacy::Tcvn3));
        assert_eq!(Legacy::of_text("có"), None);
        assert_eq!(Legacy::of_text("maybe"), None);
    }
}
