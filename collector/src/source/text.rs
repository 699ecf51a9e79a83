//! The text of a file: UTF-8 with LF as its line ends, and the digest of the bytes that it was
//! read from.
//!
//! UTF-8 and UTF-16 are read, with a byte order mark or several. UTF-16 without one is read where
//! the first bytes leave no doubt. Other encodings are never decoded by guess: their bytes are left
//! as they are, so that the rows that hold them are refused ([`legacy`] names them).

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};

pub mod legacy;

/// SHA-256 of the bytes of a file.
pub type Hash = [u8; 32];

/// A file that holds no table, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Gzip,
    /// A zip archive, as new workbooks of Excel and LibreOffice are.
    Zip,
    /// A workbook of Excel before 2007.
    OldExcel,
    Pdf,
    Utf32,
}

const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Bytes by which UTF-16 without a mark is recognised, and zeros that they must hold.
const SAMPLE_BYTES: usize = 64;
const ZEROS_MIN: usize = 8;

/// Reads a file as text.
pub struct Text<R> {
    inner: R,
    hasher: Sha256,
    /// None for UTF-8.
    utf16: Option<Decoder>,
    /// Bytes that were read and not decoded yet.
    raw: Vec<u8>,
    /// Text that was decoded and not handed out yet.
    ready: Vec<u8>,
    handed_out: usize,
    has_ended: bool,
    is_at_start: bool,
    /// True if the text ended with a CR, whose LF may follow.
    after_cr: bool,
}

impl<R: Read> Text<R> {
    /// Reads the first bytes, and tells by them what the file is.
    pub fn open(inner: R) -> io::Result<(Self, Option<Binary>)> {
        let mut text = Self {
            inner,
            hasher: Sha256::new(),
            utf16: None,
            raw: Vec::new(),
            ready: Vec::new(),
            handed_out: 0,
            has_ended: false,
            is_at_start: true,
            after_cr: false,
        };
        while text.raw.len() < SAMPLE_BYTES && !text.has_ended {
            text.read_more()?;
        }
        let binary = binary(&text.raw);
        text.utf16 = utf16(&text.raw);
        Ok((text, binary))
    }

    /// Reads what is left; the digest of all bytes.
    pub fn finish(mut self) -> io::Result<Hash> {
        while !self.has_ended {
            self.raw.clear();
            self.read_more()?;
        }
        Ok(self.hasher.finalize().into())
    }

