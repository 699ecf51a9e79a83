//! A file's lines, one at a time, and the digest of its bytes. Holds one line and one buffer,
//! however large the file is.

use std::io;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

const BUFFER_BYTES: usize = 64 * 1024;

/// SHA-256 of the bytes of a file.
pub type Hash = [u8; 32];

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Text(&'a str),
    /// It is not UTF-8: what can be shown of it.
    NotText(String),
    /// Its beginning, as far as it can be shown.
    TooLong(String),
}

/// Cuts what a reader yields into lines that end with LF or CRLF.
pub struct Lines<R> {
    reader: BufReader<R>,
    hasher: Sha256,
    bytes_max: usize,
    /// Number of the line read last; the first is 1.
    number: u64,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `bytes_max` bounds a line, its end not counted.
    pub fn new(reader: R, bytes_max: usize) -> Self {
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        Self { reader, hasher: Sha256::new(), bytes_max, number: 0, line: Vec::new() }
    }

    /// The next line with its number; `None` at the end.
    pub async fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        if !self.fill().await? {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        let lossy = || String::from_utf8_lossy(&self.line).into_owned();
        let line = if self.line.len() > self.bytes_max {
            Line::TooLong(lossy())
        } else {
            str::from_utf8(&self.line).map_or_else(|_| Line::NotText(lossy()), Line::Text)
        };
        Ok(Some((self.number, line)))
    }

    /// Digest of all bytes, once there are no more lines.
    pub fn digest(self) -> Hash {
        self.hasher.finalize().into()
    }

    /// Keeps the beginning of the next line, up to its bound and a carriage return; false at the
    /// end of the file.
    async fn fill(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut is_any = false;
        loop {
            let bytes = self.reader.fill_buf().await?;
            if bytes.is_empty() {
                return Ok(is_any);
            }
            is_any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let text = &bytes[..end.unwrap_or(bytes.len())];
            let room = (self.bytes_max + 2).saturating_sub(self.line.len());
            self.line.extend(text.iter().take(room));
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.hasher.update(&bytes[..used]);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// Digest of all bytes that a reader yields.
pub async fn digest(mut reader: impl AsyncRead + Unpin) -> io::Result<Hash> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer).await? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8], bytes_max: usize) -> Vec<String> {
        let mut lines = Lines::new(bytes, bytes_max);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().await.expect("no error") {
            assert_eq!(number, found.len() as u64 + 1);
            found.push(match line {
                Line::Text(text) => text.to_owned(),
                Line::NotText(text) => format!("not text: {text}"),
                Line::TooLong(text) => format!("too long: {text}"),
            });
        }
        assert_eq!(lines.digest(), digest(bytes).await.expect("no error"));
        found
    }

    #[tokio::test]
    async fn lines_end_with_either_end_or_the_file() {
        assert_eq!(lines(b"a\r\nb\n\nc", 9).await, ["a", "b", "", "c"]);
        assert_eq!(lines(b"a\n", 9).await, ["a"]);
        assert!(lines(b"", 9).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_beyond_the_bound_is_told_and_the_next_one_read() {
        assert_eq!(
            lines(b"1234\r\n12345\n12345\r\n1", 4).await,
            ["1234", "too long: 12345", "too long: 12345", "1"]
        );
        let mut long = vec![b'x'; 3 * BUFFER_BYTES];
        long.extend(b"\nend");
        assert_eq!(lines(&long, 4).await, ["too long: xxxxxx", "end"]);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_cost_their_line() {
        assert_eq!(lines(b"a\nb\xff\nc\n", 9).await, ["a", "not text: b\u{fffd}", "c"]);
    }
}
