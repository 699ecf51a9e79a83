//! Files of an inbox.

use std::{
    io::{self, Read},
    sync::atomic::AtomicBool,
};

use phuxanh_collector::source::contents::{self, Contents};

use crate::deformation::verdict::{facts, limits, now};

/// Reads the bytes as a file. The values that are taken stand in it, and the centre would take them;
/// pieces of any length give the same.
pub(super) fn run(bytes: &[u8]) {
    let contents = read(bytes);
    let facts = facts();
    let observations: Vec<_> =
        contents.lines.iter().map(|line| line.good.observation.clone()).collect();
    assert_eq!(facts.rules(now()).refusals(&observations.iter().cloned().collect()), []);
    let line_count = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    for line in &contents.lines {
        assert!((2..=line_count as u64).contains(&line.number), "line {}", line.number);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        for value in observations.iter().filter_map(|it| it.value).filter(|value| *value > 1) {
            assert!(digits.contains(&value.to_string()), "{value} is not in the file");
        }
    }
    let pieces = read(Pieces(bytes));
    assert_eq!((pieces.digest, pieces.row_count), (contents.digest, contents.row_count));
    assert_eq!(pieces.lines, contents.lines);
    assert_eq!(pieces.entries.refused_count(), contents.entries.refused_count());
}

fn read(file: impl Read) -> Contents {
    let stop = AtomicBool::new(false);
    contents::read(file, &facts(), &limits(), now(), &stop).expect("bytes in memory can be read")
}

/// Yields its bytes in pieces of three.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = 3.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}