    fn read_more(&mut self) -> io::Result<()> {
        let start = self.raw.len();
        self.raw.resize(start + BUFFER_BYTES, 0);
        let read = loop {
            match self.inner.read(&mut self.raw[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.raw.truncate(start + *read.as_ref().unwrap_or(&0));
        self.has_ended = read? == 0;
        self.hasher.update(&self.raw[start..]);
        Ok(())
    }

    /// Decodes what was read, and reads more where there is nothing.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.handed_out = 0;
        while self.ready.is_empty() {
            if self.raw.is_empty() && !self.has_ended {
                self.read_more()?;
            }
            let is_last = self.has_ended;
            self.decode(is_last);
            self.strip_marks(is_last);
            normalise_line_ends(&mut self.ready, &mut self.after_cr);
            if is_last && self.raw.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn decode(&mut self, is_last: bool) {
        let Some(decoder) = &mut self.utf16 else {
            self.ready.append(&mut self.raw);
            return;
        };
        let room = decoder.max_utf8_buffer_length(self.raw.len()).expect("a buffer's length");
        let start = self.ready.len();
        self.ready.resize(start + room, 0);
        let (result, used, written, _) =
            decoder.decode_to_utf8(&self.raw, &mut self.ready[start..], is_last);
        debug_assert_eq!((result, used), (CoderResult::InputEmpty, self.raw.len()));
        self.ready.truncate(start + written);
        self.raw.clear();
        if is_last {
            self.utf16 = None;
        }
    }

    /// Drops byte order marks at the start, however many there are.
    fn strip_marks(&mut self, is_last: bool) {
        if !self.is_at_start {
            return;
        }
        while self.ready.starts_with(BYTE_ORDER_MARK) {
            self.ready.drain(..BYTE_ORDER_MARK.len());
        }
        // A mark may be cut by the end of what was read.
        if !is_last && BYTE_ORDER_MARK.starts_with(&self.ready) {
            self.raw = std::mem::take(&mut self.ready);
            return;
        }
        self.is_at_start = false;
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed_out == self.ready.len() {
            self.fill()?;
        }
        let rest = &self.ready[self.handed_out..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.handed_out += length;
        Ok(length)
    }
}

/// Turns CRLF and CR into LF. `after_cr` carries a CR at the end of one text over to the next.
fn normalise_line_ends(text: &mut Vec<u8>, after_cr: &mut bool) {
    let mut kept = 0;
    for at in 0..text.len() {
        let byte = text[at];
        let is_second_half = byte == b'\n' && *after_cr;
        *after_cr = byte == b'\r';
        if !is_second_half {
            text[kept] = if byte == b'\r' { b'\n' } else { byte };
            kept += 1;
        }
    }
    text.truncate(kept);
}

fn binary(start: &[u8]) -> Option<Binary> {
    let kinds: [(&[u8], Binary); 6] = [
        (b"\x1f\x8b", Binary::Gzip),
        (b"PK\x03\x04", Binary::Zip),
        (b"\xd0\xcf\x11\xe0", Binary::OldExcel),
        (b"%PDF", Binary::Pdf),
        (b"\xff\xfe\0\0", Binary::Utf32),
        (b"\0\0\xfe\xff", Binary::Utf32),
    ];
    kinds.into_iter().find(|(signature, _)| start.starts_with(signature)).map(|(_, kind)| kind)
}

fn utf16(start: &[u8]) -> Option<Decoder> {
    let encoding = match start {
        [0xff, 0xfe, ..] => UTF_16LE,
        [0xfe, 0xff, ..] => UTF_16BE,
        _ => {
            // Text holds no zero bytes in UTF-8. In UTF-16 most letters have one, all on one side.
            let pairs = start[..start.len().min(SAMPLE_BYTES)].as_chunks::<2>().0;
            let zeros = |side: usize| pairs.iter().filter(|pair| pair[side] == 0).count();
            match (zeros(0), zeros(1)) {
                (0, ZEROS_MIN..) => UTF_16LE,
                (ZEROS_MIN.., 0) => UTF_16BE,
                _ => return None,
            }
        }
    };
    Some(encoding.new_decoder_without_bom_handling())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Yields at most so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Option<Binary>) {
        let (mut text, binary) = Text::open(Slow(bytes, step)).expect("no error");
        let mut all = Vec::new();
        text.read_to_end(&mut all).expect("no error");
        let digest: Hash = Sha256::digest(bytes).into();
        assert_eq!(text.finish().expect("no error"), digest);
        (all, binary)
    }

    fn encode(text: &str, is_little: bool) -> Vec<u8> {
        let unit = |unit: u16| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    }

    proptest! {
        #[test]
        fn every_encoding_reads_as_the_same_text(
            tail in "[a-zàệ,;\\r\\n]{0,40}", marks in 0..3_usize, step in 1..9_usize,
        ) {
            let body = format!("locality,period\n{tail}");
            let text = "\u{feff}".repeat(marks) + &body;
            let expected = body.replace("\r\n", "\n").replace('\r', "\n").into_bytes();
            for bytes in [text.clone().into_bytes(), encode(&text, true), encode(&text, false)] {
                prop_assert_eq!(read(&bytes, step), (expected.clone(), None));
            }
        }
    }

    #[test]
    fn other_bytes_stay_as_they_are() {
        for bytes in [
            b"co\xec,1\n".as_slice(),
            b"",
            b"a",
            b"\xef\xbb",
            b"a\0b\0",
            b"4\x0012\n\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(read(bytes, 1).0, bytes);
        }
    }

    #[test]
    fn files_that_are_no_text_are_told_by_their_first_bytes() {
        assert_eq!(read(b"\x1f\x8b\x08\0", 9).1, Some(Binary::Gzip));
        assert_eq!(read(b"PK\x03\x04\0", 1).1, Some(Binary::Zip));
        assert_eq!(read(b"\xff\xfe\0\0l\0\0\0", 1).1, Some(Binary::Utf32));
    }
}
